"""A simulated node as the agent has it: a `Node` of its own for each step, a clock that a test turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cni_hns.cluster.patience import Waiting
from cni_hns.cluster.wanted import NetworkWanted
from cni_hns.deadline import Deadline
from cni_hns.log import Log
from cni_hns.node.node import Node
from tests.harness import SimulatedNode

__all__ = ["BRIDGE", "OVERLAY", "POD_CIDR", "at_once", "node_of", "turned"]

POD_CIDR = "10.244.3.0/24"

_CLUSTER: dict[str, Any] = {
    "adapter": "Ethernet",
    "cluster_cidrs": ("10.244.0.0/16",),
    "service_cidrs": ("10.96.0.0/12",),
    "dns_servers": ("10.96.0.10",),
    "dns_search": ("svc.cluster.local",),
}
OVERLAY = NetworkWanted("overlay", "flannel.4096", **_CLUSTER)
BRIDGE = NetworkWanted("l2bridge", "cbr0", **_CLUSTER)


@contextmanager
def node_of(simulated: SimulatedNode) -> Iterator[Node]:
    simulator = simulated.simulator
    node = Node(lambda: (simulator.libraries(), simulator.machine()), Log(stderr=False), Deadline(60))
    try:
        yield node
    finally:
        node.close()


def turned() -> Waiting:
    """Time passes by pauses alone."""
    spent: list[float] = []
    return Waiting(lambda: sum(spent), spent.append)


def at_once() -> Waiting:
    """No pause is allowed."""

    def refuse(seconds: float) -> None:
        raise AssertionError(f"waited for {seconds} s")

    return Waiting(lambda: 0.0, refuse)
