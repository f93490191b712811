"""win-overlay 1.9.0, as released, on the simulated node: it ends as on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.simulator.server import serve
from tests.clients.windows_peer import Peer
from tests.harness import SimulatedNode, container_id
from tests.lane import Lane

CONFIG: dict[str, Any] = {
    "cniVersion": "0.3.1",
    "name": "vx4096",
    "type": "win-overlay",
    "apiVersion": 2,
    "ipMasq": True,
    "endpointMacPrefix": "0E-2A",
    "loopbackDSR": True,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.60.3.0/24", "gateway": "10.60.3.1"}]]},
    "policies": [],
}
SUBNET = {
    "IpAddressPrefix": "10.60.3.0/24",
    "Routes": [{"NextHop": "10.60.3.1", "DestinationPrefix": "0.0.0.0/0"}],
    "Policies": [{"Type": "VSID", "Settings": {"IsolationId": 4096}}],
}


@pytest.fixture
def network(node: SimulatedNode) -> str:
    node.simulator.set_options(management_address_after_calls=0)
    subnets = [{"Type": "Static", "Subnets": [SUBNET]}]
    return node.simulator.plant("network", {"Name": "vx4096", "Type": "Overlay", "Ipams": subnets})


@pytest.fixture
def overlay(node: SimulatedNode, lane: Lane, wine: None) -> Iterator[Peer]:
    with serve(str(node.folder)) as address:
        yield Peer(lane, "win-overlay", node, address, {**CONFIG, "ipam": dict(CONFIG["ipam"])})


def test_the_result_and_the_endpoint(overlay: Peer, network: str) -> None:
    container, namespace = container_id(), overlay.node.namespace()
    answer = overlay.call("ADD", container, namespace)
    assert answer.exit_code == 0, answer.stdout
    endpoint = overlay.endpoints()[f"{container}_vx4096"]
    assert answer.document["interfaces"] == [{"name": f"{container}_vx4096", "mac": "0E-2A-0a-3c-03-02"}]
    assert answer.document["ips"] == [{"version": "4", "address": "10.60.3.2/24", "gateway": "10.60.3.1"}]
    assert endpoint["HostComputeNetwork"] == network
    assert overlay.node.in_namespace(namespace) == {endpoint["ID"]}
    policies = {policy["Type"]: policy["Settings"] for policy in endpoint["Policies"]}
    # The network's management address, which the plugin reads by the V1 call.
    assert policies["ProviderAddress"] == {"ProviderAddress": "192.0.2.10"}
    assert policies["OutBoundNAT"] == {"Exceptions": ["10.60.3.0/24"]}
    assert overlay.reserved() == ["10.60.3.2"]


def test_del_removes_everything_and_twice_is_no_error(overlay: Peer, network: str) -> None:
    container, namespace = container_id(), overlay.node.namespace()
    assert overlay.call("ADD", container, namespace).exit_code == 0
    for _ in range(2):
        assert overlay.call("DEL", container, namespace) == ({}, 0, "")
        assert (overlay.endpoints(), overlay.reserved()) == ({}, [])
        assert overlay.node.in_namespace(namespace) == set()


def test_again_it_gives_the_same(overlay: Peer, network: str) -> None:
    container, namespace = container_id(), overlay.node.namespace()
    first = overlay.call("ADD", container, namespace)
    assert overlay.call("ADD", container, namespace) == first
    assert len(overlay.endpoints()) == 1


def test_without_the_network_it_fails_in_its_words(overlay: Peer) -> None:
    answer = overlay.call("ADD", container_id(), overlay.node.namespace())
    assert answer.exit_code == 1
    assert "vx4096" in answer.words
    assert overlay.reserved() == []


def test_a_mac_prefix_that_is_none_is_refused_in_its_words(overlay: Peer, network: str) -> None:
    answer = overlay.call("ADD", container_id(), overlay.node.namespace(), endpointMacPrefix="0E2A")
    assert answer.exit_code == 1
    assert "endpointMacPrefix [0E2A] is invalid" in answer.words
    assert (overlay.endpoints(), overlay.reserved()) == ({}, [])


def test_with_apiversion_1_ours_asks_for_the_same_endpoint(overlay: Peer, network: str) -> None:
    found = []
    overlay.config.update(apiVersion=1, loopbackDSR=False)
    ours = {
        **overlay.config,
        "ipam": {**overlay.config["ipam"], "dataDir": str(overlay.node.folder / "ours")},
    }
    for is_ours in (False, True):
        container = container_id()
        overlay.node.simulator.run_container(container)
        added = (
            overlay.node.call("ADD", ours, container, "none")
            if is_ours
            else overlay.call("ADD", container, "none")
        )
        assert added.exit_code == 0, added.stdout
        (endpoint,) = overlay.node.hns.endpoints()
        assert (endpoint["SharedContainers"], endpoint["Name"]) == ([container], f"{container}_vx4096")
        names = ("IPAddress", "PrefixLength", "GatewayAddress", "DNSServerList", "State")
        policies = sorted(endpoint["Policies"], key=lambda policy: policy["Type"])
        found.append([endpoint["MacAddress"].upper(), policies, *(endpoint.get(name) for name in names)])
        # Ours too is deleted by the peer: the way back.
        assert overlay.call("DEL", container, "none").exit_code == 0
        assert overlay.node.hns.endpoints() == []
    assert found[0] == found[1]
