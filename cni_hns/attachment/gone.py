"""Pods that are gone: attachments that are `ready`, and whose end nobody told us.

Runtimes forget DEL after crash loops and reboots, and some never call GC. So it is looked, now and then,
whether a pod is still there.

Rule 1: a pod is not there when HNS says, by its code for it, that it does not have the namespace, and the
endpoint is absent or in no namespace; with HNS V1, when HCS says so of the container, and no container has
the endpoint. Any other failure says nothing. A pod whose endpoint alone is missing is there.
Rule 2: it is gone when it was not there at two looks some time apart, or the machine has booted since its
ADD, or it was not there at an earlier look and its address is needed now.
Rule 3: an HNS that has just started may not have loaded everything yet, and proves nothing.
"""

from __future__ import annotations

from cni_hns.attachment import places
from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.ledger.attachments import GONE_S
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.ledger import AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["Look", "hns_has_settled", "look_around", "make_room", "missing", "sweep"]

# An ADD or a DEL looks at so many pods of others, where a look is due.
_A_FEW = 2
_HNS_SETTLED_S = 60.0
# Of the time that is left, so much stays for the verb's own work.
_KEPT_SHARE = 0.5


class Look(NamedTuple):
    """What one look at a pod came to: it is not there, and whether that proves that it is gone."""

    row: AttachmentRow
    is_gone: bool
    why: str


def look_around(attachment: Attachment) -> None:
    """Look at a few pods of this network at which it is time to look, and retire those that are gone."""
    node, key = attachment.node, attachment.key
    due = [row for row in node.ledger.to_look_at(key.network, _A_FEW + 1) if row.key != key]
    if due:
        _retire(attachment, _looks(node, due[:_A_FEW], None))


def make_room(attachment: Attachment) -> None:
    """Addresses have run out: look at all pods of this network, and retire those that are gone.

    The pods that are found missing for the first time are noted: the next ADD may have their addresses.
    """
    node, key = attachment.node, attachment.key
    others = [row for row in node.ledger.attachments(key.network) if row.phase == "ready" and row.key != key]
    _retire(attachment, _looks(node, others, _namespaces(node), is_needed=True))


def sweep(node: Node, rows: list[AttachmentRow], *, note: bool = True) -> list[Look]:
    """Look at all these pods; those that are not there. What was seen is kept, if `note` says so."""
    ready = [row for row in rows if row.phase == "ready"]
    return _looks(node, ready, _namespaces(node), note=note) if ready else []


def hns_has_settled(node: Node) -> bool:
    """Rule 3."""
    return node.machine.hns_uptime_s() >= _HNS_SETTLED_S


def _looks(
    node: Node,
    rows: list[AttachmentRow],
    namespaces: set[str] | None,
    *,
    is_needed: bool = False,
    note: bool = True,
) -> list[Look]:
    """Look at each. `namespaces` are those that HNS lists, if it was asked."""
    if not rows or not hns_has_settled(node):
        return []
    found: list[Look] = []
    seen: list[tuple[AttachmentRow, bool]] = []
    try:
        for row in rows:
            if node.deadline.left_s() < node.deadline.timeout_s * _KEPT_SHARE:
                break
            why = None if namespaces and row.namespace_id in namespaces else missing(node, row)
            seen.append((row, why is None))
            if why is not None:
                found.append(Look(row, _proves(node, row, is_needed), why))
    except ServiceError as fault:
        node.log.event(f"whether pods are gone could not be looked up: {fault}", "warning")
    if note:
        node.ledger.looked_at(seen)
    return found


def _namespaces(node: Node) -> set[str]:
    """One call for all: only those that it does not list are opened. An empty list spares nothing."""
    try:
        return set(node.hcn.namespaces.ids())
    except ServiceError as fault:
        node.log.event(f"the namespaces could not be listed: {fault}", "warning")
        return set()


def missing(node: Node, row: AttachmentRow) -> str | None:
    """Rule 1, in words; None where the pod is there, or nobody can know.

    Raises: ServiceError: HNS could not say.
    """
    place = places.of_row(row)
    return None if place is None else place.missing(node, row.endpoint_id)


def _proves(node: Node, row: AttachmentRow, is_needed: bool) -> bool:
    """Rule 2."""
    if row.owner.boot_id != node.machine.boot_id():
        return True
    return row.gone_at is not None and (is_needed or row.gone_at <= node.now() - GONE_S)


def _retire(attachment: Attachment, looks: list[Look]) -> None:
    """Retire those that are gone; what fails is left to another verb."""
    from cni_hns.attachment.retirement import take

    log = attachment.node.log
    for look in looks:
        if not look.is_gone:
            continue
        words = look.row.words()
        log.event(f"the pod of {words} is gone: {look.why}")
        try:
            take(attachment.other(look.row.key), look.row)
        except (ServiceError, CniError) as fault:
            log.event(f"{words}, whose pod is gone, could not be removed yet: {fault}", "warning")
