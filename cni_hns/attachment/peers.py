"""Endpoints that the ledger does not know: a peer's from before the switch, or ours from before a rebuild.

Rule 1: DEL, CHECK and GC only, in the attachment's own HCN network only.
Rule 2: an endpoint that is ours is never found by name: the name has no ifname, and DEL of an unknown eth1
must not take the live eth0.
"""

from __future__ import annotations

from cni_hns.attachment.endpoints import look_at
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.hcn.views import REMOTE
from cni_hns.identity import endpoint_name, is_ours
from cni_hns.node.networks import ids_of
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.hcn.views import EndpointView

__all__ = ["find_unknown", "is_a_peers"]


def find_unknown(attachment: Attachment) -> EndpointView | None:
    """The endpoint of an attachment without a row: by the ID it would have, else by a peer's name.

    Raises:
        CniError: two endpoints of a peer have this name; which of them is the pod's cannot be known.
    """
    return look_at(attachment.node, attachment.endpoint_id) or _by_name(attachment)


def _by_name(attachment: Attachment) -> EndpointView | None:
    node, key = attachment.node, attachment.key
    name = endpoint_name(key.network, key.container_id)
    ids = node.hcn.endpoints.ids(Name=name)
    if not ids:
        return None
    networks = ids_of(attachment.request.config, node)
    views = [view for view in (look_at(node, one) for one in ids) if view is not None]
    hits = [view for view in views if view.network in networks and is_a_peers(view, key.network)]
    if len(hits) > 1:
        raise CniError(
            LEFT_OVER,
            f'{len(hits)} endpoints are called "{name}": {", ".join(view.id for view in hits)}',
            "delete the one that no pod uses (`cni-hns endpoint delete ID`) and try again",
        )
    return hits[0] if hits else None


def is_a_peers(view: EndpointView, network: str) -> bool:
    """Whether a plugin other than this one made it for a container of this node."""
    return not view.flags & REMOTE and is_ours(view.id, view.name, network) is None
