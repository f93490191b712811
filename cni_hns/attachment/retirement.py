"""The end of an attachment: detach, delete, and only then is its address free.

DEL, GC, repairs and the undoing of an ADD all end here.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints, places
from cni_hns.attachment.delegated import plugin_of
from cni_hns.attachment.endpoints import Removal
from cni_hns.binding.errors import ServiceError, Unreachable
from cni_hns.identity import earlier_endpoint_ids, is_endpoint_of
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.attachment.place import Place
    from cni_hns.ledger import AttachmentRow

__all__ = ["clear_away", "retire", "take", "take_unrecorded"]


def retire(attachment: Attachment, row: AttachmentRow, netns: str) -> None:
    """The whole end of a row that this process has claimed: HNS, an external IPAM plugin, the ledger.

    `netns` is what an external plugin is told as CNI_NETNS.

    Raises:
        ServiceError: the endpoint is still there, and so are the row and its leases.
        CniError: the external plugin failed, or two endpoints could be a peer's; the row stays.
    """
    removal = _ended(attachment, row, netns)
    attachment.free(
        # A stored result means that the creation came back, an endpoint that was there that it has arrived.
        late_arrival=row.endpoint_id is not None and not removal.was_there and row.result is None,
        late_deletion=removal.unseen is not None or row.may_go_late(attachment.endpoint_id),
        delete_begun=removal.unseen is not None or row.delete_begun,
        until=row.until,
    )


def take(attachment: Attachment, row: AttachmentRow) -> bool:
    """Claim a row as it was seen, and retire it; False where another verb has taken it meanwhile.

    Raises: ServiceError, CniError: as `retire`.
    """
    node = attachment.node
    if not attachment.ledger.claim_stale(row, node.owner, node.token, node.deadline_at()):
        return False
    node.log.event(f"{row.words()} is retired: it was {row.phase}, of process {row.owner.pid}")
    retire(attachment, row, row.netns)
    return True


def take_unrecorded(attachment: Attachment) -> bool:
    """Claim an attachment that has no row, and retire it; False where it has one by now.

    Like any other it is claimed first: an ADD of it may begin while what it left in HNS is looked at.

    Raises: ServiceError, CniError: as `retire`.
    """
    with attachment.ledger.transaction():
        if attachment.row() is not None:
            return False
        attachment.claim_to_remove()
        claimed = attachment.row()
    if claimed is None:
        raise RuntimeError("a row that was claimed is not there")
    retire(attachment, claimed, "")
    return True


def clear_away(attachment: Attachment, before: AttachmentRow) -> None:
    """Take out of HNS what the owner of this row left there; the row and its leases are the caller's already.

    Raises: ServiceError, CniError: something is left, and so are the row and its leases.
    """
    if before.endpoint_id is not None:
        # Should this process be ended now, the deletion may come late.
        attachment.record(delete_begun=True)
        removal = _ended(attachment, before, before.netns)
        if removal.unseen is not None:
            attachment.leave()
            raise removal.unseen
        attachment.record(delete_begun=False)
    # Of a file that its maker was ended at nobody could say whose it is.
    attachment.reservations.drop(attachment.ledger.leases_of(attachment.key))


def _ended(attachment: Attachment, row: AttachmentRow, netns: str) -> Removal:
    """Out of HNS, then free in an external plugin.

    A failure leaves the row to the next verb. What HNS has refused it will not do later; where it did not
    say, or this process is ended meanwhile, the deletion may still come.
    """
    hns_may_go_on = True
    try:
        removal = _take_out(attachment, row)
        hns_may_go_on = removal.unseen is not None
        if not row.is_shared:
            _tell_the_plugin(attachment, netns)
    except BaseException as fault:
        if isinstance(fault, ServiceError) and not isinstance(fault, Unreachable):
            hns_may_go_on = False
        attachment.leave(delete_begun=hns_may_go_on or row.delete_begun)
        raise
    return removal


def _take_out(attachment: Attachment, row: AttachmentRow) -> Removal:
    """Take the attachment of this row out of HNS."""
    place = places.of_row(row)
    if place is not None and place.is_shared:
        return _let_go(attachment, row, place)
    if row.endpoint_id is None:
        return _take_out_unknown(attachment)
    for earlier in earlier_endpoint_ids(row.endpoint_id, *row.key):
        # Of these too one may still be there: whoever began to delete it was ended.
        endpoints.detach_and_delete(attachment.node, place, earlier)
    removal = endpoints.detach_and_delete(attachment.node, place, row.endpoint_id)
    if row.v1_netns is not None and not removal.was_there:
        # HNS V1 may have chosen another ID, and nobody lived to write it down.
        return _take_out_unknown(attachment)._replace(unseen=removal.unseen)
    return removal


def _let_go(attachment: Attachment, row: AttachmentRow, place: Place) -> Removal:
    """Another container's endpoint stays, and is not in this one any more."""
    endpoint_id = row.endpoint_id or place.shared_endpoint(attachment)
    if endpoint_id is not None:
        place.take_out(attachment.node, endpoint_id)
    return Removal(was_there=True)


def _take_out_unknown(attachment: Attachment) -> Removal:
    """The row began with its removal: a second DEL, a peer's endpoint, or a ledger that was lost."""
    from cni_hns.attachment.peers import find_unknown

    view = find_unknown(attachment)
    if view is None:
        return Removal(was_there=False)
    node = attachment.node
    node.log.event(f'endpoint "{view.name}" ({view.id}) is not in the ledger and goes with its pod')
    if is_endpoint_of(view.id, *attachment.key):
        # No ADD takes the ID again while HNS may still be at work on it; the result says that it has arrived.
        attachment.record(endpoint_id=view.id, result="")
    return endpoints.detach_and_delete(node, places.of_view(view, attachment.key.container_id), view.id)


def _tell_the_plugin(attachment: Attachment, netns: str) -> None:
    """An external plugin's address is free only once no endpoint has it."""
    plugin = plugin_of(attachment, netns)
    if plugin is not None:
        plugin.delete()
