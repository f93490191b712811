"""GC: whatever of this network belongs to no valid attachment goes (CNI SPEC, section 2, "GC").

The order: rows that are not valid; rows whose pods are gone; endpoints without a row; addresses without
one; an external IPAM plugin's own. What an ADD or DEL is working on now stays. GC goes on past a failure
and reports all at the end.
"""

from __future__ import annotations

from functools import partial

from cni_hns.attachment import gone
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.orphans import Orphans
from cni_hns.attachment.reservations import Reservations
from cni_hns.attachment.retirement import take
from cni_hns.binding.errors import ServiceError
from cni_hns.cni.configuration import valid_attachments
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.ledger import AttachmentKey, AttachmentRow
    from cni_hns.node.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Only valid attachments are left of this network.

    Raises:
        CniError: code 7 for an unreadable list, with nothing removed; code 105 with all that is left.
    """
    sweep = _Sweep(request, node)
    Reservations.of(request.config, request.name, node).look()
    sweep.rows()
    sweep.pods_that_are_gone()
    sweep.without_a_row()
    sweep.attempt("the external IPAM plugin", sweep.pass_on)
    sweep.report()


class _Sweep:
    """One GC under way."""

    def __init__(self, request: Request, node: Node) -> None:
        self.request = request
        self.node = node
        self._valid = valid_attachments(request.config)
        self._valid_containers = {container_id for container_id, _ in self._valid}
        self._faults: list[str] = []

    def attempt(self, what: str, step: Callable[[], object]) -> bool:
        """Do one step; what fails is kept for the end. Whether it went well."""
        try:
            step()
        except (ServiceError, CniError) as fault:
            self._faults.append(f"{what}: {fault}")
            return False
        return True

    def rows(self) -> None:
        """Attachments that are not valid; those in flight, or just added, stay, whatever the list says."""
        node, network = self.node, self.request.name
        stale = {row.key for row in node.ledger.stale(network, node.alive, node.now(), limit=None)}
        for row in node.ledger.attachments(network):
            finished = row.phase == "ready" and self._is_older(row)
            if not self._is_valid(row.key) and (finished or row.key in stale):
                self.attempt(row.words(), partial(take, self._attachment(row.key), row))

    def pods_that_are_gone(self) -> None:
        """Also those that the list still has: their namespaces are no more."""
        rows = self.node.ledger.attachments(self.request.name)
        for look in gone.sweep(self.node, rows):
            if look.is_gone:
                self.attempt(look.row.words(), partial(take, self._attachment(look.row.key), look.row))

    def without_a_row(self) -> None:
        """Endpoints, then leases: no address is free while the endpoint that has it may still be there."""
        orphans = Orphans(self.request, self.node, self._is_valid)
        if self.attempt("the endpoints of this network", partial(self._endpoints, orphans)):
            self.attempt("the addresses of this network", lambda: orphans.take_leases(orphans.leases()))

    def pass_on(self) -> None:
        """GC of the external IPAM plugin, where the configuration has one."""
        from cni_hns.attachment.delegated import plugin_for_network

        plugin = plugin_for_network(self.request, self.node)
        if plugin is not None:
            plugin.collect()

    def report(self) -> None:
        """Raises: CniError, with all that is left."""
        if self._faults:
            raise CniError(
                LEFT_OVER,
                f'GC of network "{self.request.name}" left {len(self._faults)} things behind: '
                + "; ".join(self._faults),
                "their addresses stay reserved; run GC again",
            )

    def _endpoints(self, orphans: Orphans) -> None:
        found = orphans.endpoints()
        went = [self.attempt(f"endpoint {one[0]}", partial(orphans.take_endpoint, *one)) for one in found]
        if not all(went):
            raise CniError(LEFT_OVER, "some of them are left")

    def _is_older(self, row: AttachmentRow) -> bool:
        """Whether it was added before this GC began: one that ended later cannot be in its list."""
        return row.updated_at <= self.node.now() - self.node.deadline.call_age_s()

    def _is_valid(self, key: AttachmentKey) -> bool:
        # host-local's oldest files have no ifname: any valid attachment of that container speaks for them.
        if not key.ifname:
            return key.container_id in self._valid_containers
        return (key.container_id, key.ifname) in self._valid

    def _attachment(self, key: AttachmentKey) -> Attachment:
        return Attachment(self.request, self.node, key)
