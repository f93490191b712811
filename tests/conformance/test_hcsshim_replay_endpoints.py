"""Endpoints as Microsoft's Go client and its integration tests handle them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.conformance.documents import TESTS_SUBNET, Document, endpoint, nat, network, overlay, subnet
from tests.conformance.program import Program

IPV6 = ("2001:db8:abcd:0012::0/64", "2001:db8:abcd:0012::1")


@pytest.fixture(params=[False, True], ids=["IPv4", "dual stack"])
def home(request: Any, program: Program) -> str:
    """A NAT network; its ID."""
    more = (subnet(*IPV6),) if request.param else ()
    return str(program.networks.create(nat("nat", subnet(*TESTS_SUBNET), *more))["ID"])


def _new(program: Program, home: str, name: str = "ep", **more: Any) -> dict[str, Any]:
    return program.endpoints.create(endpoint(name, HostComputeNetwork=home, **more), home)


class TestLife:
    def test_one_is_created_found_and_deleted(self, program: Program, home: str) -> None:
        made = _new(program, home)
        assert made["HostComputeNetwork"] == home
        found = program.endpoints.find(ID=made["ID"])
        assert found == program.endpoints.find(Name="ep") == made
        assert [item["ID"] for item in program.endpoints.all()] == [made["ID"]]
        assert [item["ID"] for item in program.endpoints.all(VirtualNetwork=home)] == [made["ID"]]
        program.endpoints.delete(made["ID"])
        assert program.endpoints.find(Name="ep") is None
        assert program.endpoints.all() == []

    def test_the_network_takes_its_endpoints_along(self, program: Program, home: str) -> None:
        _new(program, home)
        program.networks.delete(home)
        assert program.endpoints.all() == []

    def test_a_name_may_be_used_twice(self, program: Program, home: str) -> None:
        one, other = _new(program, home), _new(program, home)
        assert one["ID"] != other["ID"]
        assert len(program.endpoints.all(Name="ep")) == 2


class TestAddresses:
    def test_one_of_each_family_is_chosen_and_can_be_read(self, program: Program, home: str) -> None:
        """A proxy demands one or two addresses of every endpoint, each with its prefix."""
        found = _new(program, home)["IpConfigurations"]
        assert 1 <= len(found) <= 2
        prefixes = [item["IpAddressPrefix"] for item in program.networks.get(home)["Ipams"][0]["Subnets"]]
        for item, prefix in zip(found, prefixes, strict=True):
            space = ipaddress.ip_network(prefix)
            assert ipaddress.ip_address(item["IpAddress"]) in space
            assert item["PrefixLength"] == space.prefixlen

    @pytest.mark.parametrize(
        ("mac", "wanted"),
        [
            ("00-15-5D-52-C0-00", [("192.168.100.4", 24)]),
            ("00-15-5D-52-C0-10", [("192.168.100.5", 24), ("2001:db8:abcd:0012::3", 64)]),
        ],
        ids=["IPv4", "dual stack"],
    )
    def test_what_is_asked_for_is_what_comes(
        self, program: Program, mac: str, wanted: list[tuple[str, int]]
    ) -> None:
        home = program.networks.create(nat("nat", subnet(*TESTS_SUBNET), subnet(*IPV6)))["ID"]
        given = [{"IpAddress": text, "PrefixLength": length} for text, length in wanted]
        made = _new(program, home, IpConfigurations=given, MacAddress=mac)
        assert [
            (ipaddress.ip_address(item["IpAddress"]), item["PrefixLength"])
            for item in made["IpConfigurations"]
        ] == [(ipaddress.ip_address(text), length) for text, length in wanted]
        assert made["MacAddress"] == mac
        assert program.endpoints.find(Name="ep") == made

    def test_both_addresses_and_both_routes(self, program: Program) -> None:
        v4, v6 = ("192.168.128.0/20", "192.168.128.1"), ("fd00::100/120", "fd00::101")
        home = program.networks.create(network("NAT", "dual", subnet(*v4), subnet(*v6), minor=2))["ID"]
        routes = [
            {"NextHop": v4[1], "DestinationPrefix": "0.0.0.0/0"},
            {"NextHop": v6[1], "DestinationPrefix": "::/0"},
        ]
        given = [
            {"IpAddress": "192.168.128.4", "PrefixLength": 20},
            {"IpAddress": "fd00::106", "PrefixLength": 120},
        ]
        made = _new(program, home, IpConfigurations=given, Routes=routes)
        assert made["IpConfigurations"] == given
        assert [{**route, "Metric": 0} for route in routes] == made["Routes"]
        space = program.namespaces.create({"SchemaVersion": {"Major": 0, "Minor": 0}})["ID"]
        assert program.add_to_namespace(space, made["ID"])["Resources"]


ACL: Document = {
    "Protocols": "6",
    "Action": "Allow",
    "Direction": "In",
    "LocalAddresses": "192.168.100.0/24,10.0.0.21",
    "RemoteAddresses": "192.168.100.0/24,10.0.0.21",
    "LocalPorts": "80,8080",
    "RemotePorts": "80,8080",
    "RuleType": "Switch",
    "Priority": 200,
}
ACLS = [{"Type": "ACL", "Settings": {**ACL, "Direction": way}} for way in ("In", "Out")]
L4_WFP_PROXY = {
    "Type": "L4WFPPROXY",
    "Settings": {
        "InboundProxyPort": "80",
        "OutboundProxyPort": "81",
        "FilterTuple": {"Protocols": "6", "RemoteAddresses": "10.0.0.4", "Priority": 8},
        "InboundExceptions": {"IpAddressExceptions": ["12.0.1.12"], "PortExceptions": ["8181"]},
        "OutboundExceptions": {"IpAddressExceptions": ["10.0.1.12"], "PortExceptions": ["81"]},
    },
}


def _tier(name: str, way: str, order: int, *rules: Document) -> Document:
    settings = {"Name": name, "Direction": way, "Order": order, "TierAclRules": list(rules)}
    return {"Type": "TierAcl", "Settings": settings}


def _tiers() -> list[Document]:
    """Three tiers in each direction: rules with addresses, with ports, and with neither."""
    block = {"Id": "last", "TierAclRuleAction": "Block", "Priority": 3100}
    narrow = {
        "Id": "narrow",
        "Protocols": "6",
        "TierAclRuleAction": "Pass",
        "LocalAddresses": "192.168.100.0/24,10.0.0.21",
        "RemoteAddresses": "192.168.100.0/24,10.0.0.22",
        "LocalPorts": "80",
        "RemotePorts": "80",
        "Priority": 2001,
    }
    ports = {
        "Id": "ports",
        "Protocols": "17",
        "TierAclRuleAction": "Allow",
        "LocalPorts": "8080",
        "RemotePorts": "8080",
        "Priority": 3000,
    }
    return [
        _tier(f"{way}{order}", way, order, rule, block)
        for way in ("In", "Out")
        for order, rule in ((1001, narrow), (1002, {**narrow, "Id": "next"}), (1013, ports))
    ]


class TestPolicies:
    @pytest.mark.parametrize(
        ("request_type", "given"),
        [
            pytest.param("Update", ACLS, id="ACLs, updated"),
            pytest.param("Add", ACLS, id="ACLs, added"),
            pytest.param("Add", [L4_WFP_PROXY], id="a WFP proxy"),
            pytest.param("Update", _tiers(), id="tiers of ACLs"),
            pytest.param("Update", [{"Type": "Iov", "Settings": {"IovOffloadWeight": 100}}], id="Iov"),
            pytest.param("Update", [{"Type": "Iov", "Settings": {}}], id="Iov, all zero"),
        ],
    )
    @pytest.mark.parametrize("kind", ["NAT", "L2Bridge"])
    def test_they_are_on_the_endpoint_afterwards(
        self, program: Program, kind: str, request_type: str, given: list[Document]
    ) -> None:
        home = program.networks.create(network(kind, "home", subnet(*TESTS_SUBNET)))["ID"]
        made = _new(program, home)
        program.endpoints.policies(made["ID"], request_type, given)
        found = program.endpoints.find(Name="ep")
        assert found is not None
        assert found["Policies"] == given

    @pytest.mark.parametrize("weight", [0, 100])
    def test_an_offload_is_set_and_taken_back(self, program: Program, weight: int) -> None:
        """Zero is left out of the settings: Update and then Remove carry an empty object."""
        home = program.networks.create(nat())["ID"]
        made = _new(program, home)
        program.endpoints.policies(
            made["ID"], "Update", [{"Type": "Iov", "Settings": {"IovOffloadWeight": 100}}]
        )
        given = [{"Type": "Iov", "Settings": {"IovOffloadWeight": weight} if weight else {}}]
        program.endpoints.policies(made["ID"], "Update", given)
        assert program.endpoints.policies(made["ID"], "Remove", given)["Policies"] == []

    def test_a_port_name_at_creation(self, program: Program) -> None:
        home = program.networks.create(nat())["ID"]
        given = [{"Type": "PortName", "Settings": {"Name": "port-1"}}]
        assert _new(program, home, Policies=given)["Policies"] == given


def test_a_switch_port_of_a_virtual_machine(program: Program) -> None:
    home = program.networks.create(nat())["ID"]
    made = _new(program, home)
    machine = "5f0b1190-63be-4e0c-b974-bd0f55675a42"
    settings = {
        "PortId": "6f0b1190-63be-4e0c-b974-bd0f55675a42",
        "VirtualNicName": f"{machine}--{made['ID']}",
        "VirtualMachineId": machine,
    }
    request = {"ResourceType": "Port", "RequestType": "Add", "Settings": settings}
    program.endpoints.modify(made["ID"], request)
    program.endpoints.modify(made["ID"], {**request, "RequestType": "Remove", "Settings": {}})


class TestRemote:
    @pytest.mark.parametrize("provider", ["", "10.0.0.3"], ids=["without provider", "with provider"])
    def test_one_of_another_node(self, program: Program, provider: str) -> None:
        home = program.networks.create(overlay())["ID"]
        policies = (
            [{"Type": "ProviderAddress", "Settings": {"ProviderAddress": provider}}] if provider else []
        )
        document = {
            "HostComputeNetwork": home,
            "Policies": policies,
            "IpConfigurations": [{"IpAddress": "192.168.2.3"}],
            "Dns": {},
            "MacAddress": "00-11-22-33-44-55",
            "Flags": 1,
            "Health": {"Extra": {}},
            "SchemaVersion": {"Major": 2, "Minor": 0},
        }
        made = program.endpoints.create(document, home)
        assert made["IpConfigurations"][0]["IpAddress"] == "192.168.2.3"
        assert made["MacAddress"] == "00-11-22-33-44-55"
        assert made["Flags"] & 1
        assert made["Policies"] == policies
        assert program.endpoints.find(ID=made["ID"]) == made
