"""What a configuration asks for, checked and compiled: plain values that are kept in the ledger as JSON.

Every dialect ends here. Whoever holds a plan needs neither the configuration's models nor its dialect.
"""

from __future__ import annotations

from cni_hns.typed import Any, NamedTuple

__all__ = ["AttachmentPlan", "IpamPlan", "NetworkPlan", "RangePlan", "SubnetPlan"]


class SubnetPlan(NamedTuple):
    """A subnet that the HCN network has by configuration."""

    prefix: str
    gateway: str | None


class NetworkPlan(NamedTuple):
    """The HCN network of the attachment.

    `accepts` are the HCN types a network found by this name may have, `hcn_type` first; empty: any, as a peer
    has it that never looks. `create` is the complete HostComputeNetwork document where the configuration lets
    us create it. `subnets` is empty where the configuration leaves them to the network that is there.
    """

    name: str
    mode: str
    hcn_type: str
    accepts: list[str]
    create: dict[str, Any] | None
    subnets: list[SubnetPlan]

    @classmethod
    def of(cls, document: dict[str, Any]) -> NetworkPlan:
        subnets = [SubnetPlan(**subnet) for subnet in document["subnets"]]
        return cls(**{**document, "subnets": subnets})

    def to_document(self) -> dict[str, Any]:
        return {**self._asdict(), "subnets": [subnet._asdict() for subnet in self.subnets]}


class RangePlan(NamedTuple):
    """Addresses from `first` to `last`, both included, without `gateway`; `subnet` has the prefix length."""

    subnet: str
    first: str
    last: str
    gateway: str | None


class IpamPlan(NamedTuple):
    """Where addresses come from.

    `kind`: "builtin" (range sets and the ledger), "delegate" (the external plugin `type`), "hns" (HNS
    chooses), "dhcp" (the endpoint has no address of ours), "shared" (it is another container's, and so
    are its addresses; CNI_NETNS says so, no configuration). `data_dir` is the folder that the configuration
    names for host-local's files. `reserved` are addresses that no pod gets, besides what each range leaves
    out. `implied`: the sets follow from the network's subnets, for want of ranges. `pools` are cluster-wide
    pools: each stands for one range set, and which ranges this node has of it the ledger knows.
    """

    kind: str
    type: str
    range_sets: list[list[RangePlan]]
    routes: list[dict[str, Any]]
    resolv_conf: str | None
    data_dir: str | None
    reserved: list[str]
    implied: bool
    pools: tuple[str, ...] = ()

    @classmethod
    def of(cls, document: dict[str, Any]) -> IpamPlan:
        sets = [[RangePlan(**each) for each in range_set] for range_set in document["range_sets"]]
        return cls(**{**document, "range_sets": sets, "pools": tuple(document.get("pools", ()))})

    def to_document(self) -> dict[str, Any]:
        """Without `pools` where there are none: such a plan is one of the program's before, too."""
        sets = [[each._asdict() for each in range_set] for range_set in self.range_sets]
        document = {**self._asdict(), "range_sets": sets, "pools": list(self.pools)}
        if not self.pools:
            del document["pools"]
        return document


class AttachmentPlan(NamedTuple):
    """All that one ADD needs of the configuration.

    `peer`: the plugin in whose dialect the configuration is written, "" for our own. Where a rule of the peer
    decides at run time it is that one's, and messages name the keys that it has.
    `policies`: HCN endpoint policies in V2 form, sent as they are.
    `dns`, `routes`: HCN names; a route without `NextHop` takes the gateway of its family.
    `gateway_rule`: where the default route's next hop comes from when `gateways` names none for the address:
    "network" (the HCN subnet's gateway), "ipam" (what the delegated plugin answered, else the subnet's),
    "bridge" (the third address of the subnet, where host-gateway set-ups keep the host's own endpoint).
    `spare_gateways`: next hops for an address for which neither `gateways` nor the rule "ipam" has one.
    `nat_exceptions`: None without outbound NAT; both families mixed, split when the endpoint is built.
    `nat_settings`: what a configured OutBoundNAT policy says besides its exceptions.
    `nat_except_network`: the HCN network's own subnets are exceptions too.
    `loopback_dsr`: where `requires` has no "DSR", it is left out on an HNS that cannot do it.
    `port_mapping_acl`: an inbound allow rule accompanies each port mapping.
    `search_in_pod_namespace`: the pod's Kubernetes namespace goes before the first configured search suffix.
    `hns_v1`: where CNI_NETNS names a container and not an HCN namespace, HNS V1 makes the endpoint.
    `requires`: features (`cni_hns.hcn.gates`) that this HNS must have.
    `remarks`: notes for the operator, a plain sentence each; nothing secret.
    """

    peer: str
    network: NetworkPlan
    ipam: IpamPlan
    policies: list[dict[str, Any]]
    dns: dict[str, Any]
    routes: list[dict[str, Any]]
    gateway_rule: str
    gateways: list[str]
    spare_gateways: list[str]
    nat_exceptions: list[str] | None
    nat_settings: dict[str, Any]
    nat_except_network: bool
    loopback_dsr: bool
    port_mapping_acl: bool
    search_in_pod_namespace: bool
    mtu: int | None
    mac_prefix: str | None
    provider_address: bool
    capabilities: list[str]
    requires: list[str]
    remarks: list[str]
    hns_v1: bool = False

    @classmethod
    def of(cls, document: dict[str, Any]) -> AttachmentPlan:
        """The plan that `to_document` wrote."""
        network = NetworkPlan.of(document["network"])
        return cls(**{**document, "network": network, "ipam": IpamPlan.of(document["ipam"])})

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values for the ledger."""
        document = self._asdict()
        return {**document, "network": self.network.to_document(), "ipam": self.ipam.to_document()}
