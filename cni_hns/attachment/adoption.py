"""A peer's endpoint that an ADD finds in its place: it becomes the attachment's, as if our ADD had made it.

Runtimes ask for the result of a container that runs by its ADD. The peers answer with the endpoint that has
the container's name; so do we for those that they made, in place of giving the container a second one.
"""

from __future__ import annotations

from cni_hns.attachment.addresses import hold_what_hns_gave
from cni_hns.attachment.delegated import external_type
from cni_hns.attachment.outcome import result_of, to_stored
from cni_hns.attachment.peers import find_unknown, is_a_peers
from cni_hns.ledger.rows import TAKEN_OVER
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.attachment.place import Place
    from cni_hns.hcn.views import EndpointView

__all__ = ["adopt"]


def adopt(attachment: Attachment, place: Place, among: set[str] | None = None) -> bool:
    """Take the peer's endpoint over into the ledger, where the ledger knows nothing of the attachment.

    `among`: the IDs that it can have, where its place says which are there. Whether there was one.

    Raises: ServiceError, HNS could not say; CniError, two endpoints have the name.
    """
    if attachment.row() is not None:
        return False
    view = find_unknown(attachment)
    if view is None or not is_a_peers(view, attachment.key.network, attachment.node):
        return False
    if among is not None and view.id not in among:
        return False
    reservations = attachment.reservations
    reservations.prepare()
    reservations.look()
    if not _written(attachment, place, view):
        return False
    reservations.make(attachment.key, attachment.ledger.leases_of(attachment.key), in_turn=False)
    words = f'endpoint "{view.name}" ({view.id}) of another plugin'
    attachment.node.log.event(f"{words} is {attachment.words} from now on")
    return True


def _written(attachment: Attachment, place: Place, view: EndpointView) -> bool:
    """One transaction; False where another verb has the attachment by now."""
    key, node, ledger = attachment.key, attachment.node, attachment.ledger
    plugin = external_type(attachment.request.config)
    with ledger.transaction():
        claim = attachment.claim("adding", namespace_id=place.namespace_id, v1_netns=place.v1_netns)
        if claim.kind != "new":
            return False
        attachment.record(
            endpoint_id=view.id, hcn_network_id=view.network, plugin=plugin, request=_as_asked(view)
        )
        held = {lease.address for lease in ledger.leases_of(key)}
        if plugin is None and not held.issuperset(address for address, _ in view.addresses):
            hold_what_hns_gave(ledger, key, view)
        result = result_of(view, key.ifname, attachment.request.variables.netns)
        ledger.make_ready(key, node.token, to_stored(result))
    return True


def _as_asked(view: EndpointView) -> dict[str, Any]:
    """The document of an endpoint that nobody asked this plugin for: CHECK holds HNS against it.

    Its ID is the peer's and follows from nothing: the ledger believes it because it stands here, sealed. Of
    its DNS nobody knows what the peer set and what HNS took from the host.
    """
    return {
        TAKEN_OVER: view.id,
        "Name": view.name,
        "IpConfigurations": [
            {"IpAddress": address, "PrefixLength": prefix} for address, prefix in view.addresses
        ],
        "Routes": [
            {"DestinationPrefix": destination, "NextHop": hop} for destination, hop in view.routes if hop
        ],
        "Policies": view.policies,
    }
