"""The end of an attachment: detach, delete, and only then is its address free.

DEL, GC, repairs and the undoing of an ADD all end here.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints
from cni_hns.attachment.delegated import plugin_of
from cni_hns.attachment.peers import find_unknown
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
    try:
        late_arrival = _take_out(attachment, row)
        _tell_the_plugin(attachment, netns)
    except BaseException:
        attachment.leave()
        raise
    attachment.free(late_arrival=late_arrival, until=row.until)


def clear_away(attachment: Attachment, before: AttachmentRow) -> None:
    """Take out of HNS what the owner of this row left there; the row and its leases are the caller's already.

    Raises: ServiceError, CniError: something is left, and so are the row and its leases.
    """
    try:
        if before.endpoint_id:
            endpoints.detach_and_delete(attachment.node, before.endpoint_id, before.namespace_id)
        _tell_the_plugin(attachment, before.namespace_id or "")
    except BaseException:
        attachment.leave()
        raise


def _take_out(attachment: Attachment, row: AttachmentRow) -> bool:
    """Take the attachment of this row out of HNS; gives whether a creation may still arrive late."""
    if row.endpoint_id is None:
        _take_out_unknown(attachment)
        return False
    was_there = endpoints.detach_and_delete(attachment.node, row.endpoint_id, row.namespace_id)
    # A stored result means that the creation came back; an endpoint that was there means that it has arrived.
    return not was_there and row.result is None


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
