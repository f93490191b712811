"""Endpoints that the ledger does not know: a peer's from before the switch, or ours from before a rebuild.

Rule 1: DEL, CHECK and GC only, in the attachment's own HCN network only.
Rule 2: an endpoint that a row names is never another attachment's. One that is ours by its ID is only its own
attachment's: a peer's name has no ifname, and DEL of an unknown eth1 must not take the live eth0.
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
    from cni_hns.node.node import Node

__all__ = ["find_unknown", "is_a_peers"]


def find_unknown(attachment: Attachment) -> EndpointView | None:
    """The endpoint of an attachment without a row: by the ID it would have, else by name.

    Raises:
        CniError: two endpoints of a peer have this name; which of them is the pod's cannot be known.
    """
    return look_at(attachment.node, attachment.endpoint_id) or _by_name(attachment)


def is_a_peers(view: EndpointView, network: str, node: Node) -> bool:
    """Whether a plugin other than this one made it for a container of this node."""
    if view.flags & REMOTE or is_ours(view.id, view.name, network) is not None:
        return False
    return node.ledger.holder_of(view.id) is None


def _by_name(attachment: Attachment) -> EndpointView | None:
    node, key = attachment.node, attachment.key
    named = {endpoint_name(*key), endpoint_name(key.network, key.container_id)}
    found = [one for name in sorted(named) for one in node.hcn.endpoints.ids(Name=name)]
    if not found:
        return None
    networks = ids_of(attachment.request.config, node)
    views = [view for view in (look_at(node, one) for one in found) if view and view.network in networks]
    hits = [view for view in views if _is_its(view, attachment)]
    hits = hits or [view for view in views if is_a_peers(view, key.network, node)]
    if len(hits) > 1:
        raise CniError(
            LEFT_OVER,
            f'{len(hits)} endpoints are called "{hits[0].name}": {", ".join(view.id for view in hits)}',
            "delete the one that no pod uses (`cni-hns endpoint delete ID`) and try again",
        )
    return hits[0] if hits else None


def _is_its(view: EndpointView, attachment: Attachment) -> bool:
    """A later generation of its own, which no row names any more."""
    key = attachment.key
    ours = is_ours(view.id, view.name, key.network)
    return ours == (key.container_id, key.ifname) and attachment.ledger.holder_of(view.id) is None
