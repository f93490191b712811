"""What belongs to no attachment of a network: endpoints of ours or a peer's, and addresses without a row.

Rule 1: what a row names is not touched, whatever network the row is of; other programs' endpoints never are.
Rule 2: in doubt an address stays: somebody may use it whom nobody told us of.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints, holders, places
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.peers import is_a_peers
from cni_hns.attachment.retirement import take_unrecorded
from cni_hns.cni.protocol import identifier_fault
from cni_hns.identity import is_ours
from cni_hns.ledger import AttachmentKey
from cni_hns.node import networks
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import Lease
    from cni_hns.node.node import Node

__all__ = ["Orphans"]

# What runtimes call a container: 64 hexadecimal digits; cnitool takes 20 of them behind its name.
_DIGITS = "0123456789abcdef"
_ID_LENGTH = 64
_CNITOOL = "cnitool-"


class Orphans:
    """The left-overs on one network, for a caller that knows which of its attachments are valid."""

    def __init__(self, request: Request, node: Node, is_valid: Callable[[AttachmentKey], bool]) -> None:
        self._request = request
        self._node = node
        self._is_valid = is_valid

    def endpoints(self) -> list[tuple[str, str]]:
        """(endpoint, HCN network) of all endpoints on the configuration's HCN network that no row names."""
        named = self._node.ledger.endpoint_ids()
        return [
            (endpoint_id, network_id)
            for network_id in sorted(set(networks.ids_of(self._request.config, self._node)))
            for endpoint_id in self._node.hcn.endpoints.ids(VirtualNetwork=network_id)
            if endpoint_id not in named
        ]

    def take_endpoint(self, endpoint_id: str, network_id: str) -> None:
        """Delete it, if it is one of ours or a peer's for a pod that is not valid.

        Raises: ServiceError, CniError.
        """
        view = endpoints.look_at(self._node, endpoint_id)
        if view is None or view.network != network_id:
            return  # somebody else deleted it between the list and the look
        ours = is_ours(view.id, view.name, self._request.name)
        if ours is not None:
            self._take_ours(view, AttachmentKey(self._request.name, *ours))
        elif self._is_left_by_a_peer(view):
            self._delete(view)

    def leases(self) -> list[AttachmentKey]:
        """Whose addresses have no row: what was taken over from host-local."""
        found = [lease.key for lease in self._node.ledger.leases(self._request.name) if _is_taken_over(lease)]
        return [key for key in dict.fromkeys(found) if not self._is_valid(key) and _names_a_container(key)]

    def take_leases(self, keys: list[AttachmentKey]) -> None:
        """Release them, where HNS has no endpoint with their address.

        Raises: ServiceError, CniError: HNS could not say, or a file of theirs is still there.
        """
        if not keys:
            return
        used = holders.by_address(self._node)
        for key in keys:
            if not any(lease.address in used for lease in self._node.ledger.leases_of(key)):
                take_unrecorded(Attachment(self._request, self._node, key))

    def _take_ours(self, view: EndpointView, key: AttachmentKey) -> None:
        attachment = Attachment(self._request, self._node, key)
        if not self._is_valid(key) and take_unrecorded(attachment):
            return
        row = attachment.row()
        if row is not None and row.phase == "ready" and row.endpoint_id != view.id and not view.is_in_use:
            self._delete(view)  # an earlier generation that arrived late: no row names it, and no pod has it

    def _is_left_by_a_peer(self, view: EndpointView) -> bool:
        container_id, separator, rest = view.name.rpartition(f"_{self._request.name}")
        if not separator or rest or identifier_fault(container_id):
            return False
        # A peer's name has no ifname: any valid attachment of that container speaks for it.
        key = AttachmentKey(self._request.name, container_id, "")
        return not self._is_valid(key) and is_a_peers(view, self._request.name, self._node)

    def _delete(self, view: EndpointView) -> None:
        self._node.log.event(f'endpoint "{view.name}" ({view.id}) belongs to no container and goes')
        container_id = view.name.removesuffix(f"_{self._request.name}")
        endpoints.detach_and_delete(self._node, places.of_view(view, container_id), view.id)


def _is_taken_over(lease: Lease) -> bool:
    return lease.origin == "adopted"


def _names_a_container(key: AttachmentKey) -> bool:
    """Whether a runtime gave this id: of anything else (kube-proxy's address) no list of pods says a word."""
    name = key.container_id
    digits = name.removeprefix(_CNITOOL)
    return not digits.strip(_DIGITS) and (len(digits) == _ID_LENGTH or digits != name)
