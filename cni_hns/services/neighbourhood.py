"""What a load balancer lives among: networks with their routes, endpoints with their pods, leases."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.reading import is_address, member
from cni_hns.hcn.gates import supported
from cni_hns.hcn.views import REMOTE
from cni_hns.ledger.addresses import address_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.ledger import Lease
    from cni_hns.survey.index import Index
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen

__all__ = [
    "Neighbourhood",
    "RemoteRoute",
    "is_overlay",
    "lies_in",
    "nat_exceptions",
    "provider_of",
    "routes_of",
    "settings_of",
]

_HOSTS_NAMESPACE = "hostdefault"


class RemoteRoute(NamedTuple):
    """A RemoteSubnetRoute: pods of `prefix` are on the node whose address is `provider`."""

    prefix: str
    provider: str


class Neighbourhood:
    """Look-ups over what was read of the node, as the checks of a service need them.

    `excluded` are the host's (protocol, first, last) port ranges that nobody else gets; None where they were
    not read.
    """

    def __init__(
        self,
        seen: Seen,
        lookup: Index,
        pods: list[Pod],
        excluded: list[tuple[int, int, int]] | None = None,
    ) -> None:
        self.seen = seen
        self.lookup = lookup
        self.excluded = excluded
        self.pods_of = {one.id: pod for pod in pods for one in pod.endpoints if pod.id or pod.attachments}
        self._leases = {address_key(one.address): one for one in seen.leases or () if one.state == "held"}

    def can(self, feature: str) -> bool:
        """Whether this HNS has the feature; true where its version is not known: then nothing is said."""
        return self.seen.hns_version is None or supported(feature, *self.seen.hns_version)

    def network(self, guid: str) -> NetworkView | None:
        return self.lookup.networks.get(guid)

    def pod_of(self, endpoint: str) -> str:
        """What the pod of this endpoint is called; "" for one that is no pod's."""
        pod = self.pods_of.get(endpoint)
        return pod.title if pod else ""

    def lease_of(self, address: str) -> Lease | None:
        """The lease of this address that is held."""
        return self._leases.get(address_key(address))

    def local_endpoints(self, network: str) -> list[EndpointView]:
        return [
            one for one in self.lookup.endpoints.values() if one.network == network and not one.flags & REMOTE
        ]

    def is_hosts(self, endpoint: EndpointView) -> bool:
        """Whether the endpoint is the node's own on its network, not a pod's.

        It is in the host's namespace, has the address of the host or of the gateway, or is called as
        kube-proxy's root endpoint is.
        """
        room = self.lookup.rooms.get(endpoint.namespace or "")
        if room is not None and room.type.lower() == _HOSTS_NAMESPACE:
            return True
        network = self.network(endpoint.network)
        if network is None:
            return False
        own = {network.management_ip, *(one.gateway for one in network.subnets)}
        is_root = endpoint.name.lower() in {network.name.lower(), f"{network.name.lower()}_ep"}
        return is_root or any(address in own for address, _ in endpoint.addresses)

    def configuration_of(self, network: NetworkView) -> str:
        """What the network configuration of this HCN network is called, as `cni-hns ipam` takes it."""
        named = [row.key.network for row in self.seen.rows or () if row.hcn_network_id == network.id]
        return named[0] if named else network.name

    def is_addressed_here(self, network: NetworkView) -> bool:
        """Whether this program gives out addresses of the network: a pod of it has one from the ledger."""
        keys = {row.key for row in self.seen.rows or () if row.hcn_network_id == network.id}
        return any(one.key in keys for one in self.seen.leases or ())

    def route_of(self, network: NetworkView, address: str) -> RemoteRoute | None:
        """The route by which the address is reached today: its subnet's, or the node's whose own it is."""
        found = list(routes_of(network))
        held = [one for one in found if lies_in(address, one.prefix)]
        return next(iter(held or [one for one in found if _same(one.provider, address)]), None)

    def is_pod_address(self, network: NetworkView, address: str) -> bool:
        """Whether the address lies in the cluster's range of pods, as far as this node can tell.

        That is the exception of a pod's OutBoundNAT that holds this node's own subnet, or else what spans
        the subnets of this node and of the nodes to which there are routes.
        """
        own = [one.prefix for one in network.subnets]
        wide = {
            text
            for endpoint in self.local_endpoints(network.id)
            for text in nat_exceptions(endpoint) or ()
            if any(_holds(text, prefix) for prefix in own)
        }
        spanned = _spanning([*own, *(one.prefix for one in routes_of(network))])
        return any(lies_in(address, one) for one in wide or spanned)


def is_overlay(network: NetworkView | None) -> bool:
    return network is not None and network.type.lower() == "overlay"


def routes_of(network: NetworkView) -> Iterator[RemoteRoute]:
    """The RemoteSubnetRoute policies of the network."""
    for settings in settings_of(network.policies, "RemoteSubnetRoute"):
        route = RemoteRoute(
            str(member(settings, "DestinationPrefix") or ""), str(member(settings, "ProviderAddress") or "")
        )
        if is_address(route.provider):
            yield route


def settings_of(policies: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    """The settings of each policy of this type."""
    for one in policies:
        found = member(one, "Settings")
        if str(member(one, "Type")).lower() == kind.lower() and isinstance(found, dict):
            yield found


def provider_of(endpoint: EndpointView) -> str:
    """The node on which an endpoint of an overlay network is, as HNS has it; "" where it is not said."""
    found = next(settings_of(endpoint.policies, "ProviderAddress"), {})
    return str(member(found, "ProviderAddress") or "")


def nat_exceptions(endpoint: EndpointView) -> list[str] | None:
    """What the pod reaches without outbound NAT; None where it has no such NAT."""
    found = list(settings_of(endpoint.policies, "OutBoundNAT"))
    if not found or any(member(one, "Destinations") for one in found):
        return None
    return [
        text
        for one in found
        for text in member(one, "Exceptions") or []
        if isinstance(text, str) and _is_prefix(text)
    ]


def lies_in(address: str, prefix: str) -> bool:
    """Whether the address is one of the prefix; false for what is no prefix."""
    return _is_prefix(prefix) and ip_address(address) in ip_network(prefix, strict=False)


def _is_prefix(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    return address_key(one) == address_key(other)


def _holds(wide: str, narrow: str) -> bool:
    outer, inner = ip_network(wide, strict=False), ip_network(narrow, strict=False)
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _spanning(prefixes: list[str]) -> list[str]:
    """The smallest prefix of each family that holds all of these, where there are several."""
    spans = []
    for version in (4, 6):
        found = {one for one in map(_network, filter(_is_prefix, prefixes)) if one.version == version}
        if len(found) < 2:  # noqa: PLR2004 - one spans nothing but itself
            continue
        span = min(found, key=lambda one: one.prefixlen)
        while not all(one.subnet_of(span) for one in found):
            span = span.supernet()
        spans.append(str(span))
    return spans


def _network(text: str) -> Any:
    return ip_network(text, strict=False)
