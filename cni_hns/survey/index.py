"""What was seen, ready to be looked up: by ID, by sandbox, by namespace, by address."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cni_hns.identity import attachment_of
from cni_hns.ledger.addresses import address_key

if TYPE_CHECKING:
    from cni_hns.cri.views import Sandbox
    from cni_hns.hcn.views import EndpointView
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentRow, Lease
    from cni_hns.survey.seen import Seen

__all__ = ["Index"]

# hcsshim names the virtual machine of a Hyper-V isolated pod so; that pod's containers HCS does not list.
_MACHINE = "@vm"


class Index:
    """Look-ups over `seen`. A kind whose source did not answer has nothing here."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.rooms = {one.id: one for one in seen.namespaces or ()}
        self.endpoints = {one.id: one for one in seen.endpoints or ()}
        self.networks = {one.id: one for one in seen.networks or ()}
        self.told: dict[str, Sandbox] = {one.id: one for one in seen.sandboxes or ()}
        self.recorded = {row.endpoint_id for row in seen.rows or () if row.phase != "tombstone"}
        self.rows_of: dict[str, list[AttachmentRow]] = defaultdict(list)
        self.rows_in: dict[str, list[AttachmentRow]] = defaultdict(list)
        self.leases_of: dict[str, list[Lease]] = defaultdict(list)
        self.endpoints_of: dict[str, list[EndpointView]] = defaultdict(list)
        self.endpoints_in: dict[str, list[EndpointView]] = defaultdict(list)
        self.owned: set[str] = set()
        self._at: dict[tuple[str, int], list[EndpointView]] = defaultdict(list)
        self._systems: dict[str, Properties] = {}
        self._add_records()
        self._add_systems()
        self._add_endpoints()
        self._rooms_by_system = {
            system.id: room.id
            for room in self.rooms.values()
            for system in map(self.system, room.containers)
            if system is not None
        }

    def at(self, network: str, address: str) -> list[EndpointView]:
        """The endpoints of this HCN network that have the address."""
        return self._at.get((network, address_key(address)), [])

    def system(self, container: str) -> Properties | None:
        """The compute system with this ID: HNS may know it by that of its run instead."""
        return self._systems.get(container.lower())

    def sandbox(self, container: str) -> Properties | None:
        """The container of the sandbox with this ID, or the virtual machine that it lives in."""
        return self.system(container) or self.system(container + _MACHINE)

    def room_of(self, told: Sandbox) -> str:
        """The namespace that lists a container of this sandbox, or the sandbox's own; "" where none does."""
        own = self.sandbox(told.id)
        ids = [told.id, *([own.id] if own else []), *(one.id for one in told.containers)]
        return next((self._rooms_by_system[one] for one in ids if one in self._rooms_by_system), "")

    def _add_records(self) -> None:
        for row in self.seen.rows or ():
            self.rows_of[row.key.container_id].append(row)
            if row.namespace_id and row.phase != "tombstone":
                self.rows_in[row.namespace_id].append(row)
        for lease in self.seen.leases or ():
            if lease.state == "held" and lease.origin != "reserved":
                self.leases_of[lease.container_id].append(lease)

    def _add_endpoints(self) -> None:
        holders = {row.endpoint_id: row.key.container_id for row in self.seen.rows or () if not row.is_shared}
        for one in self.endpoints.values():
            sandbox = holders.get(one.id) or self._named(one)
            for owner in [sandbox] if sandbox else self._containers_with(one):
                self.endpoints_of[owner].append(one)
                self.owned.add(one.id)
            if one.namespace:
                self.endpoints_in[one.namespace].append(one)
            for address, _ in one.addresses:
                self._at[one.network, address_key(address)].append(one)

    def _add_systems(self) -> None:
        for one in self.seen.systems or ():
            self._systems.setdefault(str(one.runtime_id).lower(), one)
        for one in self.seen.systems or ():
            self._systems[one.id.lower()] = one

    def _containers_with(self, endpoint: EndpointView) -> list[str]:
        """The containers that an endpoint in no namespace was put into, as Docker and older runtimes do."""
        found = [] if endpoint.namespace else [(one, self.system(one)) for one in endpoint.containers]
        return [one if system is None else system.id for one, system in found]

    def _named(self, endpoint: EndpointView) -> str:
        """Whose it is by its name: ours, which its ID proves, or a peer's that a pod uses; "" for others."""
        ours = attachment_of(endpoint.id, endpoint.name)
        if ours is not None:
            return ours[1]
        network = self.networks.get(endpoint.network)
        if network is None or not endpoint.is_in_use:
            return ""
        container, separator, rest = endpoint.name.rpartition(f"_{network.name}")
        return container if separator and not rest else ""
