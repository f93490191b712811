"""An endpoint's document in both shapes."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.hcn.views import EndpointView
from cni_hns.hns.documents import as_v1, as_v2

V2: dict[str, Any] = {
    "ID": "5f0c3b1e-0000-4111-8222-333344445555",
    "Name": "pod_net",
    "Owner": "cni-hns",
    "SchemaVersion": {"Major": 2, "Minor": 0},
    "HostComputeNetwork": "6f0c3b1e-0000-4111-8222-333344445555",
    "IpConfigurations": [
        {"IpAddress": "10.1.0.5", "PrefixLength": 24},
        {"IpAddress": "fd00::5", "PrefixLength": 64},
    ],
    "MacAddress": "0E-2A-0A-01-00-05",
    "Routes": [
        {"DestinationPrefix": "0.0.0.0/0", "NextHop": "10.1.0.2"},
        {"DestinationPrefix": "::/0", "NextHop": "fd00::2"},
    ],
    "Dns": {"ServerList": ["10.96.0.10", "10.96.0.11"], "Search": ["a.local", "b.local"]},
    "Policies": [
        {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.96.0.0/12"], "VirtualIP": "10.1.0.9"}},
        {"Type": "OutBoundNAT", "Settings": {"Destinations": ["10.1.0.5"]}},
        {"Type": "SDNRoute", "Settings": {"DestinationPrefix": "10.96.0.0/12", "NeedEncap": True}},
        {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.10"}},
        {"Type": "PortMapping", "Settings": {"Protocol": 17, "InternalPort": 53, "ExternalPort": 5353}},
        {"Type": "QOS", "Settings": {"MaximumOutgoingBandwidthInBytes": 1000}},
        {
            "Type": "ACL",
            "Settings": {"Protocols": "6", "Action": "Allow", "Direction": "In", "LocalPorts": "80"},
        },
    ],
}
V1: dict[str, Any] = {
    "ID": "5f0c3b1e-0000-4111-8222-333344445555",
    "Name": "pod_net",
    "VirtualNetwork": "6f0c3b1e-0000-4111-8222-333344445555",
    "MacAddress": "0E-2A-0A-01-00-05",
    "IPAddress": "10.1.0.5",
    "IPv6Address": "fd00::5",
    "GatewayAddress": "10.1.0.2",
    "GatewayAddressV6": "fd00::2",
    "DNSServerList": "10.96.0.10,10.96.0.11",
    "DNSSuffix": "a.local,b.local",
    "Policies": [
        {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"], "VIP": "10.1.0.9"},
        {"Type": "OutBoundNAT", "Destinations": ["10.1.0.5"]},
        {"Type": "ROUTE", "DestinationPrefix": "10.96.0.0/12", "NeedEncap": True},
        {"Type": "PA", "PA": "192.0.2.10"},
        {"Type": "NAT", "Protocol": "UDP", "InternalPort": 53, "ExternalPort": 5353},
        {"Type": "QOS", "MaximumOutgoingBandwidthInBytes": 1000},
        {"Type": "ACL", "Protocols": "6", "Action": "Allow", "Direction": "In", "LocalPorts": "80"},
    ],
}


class TestAsV1:
    def test_everything_has_its_name_there(self) -> None:
        assert as_v1(V2) == (V1, [], [])

    def test_what_it_has_no_member_for_is_named(self) -> None:
        document = {
            "Routes": [{"DestinationPrefix": "10.9.0.0/16", "NextHop": "10.1.0.3"}],
            "Dns": {"Domain": "local", "Options": ["ndots:5"], "Search": ["local"]},
            "Policies": [
                {
                    "Type": "PortMapping",
                    "Settings": {
                        "Protocol": 6,
                        "InternalPort": 80,
                        "ExternalPort": 8080,
                        "VIP": "192.0.2.10",
                        "Flags": 1,
                    },
                },
            ],
        }
        v1, lacking, unknown = as_v1(document)
        assert v1["DNSSuffix"] == "local"
        assert lacking == [
            "the route to 10.9.0.0/16",
            "the DNS domain",
            "the DNS options",
            "VIP of PortMapping",
            "Flags of PortMapping",
        ]
        assert unknown == []

    def test_a_default_lacks_nothing(self) -> None:
        settings = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080, "VIP": ""}
        assert as_v1({"Policies": [{"Type": "PortMapping", "Settings": settings}]})[1] == []

    def test_a_policy_of_another_type_is_not_passed_on(self) -> None:
        policies = [{"Type": "L4Proxy", "Settings": {}}, {"Type": "EncapOverhead", "Settings": {}}]
        assert as_v1({"Policies": policies}) == ({}, [], ["L4Proxy", "EncapOverhead"])


class TestAsV2:
    def test_what_v1_says_is_read_as_it_was_asked_for(self) -> None:
        view = EndpointView.of(as_v2({**V1, "PrefixLength": 24, "IPv6PrefixLength": 64}))
        assert view == EndpointView.of(V2)._replace(state=0)

    def test_names_are_read_in_any_case(self) -> None:
        other = {name.upper(): value for name, value in V1.items()}
        assert as_v2(other) == as_v2(V1)

    def test_containers_state_and_namespace(self) -> None:
        namespace = {"ID": "7F0C3B1E-0000-4111-8222-333344445555"}
        document = {"SharedContainers": ["one", "two"], "State": 3, "Namespace": namespace}
        view = EndpointView.of(as_v2(document))
        assert (view.containers, view.state) == (["one", "two"], 3)
        assert view.namespace == "7f0c3b1e-0000-4111-8222-333344445555"
        assert view.is_in_use

    def test_one_that_is_nowhere(self) -> None:
        view = EndpointView.of(as_v2({"SharedContainers": None, "Namespace": None}))
        assert (view.containers, view.namespace, view.is_in_use) == ([], None, False)

    @pytest.mark.parametrize(
        ("flat", "nested"),
        [
            ({"Type": "nat", "protocol": "tcp"}, {"Type": "PortMapping", "Settings": {"Protocol": 6}}),
            ({"Type": "PROXY", "IP": "10.1.0.1"}, {"Type": "PROXY", "Settings": {"IP": "10.1.0.1"}}),
        ],
    )
    def test_a_policy_of_others(self, flat: dict[str, Any], nested: dict[str, Any]) -> None:
        assert as_v2({"Policies": [flat]})["Policies"] == [nested]
