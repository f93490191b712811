"""The end of an attachment: detach, delete, and only then is its address free.

DEL, GC, repairs and the undoing of an ADD all end here.

Rule: a row is claimed before anything of its attachment is touched, and each step names the claim's token.
"""

from __future__ import annotations

from cni_hns.ipam import allocate, hostlocal
from cni_hns.typed import TYPE_CHECKING
from cni_hns.verbs import delegated, endpoints, peers

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Attachment, AttachmentKey, Claim, Lease, Ledger
    from cni_hns.verbs.node import Node

__all__ = ["claim", "free", "leave", "take_out_and_free"]

# HNS finishes a creation whose caller was killed; for so long its ID is looked for and its address set aside.
LATE_ARRIVAL_S = 600.0


def claim(node: Node, ledger: Ledger, key: AttachmentKey) -> Claim:
    """Ask for the attachment, known or not, to remove it: meanwhile nobody else works on it."""
    return ledger.claim(
        key,
        "deleting",
        fingerprint=None,
        namespace_id=None,
        owner=node.owner,
        token=node.token,
        deadline_at=node.deadline_at(),
        alive=node.alive,
    )


def take_out_and_free(request: Request, node: Node, ledger: Ledger, row: Attachment, netns: str) -> None:
    """The whole end of a row that this process has claimed: HNS, a delegated IPAM plugin, the ledger.

    Raises:
        ServiceError: the endpoint is still there, and so are the row and its leases.
        CniError: the delegated plugin failed, or two endpoints could be a peer's; the row stays.
    """
    try:
        late_arrival = _take_out(request, node, ledger, row)
        # The delegated plugin's address is free only now that no endpoint has it.
        delegated.delete(request, node, row.key, netns)
    except BaseException:
        leave(node, ledger, row.key)
        raise
    free(node, ledger, row.key, node.token, late_arrival=late_arrival, until=row.until)


def _take_out(request: Request, node: Node, ledger: Ledger, row: Attachment) -> bool:
    """Take the attachment of this row out of HNS; gives whether a creation may still arrive late."""
    if row.endpoint_id is None:
        _take_out_unknown(request, node, ledger, row.key)
        return False
    was_there = endpoints.detach_and_delete(node, row.endpoint_id, row.namespace_id)
    # A stored result means that the creation came back; an endpoint that was there means that it has arrived.
    return not was_there and row.result is None


def _take_out_unknown(request: Request, node: Node, ledger: Ledger, key: AttachmentKey) -> None:
    """The row began with its removal: a second DEL, a peer's endpoint, or a ledger that was rebuilt."""
    view = peers.find_unknown(request, node, ledger, key)
    if view is not None:
        node.log.event(f'endpoint "{view.name}" ({view.id}) is not in the ledger and goes with its pod')
        endpoints.detach_and_delete(node, view.id, view.namespace)


def leave(node: Node, ledger: Ledger, key: AttachmentKey) -> None:
    """Give a claimed row up, unfinished: the next verb need not wait for this process to end."""
    ledger.record(key, node.token, deadline_at=0.0)


def free(
    node: Node,
    ledger: Ledger,
    key: AttachmentKey,
    token: str,
    *,
    late_arrival: bool = False,
    until: float | None = None,
) -> None:
    """One transaction: row and leases go, or become a tombstone while the endpoint may still arrive.

    A tombstone that is visited again keeps its first `until` (seconds since the epoch).
    """
    now = node.now()
    ends = until if until is not None else now + LATE_ARRIVAL_S
    released: list[Lease] = []
    with ledger.transaction():
        if late_arrival and ends > now:
            if ledger.entomb(key, token, until=ends):
                allocate.entomb(ledger, key, until=ends)
        elif ledger.remove(key, token):
            released = allocate.release(ledger, key)
    hostlocal.drop_files(released)
