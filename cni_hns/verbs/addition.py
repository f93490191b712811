"""One ADD under way: what was asked, what was chosen, and its row in the ledger."""

from __future__ import annotations

import json

from cni_hns.cni.namespace import namespace_guid
from cni_hns.cni.result import dump
from cni_hns.dialects.compile import digest
from cni_hns.dialects.endpoint import Address, endpoint_request
from cni_hns.dialects.wanted import read_wanted
from cni_hns.identity import endpoint_id, endpoint_name
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, Any
from cni_hns.verbs import addresses, delegated, endpoints, features, networks, plans, retire

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.cni.result import Result
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.dialects.wanted import Wanted
    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.ipam.allocate import Allocated
    from cni_hns.ledger import Attachment, Claim, Ledger
    from cni_hns.verbs.node import Node
    from cni_hns.verbs.resolved import ResolvedNetwork

__all__ = ["Addition"]

# How a call answers, logs and waits: no part of what is asked for.
_OF_THE_CALL_ONLY = frozenset(["cniversion", "cniversions", "log", "timeout"])


class Addition:
    """What the steps of one ADD share. Each method that writes is one transaction."""

    def __init__(
        self, request: Request, node: Node, ledger: Ledger, plan: AttachmentPlan, wanted: Wanted
    ) -> None:
        self.request = request
        self.node = node
        self.ledger = ledger
        self.plan = plan
        self.wanted = wanted
        self.key = AttachmentKey(*request.attachment)
        self.namespace_id = namespace_guid(request.variables.netns)
        self.endpoint_id = endpoint_id(*self.key)
        self.fingerprint = _fingerprint(request.config, wanted)
        self.allocated: list[Allocated] = []
        self.ipam_routes: list[dict[str, Any]] | None = None
        self.ipam_dns: dict[str, Any] | None = None
        self.mac: str | None = wanted.mac
        self.document: dict[str, Any] = {}
        self.seen: EndpointView | None = None
        self.may_arrive_late = False
        self.remade = False

    @classmethod
    def of(cls, request: Request, node: Node) -> Addition:
        """Read and check everything that can be checked without HNS.

        Raises:
            ConfigFault: with all faults of the configuration, or of what the runtime adds to it.
            CniError: code 4, where CNI_NETNS is no namespace.
        """
        ledger = node.ledger(request)
        row = ledger.attachment(AttachmentKey(*request.attachment))
        if row is not None and row.phase == "ready":
            plan = plans.plan_for(request, ledger, node.log)  # a repeated ADD only reads
        else:
            plan = plans.kept_plan(request, node, ledger)
        wanted = read_wanted(plan, request.config, request.arguments)
        return cls(request, node, ledger, plan, wanted)

    @property
    def asks_a_plugin(self) -> bool:
        """Whether an external IPAM plugin is to give the addresses: not where an endpoint is made again."""
        return self.plan.ipam.kind == "delegate" and not self.remade

    def check_features(self) -> None:
        """Refuse what this HNS is too old for, before anything is made."""
        features.require(self.plan.requires, self.node, self.ledger)

    def claim(self, network: ResolvedNetwork, remake: Attachment | None) -> Claim:
        """One transaction: the attachment is ours to add, the network is kept, leases are held."""
        node, ledger = self.node, self.ledger
        addresses.take_over_host_local(self.request, ledger, node.log)
        with ledger.transaction():
            claim = ledger.claim(
                self.key,
                "adding",
                fingerprint=self.fingerprint,
                namespace_id=self.namespace_id,
                owner=node.owner,
                token=node.token,
                deadline_at=node.deadline_at(),
                alive=node.alive,
                replacing=None if remake is None else remake.token,
            )
            if not claim.ours:
                return claim
            networks.remember(network, self.plan.network, node, ledger)
            if remake is not None:
                self._as_before(remake)
            else:
                addresses.reserve(self, network.view)
            # An earlier ADD's result must not pass for this one's: it would say that this endpoint exists.
            ledger.record(
                self.key,
                node.token,
                endpoint_id=self.endpoint_id,
                hcn_network_id=network.view.id,
                result=None,
            )
            if not self.asks_a_plugin:
                self.record_document(network.view)
        return claim

    def clear_away(self, before: Attachment) -> None:
        """Take out of HNS what the owner of the row before us left there; its leases are ours already.

        Raises: ServiceError, CniError: something is left, and so are the row and its leases.
        """
        try:
            if before.endpoint_id:
                endpoints.detach_and_delete(self.node, before.endpoint_id, before.namespace_id)
            delegated.delete(self.request, self.node, self.key, before.namespace_id or "")
        except BaseException:
            retire.leave(self.node, self.ledger, self.key)
            raise

    def record_document(self, network: NetworkView) -> None:
        """Write down the endpoint to ask for, before it is asked for: CHECK holds HNS against it.

        Part of a transaction. Raises: EndpointFault, where addresses and HCN network contradict each other.
        """
        self.document = endpoint_request(
            self.plan,
            self.wanted._replace(mac=self.mac),
            network,
            [Address(one.address, one.prefix, one.gateway) for one in self.allocated],
            endpoint_id=self.endpoint_id,
            name=endpoint_name(self.key.network, self.key.container_id),
            ipam_routes=self.ipam_routes,
            ipam_dns=self.ipam_dns,
        )
        self.ledger.record(self.key, self.node.token, request=self.document)

    def note_document(self, network: NetworkView) -> None:
        """`record_document` in a transaction of its own."""
        with self.ledger.transaction():
            self.record_document(network)

    def address_words(self) -> str:
        return ", ".join(one.address for one in self.allocated) or "chosen by HNS"

    def make_ready(self, result: Result) -> bool:
        """`ready` with the result, unless another verb has taken the row meanwhile."""
        text = json.dumps(dump(result, addresses.RESULT_VERSION))
        with self.ledger.transaction():
            if not self.ledger.make_ready(self.key, self.node.token, text):
                return False
            if self.plan.ipam.kind == "hns" and self.seen is not None:
                addresses.hold_what_hns_gave(self.ledger, self.key, self.seen)
            return True

    def restore(self, before: Attachment) -> None:
        """The row as it was before this call tried to make the endpoint again."""
        with self.ledger.transaction():
            self.ledger.make_ready(self.key, self.node.token, before.result or "", request=before.request)

    def take_back_endpoint(self) -> None:
        """Delete what was created, or may have been: an endpoint that was there will not arrive late."""
        if not self.is_superseded() and endpoints.delete(self.node, self.endpoint_id):
            self.may_arrive_late = False

    def take_back_membership(self) -> None:
        if not self.is_superseded():
            endpoints.detach(self.node, self.endpoint_id, self.namespace_id)

    def is_superseded(self) -> bool:
        """Whether another ADD has the attachment by now: the endpoint with its ID is that one's to end."""
        row = self.ledger.attachment(self.key)
        return row is not None and row.token != self.node.token and row.phase in {"adding", "ready"}

    def remove(self) -> None:
        """The row and its leases go; set aside instead where HNS may still be creating the endpoint."""
        retire.free(self.node, self.ledger, self.key, self.node.token, late_arrival=self.may_arrive_late)

    def _as_before(self, row: Attachment) -> None:
        """The same addresses and MAC as the endpoint had that HNS lost: the pod's peers know them."""
        self.remade = True
        self.allocated, self.mac = addresses.of_result(row)
        routes, self.ipam_dns = addresses.asked_before(row)
        if self.plan.ipam.kind == "delegate":
            self.ipam_routes = routes


def _fingerprint(config: dict[str, Any], wanted: Wanted) -> str:
    """What makes two ADDs the same request, as JSON: the configuration's digest and what the runtime adds."""
    asked = {key: value for key, value in config.items() if key.lower() not in _OF_THE_CALL_ONLY}
    document = json.loads(json.dumps(wanted._asdict()))
    return json.dumps({"configuration": digest(asked), **document}, sort_keys=True)
