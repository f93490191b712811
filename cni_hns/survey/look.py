"""Reading a node: one look at each source.

The ledger is read before all others and again after them. What changed in it meanwhile is at work: the other
sources may have been read on either side of the change.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.cri.faults import CriFault
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import EndpointView, LoadBalancerView, NamespaceView, NetworkView
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.survey.seen import LedgerTime, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cri.views import Sandbox
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentKey, AttachmentRow, Lease, Ledger
    from cni_hns.node.node import Node

__all__ = ["Records", "at_work_of", "look", "records_in", "unless_it_fails"]

_Read = TypeVar("_Read")


class Records(NamedTuple):
    """What a ledger has now; leases first, so that each of a row that was read is of that row."""

    leases: list[Lease]
    rows: dict[AttachmentKey, AttachmentRow]
    time: LedgerTime | None


def look(
    node: Node,
    systems: Callable[[], list[Properties]],
    sandboxes: Callable[[], list[Sandbox]] | None = None,
) -> Seen:
    """What HNS, HCS and the ledger of this node have now. `systems` asks HCS, `sandboxes` the runtime.

    A source that is not there, refuses or does not answer is None, and `notes` has its reason.
    """
    notes: list[str] = []
    read = partial(unless_it_fails, notes)
    before = read(lambda: records_in(node.ledger_if_any))
    namespaces = read(lambda: [NamespaceView.of(one) for one in every(node.hcn.namespaces)])
    endpoints = read(lambda: [EndpointView.of(one) for one in every(node.hcn.endpoints)])
    networks = read(lambda: [NetworkView.of(one) for one in every(node.hcn.networks)])
    balancers = read(lambda: [LoadBalancerView.of(one) for one in every(node.hcn.load_balancers)])
    version = read(partial(_hns_version, node))
    found = read(systems)
    told = None if sandboxes is None else read(sandboxes)
    after = read(lambda: records_in(node.ledger_if_any))
    return Seen(
        namespaces=namespaces,
        endpoints=endpoints,
        networks=networks,
        systems=found,
        sandboxes=told,
        load_balancers=balancers,
        hns_version=version,
        rows=None if after is None else list(after.rows.values()),
        leases=None if after is None else after.leases,
        at_work=at_work_of(node, before, after),
        time=None if after is None else after.time,
        notes=tuple(dict.fromkeys(notes)),
    )


def unless_it_fails(notes: list[str], read: Callable[[], _Read]) -> _Read | None:
    """What is read from one source; None where it fails, and `notes` gets the reason on one line."""
    try:
        return read()
    except (ServiceError, CniError, CriFault, LedgerFault, LedgerBusy) as fault:
        notes.append(" ".join(str(fault).split()))
        return None


def _hns_version(node: Node) -> tuple[int, int]:
    return node.hns.version()


def records_in(ledger: Ledger | None) -> Records:
    """What the ledger has now; of one that is not there nothing. Raises: LedgerFault, LedgerBusy."""
    if ledger is None:
        return Records([], {}, None)
    leases = ledger.leases()
    now = ledger.now()
    rows = {row.key: row for row in ledger.attachments()}
    return Records(leases, rows, LedgerTime(now, ledger.wall(now)))


def at_work_of(node: Node, before: Records | None, after: Records | None) -> frozenset[AttachmentKey]:
    """The attachments that changed between two looks at the ledger, or that a living process works on."""
    if before is None or after is None:
        return frozenset()
    keys = before.rows.keys() | after.rows.keys()
    changed = {key for key in keys if _version(before.rows.get(key)) != _version(after.rows.get(key))}
    owned = {key for key, row in after.rows.items() if row.is_unfinished and node.alive(row.owner)}
    return frozenset(changed | owned)


def _version(row: AttachmentRow | None) -> Any:
    return None if row is None else (row.phase, row.token, row.updated_at)
