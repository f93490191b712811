"""GC without a runtime: what is known to be nobody's any more goes, and everything that goes is named.

No list of valid attachments is at hand, so only what proves itself is taken: rows that a killed process
left, pods that are gone (`cni_hns.attachment.gone`), and endpoints of ours without a row that are in no
living namespace.

Rule: an address that an external IPAM plugin gave is that plugin's to free, for which its configuration is
needed.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints, gone
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.delegated import external_type
from cni_hns.attachment.retirement import take, take_unrecorded
from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.identity import KubernetesPod, attachment_of
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.cni.request import Request
    from cni_hns.hcn.views import EndpointView
    from cni_hns.ledger import AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["Found", "by_hand"]


class Found(NamedTuple):
    """One attachment that is nobody's: why, and what became of it.

    `outcome`: "removed", "would be removed", or "left" with a reason behind a colon. `pod`: whose it was, as
    far as the ledger knows.
    """

    key: AttachmentKey
    addresses: list[str]
    why: str
    outcome: str
    pod: KubernetesPod = KubernetesPod()

    @property
    def is_left(self) -> bool:
        return self.outcome.startswith("left")


def by_hand(
    node: Node, request_for: Callable[[str], Request], network: str | None, *, dry_run: bool
) -> list[Found]:
    """Everything that is nobody's, of this network or of all. `request_for` gives a network's configuration.

    Raises:
        ServiceError: HNS could not be read. LedgerFault, LedgerBusy.
    """
    tidying = _Tidying(node, request_for, dry_run)
    rows = node.ledger.attachments(network)
    return [*tidying.half_done(network), *tidying.gone(rows), *tidying.without_a_row(network)]


class _Tidying:
    """One such GC under way."""

    def __init__(self, node: Node, request_for: Callable[[str], Request], dry_run: bool) -> None:
        self._node = node
        self._request_for = request_for
        self._dry_run = dry_run

    def half_done(self, network: str | None) -> Iterator[Found]:
        """What a killed verb left; tombstones end by themselves, and are looked at in passing."""
        node = self._node
        for row in node.ledger.stale(network, node.alive, node.now()):
            if row.phase != "tombstone":
                why = f"left {row.phase} by process {row.owner.pid}, which works on it no more"
                yield self._take(row, why)
            elif not self._dry_run:
                self._attempt(row)

    def gone(self, rows: list[AttachmentRow]) -> Iterator[Found]:
        """Pods that are not there."""
        for look in gone.sweep(self._node, rows, note=not self._dry_run):
            if look.is_gone:
                yield self._take(look.row, look.why)
            else:
                outcome = "left: it was missing at one look only; run this again in a minute"
                yield self._found(look.row, look.why, outcome)

    def without_a_row(self, network: str | None) -> Iterator[Found]:
        """Endpoints that are ours by their ID, in no namespace that lives and in no container."""
        if not gone.hns_has_settled(self._node):
            return
        named = self._node.ledger.endpoint_ids()
        for endpoint_id in self._node.hcn.endpoints.ids():
            view = None if endpoint_id in named else endpoints.look_at(self._node, endpoint_id)
            ours = None if view is None else attachment_of(view.id, view.name)
            if view is None or ours is None or (network is not None and ours[0] != network):
                continue
            if not self._lives(view):
                yield self._take_endpoint(AttachmentKey(*ours), view)

    def _lives(self, view: EndpointView) -> bool:
        if view.namespace is None:
            return bool(view.containers)
        try:
            self._node.hcn.namespaces.open(view.namespace).close()
        except NotFound:
            return False
        return True

    def _take_endpoint(self, key: AttachmentKey, view: EndpointView) -> Found:
        addresses = [address for address, _ in view.addresses]
        why = f"endpoint {view.id} is in no namespace and no container, and the ledger knows nothing of it"
        if self._dry_run:
            return Found(key, addresses, why, "would be removed")
        attachment = Attachment(self._request_for(key.network), self._node, key)
        outcome = _outcome(lambda: take_unrecorded(attachment), "an ADD of it has begun")
        return Found(key, addresses, why, outcome)

    def _take(self, row: AttachmentRow, why: str) -> Found:
        found = self._found(row, why, "would be removed")
        refusal = self._refusal(row)
        if refusal is not None:
            return found._replace(outcome=f"left: {refusal}")
        return found if self._dry_run else found._replace(outcome=self._attempt(row))

    def _found(self, row: AttachmentRow, why: str, outcome: str) -> Found:
        addresses = [lease.address for lease in self._node.ledger.leases_of(row.key)]
        return Found(row.key, addresses, why, outcome, row.pod)

    def _attempt(self, row: AttachmentRow) -> str:
        attachment = Attachment(self._request_for(row.key.network), self._node, row.key)
        return _outcome(lambda: take(attachment, row), "another verb works on it now")

    def _refusal(self, row: AttachmentRow) -> str | None:
        """Why this row cannot be taken with what is known of its configuration."""
        if row.plugin is None or external_type(self._request_for(row.key.network).config) is not None:
            return None
        return f'its addresses are of IPAM plugin "{row.plugin}"; name the configuration with --config'


def _outcome(step: Callable[[], bool], lost_to: str) -> str:
    """What became of it; the step says whether it was ours to take."""
    try:
        return "removed" if step() else f"left: {lost_to}"
    except (ServiceError, CniError) as fault:
        return f"left: {fault}"
