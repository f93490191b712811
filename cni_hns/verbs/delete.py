"""DEL: the attachment goes, whatever is still there of it (CNI SPEC, section 2, "DEL").

It works from the ledger and needs of the configuration only its name, the IPAM type and `dataDir`: the rest
may have changed since the ADD. The order: out of its place, endpoint, lease; a failed detach does not end
it, and an address is free only when its endpoint is gone.
"""

from __future__ import annotations

from cni_hns.attachment import gone, places, repair
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.claims import take
from cni_hns.attachment.retirement import retire
from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Nothing is left of the attachment, and a second DEL finds nothing to do.

    Raises:
        CniError: code 105 with all that is left and why; code 11 where another verb is working on it.
    """
    attachment = Attachment.of(request, node)
    if attachment.reservations.is_configured and attachment.row() is None:
        attachment.reservations.look()  # a peer's pod, whose address may be known from its file alone
    try:
        _remove(attachment)
    except ServiceError as fault:
        raise _left_over(attachment, fault) from fault
    finally:
        repair.others(attachment)
        gone.look_around(attachment)


def _remove(attachment: Attachment) -> None:
    """Also what the ledger does not know is claimed: no ADD of it may begin while this DEL looks for it."""
    row = take(attachment.node.deadline, attachment.claim_to_remove).before or attachment.row()
    if row is None:
        return  # this DEL was suspended for so long that another verb has finished its work
    if not row.netns:
        row = _placed(row, attachment)
    retire(attachment, row, attachment.request.variables.netns)


def _placed(row: AttachmentRow, attachment: Attachment) -> AttachmentRow:
    """With the place that CNI_NETNS names, if any: DEL goes on without one."""
    netns = attachment.request.variables.netns
    place = places.named(netns, attachment.key.container_id)
    if place is None:
        if netns:
            attachment.node.log.event("CNI_NETNS is not used: it names no HCN namespace and no container")
        return row
    if place.v1_netns is not None:
        # Whoever goes on with it has to know whose the endpoint is.
        attachment.record(v1_netns=place.v1_netns)
    return row._replace(namespace_id=place.namespace_id, v1_netns=place.v1_netns)


def _left_over(attachment: Attachment, fault: ServiceError) -> CniError:
    return CniError(
        LEFT_OVER,
        "; ".join([f"{attachment.words} is not removed yet: {fault}", *getattr(fault, "__notes__", [])]),
        "its address stays reserved; repeat DEL, or let GC do it",
    )
