"""What HNS says, in whatever spelling it says it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cni_hns.hcn.models import every as models
from cni_hns.hcn.views import REMOTE, EndpointView, NamespaceView, NetworkView, SubnetView, contains
from tests.unit.binding.scripted import GUID
from tests.unit.hcn.documents_of import documents_of

ZERO = "00000000-0000-0000-0000-000000000000"

NETWORK = {
    "ID": GUID.upper(),
    "Name": "pods",
    "Type": "L2Bridge",
    "Flags": 8,
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "ID": GUID,
                    "IpAddressPrefix": "10.9.3.0/24",
                    "Routes": [
                        {"NextHop": "10.9.3.9", "DestinationPrefix": "192.0.2.0/24"},
                        {"NextHop": "10.9.3.1", "DestinationPrefix": "0.0.0.0/0"},
                    ],
                },
                {
                    "IpAddressPrefix": "fd00:9::/64",
                    "Routes": [{"NextHop": "fd00:9::1", "DestinationPrefix": "::/0"}],
                },
                {
                    "IpAddressPrefix": "10.9.4.0/24",
                    "Routes": [{"NextHop": "", "DestinationPrefix": "0.0.0.0/0"}],
                },
            ],
        }
    ],
    "Policies": [{"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.7"}}],
    "Dns": {"Domain": "pods.local", "ServerList": ["10.9.0.10"], "Search": []},
}


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {name.lower(): _lower(item) for name, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


class TestNetworks:
    @pytest.mark.parametrize("document", [NETWORK, _lower(NETWORK)], ids=["as documented", "lower case"])
    def test_are_read_in_any_case(self, document: dict[str, Any]) -> None:
        view = NetworkView.of(document)
        assert (view.id, view.name, view.type, view.flags) == (GUID, "pods", "L2Bridge", 8)
        assert view.subnets == [
            SubnetView(GUID, "10.9.3.0/24", "10.9.3.1"),
            SubnetView("", "fd00:9::/64", "fd00:9::1"),
            SubnetView("", "10.9.4.0/24", None),
        ]
        assert view.management_ip == "192.0.2.7"
        assert view.dns == {"Domain": "pods.local", "ServerList": ["10.9.0.10"]}

    def test_without_a_type_are_nat(self) -> None:
        assert NetworkView.of({"ID": "{" + GUID.upper() + "}"}).type == "NAT"

    @pytest.mark.parametrize(
        ("members", "address"),
        [
            pytest.param({"ManagementIP": "192.0.2.8"}, "192.0.2.8", id="the V1 member"),
            pytest.param({"Policies": [{"Type": "NetAdapterName"}]}, None, id="not there yet"),
            pytest.param(
                {"Policies": [{"Type": "providerAddress", "Settings": {}}]}, None, id="empty policy"
            ),
            pytest.param({"Policies": [{"Type": "ProviderAddress", "Settings": "x"}]}, None, id="odd policy"),
            pytest.param({"ManagementIP": ""}, None, id="empty"),
            pytest.param({"Policies": "none", "Ipams": None, "Dns": None}, None, id="nulls"),
        ],
    )
    def test_have_a_management_address_once_hns_shows_it(
        self, members: dict[str, Any], address: str | None
    ) -> None:
        assert NetworkView.of(members).management_ip == address

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(document=documents_of(models.HostComputeNetwork))
    def test_are_kept_and_read_back_as_they_were(self, document: dict[str, Any]) -> None:
        view = NetworkView.of(document)
        assert NetworkView.of(view.to_document()) == view


class TestEndpoints:
    def test_are_read_whole(self) -> None:
        view = EndpointView.of(
            {
                "ID": GUID,
                "Name": "sb1_pods",
                "HostComputeNetwork": GUID.upper(),
                "HostComputeNamespace": GUID.upper(),
                "IpConfigurations": [
                    {"IpAddress": "10.9.3.17", "PrefixLength": 24},
                    {"IPAddress": "fd00:9::17"},
                    {"IpAddress": ""},
                ],
                "MacAddress": "00-15-5D-2A-C4-11",
                "Routes": [
                    {"NextHop": "10.9.3.1", "DestinationPrefix": "0.0.0.0/0"},
                    {"NextHop": "-", "DestinationPrefix": "0.0.0.0/0"},
                    {"DestinationPrefix": "10.9.0.0/16"},
                    "odd",
                ],
                "Policies": [{"Type": "QOS"}],
                "Flags": 1,
                "State": 3,
            }
        )
        assert (view.id, view.network, view.namespace) == (GUID, GUID, GUID)
        assert view.addresses == [("10.9.3.17", 24), ("fd00:9::17", 0)]
        assert view.routes == [("0.0.0.0/0", "10.9.3.1"), ("10.9.0.0/16", "")]
        assert (view.mac, view.policies, view.state) == ("00-15-5D-2A-C4-11", [{"Type": "QOS"}], 3)
        assert view.flags & REMOTE

    @pytest.mark.parametrize("members", [{}, {"HostComputeNamespace": ZERO}, {"HostComputeNamespace": ""}])
    def test_in_no_namespace_say_so_in_several_ways(self, members: dict[str, Any]) -> None:
        assert EndpointView.of(members).namespace is None


class TestNamespaces:
    def test_list_endpoints_and_containers(self) -> None:
        view = NamespaceView.of(
            {
                "ID": GUID.upper(),
                "NamespaceId": 4,
                "Resources": [
                    {"Type": "Endpoint", "Data": {"Id": GUID.upper()}},
                    {"Type": "container", "Data": {"Id": "c1"}},
                    {"Type": "Endpoint", "Data": "odd"},
                    {"Type": "Endpoint"},
                ],
                "Containers": ["c1", "c2", "c2"],
            }
        )
        assert (view.id, view.compartment, view.endpoints, view.containers) == (GUID, 4, {GUID}, ["c1", "c2"])

    def test_in_the_v1_shape_are_the_same(self) -> None:
        view = NamespaceView.of(
            {
                "CompartmentId": 1,
                "ResourceList": [{"Type": "Endpoint", "Data": {"ID": GUID}}],
                "Type": "Guest",
            }
        )
        assert (view.compartment, view.endpoints, view.type) == (1, {GUID}, "Guest")

    def test_that_are_new_are_empty(self) -> None:
        assert NamespaceView.of({}) == NamespaceView("", 0, set(), [], "Host")


NAT = {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.0.0.0/8", "10.9.0.0/16"]}}


class TestContains:
    @pytest.mark.parametrize(
        ("there", "wanted"),
        [
            pytest.param(NAT, NAT, id="equal"),
            pytest.param({**NAT, "Extra": 1}, NAT, id="HNS added a member"),
            pytest.param(_lower(NAT), NAT, id="HNS spells it otherwise"),
            pytest.param(
                {
                    "Type": "outboundnat",
                    "Settings": {"Exceptions": ["10.9.0.0/16", "172.16.0.0/12", "10.0.0.0/8"]},
                },
                NAT,
                id="HNS orders and adds",
            ),
            pytest.param(
                {"Settings": {}},
                {"Settings": {"VIP": "", "Flags": 0, "Exceptions": [], "NeedEncap": False}},
                id="HNS leaves defaults out",
            ),
            pytest.param({}, {"Settings": {}}, id="an empty object left out"),
            pytest.param({"A": "ab-CD"}, {"A": "AB-cd"}, id="text in another case"),
            pytest.param({"Port": 80}, {"Port": "80"}, id="a number for a text"),
        ],
    )
    def test_all_that_is_wanted(self, there: dict[str, Any], wanted: dict[str, Any]) -> None:
        assert contains(there, wanted)

    @pytest.mark.parametrize(
        ("there", "wanted"),
        [
            pytest.param({"Type": "ACL"}, {"Type": "QOS"}, id="another type"),
            pytest.param({"Type": "QOS"}, NAT, id="settings missing"),
            pytest.param(
                {"Type": "OutBoundNAT", "Settings": {"Exceptions": ["10.0.0.0/8"]}}, NAT, id="one missing"
            ),
            pytest.param(
                {"Settings": {"Exceptions": "10.0.0.0/8"}},
                {"Settings": {"Exceptions": ["10.0.0.0/8"]}},
                id="no list",
            ),
            pytest.param({"Flags": 1}, {"Flags": 3}, id="another number"),
            pytest.param({"Flags": None}, {"Flags": 1}, id="a null"),
            pytest.param({}, {"NeedEncap": True}, id="a default that is not wanted"),
        ],
    )
    def test_not_when_something_is_missing(self, there: dict[str, Any], wanted: dict[str, Any]) -> None:
        assert not contains(there, wanted)

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        document=documents_of(models.HostComputeEndpoint),
        extra=st.dictionaries(st.just("ZzMore"), st.integers()),
    )
    def test_a_document_contains_itself_and_what_it_grew_from(
        self, document: dict[str, Any], extra: dict[str, int]
    ) -> None:
        assert contains(document, document)
        assert contains({**extra, **document}, document)


class TestWhatHnsShouldNotSay:
    """Another type than the schema's, or an address that is none, counts as not there."""

    ODD: ClassVar[list[Any]] = [5, -1, True, 1.5, "x", "", [], [[]], {}, {"a": 1}, None, 10**30, ["x"], [{}]]

    @pytest.mark.parametrize("value", ODD, ids=str)
    def test_of_a_network(self, value: Any) -> None:
        for document in (
            {"ID": value, "Name": value, "Type": value, "Ipams": value, "Policies": value, "Dns": value},
            {"Ipams": [{"Subnets": [{"IpAddressPrefix": value}]}], "ManagementIP": value, "Flags": value},
            {"Policies": [{"Type": "ProviderAddress", "Settings": {"ProviderAddress": value}}]},
            {"Dns": {"Search": value, "Domain": value, "ServerList": value}},
        ):
            view = NetworkView.of(document)
            assert view.subnets == []
            assert view.management_ip is None
            assert NetworkView.of(view.to_document()) == view

    @pytest.mark.parametrize("value", ODD, ids=str)
    def test_of_a_subnets_gateway(self, value: Any) -> None:
        route = {"NextHop": value, "DestinationPrefix": "0.0.0.0/0"}
        subnet = {"IpAddressPrefix": "10.0.0.0/24", "Routes": [route]}
        assert NetworkView.of({"Ipams": [{"Subnets": [subnet]}]}).subnets[0].gateway is None

    @pytest.mark.parametrize("value", ODD, ids=str)
    def test_of_an_endpoint(self, value: Any) -> None:
        view = EndpointView.of(
            {
                "IpConfigurations": [{"IpAddress": value}, {"IpAddress": "10.0.0.2", "PrefixLength": value}],
                "Routes": [{"DestinationPrefix": value, "NextHop": value}],
                "State": value,
                "Flags": value,
                "HostComputeNamespace": value,
            }
        )
        assert [address for address, _ in view.addresses] == ["10.0.0.2"]
        assert type(view.addresses[0][1]) is int
        assert view.routes == []
        assert type(view.flags) is int

    @pytest.mark.parametrize("value", ODD, ids=str)
    def test_of_a_namespace(self, value: Any) -> None:
        view = NamespaceView.of({"NamespaceId": value, "Containers": value, "Resources": value})
        assert type(view.compartment) is int
        assert all(isinstance(one, str) for one in view.containers)
