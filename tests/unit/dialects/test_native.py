"""The native configuration: what each rule accepts and refuses, and what a plan makes of it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cni_hns.dialects.compile import compile_plan
from cni_hns.dialects.findings import ConfigFault
from cni_hns.dialects.plan import RangePlan, SubnetPlan
from cni_hns.hcn.gates import FEATURES
from cni_hns.hcn.models.objects import HostComputeNetwork

from .configurations import BRIDGE, DHCP, DUAL, OVERLAY, REMOVED, changed, faults_of, plan_of
from .hcn_documents import hold

NAT = {"name": "n", "type": "cni-hns", "network": {"mode": "nat", "create": True}}
TUNNEL = changed(BRIDGE, network__mode="l2tunnel")
STATIC = changed(
    DHCP,
    network__subnets=[{"prefix": "192.168.7.0/24"}],
    ipam={"type": "cni-hns"},
    network__adapter="Ethernet",
)
FOUND = {"name": "f", "type": "cni-hns", "network": {"mode": "l2bridge"}, "ipam": {}}


class TestNetworks:
    """`network`, and the HostComputeNetwork that is created from it."""

    @pytest.mark.parametrize(
        ("config", "hcn_type"),
        [
            pytest.param(BRIDGE, "L2Bridge", id="l2bridge"),
            pytest.param(DUAL, "L2Bridge", id="l2bridge, dual stack"),
            pytest.param(TUNNEL, "L2Tunnel", id="l2tunnel"),
            pytest.param(NAT, "NAT", id="nat"),
            pytest.param(OVERLAY, "Overlay", id="overlay"),
            pytest.param(STATIC, "Transparent", id="transparent, static"),
            pytest.param(DHCP, "Transparent", id="transparent, dhcp"),
        ],
    )
    def test_each_mode_has_its_document(self, config: dict[str, Any], hcn_type: str) -> None:
        network = compile_plan(config).network
        assert network.create is not None
        hold(HostComputeNetwork, network.create)
        assert network.create["Type"] == network.hcn_type == hcn_type
        assert network.accepts == [hcn_type]

    def test_the_whole_document(self) -> None:
        plan = plan_of(
            OVERLAY,
            network={
                "name": "vxlan0",
                "mode": "overlay",
                "create": True,
                "adapter": "Ethernet 2",
                "vsid": 5000,
                "flags": ["EnableNonPersistent", "EnableDnsProxy", "EnableDnsProxy"],
                "macPool": [{"start": "00:15:5d:00:00:00", "end": "00-15-5D-00-0F-FF"}],
                "policies": [{"Type": "VxlanPort", "Settings": {"Port": 4789}}],
                "subnets": [{"subnet": "10.2.0.0/24", "gateway": "10.2.0.254"}],
            },
        )
        assert plan.network.create == {
            "Name": "vxlan0",
            "Owner": "cni-hns",
            "Type": "Overlay",
            "SchemaVersion": {"Major": 2, "Minor": 0},
            "Flags": 9,
            "Ipams": [
                {
                    "Type": "Static",
                    "Subnets": [
                        {
                            "IpAddressPrefix": "10.2.0.0/24",
                            "Routes": [{"NextHop": "10.2.0.254", "DestinationPrefix": "0.0.0.0/0"}],
                            "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 5000}}],
                        }
                    ],
                }
            ],
            "MacPool": {
                "Ranges": [{"StartMacAddress": "00-15-5D-00-00-00", "EndMacAddress": "00-15-5D-00-0F-FF"}]
            },
            "Policies": [
                {"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Ethernet 2"}},
                {"Type": "VxlanPort", "Settings": {"Port": 4789}},
            ],
        }
        assert plan.network.name == "vxlan0"
        assert "VxlanPort" in plan.requires
        hold(HostComputeNetwork, plan.network.create)

    @pytest.mark.parametrize(
        "changes",
        [
            {"network__subnets": [{"prefix": "10.1.0.0/30"}], "ipam": {}},
            {"network__name": "x" * 253},
            {"network__macPool": [{"start": "00-15-5D-00-00-01", "end": "00-15-5D-00-00-01"}]},
            {
                "policies": [
                    {"Type": "ACL", "Settings": {"Action": "Allow", "Direction": "In", "LocalPorts": "65535"}}
                ]
            },
            {"mtu": 576},
            {"mtu": 65535},
        ],
        ids=[
            "smallest subnet",
            "longest name",
            "pool of one MAC",
            "highest port",
            "smallest MTU",
            "largest MTU",
        ],
    )
    def test_the_last_value_that_is_allowed(self, changes: dict[str, Any]) -> None:
        assert faults_of(changed(BRIDGE, **changes)) == {}

    def test_a_virtual_subnet_id_has_24_bits(self) -> None:
        assert faults_of(changed(OVERLAY, network__vsid=2**24 - 1)) == {}
        assert list(faults_of(changed(OVERLAY, network__vsid=2**24))) == ["network.vsid"]

    def test_several_subnets_of_one_family_may_lie_apart(self) -> None:
        subnets = [{"prefix": "10.1.0.0/24"}, {"prefix": "10.2.0.0/24"}]
        assert faults_of(changed(BRIDGE, network__subnets=subnets)) == {}

    def test_an_item_that_is_no_object_does_not_move_the_others(self) -> None:
        subnets = [5, {"prefix": "10.1.0.0/24", "gateway": "10.2.0.1"}]
        found = faults_of(changed(BRIDGE, network__subnets=subnets, ipam={}))
        assert set(found) == {"network.subnets[0]", "network.subnets[1].gateway"}

    def test_a_faulty_subnet_is_not_held_against_the_ranges(self) -> None:
        subnets = [{"prefix": "10.1.0.0/24", "gateway": "10.9.0.1"}, {"prefix": "10.2.0.0/24"}]
        assert list(faults_of(changed(BRIDGE, network__subnets=subnets))) == ["network.subnets[0].gateway"]

    def test_the_gateway_of_a_created_network_is_its_first_address_by_default(self) -> None:
        plan = compile_plan(DUAL)
        assert plan.network.create is not None
        subnets = plan.network.create["Ipams"][0]["Subnets"]
        assert [each["Routes"] for each in subnets] == [
            [{"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}],
            [{"NextHop": "fd00:1::1", "DestinationPrefix": "::/0"}],
        ]
        assert plan.network.subnets == [SubnetPlan("10.1.0.0/24", None), SubnetPlan("fd00:1::/112", None)]

    def test_a_network_to_be_found_has_no_document(self) -> None:
        network = compile_plan(FOUND).network
        assert (network.name, network.create, network.subnets) == ("f", None, [])

    def test_addresses_by_dhcp_are_said_to_hns(self) -> None:
        create = compile_plan(DHCP).network.create
        assert create is not None
        assert create["Ipams"] == [{"Type": "Dhcp"}]

    @pytest.mark.parametrize(
        ("config", "path", "words"),
        [
            pytest.param(changed(BRIDGE, network=REMOVED), "network", "missing", id="no network"),
            pytest.param(
                changed(BRIDGE, network=[]), "network", "object is expected, not a list", id="a list"
            ),
            pytest.param(changed(BRIDGE, network__mode=REMOVED), "network.mode", "missing", id="no mode"),
            pytest.param(
                changed(BRIDGE, network__mode="l2brigde"),
                "network.mode",
                "not one of l2bridge, l2tunnel",
                id="mode",
            ),
            pytest.param(
                changed(BRIDGE, network__create="yes"), "network.create", "true or false", id="create"
            ),
            pytest.param(
                changed(BRIDGE, network__name=" "), "network.name", "a name is expected", id="blank name"
            ),
            pytest.param(
                changed(BRIDGE, network__name="x" * 254), "network.name", "at most 253", id="long name"
            ),
            pytest.param(
                changed(BRIDGE, network__adapter="vEthernet (Ethernet)"),
                "network.adapter",
                "virtual",
                id="vEthernet",
            ),
            pytest.param(
                changed(NAT, network__adapter="Ethernet"), "network.adapter", "nat", id="adapter of nat"
            ),
            pytest.param(
                changed(BRIDGE, network__vsid=5000), "network.vsid", "only overlay", id="vsid on l2bridge"
            ),
            pytest.param(
                changed(OVERLAY, network__vsid=4095), "network.vsid", "outside 4096 to", id="vsid too low"
            ),
            pytest.param(
                changed(OVERLAY, network__vsid="4096"), "network.vsid", "whole number", id="vsid as text"
            ),
            pytest.param(
                changed(OVERLAY, network__vsid=REMOVED), "network.vsid", "missing", id="overlay without vsid"
            ),
            pytest.param(
                changed(BRIDGE, network__subnets=[]),
                "network.subnets",
                "creates no l2bridge",
                id="nothing to create",
            ),
            pytest.param(
                changed(BRIDGE, network__flags=["EnableFirewall"]),
                "network.flags[0]",
                "EnableIov",
                id="unknown flag",
            ),
            pytest.param(
                changed(
                    BRIDGE, network__macPool=[{"start": "00-15-5D-00-00-02", "end": "00-15-5D-00-00-01"}]
                ),
                "network.macPool[0].start",
                "comes after end",
                id="MAC range backwards",
            ),
            pytest.param(
                changed(BRIDGE, network__macPool=[{"start": "00-15-5D-00-00-02"}]),
                "network.macPool[0].end",
                "missing",
                id="MAC range without end",
            ),
            pytest.param(
                changed(BRIDGE, network__gatway="10.1.0.1"),
                "network.gatway",
                "unknown key",
                id="unknown key",
            ),
            pytest.param(
                changed(BRIDGE, network__subnets=[{"prefix": "10.1.0.0/24", "gatway": "10.1.0.1"}]),
                "network.subnets[0].gatway",
                "did you mean gateway?",
                id="misspelt key",
            ),
        ],
    )
    def test_a_fault_is_named(self, config: dict[str, Any], path: str, words: str) -> None:
        found = faults_of(config)
        assert words in found[path]

    @pytest.mark.parametrize(
        ("subnets", "path", "words"),
        [
            pytest.param([{}], "[0]", "needs its prefix", id="no prefix"),
            pytest.param([5], "[0]", "an object is expected", id="a number"),
            pytest.param([{"prefix": "10.1.0.9/24"}], "[0].prefix", "network is 10.1.0.0/24", id="host bits"),
            pytest.param([{"prefix": "10.1.0.0/31"}], "[0]", "too small", id="too small"),
            pytest.param(
                [{"prefix": "10.1.0.0/24", "gateway": "10.2.0.1"}],
                "[0].gateway",
                "not in the subnet",
                id="outside",
            ),
            pytest.param(
                [{"prefix": "10.1.0.0/24", "gateway": "10.1.0.255"}],
                "[0].gateway",
                "broadcast",
                id="broadcast",
            ),
            pytest.param(
                [{"prefix": "10.1.0.0/24", "subnet": "10.1.0.0/24"}],
                "[0].subnet",
                "one of them",
                id="both names",
            ),
            pytest.param(
                [{"prefix": "10.1.0.0/24"}, {"prefix": "10.1.0.128/25"}],
                "[1]",
                "overlaps 10.1.0.0/24",
                id="overlap",
            ),
            pytest.param([{"prefix": "fd00::/112"}], "", "beside IPv4 only", id="IPv6 alone"),
        ],
    )
    def test_a_faulty_subnet_is_named(self, subnets: list[Any], path: str, words: str) -> None:
        found = faults_of(changed(BRIDGE, network__subnets=subnets, ipam={}))
        assert words in found[f"network.subnets{path}"]
        assert len(found) == 1

    @pytest.mark.parametrize("mode", ["l2tunnel", "nat", "overlay", "transparent"])
    def test_ipv6_is_for_l2bridge_only(self, mode: str) -> None:
        network = {"mode": mode, "subnets": [{"prefix": "10.1.0.0/24"}, {"prefix": "fd00::/112"}]}
        assert "l2bridge networks only" in faults_of({**FOUND, "network": network})["network.subnets[1]"]


class TestIpam:
    """`ipam`: host-local's schema, and who gives addresses."""

    @pytest.mark.parametrize(
        ("config", "kind"),
        [
            pytest.param(BRIDGE, "builtin", id="cni-hns"),
            pytest.param(changed(BRIDGE, ipam__type="host-local"), "builtin", id="host-local"),
            pytest.param(changed(BRIDGE, ipam__type="host-local.exe"), "builtin", id="host-local.exe"),
            pytest.param(
                changed(BRIDGE, ipam={"type": "host-local", "delegate": True, "what": "ever"}),
                "delegate",
                id="delegation by force",
            ),
            pytest.param(
                changed(BRIDGE, ipam={"type": "azure-vnet-ipam", "x": {}}), "delegate", id="another plugin"
            ),
            pytest.param(changed(BRIDGE, ipam={}), "hns", id="empty object"),
            pytest.param(changed(BRIDGE, ipam=REMOVED), "hns", id="no ipam"),
            pytest.param(changed(BRIDGE, ipam=None), "hns", id="null"),
            pytest.param(changed(BRIDGE, ipam={"type": ""}), "hns", id="empty type"),
            pytest.param(DHCP, "dhcp", id="transparent without ipam"),
            pytest.param(changed(DHCP, ipam={}), "dhcp", id="transparent with an empty object"),
            pytest.param(STATIC, "builtin", id="transparent with ranges"),
        ],
    )
    def test_the_kind(self, config: dict[str, Any], kind: str) -> None:
        assert compile_plan(config).ipam.kind == kind

    def test_the_legacy_single_range_goes_before_the_others(self) -> None:
        ipam = {"type": "host-local", "subnet": "10.1.0.0/24", "ranges": [[{"subnet": "fd00:1::/112"}]]}
        plan = plan_of(DUAL, ipam=ipam)
        assert [each.subnet for ranges in plan.ipam.range_sets for each in ranges] == [
            "10.1.0.0/24",
            "fd00:1::/112",
        ]

    def test_without_ranges_the_networks_subnets_are_allocated_from(self) -> None:
        plan = plan_of(DUAL, network__subnets=[{"prefix": "10.1.0.0/24", "gateway": "10.1.0.9"}])
        assert plan.ipam.range_sets == [[RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.9")]]
        assert plan.ipam.implied

    def test_a_range_leaves_out_the_gateway_of_its_network(self) -> None:
        plan = plan_of(
            BRIDGE,
            network__subnets=[{"prefix": "10.1.0.0/24", "gateway": "10.1.0.200"}],
            ipam__ranges=[[{"subnet": "10.1.0.128/25"}]],
        )
        assert plan.ipam.range_sets[0][0].gateway == "10.1.0.200"

    def test_behind_a_bridge_no_pod_gets_first_or_third_address(self) -> None:
        plan = plan_of(BRIDGE, gatewayFrom="bridge")
        assert plan.ipam.range_sets[0][0].gateway == "10.1.0.2"
        assert plan.ipam.reserved == ["10.1.0.1"]
        explicit = plan_of(
            BRIDGE, gatewayFrom="bridge", ipam__ranges=[[{"subnet": "10.1.0.0/24", "gateway": "10.1.0.9"}]]
        )
        assert explicit.ipam.range_sets[0][0].gateway == "10.1.0.9"

    def test_routes_and_files_are_kept(self) -> None:
        plan = plan_of(
            BRIDGE,
            ipam__routes=[{"dst": "0.0.0.0/0"}, {"dst": "10.9.0.0/16", "gw": "10.1.0.3", "priority": 7}],
            ipam__resolvConf=r"C:\etc\resolv.conf",
            ipam__dataDir=r"D:\cni\networks",
        )
        assert plan.ipam.routes == [
            {"dst": "0.0.0.0/0"},
            {"dst": "10.9.0.0/16", "gw": "10.1.0.3", "priority": 7},
        ]
        assert (plan.ipam.resolv_conf, plan.ipam.data_dir) == (r"C:\etc\resolv.conf", r"D:\cni\networks")

    @pytest.mark.parametrize(
        ("ipam", "folder"),
        [
            pytest.param({"type": "host-local"}, None, id="host-local's default"),
            pytest.param({"type": "cni-hns"}, None, id="none"),
            pytest.param({"type": "cni-hns", "dataDir": "/x"}, "/x", id="configured"),
        ],
    )
    def test_the_folder_of_host_locals_reservations(self, ipam: dict[str, Any], folder: str | None) -> None:
        assert plan_of(BRIDGE, ipam=ipam).ipam.data_dir == folder

    @pytest.mark.parametrize(
        ("ipam", "path", "words"),
        [
            pytest.param({"type": "cni-hns", "ranges": [[]]}, "ipam.ranges[0]", "empty", id="empty set"),
            pytest.param(
                {"type": "cni-hns", "ranges": [{}]}, "ipam.ranges[0]", "a list is expected", id="flat list"
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[7]]}, "ipam.ranges[0][0]", "an object", id="a number"
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/24", "gatway": "10.1.0.1"}]]},
                "ipam.ranges[0][0].gatway",
                "did you mean gateway?",
                id="misspelt key",
            ),
            pytest.param(
                {"type": "cni-hns", "rangeStart": "10.1.0.5"},
                "ipam.subnet",
                "missing",
                id="start without subnet",
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/24", "gateway": "10.9.0.1"}]]},
                "ipam.ranges[0][0].gateway",
                "not in the subnet",
                id="gateway outside",
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[{"subnet": "10.7.0.0/24"}]]},
                "ipam.ranges[0][0].subnet",
                "none of the network's subnets (10.1.0.0/24)",
                id="outside the network",
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/25"}, {"subnet": "10.1.0.0/26"}]]},
                "ipam.ranges[0][1]",
                "overlaps",
                id="overlap in a set",
            ),
            pytest.param(
                {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/25"}], [{"subnet": "10.1.0.128/25"}]]},
                "ipam.ranges[1]",
                "a second IPv4 address",
                id="two sets of one family",
            ),
            pytest.param(
                {"type": "host-local", "subnet": "10.1.0.0/25", "ranges": [[{"subnet": "10.1.0.0/24"}]]},
                "ipam.ranges[0]",
                "overlaps range set 0",
                id="legacy range and a set",
            ),
            pytest.param(
                {"type": "cni-hns", "routes": [{}]}, "ipam.routes[0].dst", "missing", id="route to nowhere"
            ),
            pytest.param(
                {"type": "cni-hns", "routes": [{"dst": "10.0.0.0/8", "mtu": 1400}]},
                "ipam.routes[0].mtu",
                "unknown key",
                id="a route's MTU",
            ),
            pytest.param(
                {"type": "cni-hns", "dataDir": "x"}, "ipam.dataDir", "absolute", id="relative dataDir"
            ),
            pytest.param(
                {"type": "cni-hns", "delegate": "yes"}, "ipam.delegate", "true or false", id="delegate"
            ),
            pytest.param({"type": "..\\evil"}, "ipam.type", "without a folder", id="a path for a plugin"),
            pytest.param({"type": 5}, "ipam.type", "expected", id="a number for a plugin"),
            pytest.param(
                {"subnet": "10.1.0.0/24"}, "ipam.type", '"cni-hns" allocates', id="ranges without a type"
            ),
            pytest.param({"gatway": "x"}, "ipam.gatway", "unknown key", id="unknown key without a type"),
            pytest.param([], "ipam", "an object is expected", id="a list"),
        ],
    )
    def test_a_fault_is_named(self, ipam: object, path: str, words: str) -> None:
        found = faults_of(changed(BRIDGE, ipam=ipam))
        assert words in found[path]
        assert len(found) == 1

    def test_nothing_to_allocate_from_is_a_fault_unless_the_runtime_brings_ranges(self) -> None:
        bare = {**FOUND, "ipam": {"type": "cni-hns"}}
        assert "missing" in faults_of(bare)["ipam.ranges"]
        assert faults_of({**bare, "capabilities": {"ipRanges": True}}) == {}

    @pytest.mark.parametrize("mode", ["l2tunnel", "nat", "overlay", "transparent"])
    def test_ipv6_ranges_are_for_l2bridge_only(self, mode: str) -> None:
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "10.1.0.0/24"}], [{"subnet": "fd00::/112"}]]}
        assert (
            "l2bridge networks only"
            in faults_of({**FOUND, "network": {"mode": mode}, "ipam": ipam})["ipam.ranges"]
        )

    def test_ipv6_alone_is_refused(self) -> None:
        ipam = {"type": "cni-hns", "ranges": [[{"subnet": "fd00::/112"}]]}
        assert "beside IPv4 only" in faults_of({**FOUND, "ipam": ipam})["ipam.ranges"]


class TestPolicies:
    """`policies`, each alone, and what is brought together with `outboundNat`."""

    @staticmethod
    def faults(*policies: Any, **more: Any) -> dict[str, str]:
        return faults_of(changed(BRIDGE, policies=list(policies), **more))

    @pytest.mark.parametrize(
        ("policy", "path", "words"),
        [
            pytest.param("ACL", "", "an object with Type", id="text"),
            pytest.param({"Settings": {}}, ".Type", "missing", id="no type"),
            pytest.param({"Type": "SDNROUTE"}, ".Type", "did you mean SDNRoute?", id="letter case of a type"),
            pytest.param({"Type": "Firewall"}, ".Type", "known are PortMapping", id="unknown type"),
            pytest.param({"Type": "L2Driver", "Name": "x"}, ".Name", "unknown key", id="unknown key"),
            pytest.param(
                {"Type": "QOS", "Settings": []}, ".Settings", "an object is expected", id="settings as list"
            ),
            pytest.param(
                {"Type": "OutBoundNAT", "Settings": {"ExceptionList": ["10.0.0.0/8"]}},
                ".Settings.ExceptionList",
                "unknown key",
                id="V1's name of a setting",
            ),
            pytest.param(
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": "10.0.0.0/8"}},
                ".Settings.Exceptions",
                "a list is expected",
                id="text for a list",
            ),
            pytest.param(
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.0.0.0/8", "<SERVICE_CIDR>"]}},
                ".Settings.Exceptions[1]",
                "is not",
                id="a placeholder among exceptions",
            ),
            pytest.param(
                {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.1/12"}},
                ".Settings.DestinationPrefix",
                "host bits",
                id="host bits",
            ),
            pytest.param(
                {"Type": "SDNRoute"}, ".Settings.DestinationPrefix", "missing", id="a route to nowhere"
            ),
            pytest.param(
                {"Type": "QOS", "Settings": {}}, ".Settings.MaximumOutgoing", "missing", id="QOS of nothing"
            ),
            pytest.param(
                {
                    "Type": "PortMapping",
                    "Settings": {"Protocol": "tcp", "InternalPort": 1, "ExternalPort": 1},
                },
                ".Settings.Protocol",
                "whole number",
                id="protocol by name",
            ),
            pytest.param(
                {"Type": "PortMapping", "Settings": {"Protocol": 132, "InternalPort": 1, "ExternalPort": 1}},
                ".Settings.Protocol",
                "TCP (6) and UDP (17)",
                id="sctp",
            ),
            pytest.param(
                {"Type": "PortMapping", "Settings": {"Protocol": 6, "InternalPort": 0, "ExternalPort": 1}},
                ".Settings.InternalPort",
                "from 1",
                id="port 0",
            ),
            pytest.param(
                {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "NODE_IP"}},
                ".Settings.ProviderAddress",
                "is not an IP address",
                id="placeholder for an address",
            ),
            pytest.param(
                {"Type": "VLAN", "Settings": {"IsolationId": 0}},
                ".Settings.IsolationId",
                "from 1 to 4094",
                id="VLAN 0",
            ),
        ],
    )
    def test_a_faulty_policy_is_named(self, policy: Any, path: str, words: str) -> None:
        good = {"Type": "EncapOverhead", "Settings": {"Overhead": 50}}
        found = self.faults(good, policy)
        assert len(found) == 1
        ((place, message),) = found.items()
        assert place.startswith(f"policies[1]{path}")
        assert words in message

    ACL: ClassVar = {
        "Action": "Block",
        "Direction": "Out",
        "RemoteAddresses": "169.254.169.254",
        "RemotePorts": "80",
        "Protocols": "6",
    }

    @pytest.mark.parametrize(
        ("settings", "path", "words"),
        [
            pytest.param({"Action": "Deny"}, "Action", "Allow, Block, Pass", id="action"),
            pytest.param({"Direction": "Both"}, "Direction", "In, Out", id="direction"),
            pytest.param({"RuleType": "Port"}, "RuleType", "Host, Switch", id="rule type"),
            pytest.param(
                {"RemoteAddresses": "10.0.0.0/8,10.0.0.1/8"}, "RemoteAddresses", "host bits", id="prefix"
            ),
            pytest.param({"RemoteAddresses": "<VIP>"}, "RemoteAddresses", "SetPolicy", id="placeholder"),
            pytest.param({"RemoteAddresses": "{{ vip }}"}, "RemoteAddresses", "SetPolicy", id="template"),
            pytest.param({"RemotePorts": "http"}, "RemotePorts", "range of numbers", id="port by name"),
            pytest.param({"RemotePorts": "80-"}, "RemotePorts", "range of numbers", id="open range"),
            pytest.param({"Protocols": "TCP"}, "Protocols", "protocol number", id="protocol by name"),
            pytest.param({"Protocols": 6}, "Protocols", "a string is expected", id="protocol as a number"),
            pytest.param({"Action": None}, "Action", "missing", id="no action"),
        ],
    )
    def test_a_faulty_access_rule_is_named(self, settings: dict[str, Any], path: str, words: str) -> None:
        found = self.faults({"Type": "ACL", "Settings": {**self.ACL, **settings}})
        assert words in found[f"policies[0].Settings.{path}"]

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"RemoteAddresses": "10.0.0.0/8,fd00::/8,192.0.2.1"},
            {"RemoteAddresses": "azure-npm-set_1", "RemotePorts": "80,8000-9000"},
            {"Protocols": "6,17"},
        ],
        ids=["plain", "several addresses", "a set and port ranges", "several protocols"],
    )
    def test_a_sound_access_rule_is_kept_as_it_is(self, settings: dict[str, Any]) -> None:
        policy = {"Type": "ACL", "Settings": {**self.ACL, **settings}}
        assert plan_of(BRIDGE, policies=[policy]).policies == [policy]

    def test_settings_are_sent_as_the_schema_spells_them(self) -> None:
        written = {
            "Type": "SDNRoute",
            "Settings": {"destinationprefix": "10.96.0.0/12", "NeedEncap": True, "NextHop": None},
        }
        assert plan_of(BRIDGE, policies=[written]).policies == [
            {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}
        ]

    def test_a_kind_of_which_hns_takes_one_is_refused_twice(self) -> None:
        qos = {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1000}}
        assert "a second QOS policy" in self.faults(qos, qos)["policies[1]"]

    def test_outbound_nat_of_all_places_becomes_one(self) -> None:
        plan = plan_of(
            BRIDGE,
            outboundNat={"exceptions": ["10.0.0.0/8"]},
            policies=[
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12", "10.0.0.0/8"]}},
                {
                    "Type": "OutBoundNAT",
                    "Settings": {"Exceptions": ["192.0.2.0/24"], "VirtualIP": "192.0.2.9"},
                },
                {"Type": "OutBoundNAT", "Settings": {"Destinations": ["10.1.0.9"]}},
            ],
        )
        assert plan.nat_exceptions == ["10.0.0.0/8", "10.96.0.0/12", "192.0.2.0/24"]
        assert plan.nat_settings == {"VirtualIP": "192.0.2.9"}
        assert plan.policies == [{"Type": "OutBoundNAT", "Settings": {"Destinations": ["10.1.0.9"]}}]
        assert "several OutBoundNAT policies are sent as one" in plan.remarks
        assert "DSR" in plan.requires

    def test_outbound_nat_policies_that_disagree_are_refused(self) -> None:
        one = {"Type": "OutBoundNAT", "Settings": {"VirtualIP": "192.0.2.9"}}
        other = {"Type": "OutBoundNAT", "Settings": {"VirtualIP": "192.0.2.8"}}
        assert "says otherwise" in self.faults(one, other)["policies[1].Settings.VirtualIP"]

    @pytest.mark.parametrize(
        ("value", "exceptions"),
        [(True, []), (False, None), (None, None), ({}, []), ({"exceptions": ["10.0.0.0/8"]}, ["10.0.0.0/8"])],
        ids=["true", "false", "null", "empty", "exceptions"],
    )
    def test_outbound_nat_is_a_switch_or_an_object(self, value: object, exceptions: list[str] | None) -> None:
        assert plan_of(BRIDGE, outboundNat=value).nat_exceptions == exceptions

    def test_network_policies_are_checked_too(self) -> None:
        found = faults_of(
            changed(OVERLAY, network__policies=[{"Type": "VSID", "Settings": {"IsolationId": 5000}}])
        )
        assert "in network.subnets[i].policies" in found["network.policies[0].Type"]
        found = faults_of(changed(OVERLAY, network__policies=[{"Type": "QOS"}]))
        assert "in policies" in found["network.policies[0].Type"]


class TestTheRest:
    """DNS, routes, MTU, MAC prefix, DSR, gatewayFrom, log, timeout, dataDir, capabilities."""

    @pytest.mark.parametrize(
        ("changes", "path", "words"),
        [
            pytest.param({"name": "a/b"}, "name", "must begin with", id="name"),
            pytest.param({"name": REMOVED}, "name", "missing", id="no name"),
            pytest.param(
                {"dns": {"nameservers": ["dns"]}}, "dns.nameservers[0]", "not an IP address", id="server"
            ),
            pytest.param({"dns": {"search": ["a b"]}}, "dns.search[0]", "single word", id="suffix"),
            pytest.param(
                {"dns": {"servers": []}}, "dns.servers", "unknown key; known are nameservers", id="dns key"
            ),
            pytest.param(
                {"dns": {"domain": 5}}, "dns.domain", "a string is expected, not a number", id="domain"
            ),
            pytest.param(
                {"routes": [{"dst": "10.0.0.0/8", "gw": "fd00::1"}]}, "routes[0].gw", "family", id="families"
            ),
            pytest.param(
                {"routes": [{"dst": "10.0.0.0/8", "metric": -1}]}, "routes[0].metric", "outside", id="metric"
            ),
            pytest.param({"mtu": 100}, "mtu", "outside 576", id="mtu"),
            pytest.param(
                {"macPrefix": "0E-2A"}, "macPrefix", "overlay networks only", id="MAC prefix on l2bridge"
            ),
            pytest.param({"macPrefix": "0E2A"}, "macPrefix", "first two bytes", id="MAC prefix form"),
            pytest.param({"macPrefix": "0F-2A"}, "macPrefix", "first two bytes", id="MAC prefix of a group"),
            pytest.param({"macPrefix": 5}, "macPrefix", "a string", id="MAC prefix as a number"),
            pytest.param(
                {"loopbackDSR": True, "ipam": {}}, "loopbackDSR", "ipam.type", id="DSR without addresses"
            ),
            pytest.param({"loopbackDSR": "true"}, "loopbackDSR", "true or false", id="DSR as text"),
            pytest.param(
                {"gatewayFrom": "dhcp"}, "gatewayFrom", "not one of network, ipam", id="gatewayFrom"
            ),
            pytest.param(
                {"outboundNat": {"exceptions": ["10.0.0.1/8"]}},
                "outboundNat.exceptions[0]",
                "host bits",
                id="NAT",
            ),
            pytest.param({"outboundNat": 1}, "outboundNat", "an object is expected", id="NAT as a number"),
            pytest.param({"log": {"file": "log.txt"}}, "log.file", "absolute", id="relative log"),
            pytest.param({"log": {"level": "trace"}}, "log.level", "not one of debug", id="log level"),
            pytest.param({"log": {"maxSizeMB": 0}}, "log.maxSizeMB", "above 0", id="log size"),
            pytest.param({"timeout": 0}, "timeout", "above 0", id="timeout"),
            pytest.param({"timeout": True}, "timeout", "above 0", id="timeout as a boolean"),
            pytest.param({"timeout": {"add": "1m"}}, "timeout.add", "seconds", id="timeout of a verb"),
            pytest.param({"timeout": {"ADD": 5}}, "timeout.ADD", "did you mean add?", id="verb in capitals"),
            pytest.param({"dataDir": "state"}, "dataDir", "absolute", id="relative dataDir"),
            pytest.param(
                {"capabilities": {"dns": "true"}}, "capabilities.dns", "true or false", id="capability"
            ),
            pytest.param(
                {"capabilities": []}, "capabilities", "an object is expected", id="capabilities as a list"
            ),
            pytest.param(
                {"mtu": 1400, "policies": [{"Type": "InterfaceParameters", "Settings": {"Mtu": 1400}}]},
                "mtu",
                "HNS takes one",
                id="MTU twice",
            ),
            pytest.param({"netwrok": {}}, "netwrok", "did you mean network?", id="misspelt top-level key"),
            pytest.param({"subnets": []}, "subnets", "belongs into network", id="a network's key at the top"),
            pytest.param(
                {"portMappings": []}, "portMappings", "capabilities as portMappings", id="a capability"
            ),
            pytest.param(
                {"AdditionalArgs": []}, "AdditionalArgs", "belongs into policies", id="another dialect's key"
            ),
            pytest.param({"ipMasq": True}, "ipMasq", "say outboundNat", id="ipMasq"),
        ],
    )
    def test_a_fault_is_named(self, changes: dict[str, Any], path: str, words: str) -> None:
        found = faults_of(changed(BRIDGE, **changes))
        assert words in found[path]
        assert len(found) == 1

    def test_dhcp_leaves_no_room_for_a_default_gateway(self) -> None:
        found = faults_of(changed(DHCP, routes=[{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}]))
        assert "DHCP server" in found["routes"]

    def test_what_is_sound_is_kept(self) -> None:
        plan = plan_of(
            BRIDGE,
            dns={
                "nameservers": ["10.96.0.10", "FD00::A"],
                "search": ["a", "b"],
                "domain": "c",
                "options": ["ndots:5"],
            },
            routes=[{"dst": "10.20.0.0/16", "metric": 3}, {"dst": "10.30.0.0/16", "gw": "10.1.0.9"}],
            timeout={"add": 50, "del": 2.5},
            log={"file": r"C:\log\cni.log", "level": "debug", "maxSizeMB": 5},
            dataDir="/var/lib/cni-hns",
            mtu=1400,
            loopbackDSR=True,
        )
        assert plan.dns == {
            "Domain": "c",
            "Search": ["a", "b"],
            "ServerList": ["10.96.0.10", "fd00::a"],
            "Options": ["ndots:5"],
        }
        assert plan.routes == [
            {"DestinationPrefix": "10.20.0.0/16", "Metric": 3},
            {"DestinationPrefix": "10.30.0.0/16", "NextHop": "10.1.0.9"},
        ]
        assert plan.requires == ["DSR", "InterfaceParameters"]
        assert plan.mac_prefix is None

    @pytest.mark.parametrize("timeout", [30, 0.5, 86_400, {"status": 86_400}], ids=str)
    def test_a_timeout_is_for_every_verb_or_for_each(self, timeout: object) -> None:
        assert faults_of(changed(BRIDGE, timeout=timeout)) == {}

    def test_dual_stack_needs_an_hns_that_has_it(self) -> None:
        assert compile_plan(DUAL).requires == ["IPv6DualStack"]

    @pytest.mark.parametrize(
        ("policy", "feature"),
        [
            ({"Type": "L4WFPPROXY", "Settings": {"InboundProxyPort": "15003"}}, "L4WfpProxy"),
            ({"Type": "L4Proxy", "Settings": {"Destination": "10.1.0.9:988"}}, "L4Proxy"),
            ({"Type": "TierAcl", "Settings": {"Name": "t", "Direction": "In", "Order": 1}}, "TierAcl"),
            ({"Type": "InterfaceParameters", "Settings": {"Mtu": 1400}}, "InterfaceParameters"),
            (
                {"Type": "ACL", "Settings": {"Action": "Allow", "Direction": "In", "Protocols": "252"}},
                "AclSupportForProtocol252",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_policy_newer_than_some_hns_names_the_feature(
        self, policy: dict[str, Any], feature: str
    ) -> None:
        plan = plan_of(BRIDGE, policies=[policy])
        assert plan.requires == [feature]
        assert feature in FEATURES

    def test_a_flag_newer_than_some_hns_names_the_feature(self) -> None:
        assert plan_of(BRIDGE, network__flags=["DisableHostPort"]).requires == ["DisableHostPort"]

    def test_unknown_keys_are_let_pass_and_named_without_their_values(self) -> None:
        plan = plan_of(BRIDGE, vendorToken="s3cret-value", master="x")
        assert plan.remarks == [
            "unknown keys, kept and not used: master (1 characters), vendorToken (12 characters)"
        ]

    def test_values_of_unknown_keys_are_never_repeated(self) -> None:
        config = changed(
            BRIDGE, network__pasw0rd="s3cret-1", netwrok="s3cret-2", ipam__token={"x": "s3cret-3"}
        )
        with pytest.raises(ConfigFault) as refusal:
            compile_plan(config)
        assert "s3cret" not in str(refusal.value)
        assert len(refusal.value.findings) == 3

    def test_null_is_absent_everywhere(self) -> None:
        config = changed(
            BRIDGE,
            mtu=None,
            dns=None,
            policies=None,
            network__vsid=None,
            ipam__dataDir=None,
            ipam__rangeStart=None,
        )
        assert faults_of(config) == {}

    def test_all_faults_are_said_at_once(self) -> None:
        config = changed(
            BRIDGE,
            network={
                "mode": "l2bridge",
                "create": True,
                "adaptor": "Ethernet",
                "vsid": 5000,
                "subnets": [{"prefix": "10.1.0.7/24"}, {"prefix": "10.2.0.0/24", "gateway": "10.3.0.1"}],
            },
            ipam={
                "type": "cni-hns",
                "gatway": "x",
                "ranges": [
                    [{"subnet": "10.2.0.0/24", "rangeStart": "10.9.0.1"}],
                    [{"subnet": "10.2.0.0/33"}],
                ],
            },
            policies=[{"Type": "Nope"}, {"Type": "QOS", "Settings": {}}],
            dns={"nameservers": ["bad", "worse"]},
            mtu=1,
            netwrok={},
        )
        assert set(faults_of(config)) == {
            "netwrok",
            "network.adaptor",
            "network.vsid",
            "network.subnets[0].prefix",
            "network.subnets[1].gateway",
            "ipam.gatway",
            "ipam.ranges[0][0].rangeStart",
            "ipam.ranges[1][0].subnet",
            "policies[0].Type",
            "policies[1].Settings.MaximumOutgoingBandwidthInBytes",
            "dns.nameservers[0]",
            "dns.nameservers[1]",
            "mtu",
        }

    @pytest.mark.parametrize(
        ("changes", "paths"),
        [
            pytest.param(
                {"name": REMOVED, "network__subnets": [{"prefix": "10.1.0.0/24", "gateway": "10.2.0.1"}]},
                {"name", "network.subnets[0].gateway"},
                id="no name",
            ),
            pytest.param({"name": 5, "mtu": 1}, {"name", "mtu"}, id="a number for a name"),
            pytest.param(
                {
                    "network__mode": "bridge",
                    "ipam__ranges": [[{"subnet": "x"}]],
                    "policies": [{"Type": "Nope"}],
                },
                {"network.mode", "ipam.ranges[0][0].subnet", "policies[0].Type"},
                id="no usable mode",
            ),
            pytest.param(
                {"network": REMOVED, "ipam": [], "policies": {}},
                {"network", "ipam", "policies"},
                id="no network",
            ),
        ],
    )
    def test_what_a_configuration_cannot_be_without_hides_no_other_fault(
        self, changes: dict[str, Any], paths: set[str]
    ) -> None:
        assert set(faults_of(changed(BRIDGE, **changes))) == paths
