"""Which of the cluster's pods this node reaches now: what HNS, or the host's table, has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cluster.routes import overlay
from cni_hns.cluster.routes.note import Note
from cni_hns.cluster.routes.route import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cni_hns.cluster.state import NodeState
    from cni_hns.node.node import Node

__all__ = ["Way", "routes_there", "ways_of"]


class Way(NamedTuple):
    """A prefix of pods. `route`: "here", "there", "missing", "other" (to another address) or "nobody's"."""

    node: str
    prefix: str
    address: str
    route: str
    words: str = ""


def routes_there(node: Node, mode: str, network: str, folder: str) -> list[Route]:
    """The routes that this node has; of the host's table those that an agent made.

    Raises: ServiceError, OSError: they cannot be read.
    """
    if mode == "overlay":
        return [route for one in node.hcn.networks.ids(Name=network) for route in _held(node, one)]
    noted = Note(folder, node.machine.boot_id()).read()
    found = node.machine.route_table().routes()
    return [Route(one.prefix, one.next_hop) for one in found if (one.prefix, one.next_hop) in noted]


def _held(node: Node, network_id: str) -> list[Route]:
    return overlay.held(node.hcn.networks.get(network_id))


def ways_of(
    nodes: Iterable[NodeState], there: Iterable[Route], own: str, mode: str, waiting: Mapping[str, str]
) -> Iterator[Way]:
    """Each node's prefixes, and the routes of no node behind them. `waiting`: a node's name -> why."""
    held = {one.prefix: one.provider for one in there}
    for node in nodes:
        # An overlay network has IPv4 only.
        cidrs = [one for one in node.pod_cidrs if mode != "overlay" or ":" not in one]
        for prefix in cidrs or [""]:
            provider = held.pop(prefix, None)
            yield Way(
                node.name,
                prefix,
                node.address,
                _state_of(node, own, provider, mode),
                waiting.get(node.name, ""),
            )
    for prefix, provider in sorted(held.items()):
        yield Way("", prefix, provider, "nobody's")


def _state_of(node: NodeState, own: str, provider: str | None, mode: str) -> str:
    if node.name == own:
        return "here"
    if provider is None:
        return "missing"
    # On l2bridge a node has an address of each family.
    return "there" if mode != "overlay" or provider == node.address else "other"
