"""The end of an attachment: detach, delete, and only then is its address free.

DEL, GC, repairs and the undoing of an ADD all end here.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints
from cni_hns.attachment.delegated import plugin_of
from cni_hns.attachment.peers import find_unknown
from cni_hns.binding.errors import ServiceError, Unreachable
from cni_hns.identity import earlier_endpoint_ids
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.ledger import AttachmentRow

__all__ = ["clear_away", "retire"]


def retire(attachment: Attachment, row: AttachmentRow, netns: str) -> None:
    """The whole end of a row that this process has claimed: HNS, an external IPAM plugin, the ledger.

    `netns` is what an external plugin is told as CNI_NETNS.

    Raises:
        ServiceError: the endpoint is still there, and so are the row and its leases.
        CniError: the external plugin failed, or two endpoints could be a peer's; the row stays.
    """
    was_there = _ended(attachment, row, netns)
    attachment.free(
        # A stored result means that the creation came back, an endpoint that was there that it has arrived.
        late_arrival=row.endpoint_id is not None and not was_there and row.result is None,
        late_deletion=row.may_go_late(attachment.endpoint_id),
        delete_begun=row.delete_begun,
        until=row.until,
    )


def clear_away(attachment: Attachment, before: AttachmentRow) -> None:
    """Take out of HNS what the owner of this row left there; the row and its leases are the caller's already.

    Raises: ServiceError, CniError: something is left, and so are the row and its leases.
    """
    if before.endpoint_id is not None:
        # Should this process be ended now, the deletion may come late.
        attachment.record(delete_begun=True)
        _ended(attachment, before, before.namespace_id or "")
        attachment.record(delete_begun=False)


def _ended(attachment: Attachment, row: AttachmentRow, netns: str) -> bool:
    """Out of HNS, then free in an external plugin; gives whether the endpoint was there.

    A failure leaves the row to the next verb. What HNS has refused it will not do later; where it did not
    say, or this process is ended meanwhile, the deletion may still come.
    """
    hns_may_go_on = True
    try:
        was_there = _take_out(attachment, row)
        hns_may_go_on = False
        _tell_the_plugin(attachment, netns)
    except BaseException as fault:
        if isinstance(fault, ServiceError) and not isinstance(fault, Unreachable):
            hns_may_go_on = False
        attachment.leave(delete_begun=hns_may_go_on or row.delete_begun)
        raise
    return was_there


def _take_out(attachment: Attachment, row: AttachmentRow) -> bool:
    """Take the attachment of this row out of HNS; gives whether its endpoint was there."""
    if row.endpoint_id is None:
        _take_out_unknown(attachment)
        return False
    for earlier in earlier_endpoint_ids(row.endpoint_id, *row.key):
        # Of these too one may still be there: whoever began to delete it was ended.
        endpoints.detach_and_delete(attachment.node, earlier, row.namespace_id)
    return endpoints.detach_and_delete(attachment.node, row.endpoint_id, row.namespace_id)


def _take_out_unknown(attachment: Attachment) -> None:
    """The row began with its removal: a second DEL, a peer's endpoint, or a ledger that was rebuilt."""
    view = find_unknown(attachment)
    if view is not None:
        node = attachment.node
        node.log.event(f'endpoint "{view.name}" ({view.id}) is not in the ledger and goes with its pod')
        endpoints.detach_and_delete(node, view.id, view.namespace)


def _tell_the_plugin(attachment: Attachment, netns: str) -> None:
    """An external plugin's address is free only once no endpoint has it."""
    plugin = plugin_of(attachment, netns)
    if plugin is not None:
        plugin.delete()
