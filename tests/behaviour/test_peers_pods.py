"""An ADD of a pod that a peer added before the exe was replaced: the pod keeps its one endpoint."""

from __future__ import annotations

import pytest

from tests.behaviour.scene import joining, plant
from tests.harness import Answer, SimulatedNode, container_id

_PEERS = {"win-bridge": "l2bridge", "win-overlay": "overlay"}


class Peers:
    """A pod that a peer has put onto the network "pods"."""

    def __init__(self, node: SimulatedNode, peer: str) -> None:
        self.node = node
        self.config = joining(peer)
        plant(node, _PEERS[peer], ("10.88.0.0/24", "10.88.0.1"))
        self.container, self.namespace = container_id(), node.namespace()
        self.endpoint = node.foreign(f"{self.container}_pods", "10.88.0.77")
        node.attach(self.namespace, self.endpoint)
        self.file = node.host_local_folder / "pods" / "10.88.0.77"
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(f"{self.container}\r\neth0".encode())

    def call(self, command: str, **changes: object) -> Answer:
        config = {**self.config, **changes}
        answer = self.node.call(command, config, self.container, self.namespace)
        assert answer.exit_code == 0, answer.words
        return answer


@pytest.fixture(params=sorted(_PEERS))
def peers(node: SimulatedNode, request: pytest.FixtureRequest) -> Peers:
    return Peers(node, request.param)


def test_is_answered_with_the_endpoint_that_it_has(peers: Peers) -> None:
    for _ in range(2):
        answer = peers.call("ADD")
        assert answer.addresses == ["10.88.0.77/24"]
        assert peers.node.in_namespace(peers.namespace) == {peers.endpoint}
    assert [view.id for view in peers.node.endpoints()] == [peers.endpoint]


def test_takes_it_over_into_the_ledger(peers: Peers) -> None:
    result = peers.call("ADD").document
    (row,) = peers.node.rows()
    assert (row.phase, row.endpoint_id) == ("ready", peers.endpoint)
    assert [lease.address for lease in peers.node.leases()] == ["10.88.0.77"]
    peers.call("CHECK", prevResult=result)


def test_leaves_nothing_behind_when_the_pod_goes(peers: Peers) -> None:
    peers.call("ADD")
    peers.call("DEL")
    peers.node.assert_clean()
    assert not peers.file.exists()


def test_makes_it_again_when_hns_has_lost_it(peers: Peers) -> None:
    peers.call("ADD")
    peers.node.hcn.endpoints.delete(peers.endpoint)
    assert peers.call("ADD").addresses == ["10.88.0.77/24"]
    (view,) = peers.node.endpoints()
    assert view.id != peers.endpoint
    peers.call("DEL")
    peers.node.assert_clean()


def test_does_not_take_the_endpoint_of_another_network(node: SimulatedNode) -> None:
    peers = Peers(node, "win-bridge")
    other = {**peers.config, "name": "others"}
    plant(peers.node, "l2bridge", ("10.89.0.0/24", "10.89.0.1"), name="others")
    other["ipam"] = {"type": "host-local", "subnet": "10.89.0.0/24"}
    answer = peers.node.call("ADD", other, peers.container, peers.namespace, ifname="eth1")
    assert answer.exit_code == 0, answer.words
    assert len(peers.node.in_namespace(peers.namespace)) == 2
    assert peers.endpoint not in [row.endpoint_id for row in peers.node.rows()]


def test_costs_a_new_pod_one_query_of_its_namespace(node: SimulatedNode) -> None:
    plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    node.simulator.reset_journal()
    answer = node.call("ADD", joining("win-bridge"), container_id(), node.namespace())
    assert answer.exit_code == 0, answer.words
    assert node.calls().count("HcnQueryNamespaceProperties") <= 2
    assert "HcnEnumerateEndpoints" not in node.calls()
