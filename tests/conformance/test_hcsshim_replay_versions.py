"""What clients conclude from the version before they use a feature, and whether the service keeps to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance import shapes
from tests.conformance.documents import (
    TESTS_SUBNET,
    Document,
    endpoint,
    load_balancer,
    network,
    overlay,
    policy,
    subnet,
)
from tests.conformance.program import Failed, Program

_ACL = {"Action": "Allow", "Direction": "In"}
_TIER = {"Name": "tier", "Direction": "In", "Order": 1, "TierAclRules": []}


def _version(program: Program) -> tuple[int, int]:
    found = program.v1(shapes.VERSION, "GET", "/globals/version")
    return found["Major"], found["Minor"]


@pytest.mark.parametrize("version", ["7.2", "9.2", "9.3", "10.3", "11.10", "13.3", "15.0", "15.4", "255.6"])
def test_it_is_what_the_node_is(program: Program, on_version: Callable[[str], Any], version: str) -> None:
    on_version(version)
    assert _version(program) == tuple(int(part) for part in version.split("."))


@pytest.mark.parametrize("version", ["5.1", "7.1"])
def test_before_1803_the_question_fails(
    program: Program, on_version: Callable[[str], Any], version: str
) -> None:
    """The client then takes every feature for missing."""
    on_version(version)
    with pytest.raises(Failed):
        _version(program)


def _on_endpoint(*policies: Document, **more: Any) -> Callable[[Program], object]:
    def attempt(program: Program) -> object:
        home = program.networks.create(overlay())["ID"]
        return program.endpoints.create(endpoint("ep", Policies=list(policies), **more), home)

    return attempt


def _on_network(given: Document) -> Callable[[Program], object]:
    def attempt(program: Program) -> object:
        home = program.networks.create(overlay())["ID"]
        return program.networks.policies(home, "Add", [given])

    return attempt


def _balancer(distribution: int = 0, flags: int = 0) -> Callable[[Program], object]:
    def attempt(program: Program) -> object:
        home = program.networks.create(overlay())["ID"]
        given = load_balancer(program.endpoints.create(endpoint("ep"), home)["ID"], Flags=flags)
        given["PortMappings"][0]["DistributionType"] = distribution
        return program.load_balancers.create(given)

    return attempt


def _dual_stack(program: Program) -> object:
    v6 = subnet("fd00::/64", "fd00::1")
    return program.networks.create(network("L2Bridge", "dual", subnet(*TESTS_SUBNET), v6))


_SET = {"Id": "set-1", "Name": "set-1", "PolicyType": "IPSET", "Values": "10.0.0.1"}
_PROXY = {"IP": "10.0.0.0/24", "Port": "80", "Protocol": 6, "Destination": "10.0.0.4"}
_WFP_PROXY = {"OutboundProxyPort": "81", "FilterTuple": {"Protocols": "6"}}
_SLASH_32 = {"IpConfigurations": [{"IpAddress": "192.168.100.9", "PrefixLength": 32}]}
_ROUTE = {
    "DestinationPrefix": "192.168.2.0/24",
    "IsolationId": 5000,
    "ProviderAddress": "1.1.1.1",
    "DistributedRouterMacAddress": "00-12-34-56-78-9a",
}


@pytest.mark.parametrize(
    ("attempt", "has", "lacks"),
    [
        pytest.param(_on_network(policy("RemoteSubnetRoute", **_ROUTE)), "9.2", "9.1", id="remote subnets"),
        pytest.param(_on_network(policy("HostRoute")), "9.2", "9.1", id="host route"),
        pytest.param(_balancer(flags=1), "9.3 10.2", "9.2 10.1", id="direct server return"),
        pytest.param(_on_endpoint(**_SLASH_32), "9.3 9.372 10.4 11.0", "9.2 10.0 10.3", id="/32"),
        pytest.param(_on_network(policy("VxlanPort", Port=4789)), "10.3", "10.2", id="VXLAN port"),
        pytest.param(_on_endpoint(policy("ACL", **_ACL, Protocols="252")), "11.0", "10.5", id="protocol 252"),
        pytest.param(
            _on_network(policy("L4Proxy", **_PROXY)),
            "9.5 10.5 11.11 12.1 13.1",
            "9.4 10.4 11.10 12.0 13.0",
            id="L4 proxy",
        ),
        pytest.param(_dual_stack, "11.10 12.0", "11.9", id="dual stack"),
        pytest.param(_balancer(distribution=2), "12.0", "11.11", id="session affinity"),
        pytest.param(_on_network(policy("SetPolicy", **_SET)), "13.0", "12.1", id="sets"),
        pytest.param(_on_endpoint(policy("L4WFPPROXY", **_WFP_PROXY)), "13.2", "13.1", id="WFP proxy"),
        pytest.param(_on_endpoint(policy("TierAcl", **_TIER)), "14.0", "13.3", id="tiers"),
        pytest.param(_on_network(policy("NetworkACL", **_ACL)), "15.0", "14.0", id="network ACLs"),
        pytest.param(
            _on_network(policy("SetPolicy", **{**_SET, "PolicyType": "NESTEDIPSET", "Values": ""})),
            "15.0",
            "14.0",
            id="nested sets",
        ),
    ],
)
def test_a_feature_is_where_its_range_says(
    program: Program,
    on_version: Callable[[str], Any],
    attempt: Callable[[Program], object],
    has: str,
    lacks: str,
) -> None:
    for version in has.split():
        on_version(version)
        attempt(program)
        for found in program.load_balancers.all():
            program.load_balancers.delete(found["ID"])
        for found in program.networks.all():
            program.networks.delete(found["ID"])
    for version in lacks.split():
        on_version(version)
        with pytest.raises(Failed):
            attempt(program)
        for found in program.networks.all():
            program.networks.delete(found["ID"])


@pytest.mark.parametrize(("version", "has"), [("15.3", False), ("15.4", True), ("16.0", True)])
def test_accelerated_networking(
    program: Program, on_version: Callable[[str], Any], version: str, has: bool
) -> None:
    """The list of MACs is set, read, deleted and read again."""
    on_version(version)
    macs = ["00-15-5D-0A-B7-C6", "00-15-5D-38-01-00"]
    given = {"MacAddressList": [{"MacAddress": mac} for mac in macs]}
    if not has:
        with pytest.raises(Failed):
            program.v1(shapes.V1_MAC_LIST, "POST", "/accelnet/", given)
        return
    assert program.v1(shapes.V1_MAC_LIST, "POST", "/accelnet/", given) == given
    assert program.v1(shapes.V1_MAC_LIST, "GET", "/accelnet/") == given
    assert program.v1(shapes.V1_MAC_LIST, "DELETE", "/accelnet/")["MacAddressList"] == []
    assert program.v1(shapes.V1_MAC_LIST, "GET", "/accelnet/")["MacAddressList"] == []
