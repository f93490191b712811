"""An ADD of an attachment that is there: the stored result for the same request, an error for another."""

from __future__ import annotations

import json

from cni_hns.attachment.endpoints import look_at
from cni_hns.attachment.outcome import of_stored
from cni_hns.cni.errors import INVALID_CONFIG, CniError
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.addition import Addition
    from cni_hns.attachment.asked import Asked
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.cni.result import Result
    from cni_hns.ledger import AttachmentRow

__all__ = ["stored_result"]

# Of what was asked for: where no DNS suffix comes from it, it is a name that may be told or not.
_NAMESPACE = "pod_namespace"


def stored_result(adding: Addition, row: AttachmentRow) -> Result | None:
    """What the first ADD answered; None where HNS has lost the endpoint, which is then to be made again.

    An endpoint that was taken out of its place is put back: the result says that it is there.

    Raises:
        CniError: code 7, for another place or another request; nothing is changed.
        ServiceError: HNS could not say whether the endpoint exists; nothing is changed.
    """
    _refuse_another(adding.asked, row)
    node, place = adding.node, adding.place
    view = look_at(node, row.endpoint_id or adding.attachment.endpoint_id, place)
    if view is None:
        node.log.event(
            f"endpoint {row.endpoint_id} of {row.words()} is gone from HNS, not by this plugin; "
            "it is made again with its ID, addresses and MAC",
            "warning",
        )
        return None
    if not place.holds(view):
        place.put_back(node, view)
    _name_the_pod(adding.attachment, row)
    return of_stored(row, node.ledger.path)


def _name_the_pod(attachment: Attachment, row: AttachmentRow) -> None:
    """Of a row from before names were kept, or of a ledger that was rebuilt: once, and no ADD fails of it."""
    if row.pod.is_known or not attachment.pod.is_known:
        return
    try:
        attachment.ledger.name_pod(row, attachment.pod)
    except (LedgerBusy, LedgerFault) as fault:
        attachment.node.log.event(f"the pod's name is not kept: {fault}", "warning")


def _refuse_another(asked: Asked, row: AttachmentRow) -> None:
    place = asked.place
    if (row.v1_netns or row.namespace_id) != (place.v1_netns or place.namespace_id):
        raise CniError(
            INVALID_CONFIG,
            f"{row.words()} exists with CNI_NETNS {row.netns or 'unknown'}; "
            f"this ADD has {place.v1_netns or place.namespace_id}",
            "nothing was changed; DEL comes between two ADDs of one attachment",
        )
    # After a rebuild of the ledger nobody knows what was asked: the endpoint that is there is the answer.
    if row.fingerprint is not None and row.fingerprint != asked.fingerprint:
        there, here = json.loads(row.fingerprint), json.loads(asked.fingerprint)
        other = sorted(
            part
            for part in here
            if here[part] != there.get(part) and (part != _NAMESPACE or asked.plan.search_in_pod_namespace)
        )
        if not other:
            return
        raise CniError(
            INVALID_CONFIG,
            f"{row.words()} exists for another request: {', '.join(other)} differ",
            f"there: {_parts(there, other)}; asked: {_parts(here, other)}; nothing was changed; "
            "DEL comes between two ADDs of one attachment",
        )


def _parts(fingerprint: dict[str, object], names: list[str]) -> str:
    return json.dumps({name: fingerprint.get(name) for name in names}, sort_keys=True)
