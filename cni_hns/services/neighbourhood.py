"""What a load balancer lives among: networks with their routes, endpoints with their pods, leases."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.reading import is_address, member
from cni_hns.hcn.gates import supported
from cni_hns.hcn.views import REMOTE
from cni_hns.ledger.addresses import address_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from cni_hns.binding.host import PortRange
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
    "provider_of",
    "settings_of",
]

_HOSTS_NAMESPACE = "hostdefault"


class RemoteRoute(NamedTuple):
    """A RemoteSubnetRoute: pods of `prefix` are on the node whose address is `provider`."""

    prefix: str
    provider: str


class Neighbourhood:
    """Look-ups over what was read of the node, as the checks of a service need them.

    `excluded` are the ports that the host keeps from HNS; none where they were not read.
    """

    def __init__(
        self,
        seen: Seen,
        lookup: Index,
        pods: list[Pod],
        excluded: Sequence[PortRange] = (),
    ) -> None:
        self.seen = seen
        self.lookup = lookup
        self.excluded = excluded
        self.pods_of = {one.id: pod for pod in pods for one in pod.endpoints if pod.id or pod.attachments}
        # Each is asked for thousands of times, by all services together.
        self._local: dict[str, list[EndpointView]] = {}
        self._routes: dict[str, list[RemoteRoute]] = {}
        self._ways: dict[tuple[str, str], RemoteRoute | None] = {}
        self._ranges: dict[str, list[str]] = {}
        self._exceptions: dict[str, list[str] | None] = {}
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
        """The endpoints of this HCN network that are not another node's."""
        if network not in self._local:
            every = self.lookup.endpoints.values()
            self._local[network] = [one for one in every if one.network == network and not one.flags & REMOTE]
        return self._local[network]

    def nat_exceptions(self, endpoint: EndpointView) -> list[str] | None:
        """What the pod reaches without outbound NAT; None where it has no such NAT."""
        if endpoint.id not in self._exceptions:
            self._exceptions[endpoint.id] = _nat_exceptions(endpoint)
        return self._exceptions[endpoint.id]

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
        place = network.id, address
        if place not in self._ways:
            found = self._routes_of(network)
            held = [one for one in found if lies_in(address, one.prefix)]
            own = [one for one in found if _address(one.provider) == _address(address)]
            self._ways[place] = next(iter(held or own), None)
        return self._ways[place]

    def _routes_of(self, network: NetworkView) -> list[RemoteRoute]:
        if network.id not in self._routes:
            self._routes[network.id] = list(_read_routes(network))
        return self._routes[network.id]

    def is_pod_address(self, network: NetworkView, address: str) -> bool:
        """Whether the address lies in the cluster's range of pods, as far as this node can tell."""
        if network.id not in self._ranges:
            self._ranges[network.id] = self._pod_ranges(network)
        return any(lies_in(address, one) for one in self._ranges[network.id])

    def _pod_ranges(self, network: NetworkView) -> list[str]:
        """The exceptions of the pods' OutBoundNAT that hold this node's own subnet.

        Where there are none, what spans the subnets of this node and of the nodes to which there are routes.
        """
        own = [one.prefix for one in network.subnets]
        wide = {
            text
            for endpoint in self.local_endpoints(network.id)
            for text in self.nat_exceptions(endpoint) or ()
            if any(_holds(text, prefix) for prefix in own)
        }
        return sorted(wide) or _spanning([*own, *(one.prefix for one in self._routes_of(network))])


def is_overlay(network: NetworkView | None) -> bool:
    return network is not None and network.type.lower() == "overlay"


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


def lies_in(address: str, prefix: str) -> bool:
    """Whether the address is one of the prefix; false for what is no prefix."""
    space = _network(prefix)
    return space is not None and _address(address) in space


def _read_routes(network: NetworkView) -> Iterator[RemoteRoute]:
    for settings in settings_of(network.policies, "RemoteSubnetRoute"):
        route = RemoteRoute(
            str(member(settings, "DestinationPrefix") or ""), str(member(settings, "ProviderAddress") or "")
        )
        if is_address(route.provider):
            yield route


def _nat_exceptions(endpoint: EndpointView) -> list[str] | None:
    found = list(settings_of(endpoint.policies, "OutBoundNAT"))
    if not found or any(member(one, "Destinations") for one in found):
        return None
    named = [text for one in found for text in member(one, "Exceptions") or []]
    return [text for text in named if isinstance(text, str) and _network(text)]


def _holds(wide: str, narrow: str) -> bool:
    outer, inner = _network(wide), _network(narrow)
    return bool(outer and inner and outer.version == inner.version and inner.subnet_of(outer))  # type: ignore[arg-type]


def _spanning(prefixes: list[str]) -> list[str]:
    """The smallest prefix of each family that holds all of these, where there are several."""
    spans = []
    for version in (4, 6):
        found: set[Any] = {one for one in map(_network, prefixes) if one and one.version == version}
        if len(found) < 2:  # noqa: PLR2004 - one spans nothing but itself
            continue
        span = min(found, key=lambda one: one.prefixlen)
        while not all(one.subnet_of(span) for one in found):
            span = span.supernet()
        spans.append(str(span))
    return spans


# A node has thousands of addresses, and each is looked at for each service.
@lru_cache(maxsize=1 << 16)
def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)


@lru_cache(maxsize=1 << 12)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
