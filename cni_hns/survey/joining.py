"""The pods of a node: sandbox, containers, namespace, endpoints, attachments and leases, joined.

What makes a pod: a row or a lease of the ledger, an endpoint that tells its container, a sandbox that the
runtime calls ready, or else a namespace that has an endpoint or a container. A sandbox has the container id
of its attachments. One that has ended, and of which nothing is left, is no pod, though the runtime lists it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.survey.index import Index
from cni_hns.survey.mismatches import mismatches_of
from cni_hns.survey.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cni_hns.hcn.views import EndpointView, NamespaceView
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.survey.seen import Seen

__all__ = ["pods_of"]

# The host's own network.
_NO_PODS = ("hostdefault",)


def pods_of(seen: Seen) -> list[Pod]:
    """All pods, by sandbox and then by namespace, each with its mismatches."""
    index = Index(seen)
    places = {sandbox: _namespace_of(sandbox, index) for sandbox in sorted(_sandboxes(index))}
    taken = set(places.values())
    nameless = sorted(one.id for one in index.rooms.values() if one.id not in taken and _is_used(one, index))
    return [_pod(index, sandbox, namespace) for sandbox, namespace in places.items()] + [
        _pod(index, "", namespace) for namespace in nameless
    ]


def _sandboxes(index: Index) -> set[str]:
    alive = {
        sandbox for sandbox, rows in index.rows_of.items() if any(row.phase != "tombstone" for row in rows)
    }
    ready = {one.id for one in index.told.values() if one.is_ready}
    return alive | ready | set(index.leases_of) | set(index.endpoints_of)


def _namespace_of(sandbox: str, index: Index) -> str:
    """As the ledger says, else as HNS does, which may know only the containers of a sandbox."""
    rows = [row.namespace_id for row in index.rows_of.get(sandbox, ())]
    endpoints = [one.namespace for one in index.endpoints_of.get(sandbox, ())]
    told = index.told.get(sandbox)
    rooms = [index.room_of(told)] if told else []
    return next((one for one in [*rows, *endpoints, *rooms] if one), "")


def _is_used(room: NamespaceView, index: Index) -> bool:
    """By a container, or by an endpoint that is no known sandbox's."""
    inside = room.endpoints | {one.id for one in index.endpoints_in.get(room.id, ())}
    return room.type.lower() not in _NO_PODS and bool(room.containers or inside - index.owned)


def _pod(index: Index, sandbox: str, namespace: str) -> Pod:
    room = index.rooms.get(namespace)
    bare = Pod(
        id=sandbox,
        namespace=namespace,
        room=room,
        containers=_containers(index, sandbox, room),
        endpoints=_endpoints(index, sandbox, namespace, room),
        attachments=index.rows_of.get(sandbox, []),
        leases=index.leases_of.get(sandbox, []),
        sandbox=index.told.get(sandbox),
        is_changing=any(key.container_id == sandbox for key in index.seen.at_work),
        mismatches=[],
    )
    return bare if bare.is_changing else bare._replace(mismatches=mismatches_of(bare, index))


def _containers(index: Index, sandbox: str, room: NamespaceView | None) -> list[Properties]:
    """The sandbox first, then the others of its namespace."""
    own = index.sandbox(sandbox) if sandbox else None
    others = [index.system(one) for one in (room.containers if room else ())]
    return list({one.id: one for one in [own, *others] if one is not None}.values())


def _endpoints(index: Index, sandbox: str, namespace: str, room: NamespaceView | None) -> list[EndpointView]:
    """What is the sandbox's wherever it is, and what is in its namespace whoever made it."""
    named = [row.endpoint_id for row in index.rows_of.get(sandbox, ())]
    listed = [index.endpoints.get(one or "") for one in [*named, *sorted(room.endpoints if room else ())]]
    found: Iterable[EndpointView | None] = [
        *listed,
        *index.endpoints_of.get(sandbox, ()),
        *index.endpoints_in.get(namespace, ()),
    ]
    return list({one.id: one for one in found if one is not None}.values())
