"""The peers' configurations as they are met in the field: taken over unchanged, their bugs left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.scene import NEEDS_DUAL_STACK, add, joining, last, network, plant, policies_of, refused
from tests.harness import SimulatedNode, container_id
from tests.packaging import current

_TO_SERVICES = {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}


def installed(kind: str, folder: Path) -> Path | None:
    """The program under the name by which a runtime looks for this type; only a file has a name."""
    return current().named(kind, folder / "bin") if current().is_frozen else None


def endpoint_policy(**value: Any) -> dict[str, Any]:
    return {"Name": "EndpointPolicy", "Value": value}


def wcn(kind: str, **changes: Any) -> dict[str, Any]:
    """A configuration of nat, sdnbridge or sdnoverlay, which create their network."""
    ipam = {"type": "host-local", "subnet": "10.88.0.0/24"}
    return {"cniVersion": "1.0.0", "name": "pods", "type": kind, "ipam": ipam, **changes}


class TestWinBridge:
    """Joins an l2bridge network; its gateway is the subnet's third address."""

    @pytest.fixture(autouse=True)
    def there(self, node: SimulatedNode) -> str:
        return plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))

    @pytest.mark.parametrize("version", [1, 2, None])
    def test_each_api_version_is_treated_as_hcn(self, node: SimulatedNode, version: int | None) -> None:
        """Version 1, the default, cannot work with containerd at all."""
        answer = add(node, {**joining("win-bridge"), "apiVersion": version})
        assert answer.addresses == ["10.88.0.3/24"]

    def test_both_places_of_policies_and_both_their_spellings(self, node: SimulatedNode) -> None:
        config = {
            **joining("win-bridge"),
            "cniVersion": "0.2.0",
            "Policies": [endpoint_policy(Type="OutBoundNAT", ExceptionList=["10.96.0.0/12"])],
            "HcnPolicyArgs": [{"Type": "SDNRoute", "Settings": _TO_SERVICES}],
        }
        add(node, config)
        assert policies_of(last(node), "OutBoundNAT") == [{"Exceptions": ["10.96.0.0/12"]}]
        assert policies_of(last(node), "SDNRoute") == [_TO_SERVICES]

    def test_the_masqueraded_network_joins_the_exceptions(self, node: SimulatedNode) -> None:
        """The peer leaves it out where a policy of the configuration has exceptions."""
        nat = endpoint_policy(Type="OutBoundNAT", Settings={"Exceptions": ["10.96.0.0/12"]})
        add(node, {**joining("win-bridge"), "ipMasqNetwork": "10.244.0.0/16", "policies": [nat]})
        (policy,) = policies_of(last(node), "OutBoundNAT")
        assert sorted(policy["Exceptions"]) == ["10.244.0.0/16", "10.96.0.0/12"]

    def test_what_flannel_hands_to_its_delegate(self, node: SimulatedNode) -> None:
        runtime = {
            "dns": {"Servers": ["10.96.0.10"], "Searches": ["a.svc.cluster.local"], "Options": None},
            "portMappings": [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""}],
        }
        config = {
            **joining("win-bridge"),
            "cniVersion": "0.3.0",
            "dns": {"nameservers": ["10.96.0.11"]},
            "ipMasq": True,
            "ipMasqNetwork": "10.244.0.0/16",
            "runtimeConfig": runtime,
        }
        container, namespace = container_id(), node.namespace()
        assert node.call("ADD", config, container, namespace).exit_code == 0
        assert last(node).dns == {"ServerList": ["10.96.0.10"], "Search": ["a.svc.cluster.local"]}
        assert [policy["Type"] for policy in last(node).policies] == ["OutBoundNAT", "PortMapping"]
        assert node.call("DEL", config, container, "").exit_code == 0
        node.assert_clean()

    def test_keys_in_any_case_the_last_spelling_counting(self, node: SimulatedNode) -> None:
        config = {
            "cniVersion": "1.0.0",
            "name": "pods",
            "type": "win-bridge",
            "IPAM": {"Type": "host-local", "SUBNET": "10.88.0.0/24", "RangeStart": "10.88.0.50"},
            "LoopbackDSR": False,
            "loopbackdsr": True,
            "DNS": {"NameServers": ["10.96.0.10"], "Search": None},
        }
        assert add(node, config).addresses == ["10.88.0.50/24"]
        assert policies_of(last(node), "OutBoundNAT") == [{"Destinations": ["10.88.0.50"]}]
        assert last(node).dns == {"ServerList": ["10.96.0.10"]}

    def test_the_gateway_of_ipam_is_no_pods_address_though_it_is_not_used(self, node: SimulatedNode) -> None:
        config = joining("win-bridge")
        config["ipam"].update(gateway="10.88.0.3", rangeEnd="10.88.0.4")
        assert add(node, config).addresses == ["10.88.0.4/24"]
        refused(node, config, 101)


class TestWinOverlay:
    """Joins an overlay network."""

    @pytest.fixture(autouse=True)
    def there(self, node: SimulatedNode) -> str:
        return plant(node, "overlay", ("10.88.0.0/24", "10.88.0.1"))

    @pytest.mark.parametrize(("prefix", "mac"), [(None, "0E-2A-0A-58-00-02"), ("0A-58", "0A-58-0A-58-00-02")])
    def test_the_mac_follows_from_the_address(
        self, node: SimulatedNode, prefix: str | None, mac: str
    ) -> None:
        add(node, {**joining("win-overlay"), **({"endpointMacPrefix": prefix} if prefix else {})})
        assert last(node).mac == mac

    def test_masquerading_excepts_the_networks_own_subnet(self, node: SimulatedNode) -> None:
        add(node, {**joining("win-overlay"), "ipMasq": True})
        assert policies_of(last(node), "OutBoundNAT") == [{"Exceptions": ["10.88.0.0/24"]}]

    def test_a_bad_mac_prefix_is_told_by_the_key_that_was_written(self, node: SimulatedNode) -> None:
        answer = refused(node, {**joining("win-overlay"), "endpointMacPrefix": "0E2A"}, 7)
        assert "endpointMacPrefix" in answer.words


class TestWcn:
    """nat, sdnbridge and sdnoverlay: one program, which makes its network."""

    @pytest.mark.parametrize(
        ("kind", "hcn_type"),
        [
            ("nat", "NAT"),
            ("NAT", "NAT"),
            ("sdnbridge", "L2Bridge"),
            ("l2bridge", "L2Bridge"),
            ("L2Bridge", "L2Bridge"),
            ("L2Tunnel.exe", "L2Tunnel"),
            ("transparent", "Transparent"),
        ],
    )
    def test_each_name_has_its_network_type(self, node: SimulatedNode, kind: str, hcn_type: str) -> None:
        add(node, wcn(kind))
        assert node.hcn.networks.get(node.network_id("pods")).get("Type", "NAT") == hcn_type

    def test_an_old_name_is_told_by_the_networks(self, node: SimulatedNode, tmp_path: Path) -> None:
        args = [
            endpoint_policy(Type="OutBoundNAT", ExceptionList=["10.0.0.0/8"]),
            endpoint_policy(Type="ROUTE", DestinationPrefix="10.96.0.0/12", NeedEncap=True),
        ]
        config = wcn("wincni.exe", name="l2bridge", cniVersion="0.2.0", AdditionalArgs=args)
        add(node, config, program=installed("wincni", tmp_path))
        assert policies_of(last(node), "OutBoundNAT") == [{"Exceptions": ["10.0.0.0/8"]}]
        assert policies_of(last(node), "SDNRoute") == [_TO_SERVICES]

    @pytest.mark.parametrize("key", ["gw", "GW"])
    def test_the_route_without_a_destination_names_the_gateway(self, node: SimulatedNode, key: str) -> None:
        ipam = {"type": "", "subnet": "10.4.0.0/24", "routes": [{key: "10.4.0.9"}]}
        answer = add(node, wcn("nat", ipam=ipam))
        assert answer.document["ips"][0]["gateway"] == "10.4.0.9"

    def test_without_ipam_an_existing_nat_network_gives_the_address(self, node: SimulatedNode) -> None:
        plant(node, "nat", ("172.20.48.0/20", "172.20.48.1"))
        answer = add(node, wcn("nat", ipam={}))
        assert answer.document["ips"][0]["gateway"] == "172.20.48.1"

    def test_a_subnet_beside_the_existing_networks_is_told_with_both(self, node: SimulatedNode) -> None:
        plant(node, "nat", ("172.20.48.0/20", "172.20.48.1"))
        ipam = {"type": "", "subnet": "10.4.0.0/24", "routes": [{"gateway": "10.4.0.1"}]}
        answer = refused(node, wcn("nat", ipam=ipam), 7)
        assert (
            "has the subnets 172.20.48.0/20; the configured subnet 10.4.0.0/24 lies in none" in answer.words
        )

    def test_ranges_are_heard_where_the_peer_loses_them(self, node: SimulatedNode) -> None:
        ranges = [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.50"}]]
        assert add(node, wcn("sdnbridge", ipam={"type": "host-local", "ranges": ranges})).addresses == [
            "10.88.0.50/24"
        ]

    @pytest.mark.parametrize("named", [{}, {"gateway": "10.88.0.1"}, {"routes": [{"GW": "10.88.0.1"}]}])
    def test_a_forced_bridge_gateway_is_the_third_address(
        self, node: SimulatedNode, named: dict[str, Any]
    ) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        ipam = {"type": "host-local", "subnet": "10.88.0.0/24", **named}
        answer = add(node, wcn("sdnbridge", ipam=ipam, optionalFlags={"forceBridgeGateway": True}))
        assert answer.document["ips"][0]["gateway"] == "10.88.0.2"
        assert answer.addresses == ["10.88.0.3/24"]

    @NEEDS_DUAL_STACK
    def test_dual_stack_has_the_gateways_that_host_local_answers(self, node: SimulatedNode) -> None:
        plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"), ("fd00:88::/120", "fd00:88::1"))
        subnets = ("10.88.0.0/24", "fd00:88::/120")
        config = wcn(
            "sdnbridge",
            cniVersion="0.4.0",
            optionalFlags={"enableDualStack": True, "gatewayFromAdditionalRoutes": True},
            additionalRoutes=[{"Dst": "0.0.0.0/0", "GW": "10.88.0.2"}, {"Dst": "::/0", "GW": "fd00:88::2"}],
            ipam={"type": "host-local", "ranges": [[{"subnet": subnet}] for subnet in subnets]},
            runtimeConfig={"portMappings": [{"hostPort": 80, "containerPort": 80, "protocol": "tcp"}]},
        )
        answer = add(node, config)
        # host-local always answers a gateway, so that none is missing.
        assert [one["gateway"] for one in answer.document["ips"]] == ["10.88.0.1", "fd00:88::1"]
        assert answer.addresses == ["10.88.0.2/24", "fd00:88::2/120"]
        assert [one["Flags"] for one in policies_of(last(node), "PortMapping")] == [1, 3]

    def test_an_allow_rule_accompanies_each_mapping_where_asked(self, node: SimulatedNode) -> None:
        runtime = {"portMappings": [{"hostPort": 80, "containerPort": 8080, "protocol": "tcp"}]}
        add(node, wcn("sdnbridge", optionalFlags={"allowAclPortMapping": True}, runtimeConfig=runtime))
        (rule,) = policies_of(last(node), "ACL")
        assert (rule["Action"], rule["Direction"], rule["LocalPorts"]) == ("Allow", "In", "8080")

    def test_an_overlay_network_that_is_not_there_is_not_made_without_its_number(
        self, node: SimulatedNode
    ) -> None:
        answer = refused(node, wcn("sdnoverlay"), 7)
        assert 'HCN network "pods" does not exist' in answer.words

    def test_flannels_overlay_configuration(self, node: SimulatedNode) -> None:
        plant(node, "overlay", ("10.88.0.0/24", "10.88.0.1"))
        args = [
            endpoint_policy(Type="SDNROUTE", Settings=_TO_SERVICES),
            endpoint_policy(Type="ProviderAddress", Settings={"ProviderAddress": "192.0.2.77"}),
        ]
        add(node, wcn("sdnoverlay", cniVersion="0.3.0", AdditionalArgs=args))
        assert policies_of(last(node), "SDNRoute") == [_TO_SERVICES]
        assert policies_of(last(node), "ProviderAddress") == [{"ProviderAddress": "192.0.2.77"}]

    def test_empty_placeholders_are_nothing(self, node: SimulatedNode) -> None:
        args = [
            endpoint_policy(Type="OutBoundNAT", Settings={"Exceptions": []}),
            endpoint_policy(Type="SDNROUTE", Settings={"DestinationPrefix": "", "NeedEncap": True}),
        ]
        add(node, wcn("sdnbridge", dns={"Nameservers": [""], "Search": [""]}, AdditionalArgs=args))
        assert [policy["Type"] for policy in last(node).policies] == ["OutBoundNAT"]

    def test_a_policy_of_an_unknown_kind_is_refused_with_its_place(self, node: SimulatedNode) -> None:
        args = [endpoint_policy(Type="OutBoundNAT", Settings={}), endpoint_policy(Type="Magic", Settings={})]
        assert "AdditionalArgs[1]" in refused(node, wcn("sdnbridge", AdditionalArgs=args), 7).words


class TestRecognition:
    def test_an_unknown_type_is_told_with_those_there_are(self, node: SimulatedNode, tmp_path: Path) -> None:
        config = {"cniVersion": "1.0.0", "name": "pods", "type": "calico", "ipam": {}}
        answer = refused(node, config, 7, program=installed("calico", tmp_path))
        assert '"calico"' in answer.words
        assert "win-overlay" in answer.words

    @pytest.mark.not_in("module", reason="a module has no file name of its own")
    def test_the_programs_own_name_tells_where_nothing_else_does(
        self, node: SimulatedNode, called: Callable[[str], Path | None]
    ) -> None:
        config = wcn("our-network")
        refused(node, config, 7)
        assert add(node, config, program=called("SdnBridge")).addresses == ["10.88.0.2/24"]
        assert node.hcn.networks.get(node.network_id("pods"))["Type"] == "L2Bridge"

    @pytest.mark.not_in("module", reason="a module has no file name of its own")
    def test_a_native_configuration_under_a_peers_name_is_native(
        self, node: SimulatedNode, called: Callable[[str], Path | None]
    ) -> None:
        config = {"cniVersion": "1.0.0", "name": "pods", "type": "cni-hns", "network": network("l2bridge")}
        answer = add(node, {**config, "ipam": {"type": "cni-hns"}}, program=called("win-bridge"))
        assert answer.document["ips"][0]["gateway"] == "10.88.0.1"

    @pytest.fixture
    def called(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path | None]:
        """The program under another name; in process, what it would see of itself."""

        def name(word: str) -> Path | None:
            if not current().is_in_process:
                return current().named(word, tmp_path / "bin")
            monkeypatch.setattr(sys, "frozen", True, raising=False)
            monkeypatch.setattr(sys, "executable", f"/opt/cni/bin/{word}.exe")
            return None

        return name
