"""One ADD under way: the attachment, what was asked, and what has been made so far.

Each method that writes to the ledger is one transaction.
"""

from __future__ import annotations

from cni_hns.attachment import endpoints
from cni_hns.attachment.addresses import Given, given_before, hold_what_hns_gave
from cni_hns.attachment.outcome import to_stored
from cni_hns.dialects.endpoint import Address, endpoint_request, reserved_addresses
from cni_hns.identity import endpoint_name
from cni_hns.ipam import allocate
from cni_hns.node import networks
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.attachment.asked import Asked
    from cni_hns.attachment.attachment import Attachment
    from cni_hns.cni.result import Result
    from cni_hns.hcn.client import Opened
    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.ledger import AttachmentRow, Claim
    from cni_hns.node.node import Node
    from cni_hns.node.resolved import ResolvedNetwork

__all__ = ["Addition"]


class Addition:
    """What the steps of one ADD share.

    `given` are the addresses as far as they are known, `document` the endpoint that HNS is asked for, `seen`
    the endpoint as HNS shows it. `may_arrive_late`: HNS did not say whether it makes the endpoint.
    """

    def __init__(self, attachment: Attachment, asked: Asked) -> None:
        self.attachment = attachment
        self.asked = asked
        self.given = Given([], mac=asked.wanted.mac)
        self.document: dict[str, Any] = {}
        self.seen: EndpointView | None = None
        self.may_arrive_late = False

    @property
    def node(self) -> Node:
        return self.attachment.node

    @property
    def address_words(self) -> str:
        return ", ".join(one.address for one in self.given.addresses) or "chosen by HNS"

    def open_namespace(self) -> Opened:
        return self.node.hcn.namespaces.open(self.asked.namespace_id)

    def claim(self, network: ResolvedNetwork, remake: AttachmentRow | None) -> Claim:
        """The attachment is ours to add, the network is kept, leases are held."""
        attachment, asked, node = self.attachment, self.asked, self.node
        delegated = asked.plan.ipam.kind == "delegate"
        if remake is None:
            self._read_resolv_conf()
        with node.ledger.transaction():
            claim = node.ledger.claim(
                attachment.key,
                "adding",
                fingerprint=asked.fingerprint,
                namespace_id=asked.namespace_id,
                owner=node.owner,
                token=node.token,
                deadline_at=node.deadline_at(),
                alive=node.alive,
                replacing=None if remake is None else remake.token,
            )
            if not claim.ours:
                return claim
            networks.remember(network, asked.plan.network, node)
            if remake is None:
                self._hold_addresses(network.view)
            else:
                # The same addresses and MAC as the endpoint had that HNS lost: the pod's peers know them.
                before = given_before(remake)
                self.given = before if delegated else before._replace(routes=None)
            # An earlier ADD's result must not pass for this one's: it would say that this endpoint exists.
            attachment.record(endpoint_id=attachment.endpoint_id, hcn_network_id=network.view.id, result=None)
            if not delegated or remake is not None:
                self._write_down(network.view)
        return claim

    def take(self, given: Given, network: NetworkView) -> None:
        """What an external plugin gave."""
        self.given = given._replace(mac=self.given.mac)
        with self.node.ledger.transaction():
            self._write_down(network)

    def take_others(self, refused: list[str], network: NetworkView, until: float) -> None:
        """Set addresses that HNS refused aside, until then (epoch seconds), and hold the next ones.

        Raises: RangeExhausted.
        """
        ledger, key = self.node.ledger, self.attachment.key
        with ledger.transaction():
            for address in refused:
                allocate.quarantine(ledger, key, address, until)
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
        if remake is None:
            self.attachment.free(late_arrival=self.may_arrive_late)
            return
        ledger, key = self.node.ledger, self.attachment.key
        with ledger.transaction():
            ledger.make_ready(key, self.node.token, remake.result or "", request=remake.request)

    def take_back_endpoint(self) -> None:
        """Delete what was created, or may have been: an endpoint that was there will not arrive late."""
        attachment = self.attachment
        if not attachment.is_superseded() and endpoints.delete(self.node, attachment.endpoint_id):
            self.may_arrive_late = False

    def take_back_membership(self) -> None:
        attachment = self.attachment
        if not attachment.is_superseded():
            endpoints.detach(self.node, attachment.endpoint_id, self.asked.namespace_id)

    def _read_resolv_conf(self) -> None:
        """Not in the transaction: a file may be slow, and others wait for the ledger."""
        ipam = self.asked.plan.ipam
        if ipam.kind == "builtin" and ipam.resolv_conf:
            from cni_hns.ipam import resolvconf

            self.given = self.given._replace(dns=resolvconf.read(ipam.resolv_conf))

    def _hold_addresses(self, network: NetworkView) -> None:
        """One address of each range set; what the row holds already it keeps. Part of a transaction."""
        asked = self.asked
        if asked.plan.ipam.kind != "builtin":
            return
        addresses = allocate.allocate(
            self.node.ledger,
            self.attachment.key,
            asked.range_sets,
            wanted=asked.wanted.addresses,
            excluded=reserved_addresses(asked.plan, network),
        )
        self.given = self.given._replace(addresses=addresses)

    def _write_down(self, network: NetworkView) -> None:
        """The endpoint to ask for, before it is asked for: CHECK holds HNS against it. Part of a transaction.

        Raises: EndpointFault, where addresses and HCN network contradict each other.
        """
        key, given = self.attachment.key, self.given
        self.document = endpoint_request(
            self.asked.plan,
            self.asked.wanted._replace(mac=given.mac),
            network,
            [Address(one.address, one.prefix, one.gateway) for one in given.addresses],
            endpoint_id=self.attachment.endpoint_id,
            name=endpoint_name(key.network, key.container_id),
            ipam_routes=given.routes,
            ipam_dns=given.dns,
        )
        self.attachment.record(request=self.document)
