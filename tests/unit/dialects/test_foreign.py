"""The peers' configurations: each dialect becomes the plan that a node expects of a drop-in replacement."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.dialects.build import examine
from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.recognise import recognise
from cni_hns.hcn.models.objects import HostComputeNetwork

from .configurations import changed, faults_of, plan_of
from .hcn_documents import hold

WIN_BRIDGE: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "name": "l2br0",
    "type": "win-bridge",
    "apiVersion": 2,
    "ipMasqNetwork": "10.50.0.0/16",
    "loopbackDSR": True,
    "capabilities": {"dns": True, "portMappings": True},
    "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local"]},
    "ipam": {"type": "host-local", "subnet": "10.50.7.0/24", "rangeStart": "10.50.7.10"},
    "policies": [
        {
            "name": "EndpointPolicy",
            "value": {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"]}},
        },
        {
            "name": "EndpointPolicy",
            "value": {
                "Type": "SDNRoute",
                "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
            },
        },
    ],
}
WIN_BRIDGE_OLD: dict[str, Any] = {
    "cniVersion": "0.2.0",
    "name": "l2br0",
    "type": "win-bridge",
    "ApiVersion": 2,
    "ipam": {"type": "host-local", "subnet": "10.50.7.0/24"},
    "Policies": [
        {"Name": "EndpointPolicy", "Value": {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]}}
    ],
    "HcnPolicyArgs": [
        {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}
    ],
}
WIN_OVERLAY: dict[str, Any] = {
    "cniVersion": "0.3.1",
    "name": "vx4096",
    "type": "win-overlay",
    "apiVersion": 2,
    "ipMasq": True,
    "endpointMacPrefix": "0E-2B",
    "loopbackDSR": True,
    "capabilities": {"dns": True},
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.60.3.0/24", "gateway": "10.60.3.9"}]]},
    "policies": [
        {
            "name": "EndpointPolicy",
            "value": {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}},
        }
    ],
}
NAT: dict[str, Any] = {
    "cniVersion": "1.0.0",
    "name": "nat",
    "type": "nat",
    "master": "Ethernet",
    "capabilities": {"portMappings": True, "dns": True},
    "ipam": {"type": "", "subnet": "172.31.16.0/20", "routes": [{"GW": "172.31.16.1"}]},
}
SDNBRIDGE: dict[str, Any] = {
    "cniVersion": "0.3.0",
    "name": "brnet",
    "type": "sdnbridge",
    "capabilities": {"portMappings": True, "dns": True},
    "optionalFlags": {
        "localRoutedPortMapping": True,
        "allowAclPortMapping": True,
        "forceBridgeGateway": True,
        "loopbackDSR": False,
    },
    "ipam": {
        "type": "host-local",
        "subnet": "10.70.1.0/24",
        "routes": [{"dst": "0.0.0.0/0", "GW": "10.70.1.2"}],
    },
    "dns": {"Nameservers": ["10.96.0.10"], "Search": ["svc.cluster.local"]},
    "AdditionalArgs": [
        {
            "Name": "EndpointPolicy",
            "Value": {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.70.0.0/16"]}},
        }
    ],
}
SDNBRIDGE_DUAL: dict[str, Any] = {
    "cniVersion": "0.4.0",
    "name": "brnet6",
    "type": "sdnbridge",
    "capabilities": {"portMappings": True},
    "optionalFlags": {"enableDualStack": True, "gatewayFromAdditionalRoutes": True},
    "additionalRoutes": [{"Dst": "0.0.0.0/0", "GW": "10.71.0.2"}, {"Dst": "::/0", "GW": "fd71::2"}],
    "ipam": {
        "type": "host-local",
        "ranges": [
            [{"subnet": "10.71.0.0/24", "gateway": "10.71.0.2"}],
            [{"subnet": "fd71::/120", "gateway": "fd71::2"}],
        ],
    },
}
SDNOVERLAY: dict[str, Any] = {
    "cniVersion": "0.3.0",
    "name": "flannel.4096",
    "type": "sdnoverlay",
    "ipam": {"type": "host-local", "subnet": "10.61.2.0/24"},
    "AdditionalArgs": [
        {
            "Name": "EndpointPolicy",
            "Value": {
                "Type": "SDNROUTE",
                "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
            },
        },
        {
            "Name": "EndpointPolicy",
            "Value": {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}},
        },
    ],
}
FLANNELS_DELEGATE: dict[str, Any] = {
    "apiVersion": 2,
    "cniVersion": "0.3.0",
    "dns": {"nameservers": ["10.96.0.10"]},
    "ipMasq": True,
    "ipMasqNetwork": "10.244.0.0/16",
    "ipam": {"subnet": "10.244.9.0/24", "type": "host-local"},
    "name": "cbr0",
    "type": "win-bridge",
}
ROUTE = {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}


class TestRecognition:
    """By `type`, else by the program's own name, else by keys."""

    @pytest.mark.parametrize(
        ("config", "executable", "expected"),
        [
            pytest.param({"type": "cni-hns"}, "", ("cni-hns", ""), id="native"),
            pytest.param(
                {"type": "cni-hns.exe"}, "win-bridge.exe", ("cni-hns", ""), id="type goes before the exe"
            ),
            pytest.param(
                {"type": "Win-Bridge.EXE"}, "", ("win-bridge", "l2bridge"), id="any case, with suffix"
            ),
            pytest.param({"TYPE": "win-overlay"}, "", ("win-overlay", "overlay"), id="the key in any case"),
            pytest.param({"type": "L2Bridge"}, "", ("wcn", "l2bridge"), id="the HCN type as a name"),
            pytest.param({"type": "l2tunnel"}, "", ("wcn", "l2tunnel"), id="l2tunnel"),
            pytest.param({"type": "NAT"}, "", ("wcn", "nat"), id="nat"),
            pytest.param({"type": "Overlay"}, "", ("wcn", "overlay"), id="overlay"),
            pytest.param({"type": "transparent"}, "", ("wcn", "transparent"), id="transparent"),
            pytest.param({"type": "x"}, r"C:\k\cni\sdnoverlay.exe", ("wcn", "overlay"), id="the exe's name"),
            pytest.param({"network": {}}, "", ("cni-hns", ""), id="key network"),
            pytest.param(
                {"type": "wincni.exe", "name": "l2bridge", "AdditionalArgs": []},
                "",
                ("wcn", "l2bridge"),
                id="wincni",
            ),
            pytest.param(
                {"endpointMacPrefix": "0E-2A"}, "", ("win-overlay", "overlay"), id="key endpointMacPrefix"
            ),
            pytest.param({"apiVersion": 2}, "", ("win-bridge", "l2bridge"), id="key apiVersion"),
        ],
    )
    def test_a_dialect_is_recognised(
        self, config: dict[str, Any], executable: str, expected: tuple[str, str]
    ) -> None:
        assert recognise(config, executable) == expected

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            pytest.param({"type": "calico"}, '"calico" is no dialect', id="another plugin"),
            pytest.param({}, "missing", id="nothing to go by"),
            pytest.param({"type": 5, "optionalFlags": {}, "name": "x"}, "missing", id="a number"),
        ],
    )
    def test_what_is_not_recognised_is_a_fault_of_type(self, config: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigFault) as refusal:
            recognise(config)
        assert refusal.value.findings[0].path == "type"
        assert words in refusal.value.findings[0].message


class TestWinBridge:
    """win-bridge joins an L2Bridge or L2Tunnel network; its gateway is the third address."""

    def test_the_whole_configuration(self) -> None:
        plan = compile_plan(WIN_BRIDGE)
        assert plan.network.name == "l2br0"
        assert plan.network.accepts == ["L2Bridge", "L2Tunnel"]
        assert plan.network.create is None
        assert plan.gateway_rule == "bridge"
        assert (plan.ipam.kind, plan.ipam.type, plan.ipam.data_dir) == ("builtin", "host-local", None)
        assert [tuple(each) for each in plan.ipam.range_sets[0]] == [
            ("10.50.7.0/24", "10.50.7.10", "10.50.7.254", "10.50.7.2")
        ]
        assert plan.ipam.reserved == ["10.50.7.1"]
        assert plan.nat_exceptions == ["10.50.0.0/16", "10.96.0.0/12"]
        assert plan.policies == [ROUTE]
        assert plan.dns == {"Search": ["svc.cluster.local"], "ServerList": ["10.96.0.10"]}
        assert plan.loopback_dsr
        assert plan.requires == []
        assert plan.capabilities == ["dns", "portMappings"]

    def test_both_generations_of_policies_in_one_file(self) -> None:
        plan = compile_plan(WIN_BRIDGE_OLD)
        assert plan.nat_exceptions == ["10.96.0.0/12"]
        assert plan.policies == [ROUTE]

    def test_what_flannel_hands_on(self) -> None:
        plan = compile_plan(FLANNELS_DELEGATE)
        assert plan.nat_exceptions == ["10.244.0.0/16"]
        assert plan.remarks == []

    def test_ipams_gateway_is_kept_free_and_not_used(self) -> None:
        plan = plan_of(WIN_BRIDGE, ipam__gateway="10.50.7.77")
        assert plan.ipam.range_sets[0][0].gateway == "10.50.7.2"
        assert set(plan.ipam.reserved) == {"10.50.7.1", "10.50.7.77"}
        assert plan.gateways == []
        assert any("third address is the gateway" in remark for remark in plan.remarks)

    @pytest.mark.parametrize("config", [WIN_BRIDGE, WIN_OVERLAY], ids=["win-bridge", "win-overlay"])
    def test_ipams_routes_and_resolv_conf_are_not_used(self, config: dict[str, Any]) -> None:
        routes = [{"dst": "0.0.0.0/0", "gw": "10.50.7.1"}, {"dst": "10.9.0.0/16"}]
        plan = plan_of(config, ipam__routes=routes, ipam__resolvConf="/etc/resolv.conf")
        assert (plan.gateways, plan.routes, plan.ipam.routes) == ([], [], [])
        assert plan.ipam.resolv_conf is None
        assert any(remark.startswith("ipam.routes: not used") for remark in plan.remarks)
        assert any(remark.startswith("ipam.resolvConf: not used") for remark in plan.remarks)

    @pytest.mark.parametrize("version", [1, None], ids=["apiVersion 1", "no apiVersion"])
    def test_version_one_is_for_containers_named_by_docker(self, version: int | None) -> None:
        plan = plan_of(WIN_BRIDGE, apiVersion=version)
        assert plan.hns_v1
        assert any("HNS V1 is used where CNI_NETNS is none" in remark for remark in plan.remarks)

    def test_without_ipam_hns_gives_the_address(self) -> None:
        plan = plan_of(FLANNELS_DELEGATE, ipam={})
        assert plan.ipam.kind == "hns"
        assert plan.network.subnets == []

    def test_another_ipam_plugin_is_delegated_to(self) -> None:
        plan = plan_of(WIN_BRIDGE, ipam={"type": "static", "addresses": []})
        assert plan.ipam.kind == "delegate"
        assert any("routes and DNS are not used, as with win-bridge" in remark for remark in plan.remarks)

    def test_masquerading_without_a_network_has_no_effect_and_says_so(self) -> None:
        plan = plan_of(FLANNELS_DELEGATE, ipMasqNetwork="")
        assert plan.nat_exceptions is None
        assert any(remark.startswith("ipMasq:") for remark in plan.remarks)

    def test_a_network_policy_has_no_network_to_apply_to(self) -> None:
        policy = {"name": "NetworkPolicy", "value": {"Type": "VSID", "Settings": {"IsolationId": 4096}}}
        plan = plan_of(FLANNELS_DELEGATE, policies=[policy])
        assert plan.policies == []
        assert any("policies[0]: passed over" in remark for remark in plan.remarks)


class TestWinOverlay:
    """win-overlay joins an overlay network; MACs follow from addresses."""

    def test_the_whole_configuration(self) -> None:
        plan = compile_plan(WIN_OVERLAY)
        assert plan.network.accepts == ["Overlay"]
        assert plan.network.create is None
        assert plan.gateway_rule == "network"
        assert plan.gateways == []
        assert plan.ipam.reserved == ["10.60.3.9"]
        assert plan.mac_prefix == "0E-2B"
        assert (plan.nat_exceptions, plan.nat_except_network) == ([], True)
        assert not plan.provider_address
        assert plan.policies == [{"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}}]

    def test_defaults(self) -> None:
        plan = plan_of(
            WIN_OVERLAY, endpointMacPrefix="", ipMasq=False, policies=[], ipMasqNetwork="10.0.0.0/8"
        )
        assert plan.mac_prefix == "0E-2A"
        assert plan.nat_exceptions is None
        assert plan.provider_address
        assert any("ipMasqNetwork" in remark for remark in plan.remarks)

    def test_a_bad_prefix_is_named_as_it_is_written(self) -> None:
        assert (
            "first two bytes"
            in faults_of(changed(WIN_OVERLAY, endpointMacPrefix="0E2B"))["endpointMacPrefix"]
        )


class TestWcn:
    """nat, sdnbridge, sdnoverlay create the network that is missing."""

    def test_nat_leaves_addresses_to_hns(self) -> None:
        plan = compile_plan(NAT)
        assert plan.ipam.kind == "hns"
        assert plan.gateways == ["172.31.16.1"]
        create = plan.network.create
        assert create is not None
        hold(HostComputeNetwork, create)
        assert create["Type"] == "NAT"
        assert create["Ipams"][0]["Subnets"] == [
            {
                "IpAddressPrefix": "172.31.16.0/20",
                "Routes": [{"NextHop": "172.31.16.1", "DestinationPrefix": "0.0.0.0/0"}],
            }
        ]

    @pytest.mark.parametrize(("written", "noted"), [("10.4.0.1", False), ("10.4.0.9", True)])
    def test_nerdctls_spelling_of_a_gateway_is_not_read(self, written: str, noted: bool) -> None:
        ipam = {"type": "", "subnet": "10.4.0.0/24", "routes": [{"gateway": written}]}
        plan = plan_of(NAT, ipam=ipam)
        assert plan.gateways == []
        assert any("ipam.routes[0].gateway: not used" in remark for remark in plan.remarks) == noted

    def test_nat_without_a_subnet_lets_hns_choose(self) -> None:
        create = plan_of(NAT, ipam={}).network.create
        assert create is not None
        assert "Ipams" not in create

    def test_sdnbridge(self) -> None:
        plan = compile_plan(SDNBRIDGE)
        assert plan.gateway_rule == "bridge"
        assert plan.gateways == []
        assert plan.ipam.range_sets[0][0].gateway == "10.70.1.2"
        assert plan.nat_exceptions == ["10.70.0.0/16"]
        assert plan.dns == {"Search": ["svc.cluster.local"], "ServerList": ["10.96.0.10"]}
        assert plan.port_mapping_acl
        assert plan.search_in_pod_namespace
        assert not plan.loopback_dsr
        create = plan.network.create
        assert create is not None
        assert create["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] == "10.70.1.2"
        # A network that is there may have another gateway: the peer never looks.
        assert [tuple(each) for each in plan.network.subnets] == [("10.70.1.0/24", None)]
        assert plan.network.accepts == []
        assert create["Dns"] == plan.dns

    def test_sdnbridge_without_force_uses_the_gateway_that_ipam_answers(self) -> None:
        plan = plan_of(SDNBRIDGE, optionalFlags={})
        assert plan.gateway_rule == "network"
        assert plan.gateways == ["10.70.1.1"]
        assert plan.routes == []
        assert any("localRoutedPortMapping" in remark for remark in plan.remarks)
        assert any("gw 10.70.1.2 is for a network that is made here" in remark for remark in plan.remarks)
        create = plan.network.create
        assert create is not None
        assert create["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] == "10.70.1.2"

    def test_sdnbridge_with_two_families_must_find_its_network(self) -> None:
        plan = compile_plan(SDNBRIDGE_DUAL)
        assert plan.network.create is None
        assert set(plan.gateways) == {"10.71.0.2", "fd71::2"}
        assert [each.subnet for ranges in plan.ipam.range_sets for each in ranges] == [
            "10.71.0.0/24",
            "fd71::/120",
        ]
        assert any("must be there already" in remark for remark in plan.remarks)

    def test_additional_routes_fill_in_gateways_only_where_they_are_asked_for(self) -> None:
        bare = changed(SDNBRIDGE_DUAL, ipam={"type": "azure-vnet-ipam"})
        plan = compile_plan(bare)
        assert (plan.gateway_rule, plan.gateways) == ("ipam", [])
        assert plan.spare_gateways == ["10.71.0.2", "fd71::2"]
        assert plan_of(bare, optionalFlags={}).spare_gateways == []
        other = changed(bare, additionalRoutes=[{"Dst": "10.0.0.0/8", "GW": "10.71.0.2"}])
        assert compile_plan(other).spare_gateways == []
        known = compile_plan(SDNBRIDGE_DUAL)
        assert known.spare_gateways == []
        assert any("additionalRoutes: not used" in remark for remark in known.remarks)

    def test_sdnoverlay_without_vsid_must_find_its_network(self) -> None:
        plan = compile_plan(SDNOVERLAY)
        assert plan.network.create is None
        assert plan.policies[0] == ROUTE
        assert any('"SDNROUTE" is SDNRoute' in remark for remark in plan.remarks)

    def test_sdnoverlay_with_vsid_creates_its_network(self) -> None:
        policies = [
            {"Name": "NetworkPolicy", "Value": {"Type": "VSID", "VSID": 4097}},
            {
                "Name": "NetworkPolicy",
                "Value": {"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "E"}},
            },
        ]
        create = plan_of(SDNOVERLAY, AdditionalArgs=policies).network.create
        assert create is not None
        hold(HostComputeNetwork, create)
        assert create["Ipams"][0]["Subnets"][0]["Policies"] == [
            {"Type": "VSID", "Settings": {"IsolationId": 4097}}
        ]
        assert create["Policies"] == [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "E"}}]

    def test_transparent_without_ipam_is_dhcp(self) -> None:
        assert plan_of(NAT, type="transparent", ipam={}).ipam.kind == "dhcp"

    @pytest.mark.parametrize(
        ("changes", "path", "words"),
        [
            pytest.param({"optionalFlags": []}, "", "", id="an empty list is a placeholder"),
            pytest.param(
                {"optionalFlags": [1]}, "optionalFlags", "an object is expected", id="flags as a list"
            ),
            pytest.param(
                {"optionalFlags": {"loopbackDSR": "true"}},
                "optionalFlags.loopbackDSR",
                "true or false",
                id="a flag as text",
            ),
            pytest.param(
                {"AdditionalArgs": {"x": 1}}, "AdditionalArgs", "a list is expected", id="args as an object"
            ),
            pytest.param(
                {"AdditionalArgs": [7]}, "AdditionalArgs[0]", "a policy is an object", id="a number"
            ),
            pytest.param(
                {"AdditionalArgs": [{"Name": "EndpointPolicy", "Value": "x"}]},
                "AdditionalArgs[0].value",
                "object",
                id="text",
            ),
            pytest.param(
                {"AdditionalArgs": [{"Name": 7, "Value": {}}]},
                "AdditionalArgs[0].name",
                "a string is expected",
                id="a number for a name",
            ),
            pytest.param(
                {"ipam__subnet": "10.70.1.9/24"}, "ipam.subnet", "the network is 10.70.1.0/24", id="host bits"
            ),
            pytest.param(
                {"ipam__routes": [{"GW": "x"}]}, "ipam.routes[0]", "not an IP address", id="gateway"
            ),
            pytest.param(
                {"ipam__routes": ["x"]}, "ipam.routes[0]", "an object is expected", id="route as text"
            ),
            pytest.param(
                {"dns": {"Nameservers": ["dns"]}}, "dns.Nameservers[0]", "not an IP", id="name for a server"
            ),
            pytest.param({"dns": "x"}, "dns", "an object is expected", id="dns as text"),
            pytest.param(
                {"optionalFlags": {"gatewayFromAdditionalRoutes": True}, "additionalRoutes": [5]},
                "additionalRoutes[0]",
                "an object is expected",
                id="additional route",
            ),
        ],
    )
    def test_a_fault_is_named_where_it_is_written(
        self, changes: dict[str, Any], path: str, words: str
    ) -> None:
        found = faults_of(changed(SDNBRIDGE, **changes))
        assert list(found) == ([path] if path else [])
        assert words in found.get(path, "")

    def test_unknown_flags_are_named(self) -> None:
        plan = plan_of(SDNBRIDGE, optionalFlags={"enableX": True})
        assert any("enablex not known" in remark for remark in plan.remarks)


class TestPolicies:
    """Both generations, every container, every spelling."""

    @staticmethod
    def plan(value: dict[str, Any]) -> Any:
        return plan_of(
            FLANNELS_DELEGATE, policies=[{"name": "endpointpolicy", "value": value}], ipMasqNetwork=""
        )

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            pytest.param(
                {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}, ROUTE, id="ROUTE"
            ),
            pytest.param(
                {"type": "sdnroute", "settings": {"destinationprefix": "10.96.0.0/12", "needencap": True}},
                ROUTE,
                id="case",
            ),
            pytest.param(
                {"Type": "NAT", "InternalPort": 80, "ExternalPort": 8080, "Protocol": "TCP"},
                {
                    "Type": "PortMapping",
                    "Settings": {"InternalPort": 80, "ExternalPort": 8080, "Protocol": 6},
                },
                id="NAT",
            ),
            pytest.param(
                {"Type": "PA", "PA": "172.20.0.4"},
                {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "172.20.0.4"}},
                id="PA",
            ),
            pytest.param(
                {
                    "Type": "ACL",
                    "Protocol": 6,
                    "Action": "Block",
                    "Direction": "Out",
                    "RemoteAddresses": "168.63.129.16",
                    "RemotePorts": 80,
                    "Priority": 200,
                    "RuleType": "Switch",
                    "LocalPorts": "",
                },
                {
                    "Type": "ACL",
                    "Settings": {
                        "Protocols": "6",
                        "Action": "Block",
                        "Direction": "Out",
                        "RemoteAddresses": "168.63.129.16",
                        "RemotePorts": "80",
                        "Priority": 200,
                        "RuleType": "Switch",
                    },
                },
                id="ACL",
            ),
            pytest.param(
                {"Type": "VLAN", "VLAN": 7}, {"Type": "VLAN", "Settings": {"IsolationId": 7}}, id="VLAN"
            ),
            pytest.param(
                {"Type": "OutBoundNAT", "Destinations": ["10.244.9.9", ""]},
                {"Type": "OutBoundNAT", "Settings": {"Destinations": ["10.244.9.9"]}},
                id="OutBoundNAT with destinations",
            ),
        ],
    )
    def test_an_old_policy_becomes_a_new_one(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        assert self.plan(old).policies == [new]

    @pytest.mark.parametrize(
        "value",
        [
            {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12", ""]},
            {"Type": "OutBoundNAT", "Settings": {"ExceptionList": ["10.96.0.0/12"]}},
            {"Type": "outboundnat", "Settings": {"exceptions": ["10.96.0.0/12"]}},
        ],
        ids=["flat", "the old name in the new form", "letter case"],
    )
    def test_every_spelling_of_exceptions(self, value: dict[str, Any]) -> None:
        assert self.plan(value).nat_exceptions == ["10.96.0.0/12"]

    def test_several_outbound_nat_policies_are_one(self) -> None:
        one = {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "ExceptionList": ["10.1.0.0/16"]}}
        other = {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "Settings": {"Exceptions": []}}}
        assert plan_of(FLANNELS_DELEGATE, policies=[one, other]).nat_exceptions == [
            "10.244.0.0/16",
            "10.1.0.0/16",
        ]

    @pytest.mark.parametrize(
        "value",
        [
            {"Type": "SDNROUTE", "Settings": {"DestinationPrefix": "", "NeedEncap": True}},
            {"Type": "PA", "PA": ""},
        ],
        ids=["route without destination", "provider address without address"],
    )
    def test_a_placeholder_asks_for_nothing_and_is_said(self, value: dict[str, Any]) -> None:
        plan = self.plan(value)
        assert plan.policies == []
        assert any("asks for nothing" in remark for remark in plan.remarks)

    def test_unknown_settings_are_passed_over_by_name(self) -> None:
        plan = self.plan({"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "Secret": "s3cret"})
        assert any("secret; passed over" in remark for remark in plan.remarks)
        assert "s3cret" not in str(plan)

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            pytest.param({"Settings": {}}, "has no Type", id="no type"),
            pytest.param({"Type": "Magic"}, "no endpoint policy of HCN", id="unknown type"),
            pytest.param(
                {"Type": "ACL", "Settings": "x"}, "Settings is expected to be an object", id="settings"
            ),
        ],
    )
    def test_an_unusable_policy_is_an_error_that_names_it(self, value: dict[str, Any], words: str) -> None:
        config = changed(FLANNELS_DELEGATE, policies=[{"name": "EndpointPolicy", "value": value}])
        assert words in faults_of(config)["policies[0]"]

    def test_a_fault_within_a_translated_policy_keeps_its_place(self) -> None:
        good = {"name": "EndpointPolicy", "value": {"Type": "ROUTE", "DestinationPrefix": "10.0.0.0/8"}}
        bad = {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "ExceptionList": ["<CIDR>"]}}
        config = changed(SDNBRIDGE, AdditionalArgs=[good, bad])
        assert list(faults_of(config)) == ["AdditionalArgs[1].Settings.Exceptions[0]"]


class TestReading:
    """Any key case, placeholders, and what is nobody's."""

    def test_every_key_in_capitals(self) -> None:
        config = {
            "NAME": "l2br0",
            "TYPE": "win-bridge",
            "APIVERSION": 2,
            "IPMASQNETWORK": "10.50.0.0/16",
            "IPAM": {
                "TYPE": "host-local",
                "RANGES": [[{"SUBNET": "10.50.7.0/24", "RANGESTART": "10.50.7.10"}]],
            },
            "DNS": {"NAMESERVERS": ["10.96.0.10"], "SEARCH": None},
        }
        plan = compile_plan(config)
        assert plan.network.name == "l2br0"
        assert plan.ipam.range_sets[0][0].first == "10.50.7.10"
        assert plan.dns == {"ServerList": ["10.96.0.10"]}
        assert plan.nat_exceptions == ["10.50.0.0/16"]

    def test_a_fault_is_told_in_the_documents_own_spelling(self) -> None:
        config = {
            "name": "x",
            "type": "win-bridge",
            "Ipam": {"type": "host-local", "Ranges": [[{"subnet": "x"}]]},
        }
        assert list(faults_of(config)) == ["Ipam.Ranges[0][0].subnet"]

    def test_empty_strings_are_placeholders(self) -> None:
        ipam = {"type": "host-local", "subnet": "10.50.7.0/24", "rangeStart": "", "gateway": "", "routes": []}
        dns = {"nameservers": ["", "10.96.0.10"], "domain": "", "search": []}
        plan = plan_of(FLANNELS_DELEGATE, ipam=ipam, dns=dns)
        assert plan.dns == {"ServerList": ["10.96.0.10"]}

    def test_a_gateway_outside_its_subnet_is_not_used(self) -> None:
        plan = plan_of(SDNBRIDGE, ipam__gateway="10.99.0.1")
        assert any("is outside 10.70.1.0/24 and not used" in remark for remark in plan.remarks)

    @pytest.mark.parametrize(
        ("ipam", "path"),
        [
            pytest.param({"type": "host-local", "ranges": {"a": 1}}, "ipam.ranges", id="ranges as an object"),
            pytest.param({"type": "host-local", "ranges": [7]}, "ipam.ranges[0]", id="a number for a set"),
            pytest.param(
                {"type": "host-local", "ranges": [[7]]}, "ipam.ranges[0][0]", id="a number for a range"
            ),
            pytest.param(
                {"type": "host-local", "subnet": "10.1.0.0/24", "gateway": "x"}, "ipam.gateway", id="gateway"
            ),
        ],
    )
    def test_a_wrong_type_is_a_fault_and_never_an_exception(self, ipam: dict[str, Any], path: str) -> None:
        assert list(faults_of(changed(FLANNELS_DELEGATE, ipam=ipam))) == [path]
        assert list(faults_of(changed(WIN_OVERLAY, ipam=ipam))) == [path]

    def test_unknown_keys_are_named_by_length_only(self) -> None:
        plan = plan_of(WIN_BRIDGE, vendorKey="s3cret", ipam__extra="s3cret", dns__extra="s3cret")
        assert "s3cret" not in str(plan)
        assert "unknown keys, kept and not used: vendorKey (6 characters)" in plan.remarks
        assert "ipam: extra not known and ignored" in plan.remarks

    def test_our_own_settings_may_stand_in_a_peers_configuration(self) -> None:
        assert faults_of({**WIN_BRIDGE, "dataDir": "/x", "timeout": 30, "log": {"level": "debug"}}) == {}
        assert "absolute" in faults_of({**WIN_BRIDGE, "dataDir": "x"})["dataDir"]

    def test_the_peer_is_told(self) -> None:
        assert examine(WIN_BRIDGE).dialect == "win-bridge"
        assert examine(SDNBRIDGE).dialect == "wcn"
