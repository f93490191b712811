"""Networks as Microsoft's Go client and its integration tests handle them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.documents import (
    MAC_POOL,
    TESTS_SUBNET,
    Document,
    nat,
    network,
    overlay,
    policy,
    subnet,
)
from tests.conformance.program import Failed, Program

IPV6 = ("2001:db8:abcd:0012::0/64", "2001:db8:abcd:0012::1")


def _cleaned(program: Program, name: str) -> None:
    """What the tests do before they create one: the network of this name goes, if there is one."""
    found = program.networks.find(Name=name)
    if found:
        program.networks.delete(found["ID"])


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(nat(), id="nat with a subnet"),
        pytest.param({**nat(), "Ipams": None}, id="nat without a subnet"),
        pytest.param(
            {"Name": "hpc", "Type": "NAT", "SchemaVersion": {"Major": 2, "Minor": 2}}, id="bare nat"
        ),
        pytest.param(overlay(), id="overlay"),
        pytest.param(network("L2Bridge", "GoBridge", subnet(*TESTS_SUBNET), Flags=8), id="l2bridge"),
        pytest.param(network("NAT", "two", subnet("192.168.250.0/24", "192.168.250.1")), id="nat, no pool"),
    ],
)
def test_one_is_created_read_and_deleted(program: Program, document: Document) -> None:
    _cleaned(program, document["Name"])
    made = program.networks.create(document)
    assert made["Name"] == document["Name"]
    assert made["Type"] == document["Type"]
    by_id, by_name = program.networks.find(ID=made["ID"]), program.networks.find(Name=document["Name"])
    assert by_id == by_name
    assert by_id is not None
    assert by_id["ID"] == made["ID"]
    program.networks.delete(made["ID"])
    assert program.networks.find(ID=made["ID"]) is None
    assert program.networks.all() == []


def test_the_same_name_can_be_used_again_after_the_delete(program: Program) -> None:
    for _ in range(3):
        _cleaned(program, "GoNat")
        program.networks.create(nat())


def test_nat_without_a_subnet_has_one_afterwards(program: Program) -> None:
    made = program.networks.create({**nat(), "Ipams": None})
    (found,) = made["Ipams"][0]["Subnets"]
    assert found["Routes"][0]["DestinationPrefix"] == "0.0.0.0/0"


def test_flags_are_there_after_a_reload(program: Program) -> None:
    made = program.networks.create(overlay())
    assert program.networks.get(made["ID"])["Flags"] & 8


def test_the_mac_pool_comes_back_as_it_was_given(program: Program) -> None:
    made = program.networks.create(nat())
    assert made["MacPool"] == MAC_POOL


def test_every_network_has_a_mac_pool(program: Program) -> None:
    made = program.networks.create(network("NAT", "poolless", subnet(*TESTS_SUBNET)))
    assert len(made["MacPool"]["Ranges"]) == 1


@pytest.mark.parametrize(
    ("kind", "v4", "v6"),
    [
        pytest.param("NAT", TESTS_SUBNET, IPV6, id="nat"),
        pytest.param(
            "NAT", ("192.168.128.0/20", "192.168.128.1"), ("fd00::100/120", "fd00::101"), id="nat, a /120"
        ),
        pytest.param("L2Bridge", ("10.0.0.0/16", "10.0.0.1"), ("fd00::/64", "fd00::1"), id="l2bridge"),
    ],
)
def test_dual_stack(program: Program, kind: str, v4: tuple[str, str], v6: tuple[str, str]) -> None:
    made = program.networks.create(network(kind, "dual", subnet(*v4), subnet(*v6), minor=2))
    assert [item["IpAddressPrefix"] for item in made["Ipams"][0]["Subnets"]] == [v4[0], v6[0]]
    assert [item["Routes"][0]["NextHop"] for item in made["Ipams"][0]["Subnets"]] == [v4[1], v6[1]]


def test_each_family_in_an_ipam_of_its_own(program: Program) -> None:
    document = network("L2Bridge", "bridgeNet")
    document["Ipams"] = [
        {"Subnets": [subnet("10.0.0.0/16", "10.0.0.1")]},
        {"Subnets": [subnet("fd00::/64", "fd00::1")]},
    ]
    made = program.networks.create(document)
    assert [item["Type"] for item in made["Ipams"]] == ["Static", "Static"]
    assert made["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] == "10.0.0.0/16"


def test_dual_stack_is_not_in_an_older_service(program: Program, on_version: Callable[[str], Any]) -> None:
    on_version("11.9")
    with pytest.raises(Failed):
        program.networks.create(network("NAT", "dual", subnet(*TESTS_SUBNET), subnet(*IPV6)))


REMOTE_SUBNET = policy(
    "RemoteSubnetRoute",
    DestinationPrefix="192.168.2.0/24",
    IsolationId=5000,
    ProviderAddress="1.1.1.1",
    DistributedRouterMacAddress="00-12-34-56-78-9a",
)
NETWORK_ACL = policy(
    "NetworkACL",
    Protocols="6",
    Action="Allow",
    Direction="In",
    LocalAddresses="192.168.100.0/24,10.0.0.21",
    RemoteAddresses="192.168.100.0/24,10.0.0.21",
    LocalPorts="80,8080",
    RemotePorts="80,8080",
    RuleType="Switch",
    Priority=200,
)


class TestPoliciesOfAnOverlay:
    @pytest.mark.parametrize(
        "given", [REMOTE_SUBNET, policy("HostRoute"), NETWORK_ACL], ids=lambda it: it["Type"]
    )
    def test_one_is_added_and_removed(self, program: Program, given: Document) -> None:
        made = program.networks.create(overlay())
        program.networks.policies(made["ID"], "Add", [given])
        found = program.networks.get(made["ID"])["Policies"]
        assert [item for item in found if item["Type"] == given["Type"]] == [given]
        program.networks.policies(made["ID"], "Remove", [given])
        left = program.networks.get(made["ID"])["Policies"]
        assert given["Type"] not in [item["Type"] for item in left]

    def test_the_subnets_isolation_comes_back(self, program: Program) -> None:
        made = program.networks.create(overlay(vsid=4096))
        assert made["Ipams"][0]["Subnets"][0]["Policies"] == [policy("VSID", IsolationId=4096)]

    def test_the_routers_mac_and_the_nodes_address_appear(self, program: Program) -> None:
        made = program.networks.create(overlay())
        for _ in range(3):
            found = program.networks.get(made["ID"])
        kinds = {item["Type"]: item["Settings"] for item in found["Policies"]}
        assert kinds["ProviderAddress"] == {"ProviderAddress": "192.0.2.10"}
        assert set(kinds["DrMacAddress"]) == {"Address"}


class TestLayers:
    """A proxy makes a network over the layer of a switch's, and looks a `SwitchGuid` up as a network."""

    @pytest.mark.parametrize("kind", ["L2Bridge", "Transparent"])
    def test_a_network_is_made_over_a_switch(self, program: Program, kind: str) -> None:
        switch = program.networks.create(network("Transparent", "switch", subnet(*TESTS_SUBNET)))
        layer = switch["Health"]["Extra"]["LayeredOn"]
        over = policy("LayerConstraint", LayerId=layer)
        above = program.networks.create(
            network(kind, "above", subnet("10.7.0.0/24", "10.7.0.1"), Policies=[over])
        )
        extra = above["Health"]["Extra"]
        assert extra["LayeredOn"] == layer
        assert program.networks.find(ID=extra["SwitchGuid"]) is not None

    def test_one_of_the_services_own_names_no_switch(self, program: Program) -> None:
        assert program.networks.create(nat())["Health"]["Extra"]["SwitchGuid"] == ""

    def test_a_layer_that_is_not_there(self, program: Program) -> None:
        over = policy("LayerConstraint", LayerId="5f0b1190-63be-4e0c-b974-bd0f55675a42")
        with pytest.raises(Failed, match="0x803B0003"):
            program.networks.create(network("L2Bridge", "above", subnet(*TESTS_SUBNET), Policies=[over]))


def test_all_networks_can_be_deleted_in_one_go(program: Program) -> None:
    for document in (nat(), overlay(), nat("second", subnet("10.8.0.0/24", "10.8.0.1"))):
        program.networks.create(document)
    for found in program.networks.all():
        program.networks.delete(found["ID"])
    assert program.networks.all() == []
