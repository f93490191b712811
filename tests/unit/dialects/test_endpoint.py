"""The endpoint document: every part of it, and that the schema's models accept all of it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from cni_hns.dialects.endpoint import endpoint_request, reserved_addresses
from cni_hns.dialects.placement import Address, EndpointFault
from cni_hns.dialects.plan import AttachmentPlan
from cni_hns.dialects.wanted import Wanted, read_wanted
from cni_hns.hcn.models.objects import HostComputeEndpoint
from cni_hns.hcn.views import NetworkView

from .configurations import BRIDGE, DHCP, DUAL, OVERLAY, network_view, plan_of
from .hcn_documents import hold

NETWORK = network_view("10.1.0.0/24 10.1.0.1")
DUAL_NETWORK = network_view("10.1.0.0/24 10.1.0.1", "fd00:1::/112 fd00:1::1")
OVERLAY_NETWORK = network_view("10.2.0.0/24 10.2.0.1", mode="Overlay")
FOUR = Address("10.1.0.5", 24)
SIX = Address("fd00:1::5", 112)


def document(
    plan: AttachmentPlan,
    *addresses: Address,
    network: NetworkView = NETWORK,
    runtime: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    found = endpoint_request(
        plan,
        wanted(plan, runtime),
        network,
        addresses,
        endpoint_id="77c00000-0000-5000-8000-000000000001",
        name="sandbox_pods",
        **more,
    )
    hold(HostComputeEndpoint, found)
    return found


def wanted(plan: AttachmentPlan, runtime: dict[str, Any] | None = None, **arguments: str) -> Wanted:
    return read_wanted(plan, {"runtimeConfig": runtime}, arguments)


def policies(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [policy["Settings"] for policy in found.get("Policies", []) if policy["Type"] == kind]


def test_a_plain_pod_gets_address_gateway_and_identity() -> None:
    assert document(plan_of(BRIDGE), FOUR) == {
        "ID": "77c00000-0000-5000-8000-000000000001",
        "Name": "sandbox_pods",
        "Owner": "cni-hns",
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "HostComputeNetwork": NETWORK.id,
        "IpConfigurations": [{"IpAddress": "10.1.0.5", "PrefixLength": 24}],
        "Routes": [{"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}],
    }


def test_a_dual_stack_pod_gets_both_families() -> None:
    found = document(plan_of(DUAL), FOUR, SIX, network=DUAL_NETWORK)
    assert [each["IpAddress"] for each in found["IpConfigurations"]] == ["10.1.0.5", "fd00:1::5"]
    assert found["Routes"] == [
        {"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"},
        {"NextHop": "fd00:1::1", "DestinationPrefix": "::/0"},
    ]


def test_the_prefix_length_is_the_one_of_the_hcn_subnet() -> None:
    found = document(plan_of(BRIDGE), FOUR, network=network_view("10.1.0.0/16 10.1.0.1"))
    assert found["IpConfigurations"][0]["PrefixLength"] == 16


def test_an_address_outside_every_subnet_shows_both_sides() -> None:
    with pytest.raises(EndpointFault) as refusal:
        document(plan_of(BRIDGE), Address("10.7.0.5", 24))
    assert "10.7.0.5" in str(refusal.value)
    assert "10.1.0.0/24" in str(refusal.value)
    with pytest.raises(EndpointFault, match="its subnets: none"):
        document(plan_of(BRIDGE), FOUR, network=network_view())


def test_two_addresses_of_one_family_are_an_error_and_never_one_of_them() -> None:
    with pytest.raises(EndpointFault, match=r"more than one IPv4 address \(10.1.0.5, 10.1.0.6\)"):
        document(plan_of(BRIDGE), FOUR, Address("10.1.0.6", 24))


class TestGateway:
    """ "Gateway never equals an address handed out; taken from the configuration or the network"."""

    DELEGATED: ClassVar = {"type": "azure-vnet-ipam"}

    @pytest.mark.parametrize(
        ("changes", "given", "subnet", "expected"),
        [
            pytest.param({}, None, "10.1.0.0/24 10.1.0.1", "10.1.0.1", id="the HCN subnet's"),
            pytest.param({}, "10.1.0.9", "10.1.0.0/24 10.1.0.1", "10.1.0.1", id="not the built-in IPAM's"),
            pytest.param(
                {"ipam": DELEGATED}, "10.1.0.9", "10.1.0.0/24 10.1.0.1", "10.1.0.9", id="a delegated plugin's"
            ),
            pytest.param(
                {"ipam": DELEGATED},
                "10.8.0.9",
                "10.1.0.0/24 10.1.0.1",
                "10.1.0.1",
                id="not one outside the subnet",
            ),
            pytest.param(
                {"ipam": DELEGATED}, None, "10.1.0.0/24 10.1.0.1", "10.1.0.1", id="a plugin without one"
            ),
            pytest.param(
                {"ipam": DELEGATED, "gatewayFrom": "network"},
                "10.1.0.9",
                "10.1.0.0/24 10.1.0.1",
                "10.1.0.1",
                id="the HCN subnet's by choice",
            ),
            pytest.param(
                {"gatewayFrom": "bridge"},
                None,
                "10.1.0.0/24 10.1.0.254",
                "10.1.0.2",
                id="the third address by choice",
            ),
            pytest.param(
                {"gatewayFrom": "bridge"},
                None,
                "10.1.0.0/16 10.1.0.1",
                "10.1.0.2",
                id="third address of a /16",
            ),
            pytest.param(
                {"ipam__ranges": [[{"subnet": "10.1.0.0/24", "gateway": "10.1.0.7"}]]},
                None,
                "10.1.0.0/24 10.1.0.1",
                "10.1.0.7",
                id="a configured range's",
            ),
            pytest.param(
                {"ipam__routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.8"}]},
                None,
                "10.1.0.0/24 10.1.0.1",
                "10.1.0.8",
                id="a configured default route's",
            ),
            pytest.param(
                {"network__subnets": [{"prefix": "10.1.0.0/24"}]},
                None,
                "10.1.0.0/24 10.1.0.254",
                "10.1.0.254",
                id="HNS decides",
            ),
        ],
    )
    def test_the_default_route_leads_to(
        self, changes: dict[str, Any], given: str | None, subnet: str, expected: str
    ) -> None:
        plan = plan_of(BRIDGE, **{"network__subnets": [{"prefix": "10.1.0.0/24"}], **changes})
        found = document(plan, FOUR._replace(gateway=given), network=network_view(subnet))
        assert found["Routes"] == [{"NextHop": expected, "DestinationPrefix": "0.0.0.0/0"}]

    def test_an_address_that_is_the_gateway_is_an_error(self) -> None:
        with pytest.raises(EndpointFault, match="is also the gateway"):
            document(plan_of(BRIDGE), Address("10.1.0.1", 24))
        with pytest.raises(EndpointFault, match="is also the gateway"):
            document(plan_of(BRIDGE, ipam=self.DELEGATED, gatewayFrom="bridge"), Address("10.1.0.2", 24))

    def test_a_network_without_a_gateway_gives_no_default_route(self) -> None:
        plan = plan_of(BRIDGE, network__subnets=[{"prefix": "10.1.0.0/24"}])
        assert "Routes" not in document(plan, FOUR, network=network_view("10.1.0.0/24"))

    def test_every_gateway_and_the_hosts_address_are_reserved(self) -> None:
        plan = plan_of(
            BRIDGE,
            network__subnets=[{"prefix": "10.1.0.0/24"}],
            ipam__ranges=[[{"subnet": "10.1.0.0/24", "gateway": "10.1.0.7"}]],
            ipam__routes=[{"dst": "0.0.0.0/0", "gw": "10.1.0.8"}],
            gatewayFrom="bridge",
        )
        found = reserved_addresses(plan, network_view("10.1.0.0/24 10.1.0.254", management_ip="10.1.0.4"))
        assert set(found) == {"10.1.0.2", "10.1.0.4", "10.1.0.7", "10.1.0.8", "10.1.0.254"}
        assert reserved_addresses(plan_of(BRIDGE), network_view("10.1.0.0/24", management_ip=None)) == []


class TestRoutes:
    """Routes of the configuration, of IPAM and of HNS."""

    def test_routes_without_next_hop_take_the_gateway_of_their_family(self) -> None:
        plan = plan_of(
            DUAL,
            ipam={
                "type": "cni-hns",
                "routes": [{"dst": "10.20.0.0/16"}, {"dst": "fd20::/64", "priority": 5}],
            },
            routes=[{"dst": "10.30.0.0/16", "gw": "10.1.0.77", "metric": 9}],
        )
        assert document(plan, FOUR, SIX, network=DUAL_NETWORK)["Routes"][2:] == [
            {"NextHop": "10.1.0.1", "DestinationPrefix": "10.20.0.0/16"},
            {"NextHop": "fd00:1::1", "Metric": 5, "DestinationPrefix": "fd20::/64"},
            {"NextHop": "10.1.0.77", "Metric": 9, "DestinationPrefix": "10.30.0.0/16"},
        ]

    def test_the_default_route_is_never_there_twice(self) -> None:
        plan = plan_of(BRIDGE, ipam__routes=[{"dst": "0.0.0.0/0"}])
        assert document(plan, FOUR)["Routes"] == [{"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}]

    def test_a_delegated_plugins_routes_take_the_place_of_configured_ones(self) -> None:
        plan = plan_of(BRIDGE, ipam={"type": "azure-vnet-ipam"})
        routes = [{"dst": "10.20.0.0/16", "gw": None}, {"dst": "0.0.0.0/0", "gw": "10.1.0.3"}]
        assert document(plan, FOUR, ipam_routes=routes)["Routes"] == [
            {"NextHop": "10.1.0.3", "DestinationPrefix": "0.0.0.0/0"},
            {"NextHop": "10.1.0.1", "DestinationPrefix": "10.20.0.0/16"},
        ]

    def test_a_route_that_leads_nowhere_is_an_error(self) -> None:
        plan = plan_of(BRIDGE, routes=[{"dst": "fd20::/64"}])
        with pytest.raises(EndpointFault, match="fd20::/64 has no next hop"):
            document(plan, FOUR)


class TestAddressesFromElsewhere:
    """HNS or DHCP gives the address."""

    def test_hns_is_asked_for_nothing(self) -> None:
        found = document(plan_of(BRIDGE, ipam={}))
        assert "IpConfigurations" not in found
        assert "Routes" not in found

    def test_hns_is_asked_for_a_wanted_address(self) -> None:
        plan = plan_of(BRIDGE, ipam={})
        found = document(plan, runtime={"ips": ["10.1.0.50/8"]})
        assert found["IpConfigurations"] == [{"IpAddress": "10.1.0.50", "PrefixLength": 24}]

    def test_a_configured_default_route_is_sent_without_an_address(self) -> None:
        plan = plan_of(BRIDGE, ipam={"routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.3"}]})
        assert document(plan)["Routes"] == [{"NextHop": "10.1.0.3", "DestinationPrefix": "0.0.0.0/0"}]

    def test_other_routes_then_follow_the_configured_default_one(self) -> None:
        routes = [{"dst": "0.0.0.0/0", "gw": "10.1.0.3"}, {"dst": "10.9.0.0/16"}]
        assert document(plan_of(BRIDGE, ipam={"routes": routes}))["Routes"] == [
            {"NextHop": "10.1.0.3", "DestinationPrefix": "0.0.0.0/0"},
            {"NextHop": "10.1.0.3", "DestinationPrefix": "10.9.0.0/16"},
        ]

    def test_dhcp_is_a_flag_without_address_and_route(self) -> None:
        found = document(plan_of(DHCP), network=network_view(mode="Transparent"))
        assert found["Flags"] == 32
        assert "IpConfigurations" not in found

    def test_policies_then_follow_the_networks_families(self) -> None:
        plan = plan_of(DUAL, ipam={}, outboundNat=True)
        assert policies(document(plan, network=DUAL_NETWORK), "OutBoundNAT") == [{}, {"Flags": 2}]
        assert policies(document(plan, network=network_view()), "OutBoundNAT") == [{}]


class TestDns:
    """The runtime's parts beat the configuration's, those beat IPAM's; all servers and suffixes go."""

    CONFIGURED: ClassVar = {
        "nameservers": ["10.96.0.10", "10.96.0.11"],
        "search": ["a.example", "b.example"],
        "domain": "d",
    }

    def test_all_parts_reach_the_endpoint_in_order(self) -> None:
        found = document(plan_of(BRIDGE, dns={**self.CONFIGURED, "options": ["ndots:5"]}), FOUR)
        assert found["Dns"] == {
            "Domain": "d",
            "Search": ["a.example", "b.example"],
            "ServerList": ["10.96.0.10", "10.96.0.11"],
            "Options": ["ndots:5"],
        }

    def test_each_part_comes_from_the_nearest_source(self) -> None:
        found = document(
            plan_of(BRIDGE, dns={"search": ["conf.example"]}),
            FOUR,
            runtime={"dns": {"Servers": ["1.1.1.1"], "Searches": None}},
            ipam_dns={
                "nameservers": ["9.9.9.9"],
                "search": ["ipam.example"],
                "domain": "ipam",
                "options": [],
            },
        )
        assert found["Dns"] == {"Domain": "ipam", "Search": ["conf.example"], "ServerList": ["1.1.1.1"]}

    def test_the_pods_namespace_goes_before_the_first_suffix_where_asked_for(self) -> None:
        plan = plan_of(BRIDGE, dns={**self.CONFIGURED, "searchInPodNamespace": True})
        request = wanted(plan, None, K8S_POD_NAMESPACE="web")
        found = endpoint_request(plan, request, NETWORK, [FOUR])
        assert found["Dns"]["Search"] == ["web.a.example", "b.example"]
        with_runtime = wanted(plan, {"dns": {"searches": ["x.example"]}}, K8S_POD_NAMESPACE="web")
        assert endpoint_request(plan, with_runtime, NETWORK, [FOUR])["Dns"]["Search"] == ["x.example"]
        assert document(plan, FOUR)["Dns"]["Search"] == ["a.example", "b.example"]


class TestMac:
    """Given, or by prefix on overlay."""

    def test_overlay_pods_get_prefix_and_address_bytes(self) -> None:
        found = document(plan_of(OVERLAY), Address("10.2.0.17", 24), network=OVERLAY_NETWORK)
        assert found["MacAddress"] == "0E-2A-0A-02-00-11"
        other = document(
            plan_of(OVERLAY, macPrefix="aa-bb"), Address("10.2.0.255", 24), network=OVERLAY_NETWORK
        )
        assert other["MacAddress"] == "AA-BB-0A-02-00-FF"

    def test_a_given_mac_beats_the_prefix(self) -> None:
        runtime = {"mac": "0e:11:22:33:44:55"}
        found = document(plan_of(OVERLAY), Address("10.2.0.17", 24), network=OVERLAY_NETWORK, runtime=runtime)
        assert found["MacAddress"] == "0E-11-22-33-44-55"

    def test_elsewhere_hns_chooses(self) -> None:
        assert "MacAddress" not in document(plan_of(BRIDGE), FOUR)


class TestPolicies:
    """In order: configured ones, outbound NAT, loopback, port mappings, bandwidth, provider address, MTU."""

    def test_the_order(self) -> None:
        plan = plan_of(
            OVERLAY,
            policies=[
                {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}}
            ],
            outboundNat=True,
            loopbackDSR=True,
            mtu=1400,
        )
        runtime = {
            "portMappings": [{"hostPort": 80, "containerPort": 8080, "protocol": "tcp"}],
            "bandwidth": {"egressRate": 8000},
        }
        found = document(plan, Address("10.2.0.17", 24), network=OVERLAY_NETWORK, runtime=runtime)
        assert [policy["Type"] for policy in found["Policies"]] == [
            "SDNRoute",
            "OutBoundNAT",
            "OutBoundNAT",
            "PortMapping",
            "QOS",
            "ProviderAddress",
            "InterfaceParameters",
        ]
        assert policies(found, "QOS") == [{"MaximumOutgoingBandwidthInBytes": 1000}]
        assert policies(found, "ProviderAddress") == [{"ProviderAddress": "192.0.2.10"}]
        assert policies(found, "InterfaceParameters") == [{"Mtu": 1400}]

    def test_nat_exceptions_are_split_by_family(self) -> None:
        plan = plan_of(DUAL, outboundNat={"exceptions": ["10.0.0.0/8", "fd00::/16", "192.168.0.0/16"]})
        assert policies(document(plan, FOUR, SIX, network=DUAL_NETWORK), "OutBoundNAT") == [
            {"Exceptions": ["10.0.0.0/8", "192.168.0.0/16"]},
            {"Exceptions": ["fd00::/16"], "Flags": 2},
        ]
        assert policies(document(plan, FOUR, network=DUAL_NETWORK), "OutBoundNAT") == [
            {"Exceptions": ["10.0.0.0/8", "192.168.0.0/16"]}
        ]

    def test_the_networks_own_subnets_can_be_exceptions(self) -> None:
        plan = plan_of(DUAL, outboundNat={"exceptNetwork": True, "exceptions": ["10.96.0.0/12"]})
        assert policies(document(plan, FOUR, SIX, network=DUAL_NETWORK), "OutBoundNAT") == [
            {"Exceptions": ["10.96.0.0/12", "10.1.0.0/24"]},
            {"Exceptions": ["fd00:1::/112"], "Flags": 2},
        ]

    def test_a_virtual_address_is_for_its_own_family(self) -> None:
        nat = {
            "Type": "OutBoundNAT",
            "Settings": {"VirtualIP": "fd00:1::99", "Flags": 4, "MaxPortPoolUsage": 7},
        }
        plan = plan_of(DUAL, policies=[nat])
        assert policies(document(plan, FOUR, SIX, network=DUAL_NETWORK), "OutBoundNAT") == [
            {"MaxPortPoolUsage": 7, "Flags": 4},
            {"MaxPortPoolUsage": 7, "VirtualIP": "fd00:1::99", "Flags": 6},
        ]

    def test_loopback_dsr_names_each_of_the_pods_addresses(self) -> None:
        found = document(plan_of(DUAL, loopbackDSR=True), FOUR, SIX, network=DUAL_NETWORK)
        assert policies(found, "OutBoundNAT") == [
            {"Destinations": ["10.1.0.5"]},
            {"Destinations": ["fd00:1::5"], "Flags": 2},
        ]

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            pytest.param("", [("", 1), ("", 3)], id="any address: both families"),
            pytest.param("::", [("", 1), ("", 3)], id="the unspecified address: both families"),
            pytest.param("192.0.2.10", [("192.0.2.10", 1)], id="an IPv4 address"),
            pytest.param("2001:db8::1", [("2001:db8::1", 3)], id="an IPv6 address"),
        ],
    )
    def test_a_port_is_mapped_for_each_family_it_concerns(
        self, host: str, expected: list[tuple[str, int]]
    ) -> None:
        runtime = {
            "portMappings": [{"hostPort": 53, "containerPort": 5353, "protocol": "udp", "hostIP": host}]
        }
        found = document(plan_of(DUAL), FOUR, SIX, network=DUAL_NETWORK, runtime=runtime)
        assert policies(found, "PortMapping") == [
            {"Protocol": 17, "InternalPort": 5353, "ExternalPort": 53, "VIP": address, "Flags": flags}
            for address, flags in expected
        ]

    def test_a_mapping_for_a_family_the_pod_lacks_is_an_error_that_names_it(self) -> None:
        runtime = {
            "portMappings": [{"hostPort": 53, "containerPort": 53, "protocol": "udp", "hostIP": "fd00::1"}]
        }
        with pytest.raises(EndpointFault, match=r"port mapping 53/udp is for host address fd00::1"):
            document(plan_of(BRIDGE), FOUR, runtime=runtime)

    def test_an_allow_rule_goes_with_each_mapping_where_asked_for(self) -> None:
        runtime = {"portMappings": [{"hostPort": 80, "containerPort": 8080, "protocol": "tcp"}]}
        found = document(plan_of(BRIDGE, portMappingAcl=True), FOUR, runtime=runtime)
        assert policies(found, "ACL") == [
            {
                "Protocols": "6",
                "Action": "Allow",
                "Direction": "In",
                "LocalPorts": "8080",
                "RuleType": "Switch",
                "Priority": 1000,
            }
        ]

    def test_a_configured_provider_address_is_not_replaced(self) -> None:
        own = {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.99"}}
        found = document(plan_of(OVERLAY, policies=[own]), Address("10.2.0.17", 24), network=OVERLAY_NETWORK)
        assert policies(found, "ProviderAddress") == [{"ProviderAddress": "192.0.2.99"}]

    def test_an_overlay_network_without_management_address_is_an_error(self) -> None:
        network = network_view("10.2.0.0/24 10.2.0.1", management_ip=None, mode="Overlay")
        with pytest.raises(EndpointFault, match="no management address yet"):
            document(plan_of(OVERLAY), Address("10.2.0.17", 24), network=network)
