"""Overlay networks: which node has which pods, and what a packet may weigh.

Source: kube-proxy's winkernel proxier and flannel's VXLAN backend: a RemoteSubnetRoute policy for the pods of
each other node, and a remote endpoint with a ProviderAddress policy for each of them that a service names.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.reading import member
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import Owners, quoted, some
from cni_hns.hcn.views import REMOTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView, NetworkView

__all__ = ["AREA"]

_ENCAPSULATION_BYTES = 50
# The MAC that kube-proxy gives a remote endpoint: these two bytes, then its IPv4 address.
_KUBE_PROXY = bytes((0x02, 0x11))
_NODE_PREFIX, _LARGEST_PREFIX = 16, 9

_KINDS: dict[str, Kind] = {
    "remote-route-missing": Kind(
        "ill",
        "pods of this node do not reach these pods of other nodes; services send part of their traffic there",
        "restart the agent that makes the routes (flanneld, or the CNI's own), then kube-proxy, which takes "
        "the node address of an endpoint from them; compare with: `cni-hns network show {network}`",
    ),
    "provider-address-stale": Kind(
        "ill",
        "traffic to this pod goes to another node than the one that has it",
        "`Restart-Service kube-proxy`: it made the endpoint before the route was there, and looks only once",
    ),
    "overlay-mtu": Kind(
        "ill",
        "large packets of these pods are lost: connections open, and hang when data flows",
        "set mtu in the configuration to {mtu} or less, then delete these pods so that they are made again",
    ),
    "overlay-overhead": Kind(
        "ill",
        "large packets of these pods are lost: connections open, and hang when data flows",
        "set EncapOverhead in the configuration's policies to {overhead}, then delete these pods so that "
        "they are made again",
    ),
}


class _Route(NamedTuple):
    """A RemoteSubnetRoute policy: the pods of another node, and that node's address."""

    prefix: IPv4Network
    provider: str


def _routes(picture: Picture) -> Iterator[Seen]:
    for network in _overlays(picture):
        routes = sorted(_routes_of(network), key=lambda one: one.prefix.prefixlen, reverse=True)
        span, said_by = _span(picture, network)
        missing = []
        for one in picture.lookup.endpoints.values():
            if one.network != network.id or not one.flags & REMOTE:
                continue
            for address in (ip_address(text) for text, _ in one.addresses):
                route = next((each for each in routes if address in each.prefix), None)
                if route is not None:
                    yield from _compared(one, str(address), route, network)
                elif address in span and not _is_here(str(address), network) and _is_of_a_pod(one):
                    missing.append(str(address))
        if missing:
            cause = (
                f"no RemoteSubnetRoute of HCN network {quoted(network.name)} has {some(sorted(missing))}, "
                f"remote endpoints in the pods' range {span} ({said_by})"
            )
            subject = f"HCN network {quoted(network.name)}"
            yield Seen("remote-route-missing", subject, cause, (), {"network": network.id})


def _compared(endpoint: EndpointView, address: str, route: _Route, network: NetworkView) -> Iterator[Seen]:
    provider = _setting(endpoint.policies, "ProviderAddress", "ProviderAddress")
    if provider and route.provider and str(provider) != route.provider:
        cause = (
            f"its ProviderAddress is {provider}, and the RemoteSubnetRoute {route.prefix} of HCN network "
            f"{quoted(network.name)} leads to {route.provider}"
        )
        yield Seen("provider-address-stale", f"remote endpoint {endpoint.id} ({address})", cause)


def _sizes(picture: Picture) -> Iterator[Seen]:
    """Only where a policy says it: what HNS chooses by itself stands in no document."""
    owners = Owners(picture)
    for network in _overlays(picture):
        mtu_of_host, name = _host_mtu(picture, network)
        largest = mtu_of_host - _ENCAPSULATION_BYTES
        by_mtu: dict[int, list[EndpointView]] = {}
        by_overhead: dict[int, list[EndpointView]] = {}
        for one in owners.of_pods(network.id):
            mtu = _setting(one.policies, "InterfaceParameters", "Mtu")
            overhead = _setting(one.policies, "EncapOverhead", "Overhead")
            if isinstance(mtu, int) and mtu_of_host and mtu > largest:
                by_mtu.setdefault(mtu, []).append(one)
            if isinstance(overhead, int) and overhead < _ENCAPSULATION_BYTES:
                by_overhead.setdefault(overhead, []).append(one)
        for mtu, endpoints in by_mtu.items():
            pods = owners.names(endpoints)
            cause = (
                f"their MTU is {mtu}; the host's interface {quoted(name)} has {mtu_of_host}, of which VXLAN "
                f"needs {_ENCAPSULATION_BYTES}"
            )
            yield Seen("overlay-mtu", f"pods {some(pods)}", cause, pods, {"mtu": str(largest)})
        for overhead, endpoints in by_overhead.items():
            pods = owners.names(endpoints)
            cause = f"their EncapOverhead is {overhead}, and VXLAN needs {_ENCAPSULATION_BYTES}"
            names = {"overhead": str(_ENCAPSULATION_BYTES)}
            yield Seen("overlay-overhead", f"pods {some(pods)}", cause, pods, names)


def _overlays(picture: Picture) -> list[NetworkView]:
    return [one for one in picture.seen.networks or () if one.type.lower() == "overlay"]


def _routes_of(network: NetworkView) -> Iterator[_Route]:
    for policy in network.policies:
        settings = member(policy, "Settings")
        if str(member(policy, "Type")).lower() == "remotesubnetroute" and isinstance(settings, dict):
            prefix = _ipv4_network(member(settings, "DestinationPrefix"))
            if prefix is not None:
                yield _Route(prefix, str(member(settings, "ProviderAddress") or ""))


def _span(picture: Picture, network: NetworkView) -> tuple[IPv4Network, str]:
    """The range of all nodes' pods, and what tells it: the smallest exception from NAT around our own."""
    own = next((one for one in map(_ipv4_network, (each.prefix for each in network.subnets)) if one), None)
    if own is None:
        return IPv4Network("255.255.255.255/32"), "no subnet"
    exceptions = [
        prefix
        for one in picture.lookup.endpoints.values()
        if one.network == network.id
        for prefix in map(_ipv4_network, _exceptions(one))
        if prefix is not None and own.subnet_of(prefix) and own != prefix
    ]
    around = [one for one in exceptions if one.prefixlen >= _LARGEST_PREFIX]
    if around:
        return max(around, key=lambda one: one.prefixlen), "an exception of their outbound NAT"
    return own.supernet(new_prefix=min(_NODE_PREFIX, own.prefixlen)), "assumed around this node's own"


def _exceptions(endpoint: EndpointView) -> list[Any]:
    found = _setting(endpoint.policies, "OutBoundNAT", "Exceptions")
    return found if isinstance(found, list) else []


def _is_here(address: str, network: NetworkView) -> bool:
    """In this node's own subnets: the endpoint is remote, and its address not another node's."""
    return any(
        ip_address(address) in ip_network(one.prefix, strict=False)
        for one in network.subnets
        if ":" not in one.prefix
    )


def _is_of_a_pod(endpoint: EndpointView) -> bool:
    """A service's own address has a remote endpoint too, with the MAC of the host; it needs no route."""
    digits = "".join(one for one in endpoint.mac if one.isalnum())
    addresses = [ip_address(text).packed for text, _ in endpoint.addresses]
    return any(digits.lower() == (_KUBE_PROXY + one[-4:]).hex() for one in addresses)


def _host_mtu(picture: Picture, network: NetworkView) -> tuple[int, str]:
    """Of the interface that has the host's address on the network; 0 where it is not known."""
    interfaces = picture.host.interfaces if picture.host is not None else None
    for one in interfaces or ():
        if network.management_ip in [text.partition("/")[0] for text in one.addresses]:
            return one.mtu, one.name
    return 0, ""


def _setting(policies: list[dict[str, Any]], kind: str, name: str) -> Any:
    for policy in policies:
        settings = member(policy, "Settings")
        if str(member(policy, "Type")).lower() == kind.lower() and isinstance(settings, dict):
            found = member(settings, name)
            if found not in (None, ""):
                return found
    return None


def _ipv4_network(value: object) -> IPv4Network | None:
    try:
        found = ip_network(str(value), strict=False)
    except ValueError:
        return None
    return found if isinstance(found, IPv4Network) else None


AREA = Area(_KINDS, (_routes, _sizes))
