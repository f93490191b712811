"""GC: whatever of this network belongs to no valid attachment goes (CNI SPEC, section 2, "GC").

Four kinds: rows, leases without a row, endpoints of ours without a row, endpoints of a peer whose container
is gone. What an ADD or DEL is working on now stays. GC goes on past a failure and reports all at the end.
"""

from __future__ import annotations

from functools import partial

from cni_hns.attachment import endpoints, repair
from cni_hns.attachment.addresses import take_over_host_local
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.peers import is_a_peers
from cni_hns.attachment.retirement import retire
from cni_hns.binding.errors import NotFound, ServiceError
from cni_hns.cni.configuration import valid_attachments
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.cni.protocol import identifier_fault
from cni_hns.hcn.views import EndpointView
from cni_hns.identity import is_ours
from cni_hns.ipam import allocate, hostlocal
from cni_hns.ledger import AttachmentKey
from cni_hns.node import networks
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.node.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Only valid attachments are left of this network.

    Raises:
        CniError: code 7 for an unreadable list, with nothing removed; code 105 with all that is left.
    """
    sweep = _Sweep(request, node)
    take_over_host_local(request.config, request.name, node.ledger, node.log)
    sweep.rows()
    sweep.without_a_row()
    sweep.attempt("the delegated IPAM plugin", sweep.pass_on)
    sweep.report()


class _Sweep:
    """One GC under way."""

    def __init__(self, request: Request, node: Node) -> None:
        self.request = request
        self.node = node
        self._valid = valid_attachments(request.config)
        self._valid_containers = {container_id for container_id, _ in self._valid}
        # An ADD that ended after this GC was started cannot be in its list.
        self._began = node.now() - node.deadline.elapsed_s()
        self._faults: list[str] = []

    def attempt(self, what: str, step: Callable[[], object]) -> None:
        """Do one step; what fails is kept for the end."""
        try:
            step()
        except (ServiceError, CniError) as fault:
            self._faults.append(f"{what}: {fault}")

    def rows(self) -> None:
        """Attachments that are not valid; those in flight, or just added, stay, whatever the list says."""
        node, network = self.node, self.request.name
        stale = {row.key for row in node.ledger.stale(network, node.alive, node.now(), limit=None)}
        for row in node.ledger.attachments(network):
            finished = row.phase == "ready" and row.updated_at <= self._began
            if not self._is_valid(row.key) and (finished or row.key in stale):
                self.attempt(row.key.words(), partial(repair.one, self._attachment(row.key), row))

    def without_a_row(self) -> None:
        """Endpoints, then leases: no address is free while the endpoint that has it may still be there."""
        faults_before = len(self._faults)
        self.attempt("the endpoints of this network", self._endpoints_without_a_row)
        if len(self._faults) == faults_before:
            self._leases_without_a_row()

    def _leases_without_a_row(self) -> None:
        """Reservations taken over from host-local, whose containers are gone."""
        for key in sorted({lease.key for lease in self.node.ledger.leases(self.request.name)}):
            if self._is_valid(key):
                continue
            with self.node.ledger.transaction():
                orphaned = self.node.ledger.attachment(key) is None
                released = allocate.release(self.node.ledger, key) if orphaned else []
            hostlocal.drop_files(released)

    def _is_valid(self, key: AttachmentKey) -> bool:
        # host-local's oldest files have no ifname: any valid attachment of that container speaks for them.
        if not key.ifname:
            return key.container_id in self._valid_containers
        return (key.container_id, key.ifname) in self._valid

    def _endpoints_without_a_row(self) -> None:
        """Endpoints on the HCN network that lead back to one of our attachments, but to no valid one."""
        known = {row.endpoint_id for row in self.node.ledger.attachments(self.request.name)}
        for network_id in set(networks.ids_of(self.request.config, self.node)):
            for endpoint_id in self.node.hcn.endpoints.ids(VirtualNetwork=network_id):
                if endpoint_id not in known:
                    self.attempt(f"endpoint {endpoint_id}", partial(self._orphan, endpoint_id, network_id))

    def _orphan(self, endpoint_id: str, network_id: str) -> None:
        try:
            view = EndpointView.of(self.node.hcn.endpoints.get(endpoint_id))
        except NotFound:
            return  # somebody else deleted it between the list and the look
        if view.network != network_id:
            return
        ours = is_ours(view.id, view.name, self.request.name)
        if ours is not None:
            self._orphan_of_ours(AttachmentKey(self.request.name, *ours))
        elif self._is_left_by_a_peer(view):
            self.node.log.event(f'endpoint "{view.name}" ({view.id}) belongs to no container and goes')
            endpoints.detach_and_delete(self.node, view.id, view.namespace)

    def _orphan_of_ours(self, key: AttachmentKey) -> None:
        """Claimed like any other: an ADD of this attachment may begin while its old endpoint is looked at."""
        if self._is_valid(key):
            return
        attachment = self._attachment(key)
        with self.node.ledger.transaction():
            if attachment.row() is not None:
                return  # rows are written before endpoints are made: this ADD began after the list was read
            attachment.claim_to_remove()
            row = attachment.row()
        if row is not None:
            retire(attachment, row, "")

    def _is_left_by_a_peer(self, view: EndpointView) -> bool:
        container_id, separator, rest = view.name.rpartition(f"_{self.request.name}")
        if not separator or rest or identifier_fault(container_id):
            return False
        return is_a_peers(view, self.request.name) and container_id not in self._valid_containers

    def pass_on(self) -> None:
        """GC of the external IPAM plugin, where the configuration has one."""
        from cni_hns.attachment.delegated import plugin_for_network

        plugin = plugin_for_network(self.request, self.node)
        if plugin is not None:
            plugin.collect()

    def _attachment(self, key: AttachmentKey) -> Attachment:
        return Attachment(self.request, self.node, key)

    def report(self) -> None:
        if self._faults:
            raise CniError(
                LEFT_OVER,
                f'GC of network "{self.request.name}" left {len(self._faults)} things behind: '
                + "; ".join(self._faults),
                "their addresses stay reserved; run GC again",
            )
