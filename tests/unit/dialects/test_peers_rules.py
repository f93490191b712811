"""Where a peer's rule is the rule, and where ours goes before it; either is noted."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.dialects.recognise import is_native, passes_over_arguments
from cni_hns.dialects.wanted import read_wanted

from .configurations import BRIDGE, changed, faults_of, plan_of
from .test_foreign import NAT, ROUTE, SDNBRIDGE, SDNBRIDGE_DUAL, SDNOVERLAY, WIN_BRIDGE, WIN_OVERLAY

PLAIN_BRIDGE = changed(SDNBRIDGE, optionalFlags={}, AdditionalArgs=[])
NAT_POLICY = {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"]}}


def noted(plan: AttachmentPlan, words: str) -> bool:
    return any(words in remark for remark in plan.remarks)


def entry(value: object, name: object = "EndpointPolicy") -> dict[str, Any]:
    return {"name": name, "value": value}


class TestGatewaysOfWcn:
    """With an IPAM plugin the gateway that it answers; without one the first `gw` of `ipam.routes`."""

    @pytest.mark.parametrize(
        ("changes", "gateways"),
        [
            pytest.param({"ipam__gateway": "10.70.1.9"}, ["10.70.1.9"], id="the range's own"),
            pytest.param({"ipam__routes": []}, ["10.70.1.1"], id="host-local's default"),
            pytest.param({"ipam__gateway": "10.9.0.1"}, ["10.70.1.1"], id="not one outside the subnet"),
            pytest.param(
                {"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.70.1.0/24"}]]}},
                ["10.70.1.1"],
                id="of a range set",
            ),
            pytest.param({"ipam__type": ""}, ["10.70.1.2"], id="no plugin: the route's"),
            pytest.param({"ipam__type": "static"}, [], id="another plugin's, which only it knows"),
        ],
    )
    def test_where_the_gateway_comes_from(self, changes: dict[str, Any], gateways: list[str]) -> None:
        assert plan_of(PLAIN_BRIDGE, **changes).gateways == gateways

    def test_the_first_gw_counts_whatever_its_route_is_for(self) -> None:
        routes = [{"dst": "10.0.0.0/8", "gw": "10.70.1.9"}, {"dst": "0.0.0.0/0", "gw": "10.70.1.7"}]
        plan = plan_of(PLAIN_BRIDGE, ipam={"subnet": "10.70.1.0/24", "routes": routes})
        assert plan.gateways == ["10.70.1.9"]
        assert noted(plan, "the first gw is the default gateway and no other is used")

    def test_without_a_subnet_no_route_counts(self) -> None:
        plan = plan_of(NAT, ipam={"routes": [{"gw": "10.70.1.9"}]})
        assert (plan.gateways, plan.routes) == ([], [])
        assert noted(plan, "without ipam.subnet its gw is not used")

    def test_a_gateway_outside_the_subnet_is_neither_the_pods_nor_the_new_networks(self) -> None:
        ipam = {"subnet": "172.20.0.0/20", "routes": [{"gw": "172.19.208.1"}]}
        plan = plan_of(NAT, ipam=ipam)
        assert (plan.gateways, plan.routes) == ([], [])
        create = plan.network.create
        assert create is not None
        assert create["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] == "172.20.0.1"
        assert noted(plan, "gateway 172.19.208.1 is outside 172.20.0.0/20 and not used")

    def test_a_forced_bridge_gateway_needs_an_ipam_plugin(self) -> None:
        plan = plan_of(NAT, optionalFlags={"forceBridgeGateway": True})
        assert plan.gateway_rule == "network"
        assert noted(plan, "forceBridgeGateway: without ipam.type it has no effect")

    def test_a_network_is_made_for_another_ipam_plugin_too(self) -> None:
        create = plan_of(PLAIN_BRIDGE, ipam__type="azure-vnet-ipam").network.create
        assert create is not None
        assert create["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] == "10.70.1.0/24"

    def test_hns_chooses_the_macs_of_sdnoverlay(self) -> None:
        assert compile_plan(SDNOVERLAY).mac_prefix is None
        assert compile_plan(WIN_OVERLAY).mac_prefix == "0E-2B"


class TestNextHopsOfOurOwn:
    """In a configuration of ours a next hop outside the network's subnets is an error."""

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            pytest.param({"routes": [{"dst": "0.0.0.0/0", "gw": "10.9.0.1"}]}, "routes[0].gw", id="default"),
            pytest.param({"routes": [{"dst": "10.8.0.0/16", "gw": "10.9.0.1"}]}, "routes[0].gw", id="other"),
            pytest.param(
                {"ipam__routes": [{"dst": "10.8.0.0/16", "gw": "10.9.0.1"}]}, "ipam.routes[0].gw", id="ipam's"
            ),
            pytest.param(
                {"ipam__ranges": [[{"subnet": "10.0.0.0/8", "rangeStart": "10.1.0.9", "rangeEnd": "10.1.0.19",
                                    "gateway": "10.9.0.1"}]]},
                "ipam.ranges[0][0].gateway",
                id="a range's",
            ),
        ],
    )  # fmt: skip
    def test_it_is_an_error(self, changes: dict[str, Any], path: str) -> None:
        found = faults_of(changed(BRIDGE, **changes))
        assert list(found) == [path]
        assert "10.1.0.0/24" in found[path]

    def test_one_inside_is_fine(self) -> None:
        assert faults_of(changed(BRIDGE, routes=[{"dst": "10.8.0.0/16", "gw": "10.1.0.9"}])) == {}


class TestRangesWiderThanTheNetwork:
    """It is the addresses of a range that have to lie in the HCN subnet."""

    WIDE = {"subnet": "10.1.0.0/16", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.20"}  # noqa: RUF012

    def test_a_range_inside_is_accepted_whatever_its_prefix(self) -> None:
        plan = plan_of(BRIDGE, ipam__ranges=[[self.WIDE]])
        assert plan.ipam.range_sets[0][0].gateway == "10.1.0.1"

    def test_one_that_reaches_outside_is_a_fault(self) -> None:
        found = faults_of(changed(BRIDGE, ipam__ranges=[[{**self.WIDE, "rangeEnd": "10.1.1.1"}]]))
        assert "10.1.0.10-10.1.1.1 lies in none" in found["ipam.ranges[0][0].subnet"]


class TestPolicyEntries:
    """Which entries each peer passes over, and which are faults."""

    @pytest.mark.parametrize(
        ("one", "words"),
        [
            pytest.param({"name": "LogPath", "value": "C:\\x"}, 'its name is "LogPath"', id="another name"),
            pytest.param({"value": NAT_POLICY}, "it has no name", id="no name"),
            pytest.param(NAT_POLICY, "it has no name", id="a policy of ours"),
            pytest.param(entry("x"), "its value is no policy", id="a string as value"),
            pytest.param({"name": "EndpointPolicy"}, "its value is no policy", id="no value"),
            pytest.param(entry(None), "its value is no policy", id="null as value"),
            pytest.param(entry({"Type": 7}), "its value is no policy", id="a number as type"),
            pytest.param(entry(ROUTE, "NetworkPolicy"), 'its name is "NetworkPolicy"', id="of a network"),
            pytest.param(None, "it is null", id="null"),
        ],
    )
    def test_win_bridge_passes_over(self, one: object, words: str) -> None:
        plan = plan_of(WIN_BRIDGE, policies=[one, entry(ROUTE, "endpointPOLICY")])
        assert plan.policies == [ROUTE]
        assert noted(plan, f"policies[0]: passed over, as with win-bridge: {words}")

    @pytest.mark.parametrize(
        ("one", "words"),
        [
            pytest.param({"Name": "LogPath", "Value": "C:\\x"}, 'its name is "LogPath"', id="another name"),
            pytest.param({"Value": NAT_POLICY}, "it has no name", id="no name"),
            pytest.param({"Name": "AclPolicy", "Value": {}}, 'its name is "AclPolicy"', id="of no level"),
            pytest.param(entry(ROUTE, "endpointpolicy"), 'its name is "endpointpolicy"', id="letter case"),
            pytest.param(None, "it is null", id="null"),
        ],
    )
    def test_sdnbridge_passes_over(self, one: object, words: str) -> None:
        plan = plan_of(SDNBRIDGE, AdditionalArgs=[one, entry(ROUTE)])
        assert plan.policies == [ROUTE]
        assert noted(plan, f"AdditionalArgs[0]: passed over, as with sdnbridge: {words}")

    @pytest.mark.parametrize("value", ["x", 7, None, []])
    def test_a_value_on_which_sdnbridge_ends_with_a_panic_is_a_fault(self, value: object) -> None:
        assert list(faults_of(changed(SDNBRIDGE, AdditionalArgs=[entry(value)]))) == [
            "AdditionalArgs[0].value"
        ]

    @pytest.mark.parametrize(
        ("config", "key"),
        [(WIN_BRIDGE, "AdditionalArgs"), (WIN_OVERLAY, "AdditionalArgs"), (SDNBRIDGE, "policies")],
        ids=["win-bridge", "win-overlay", "sdnbridge"],
    )
    def test_another_peers_list_is_not_read(self, config: dict[str, Any], key: str) -> None:
        plan = plan_of(config, **{key: [entry(ROUTE)]}, **({"policies": []} if key != "policies" else {}))
        assert ROUTE not in plan.policies
        assert noted(plan, f"{key}: not read, as with")

    def test_a_file_from_before_the_families_parted_is_read_as_a_whole(self) -> None:
        config = {"name": "l2bridge", "type": "wincni.exe", "AdditionalArgs": [entry(NAT_POLICY)]}
        assert plan_of({**config, "ipam": {}, "policies": [entry(ROUTE)]}).policies == [ROUTE]

    def test_flat_settings_are_kept_and_said(self) -> None:
        flat = {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]}
        plan = plan_of(WIN_BRIDGE, policies=[entry(flat)])
        assert "10.96.0.0/12" in (plan.nat_exceptions or [])
        assert noted(plan, "policies[0]: spelt as for HNS V1, of which win-bridge sends HNS no setting")

    def test_the_same_policy_twice_is_sent_once(self) -> None:
        address = {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}}
        plan = plan_of(WIN_OVERLAY, policies=[entry(address), entry(address)])
        assert plan.policies == [address]
        assert noted(plan, "policies[1]: the same policy once more")


class TestNetworkTypes:
    """The HCN types that a network may have are those that the peer takes."""

    @pytest.mark.parametrize(
        ("config", "accepts"),
        [
            pytest.param(WIN_BRIDGE, ["L2Bridge", "L2Tunnel"], id="win-bridge"),
            pytest.param(WIN_OVERLAY, ["Overlay"], id="win-overlay"),
            pytest.param(SDNBRIDGE, [], id="sdnbridge: any"),
            pytest.param(SDNOVERLAY, [], id="sdnoverlay: any"),
            pytest.param(NAT, [], id="nat: any"),
            pytest.param(SDNBRIDGE_DUAL, ["L2Bridge"], id="with two families"),
            pytest.param(BRIDGE, ["L2Bridge"], id="ours"),
        ],
    )
    def test_what_is_accepted(self, config: dict[str, Any], accepts: list[str]) -> None:
        assert compile_plan(config).network.accepts == accepts


class TestHostBits:
    """Prefixes with host bits are masked where a peer and HNS take them, and a note says so."""

    @pytest.mark.parametrize(
        ("policy", "settings"),
        [
            pytest.param(
                {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.9/12"}},
                {"DestinationPrefix": "10.96.0.0/12"},
                id="SDNRoute",
            ),
            pytest.param(
                {"Type": "ACL", "Settings": {"Action": "Allow", "Direction": "In",
                                             "RemoteAddresses": "10.8.0.1/16,*,10.9.0.1"}},
                {"Action": "Allow", "Direction": "In", "RemoteAddresses": "10.8.0.0/16,*,10.9.0.1"},
                id="ACL",
            ),
        ],
    )  # fmt: skip
    def test_of_policies(self, policy: dict[str, Any], settings: dict[str, Any]) -> None:
        for config, key in ((WIN_BRIDGE, "policies"), (SDNBRIDGE, "AdditionalArgs")):
            plan = plan_of(config, **{key: [entry(policy)]})
            assert [one["Settings"] for one in plan.policies] == [settings]
            assert noted(plan, "has host bits set")

    def test_of_nat_exceptions(self) -> None:
        nat = {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.9/12", "10.50.0.0/16"]}}
        plan = plan_of(WIN_BRIDGE, policies=[entry(nat)], ipMasqNetwork="10.244.0.7/16")
        assert set(plan.nat_exceptions or []) == {"10.96.0.0/12", "10.50.0.0/16", "10.244.0.0/16"}
        assert noted(plan, "ipMasqNetwork: 10.244.0.7/16 has host bits set; 10.244.0.0/16 is used")

    def test_of_the_subnet_of_a_new_network(self) -> None:
        """The address after the one that is written is the gateway, as the peer reckons."""
        plan = plan_of(NAT, ipam={"subnet": "10.4.0.8/24"})
        create = plan.network.create
        assert create is not None
        assert create["Ipams"][0]["Subnets"] == [
            {
                "IpAddressPrefix": "10.4.0.0/24",
                "Routes": [{"NextHop": "10.4.0.9", "DestinationPrefix": "0.0.0.0/0"}],
            }
        ]
        assert noted(plan, "ipam.subnet: 10.4.0.8/24 has host bits set")

    def test_they_stay_a_fault_where_host_local_refuses_them(self) -> None:
        assert "host bits" in faults_of(changed(SDNBRIDGE, ipam__subnet="10.70.1.9/24"))["ipam.subnet"]

    def test_they_stay_a_fault_in_a_configuration_of_ours(self) -> None:
        route = {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.9/12"}}
        assert "host bits" in str(faults_of(changed(BRIDGE, policies=[route])))


class TestRangesForNobody:
    """Without an IPAM plugin nobody allocates, so a range is a mistake, and told as in the peer's files."""

    @pytest.mark.parametrize("config", [SDNBRIDGE, NAT, WIN_BRIDGE], ids=["sdnbridge", "nat", "win-bridge"])
    @pytest.mark.parametrize("key", ["rangeStart", "rangeEnd", "ranges"])
    def test_a_range_is_a_fault(self, config: dict[str, Any], key: str) -> None:
        value = [[{"subnet": "10.70.1.0/24"}]] if key == "ranges" else "10.70.1.9"
        found = faults_of(changed(config, ipam={key: value}))
        assert list(found) == ["ipam.type"]
        assert f'"host-local" allocates by {key}' in found["ipam.type"]

    def test_a_gateway_alone_is_not_used(self) -> None:
        plan = plan_of(NAT, ipam__gateway="172.31.16.9")
        assert plan.gateways == ["172.31.16.1"]
        assert noted(plan, "ipam.gateway: without ipam.type it is not used")


class TestKeysOfOurs:
    """A peer's file may hold `log`, `timeout` and `dataDir` of ours; our other keys mean nothing there."""

    @pytest.mark.parametrize("key", ["log", "timeout"])
    @pytest.mark.parametrize("value", ["debug", ["x"], True])
    def test_what_is_no_setting_of_ours_is_not_used(self, key: str, value: object) -> None:
        plan = plan_of(WIN_BRIDGE, **{key: value})
        assert noted(plan, f"{key}: ")
        assert noted(plan, "is no setting of cni-hns here, and not used")

    def test_what_is_one_is_checked(self) -> None:
        assert list(faults_of(changed(WIN_BRIDGE, log={"levle": "debug"}))) == ["log.levle"]

    @pytest.mark.parametrize("key", ["network", "routes", "outboundNat", "gatewayFrom", "mtu"])
    @pytest.mark.parametrize("config", [WIN_BRIDGE, SDNBRIDGE], ids=["win-bridge", "sdnbridge"])
    def test_a_key_of_ours_is_said_to_mean_nothing(self, config: dict[str, Any], key: str) -> None:
        plan = plan_of(config, **{key: {"create": True, "name": "other"}})
        assert noted(plan, f"{key}: a key of cni-hns's own configurations")
        assert plan.network.name == config["name"]
        assert not noted(plan, "unknown keys")

    @pytest.mark.parametrize(
        ("config", "key", "value"),
        [
            (WIN_BRIDGE, "optionalFlags", {"loopbackDSR": True}),
            (WIN_BRIDGE, "endpointMacPrefix", "0E-2A"),
            (WIN_OVERLAY, "additionalRoutes", [{"Dst": "0.0.0.0/0", "GW": "10.0.0.1"}]),
            (SDNBRIDGE, "ipMasqNetwork", "10.244.0.0/16"),
            (SDNBRIDGE, "loopbackDSR", True),
        ],
    )
    def test_a_key_of_another_peer_is_said_not_to_be_read(
        self, config: dict[str, Any], key: str, value: object
    ) -> None:
        assert noted(plan_of(config, **{key: value}), f"{key}: not read, as with")
        assert not noted(plan_of(config, **{key: False}), f"{key}: not read, as with")

    def test_whose_configuration_it_is(self) -> None:
        assert is_native(BRIDGE)
        assert is_native({"type": "calico"})
        assert not is_native({**WIN_BRIDGE, "network": {"name": "other"}})


class TestWords:
    """Faults are told in the keys that the dialect has."""

    def test_ranges_that_are_missing(self) -> None:
        found = faults_of(changed(WIN_BRIDGE, ipam={"type": "host-local"}))
        assert found == {"ipam.ranges": "missing: give subnet or ranges, or declare the capability ipRanges"}

    @pytest.mark.parametrize("config", [WIN_BRIDGE, NAT], ids=["win-bridge", "nat"])
    def test_a_type_of_ipam_that_is_no_text(self, config: dict[str, Any]) -> None:
        assert faults_of(changed(config, loopbackDSR=False, ipam={"Type": 7})) == {
            "ipam.Type": "a string is expected, not a number"
        }

    def test_a_subnet_that_stands_in_a_range(self) -> None:
        ranges = [[{"subnet": "10.70.1.0/24"}], [{"subnet": "fd70::/112"}]]
        config = changed(NAT, ipam={"type": "host-local", "ranges": ranges})
        assert all(path.startswith("ipam.ranges") for path in faults_of(config))

    def test_loopback_without_addresses(self) -> None:
        config = changed(NAT, optionalFlags={"LoopbackDSR": True})
        assert list(faults_of(config)) == ["optionalFlags.LoopbackDSR"]

    def test_every_fault_is_told_at_once(self) -> None:
        config = changed(
            SDNBRIDGE,
            AdditionalArgs=[entry("x"), {"Name": "EndpointPolicy", "Value": {"Type": "Magic"}}],
            ipam={"type": "host-local", "subnet": "x", "routes": [{"GW": "y"}]},
            optionalFlags={"loopbackDSR": "z"},
        )
        assert set(faults_of(config)) == {
            "AdditionalArgs[0].value",
            "AdditionalArgs[1]",
            "ipam.subnet",
            "ipam.routes[0]",
            "optionalFlags.loopbackDSR",
        }


class TestLoopback:
    """win-bridge and win-overlay go on without loopbackDSR on an old HNS; nat and its kin fail."""

    @pytest.mark.parametrize(
        ("config", "needed"),
        [
            pytest.param(WIN_BRIDGE, [], id="win-bridge"),
            pytest.param(WIN_OVERLAY, [], id="win-overlay"),
            pytest.param(changed(PLAIN_BRIDGE, optionalFlags={"loopbackDSR": True}), ["DSR"], id="sdnbridge"),
            pytest.param(changed(BRIDGE, loopbackDSR=True), ["DSR"], id="ours"),
        ],
    )
    def test_what_the_hns_must_have(self, config: dict[str, Any], needed: list[str]) -> None:
        plan = compile_plan(config)
        assert plan.loopback_dsr
        assert plan.requires == needed


class TestWishes:
    """What the runtime asks for, where peers differ."""

    SCTP = {"hostPort": 9000, "containerPort": 9000, "protocol": "SCTP"}  # noqa: RUF012
    HTTP = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}  # noqa: RUF012

    def read(self, config: dict[str, Any], *mappings: dict[str, Any]) -> Any:
        return read_wanted(compile_plan(config), {"runtimeConfig": {"portMappings": [*mappings]}}, {})

    @pytest.mark.parametrize("config", [WIN_BRIDGE, WIN_OVERLAY], ids=["win-bridge", "win-overlay"])
    def test_win_bridge_skips_what_it_has_no_protocol_for(self, config: dict[str, Any]) -> None:
        wanted = self.read(config, self.SCTP, self.HTTP)
        assert [one["hostPort"] for one in wanted.port_mappings] == [8080]
        assert wanted.notes == (
            'runtimeConfig.portMappings[0]: a port of protocol "SCTP" is not mapped, as with '
            + config["type"],
        )

    @pytest.mark.parametrize("config", [SDNBRIDGE, BRIDGE], ids=["sdnbridge", "ours"])
    def test_others_refuse_it(self, config: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="not of sctp"):
            self.read(config, self.SCTP)

    def test_a_number_is_no_protocol_that_is_skipped(self) -> None:
        with pytest.raises(ValueError, match="not of sctp"):
            self.read(WIN_BRIDGE, {**self.SCTP, "protocol": "132"})

    @pytest.mark.parametrize(
        ("config", "excused"),
        [(NAT, True), (SDNBRIDGE, True), (WIN_BRIDGE, False), (BRIDGE, False), ({}, False)],
    )
    def test_who_passes_over_arguments(self, config: dict[str, Any], excused: bool) -> None:
        assert passes_over_arguments(config) == excused


class TestASecondAddressOfAFamily:
    """The peers use the first; a second one would be held and never be seen."""

    @pytest.mark.parametrize("base", [WIN_BRIDGE, PLAIN_BRIDGE], ids=["win-bridge", "sdnbridge"])
    @pytest.mark.parametrize("legacy", [True, False])
    def test_is_not_taken_and_that_is_noted(self, base: dict[str, Any], legacy: bool) -> None:
        subnet = base["ipam"].get("subnet", "10.50.7.0/24")
        half = subnet.replace(".0/24", ".128/25")
        sets = [[{"subnet": half}]] if legacy else [[{"subnet": subnet}], [{"subnet": half}]]
        own = {"subnet": subnet.replace("/24", "/25")} if legacy else {}
        plan = plan_of(base, ipam={"type": "host-local", **own, "ranges": sets})
        assert len(plan.ipam.range_sets) == 1
        assert noted(plan, "a second IPv4 address is not used")

    def test_of_a_faulty_set_is_told_as_it_is_written(self) -> None:
        sets = [[{"subnet": "10.50.7.0/24"}], [{"subnet": "10.50.7.0/25"}], [{"subnet": "fd00::/200"}]]
        faults = faults_of(changed(WIN_BRIDGE, ipam={"type": "host-local", "ranges": sets}))
        assert [path for path in faults if path.startswith("ipam.ranges[2]")]
