"""What the agent cannot do without each of its permissions, done as the agent does it.

Each need asks for one permission alone: what else it takes is done by who may do all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_network
from typing import NamedTuple

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.client import Api
from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import Forbidden
from cni_hns.cluster.known import NODES
from cni_hns.cluster.pools.blocks import BLOCKS, POOLS, BlockObject, block_document
from cni_hns.cluster.pools.claims import Claims
from tests.cluster.admin import Admin, Document

__all__ = ["BEFORE", "EVENTS", "NEEDS", "POOL", "Asking", "Need", "block", "may"]

EVENTS = "/api/v1/namespaces/default/events"
POOL: Document = {
    "apiVersion": "cni-hns.dev/v1alpha1",
    "kind": "IPPool",
    "metadata": {"name": "pods"},
    "spec": {"cidrs": ["10.244.0.0/16"], "blockSize": 28},
}
_BLOCKS = "/apis/cni-hns.dev/v1alpha1/ipblocks"


class Asking(NamedTuple):
    """The agent's account on the node win-1, and who may do all."""

    api: Api
    admin: Admin


Need = Callable[[Asking], None]


def _lists(resource: Resource) -> Need:
    def lists(asking: Asking) -> None:
        asking.api.list(resource)

    return lists


def _watches(resource: Resource) -> Need:
    def watches(asking: Asking) -> None:
        group = "/api" if resource.group_version == "v1" else "/apis"
        path = f"{group}/{resource.group_version}/{resource.plural}"
        now = asking.admin.get(path)["metadata"]["resourceVersion"]
        list(asking.api.watch(resource, now, timeout_s=1))

    return watches


def _gets_a_node(asking: Asking) -> None:
    asking.api.get(NODES, "win-1")


def _annotates_its_node(asking: Asking) -> None:
    asking.api.patch(NODES, "win-1", {"metadata": {"annotations": {"cni-hns.dev/test": "1"}}})


def _tells_an_event(asking: Asking) -> None:
    if not _counts(asking, 1):
        raise Forbidden("no event was told")


def _tells_it_again(asking: Asking) -> None:
    """In the object that is there, which counts."""
    if _counts(asking, 2) != [2]:
        raise Forbidden("the event was not counted")


def _counts(asking: Asking, times: int) -> list[int]:
    """The counts of the events that there are after it was told so often; what was refused is logged only."""
    asking.admin.delete_all(EVENTS)
    # A clock of its own: what is told again is not held back.
    clock = iter(range(0, 1_000_000, 10_000))
    with closing(Events(asking.api, "test", "win-1", clock_s=lambda: float(next(clock)))) as events:
        for _ in range(times):
            events.tell("Reason", "the same words", warning=True)
            events.flush(30.0)
    return [event["count"] for event in asking.admin.items(EVENTS)]


def _claims(asking: Asking) -> Claims:
    return Claims(asking.api, "win-1")


def block(node: str) -> Document:
    """A block of the pool that is this node's."""
    (prefix,) = ip_network("10.244.7.0/28").subnets(0)
    unmade = BlockObject("", "", "", "pods", prefix, node, "pods")
    return block_document(unmade.block, node)


def _made(asking: Asking) -> BlockObject:
    """The block win-1 has, made anew."""
    asking.admin.delete_all(_BLOCKS)
    found = BlockObject.of(asking.admin.create(_BLOCKS, block("win-1")))
    assert found is not None
    return found


def _claims_a_block(asking: Asking) -> None:
    asking.admin.delete_all(_BLOCKS)
    asking.api.create(BLOCKS, block("win-1"))


def _looks_at_a_block(asking: Asking) -> None:
    assert _claims(asking).look(_made(asking).block) is not None


def _renews_a_block(asking: Asking) -> None:
    assert _claims(asking).renew(_made(asking)) is not None


def _frees_a_block(asking: Asking) -> None:
    assert _claims(asking).free(_made(asking))


NEEDS: dict[str, dict[tuple[str, str], Need]] = {
    "base": {
        ("nodes", "list"): _lists(NODES),
        ("nodes", "watch"): _watches(NODES),
        ("nodes", "patch"): _annotates_its_node,
        ("events", "create"): _tells_an_event,
        ("events", "patch"): _tells_it_again,
    },
    "pools": {
        ("ippools", "list"): _lists(POOLS),
        ("ippools", "watch"): _watches(POOLS),
        ("ipblocks", "list"): _lists(BLOCKS),
        ("ipblocks", "watch"): _watches(BLOCKS),
        ("ipblocks", "get"): _looks_at_a_block,
        ("ipblocks", "create"): _claims_a_block,
        ("ipblocks", "patch"): _renews_a_block,
        ("ipblocks", "delete"): _frees_a_block,
        ("nodes", "get"): _gets_a_node,
    },
}
"""By the folder of conf/kubernetes whose account.yaml gives the permission: resource and verb."""

BEFORE: dict[Need, Need] = {_tells_it_again: _tells_an_event}
"""Who needs one of these needs the other, too."""


def may(agent: Asking, need: Need) -> bool:
    """Whether it is not refused."""
    try:
        need(agent)
    except Forbidden:
        return False
    return True
