"""The end of an attachment: detach, delete, and only then is its address free.

DEL, GC, repairs and the undoing of an ADD all end here.

Rule 1: "not there" is HNS's own word for it (`NotFound`); any other failure leaves the address reserved.
Rule 2: an endpoint is deleted by the ID that this plugin chose or a peer's name led to, never by address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.hcn.documents import remove_endpoint
from cni_hns.hcn.views import EndpointView
from cni_hns.ipam import allocate, hostlocal
from cni_hns.verbs import delegated

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Attachment, AttachmentKey, Lease, Ledger
    from cni_hns.verbs.node import Node

__all__ = [
    "delete_endpoint",
    "detach",
    "detach_and_delete",
    "free",
    "leave",
    "look_at",
    "take_out",
    "take_out_and_free",
]

# HNS finishes a creation whose caller was killed; for so long its ID is looked for and its address set aside.
LATE_ARRIVAL_S = 600.0


def look_at(node: Node, endpoint_id: str) -> EndpointView | None:
    """The endpoint as HNS shows it, None where HNS says that there is none.

    Raises:
        ServiceError: for every other failure; it says nothing about whether the endpoint exists.
    """
    try:
        return EndpointView.of(node.hcn.endpoints.get(endpoint_id))
    except NotFound:
        return None


def detach(node: Node, endpoint_id: str, namespace_id: str) -> None:
    """Take the endpoint out of the namespace; both may be gone already.

    Raises:
        ServiceError: HNS failed, other than by not knowing one of them.
    """
    try:
        with node.hcn.namespaces.open(namespace_id) as namespace:
            namespace.modify(remove_endpoint(endpoint_id))
    except NotFound:
        return


def delete_endpoint(node: Node, endpoint_id: str) -> bool:
    """Delete the endpoint; False where HNS has none of this ID.

    Raises:
        ServiceError: HNS failed.
    """
    try:
        node.hcn.endpoints.delete(endpoint_id)
    except NotFound:
        return False
    return True


def detach_and_delete(node: Node, endpoint_id: str, namespace_id: str | None) -> bool:
    """Both, going on past a failed detach, which is a fault only while the endpoint is still there.

    Gives whether the endpoint was there.

    Raises:
        ServiceError: it is still there; a failed detach is noted on the error.
    """
    detach_fault: ServiceError | None = None
    if namespace_id:
        try:
            detach(node, endpoint_id, namespace_id)
        except ServiceError as fault:
            detach_fault = fault
    try:
        was_there = delete_endpoint(node, endpoint_id)
    except ServiceError as fault:
        if detach_fault is not None:
            fault.add_note(f"before that: {detach_fault}")
        raise
    if detach_fault is not None:
        node.log.event(f"the endpoint was deleted without a detach: {detach_fault}", "warning")
    return was_there


def take_out(node: Node, row: Attachment) -> bool:
    """Take the attachment of this row out of HNS; gives whether a creation may still arrive late."""
    if row.endpoint_id is None:
        return False  # its owner ended before it asked HNS for anything
    was_there = detach_and_delete(node, row.endpoint_id, row.namespace_id)
    # A stored result means that the creation came back; an endpoint that was there means that it has arrived.
    return not was_there and row.result is None


def take_out_and_free(request: Request, node: Node, ledger: Ledger, row: Attachment, netns: str) -> None:
    """The whole end of a row that this process has claimed: HNS, a delegated IPAM plugin, the ledger.

    Raises:
        ServiceError: the endpoint is still there, and so are the row and its leases.
        CniError: the delegated plugin failed; the row stays for the next verb.
    """
    try:
        late_arrival = take_out(node, row)
        # The delegated plugin's address is free only now that no endpoint has it.
        delegated.delete(request, node, row.key, netns)
    except BaseException:
        leave(node, ledger, row.key)
        raise
    free(node, ledger, row.key, node.token, late_arrival=late_arrival, until=row.until)


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
            ledger.entomb(key, token, until=ends)
            allocate.entomb(ledger, key, until=ends)
        elif ledger.remove(key, token):
            released = allocate.release(ledger, key)
    hostlocal.drop_files(released)
