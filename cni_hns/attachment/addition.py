"""One ADD under way: the attachment, what was asked, and what has been made so far.

Each method that writes to the ledger is one transaction.
"""

from __future__ import annotations

import contextlib
from ipaddress import ip_address

from cni_hns.attachment import endpoints, gone
from cni_hns.attachment.addresses import Given, given_before, hold_what_hns_gave
from cni_hns.attachment.delegated import require_plugin
from cni_hns.attachment.outcome import to_stored
from cni_hns.binding.errors import ServiceError, Unreachable
from cni_hns.dialects.endpoint import endpoint_request, reserved_addresses
from cni_hns.dialects.placement import Address, out_of_reach
from cni_hns.dialects.wanted import mapped_port
from cni_hns.identity import earlier_endpoint_ids, endpoint_name, next_endpoint_id
from cni_hns.ipam import allocate, held
from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted
from cni_hns.ledger import LedgerBusy, LedgerFault
from cni_hns.ledger.addresses import address_key
from cni_hns.node import networks
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cni_hns.attachment.asked import Asked
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.attachment.place import Door, Place
    from cni_hns.cni.result import Result
    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.ipam.hostlocal_files import Reservation
    from cni_hns.ipam.ranges import RangeLike
    from cni_hns.ledger import AttachmentRow, Claim
    from cni_hns.node.node import Node
    from cni_hns.node.resolved import ResolvedNetwork

__all__ = ["Addition"]

# So many addresses of others are gone round one by one before the whole folder is read.
_FILES_OF_OTHERS = 4

# Stands for the host's address on a network that is not made yet.
_SOME_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens there


class _Rehearsed(Exception):
    """All went well; the transaction is to leave nothing."""


class Addition:
    """What the steps of one ADD share.

    `wanted` is what was asked for, without what had to be left out. `endpoint_id` is that of the endpoint to
    make, or to share. `given` are the addresses as far as they are known, `document` the endpoint that HNS
    is asked for, `seen` the endpoint as HNS shows it. `last_reserved`: what host-local's range sets gave
    last. `may_arrive_late`: HNS did not say whether it makes the endpoint.
    """

    def __init__(self, attachment: Attachment, asked: Asked) -> None:
        self.attachment = attachment
        self.asked = asked
        self.wanted = asked.wanted
        self.given = Given([], mac=asked.wanted.mac)
        self.document: dict[str, Any] = {}
        self.seen: EndpointView | None = None
        self.last_reserved: dict[int, int] = {}
        self.may_arrive_late = False
        self.is_new = False
        self.is_remade = False
        self.is_of_a_living_pod = False
        self.endpoint_id = attachment.endpoint_id

    @property
    def node(self) -> Node:
        return self.attachment.node

    @property
    def address_words(self) -> str:
        return ", ".join(one.address for one in self.given.addresses) or "chosen by HNS"

    @property
    def place(self) -> Place:
        return self.asked.place

    def rehearse(self, network: NetworkView) -> None:
        """What would make this ADD fail on a network that is yet to be made, as far as it can be known.

        Raises: RangeExhausted, AddressUnavailable, EndpointFault, CniError.
        """
        kind = self.asked.plan.ipam.kind
        if kind == "delegate":
            require_plugin(self.attachment)
        elif network.subnets:
            self._with_room(lambda: self._rehearse(network._replace(management_ip=_SOME_ADDRESS)))

    def _rehearse(self, network: NetworkView) -> None:
        ledger = self.node.ledger
        with contextlib.suppress(_Rehearsed), ledger.transaction():
            self._hold_addresses(network)
            self._document(network)
            raise _Rehearsed

    def claim(self, network: ResolvedNetwork, door: Door, remake: AttachmentRow | None) -> Claim:
        """The attachment is ours to add, the network is kept, leases are held.

        Raises: RangeExhausted, AddressUnavailable, EndpointFault: nothing is held.
        """
        if remake is None:
            self._read_resolv_conf()
            if self.asked.plan.ipam.kind == "builtin":
                self.last_reserved = self.attachment.reservations.last_reserved(len(self.asked.range_sets))
        claim: Claim = self._with_room(lambda: self._claim(network, door, remake))
        return claim

    def _claim(self, network: ResolvedNetwork, door: Door, remake: AttachmentRow | None) -> Claim:
        attachment, asked, node = self.attachment, self.asked, self.node
        delegated = asked.plan.ipam.kind == "delegate"
        with node.ledger.transaction():
            claim = attachment.claim(
                "adding",
                namespace_id=asked.place.namespace_id,
                v1_netns=asked.place.v1_netns,
                fingerprint=asked.fingerprint,
                replacing=None if remake is None else remake.token,
            )
            if not claim.ours:
                return claim
            networks.remember(network, asked.plan.network, node)
            if remake is None:
                self._hold_addresses(network.view)
            elif not self.place.is_shared:
                # The same addresses and MAC as the endpoint had that HNS lost: the pod's peers know them.
                before = given_before(remake, node.ledger)
                self.given = before if delegated else before._replace(routes=None)
            # An earlier ADD's result must not pass for this one's: it would say that this endpoint exists.
            self.is_new = claim.before is None
            self.is_remade = remake is not None
            self.endpoint_id = door.existing() or self._chosen_id(remake or claim.before)
            attachment.record(
                endpoint_id=self.endpoint_id,
                hcn_network_id=network.view.id,
                result=None,
                plugin=asked.plan.ipam.type if delegated else None,
            )
            if not delegated or remake is not None:
                self._write_down(network.view)
        return claim

    def reserve(self, network: NetworkView) -> None:
        """The files of the addresses, where host-local shares them; others take the places of those that have
        somebody else's file.

        Raises: RangeExhausted, AddressUnavailable, CniError.
        """
        if self.asked.plan.ipam.kind == "builtin" and self.given.addresses:
            self._with_room(lambda: self._reserve(network))

    def _reserve(self, network: NetworkView) -> None:
        reservations, rounds = self.attachment.reservations, 0
        while others := reservations.make(self.attachment.key, self.given.addresses):
            rounds += 1
            if rounds == _FILES_OF_OTHERS:
                reservations.look()
            self._go_round(others, network)

    def _go_round(self, others: list[Reservation], network: NetworkView) -> None:
        from cni_hns.ipam.hostlocal import adopted

        ledger, key = self.node.ledger, self.attachment.key
        leases = [adopted(key.network, one) for one in others]
        if self.is_remade:
            # A living pod's: no other address would do.
            raise AddressUnavailable(
                leases[0].address, held.holder_words(leases[0], ledger), "delete one of the two pods"
            )
        with ledger.transaction():
            for lease in leases:
                ledger.change_lease(lease)
            self._hold_addresses(network)
            self._write_down(network)

    def is_known_as(self, endpoint_id: str) -> None:
        """HNS V1 may have chosen another ID than it was asked for."""
        if endpoint_id != self.endpoint_id:
            self.endpoint_id = endpoint_id
            self.attachment.record(endpoint_id=endpoint_id)

    def take(self, given: Given, network: NetworkView) -> None:
        """What an external plugin gave; with a peer's configuration nothing but its addresses counts."""
        peer = self.asked.plan.peer
        self._say_out_of_reach(given, network)
        taken = given._replace(routes=[], dns=None) if peer else given
        self.given = taken._replace(mac=self.given.mac)
        with self.node.ledger.transaction():
            self._write_down(network)

    def _say_out_of_reach(self, given: Given, network: NetworkView) -> None:
        plan = self.asked.plan
        hops = [one.gateway for one in given.addresses] if plan.gateway_rule == "ipam" else []
        hops += [] if plan.peer else [route["gw"] for route in given.routes or []]
        for hop in out_of_reach(network, filter(None, hops)):
            self.node.log.event(
                f'gateway {hop} of IPAM plugin "{plan.ipam.type}" lies in no subnet of HCN network '
                f'"{network.name}" ({network.id}) and is not used',
                "warning",
            )

    def leave_out(self, ports: dict[str, str], network: NetworkView) -> None:
        """Ask for the endpoint without mapping these host ports ("8080/tcp"), each with its holder."""
        for port, holder in ports.items():
            self.node.log.event(
                f"host port {port} is left out: another attachment of the same container maps it, {holder}",
                "warning",
            )
        kept = [one for one in self.wanted.port_mappings if mapped_port(one) not in ports]
        self.wanted = self.wanted._replace(port_mappings=kept)
        with self.node.ledger.transaction():
            self._write_down(network)

    def say_what_is_otherwise(self) -> None:
        """What of the runtime's wishes the endpoint has not, or HNS may take without any effect."""
        for note in self.asked.wanted.notes:
            self.node.log.event(note, "warning")
        families = {ip_address(address).version for address, _ in self.seen.addresses} if self.seen else set()
        for one in self.wanted.port_mappings:
            if families and one["hostIP"] and ip_address(one["hostIP"]).version not in families:
                self.node.log.event(
                    f"port mapping {mapped_port(one)} is for host address {one['hostIP']}, and the endpoint "
                    f"has no address of its family: HNS took it, as from {self.asked.plan.peer}",
                    "warning",
                )

    def take_others(self, refused: list[str], listed: list[str], network: NetworkView, until: float) -> None:
        """Set addresses aside until then (ledger time) and hold the next ones.

        These are those that HNS refused, and of those that it lists the ones that this ledger gave to nobody.

        Raises: RangeExhausted.
        """
        self._with_room(lambda: self._take_others(refused, listed, network, until))
        self.reserve(network)

    def _take_others(self, refused: list[str], listed: list[str], network: NetworkView, until: float) -> None:
        ledger, key = self.node.ledger, self.attachment.key
        self.attachment.reservations.drop(
            lease for lease in ledger.leases_of(key) if lease.address in refused
        )
        with ledger.transaction():
            for address in refused:
                held.quarantine(ledger, key, address, until)
            for address in allocate.inside(self._range_sets(network), listed):
                held.set_aside(ledger, key, address, until)
            self._hold_addresses(network)
            self._write_down(network)

    def become_ready(self, result: Result) -> bool:
        """`ready` with the result, unless another verb has taken the row meanwhile."""
        ledger, key = self.node.ledger, self.attachment.key
        with ledger.transaction():
            if not ledger.make_ready(key, self.node.token, to_stored(result)):
                return False
            if self.asked.plan.ipam.kind == "hns" and self.seen is not None:
                hold_what_hns_gave(ledger, key, self.seen)
            return True

    def give_up(self, remake: AttachmentRow | None) -> None:
        """The row's end after a failed ADD: a remade one keeps its lease and result, for its pod still lives.

        Set aside, where HNS may still be creating the endpoint.
        """
        if self.is_of_a_living_pod:
            self._leave_to_the_living()
            return
        if remake is None:
            is_later = bool(earlier_endpoint_ids(self.endpoint_id, *self.attachment.key))
            self.attachment.free(late_arrival=self.may_arrive_late, late_deletion=is_later)
            return
        ledger, key = self.node.ledger, self.attachment.key
        with ledger.transaction():
            ledger.make_ready(key, self.node.token, remake.result or "", request=remake.request)

    def _leave_to_the_living(self) -> None:
        """Of a pod whose row the ledger has lost it may still have the leases: they are the pod's."""
        ledger, key = self.node.ledger, self.attachment.key
        kept = {one.address for one in self.given.addresses if one.was_held}
        leases = [lease for lease in ledger.leases_of(key) if lease.address not in kept]
        self.attachment.reservations.drop(leases)
        with ledger.transaction():
            if ledger.remove(key, self.node.token):
                for lease in leases:
                    ledger.free(key.network, address_key(lease.address))

    def delete_endpoint(self) -> bool:
        """Delete what has this endpoint's ID; False where nothing has.

        It is written down first: of a deletion that nobody saw end, HNS may do the work late. What it has
        refused it will not do later. Where the ledger cannot be written the endpoint goes all the same.
        """
        self._note_deletion(begun=True)
        try:
            was_there = endpoints.delete(self.node, self.place, self.endpoint_id)
        except ServiceError as fault:
            if not isinstance(fault, Unreachable):
                self._note_deletion(begun=False)
            raise
        self._note_deletion(begun=False)
        return was_there

    def _note_deletion(self, *, begun: bool) -> None:
        with contextlib.suppress(LedgerBusy, LedgerFault):
            self.attachment.record(delete_begun=begun)

    def take_back_endpoint(self) -> None:
        """Delete what was created, or may have been: an endpoint that was there will not arrive late."""
        if self._may_be_taken_back() and self.delete_endpoint():
            self.may_arrive_late = False

    def take_back_membership(self) -> None:
        if not self._may_be_taken_back():
            return
        try:
            self.place.take_out(self.node, self.endpoint_id)
        except ServiceError as fault:
            if endpoints.unseen_detach(fault) is not None:
                self._note_deletion(begun=True)  # it may still come, and take what has this ID by then
            raise

    def _may_be_taken_back(self) -> bool:
        return not self.is_of_a_living_pod and not self.attachment.is_superseded()

    def _chosen_id(self, before: AttachmentRow | None) -> str:
        """The ID of the endpoint to make: another one while a deletion of the last may still reach HNS."""
        if before is None or before.endpoint_id is None or before.is_shared or before.is_of_a_peer:
            return self.attachment.endpoint_id
        if before.delete_begun:
            return next_endpoint_id(before.endpoint_id, *self.attachment.key)
        return before.endpoint_id

    def _read_resolv_conf(self) -> None:
        """Not in the transaction: a file may be slow, and others wait for the ledger."""
        ipam = self.asked.plan.ipam
        if ipam.kind == "builtin" and ipam.resolv_conf:
            from cni_hns.ipam import resolvconf

            self.given = self.given._replace(dns=resolvconf.read(ipam.resolv_conf))

    def _with_room(self, step: Callable[[], Any]) -> Any:
        """`step`; where addresses have run out, once more after a look at what others released, and who is
        gone."""
        try:
            return step()
        except RangeExhausted:
            self.attachment.reservations.look()
            gone.make_room(self.attachment)
            return step()

    def look_ahead(self, network: NetworkView) -> None:
        """Where this was the last address, note which pods are missing: the next ADD may have theirs.

        The ADD is done: nothing here fails it.
        """
        plan, node, name = self.asked.plan, self.node, self.attachment.key.network
        if plan.ipam.kind != "builtin":
            return
        try:
            excluded, in_order = reserved_addresses(plan, network), bool(plan.ipam.pools)
            if allocate.used_up(node.ledger, name, self._range_sets(network), excluded, in_order=in_order):
                gone.sweep(node, node.ledger.attachments(name))
        except Exception as fault:
            node.log.event(f"whether pods are gone could not be looked up: {fault}", "warning")

    def _hold_addresses(self, network: NetworkView) -> None:
        """One address of each range set; what the row holds already it keeps. Part of a transaction."""
        asked = self.asked
        if asked.plan.ipam.kind != "builtin":
            return
        if asked.plan.ipam.pools:
            self._hold_addresses_of_pools(network)
            return
        addresses = allocate.allocate(
            self.node.ledger,
            self.attachment.key,
            asked.range_sets,
            wanted=asked.wanted.addresses,
            after=self.last_reserved,
            excluded=reserved_addresses(asked.plan, network),
        )
        self.given = self.given._replace(addresses=addresses)

    def _hold_addresses_of_pools(self, network: NetworkView) -> None:
        from cni_hns.ipam import pools

        addresses = pools.allocate(
            self.node.ledger,
            self.attachment.key,
            self.asked.plan.ipam.pools,
            network.subnets,
            wanted=self.asked.wanted.addresses,
            excluded=reserved_addresses(self.asked.plan, network),
        )
        self.given = self.given._replace(addresses=addresses)

    def _range_sets(self, network: NetworkView) -> Sequence[Sequence[RangeLike]]:
        """The sets that addresses are taken from. Raises: PoolExhausted: this node has no block of a pool."""
        names = self.asked.plan.ipam.pools
        if not names:
            return self.asked.range_sets
        from cni_hns.ipam import pools

        return pools.range_sets(self.node.ledger, self.attachment.key.network, names, network.subnets)

    def _write_down(self, network: NetworkView) -> None:
        """The endpoint to ask for, before it is asked for: CHECK holds HNS against it. Part of a transaction.

        Raises: EndpointFault, where addresses and HCN network contradict each other.
        """
        if self.place.is_shared:
            return
        self.document = self._document(network)
        self.attachment.record(request=self.document)

    def _document(self, network: NetworkView) -> dict[str, Any]:
        key, given = self.attachment.key, self.given
        wanted = endpoint_request(
            self.asked.plan,
            self.wanted._replace(mac=given.mac),
            network,
            [Address(one.address, one.prefix, one.gateway) for one in given.addresses],
            endpoint_id=self.endpoint_id,
            name=endpoint_name(*key),
            ipam_routes=given.routes,
            ipam_dns=given.dns,
        )
        return self.place.document(wanted, self.node)
