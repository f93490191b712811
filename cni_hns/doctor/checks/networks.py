"""HCN networks: the host's own address on them, and their gateways."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import Owners, quoted, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView, NetworkView

__all__ = ["AREA"]

_EXTERNAL = ("l2bridge", "l2tunnel", "overlay", "transparent")
# NetworkFlags: the host has no interface on the switch.
_DISABLE_HOST_PORT = 1024
# HNS shows the address some time after it has made or loaded a network: flannel waits up to 45 s for it.
_APPEARS_WITHIN_S = 60.0
_NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - no address to listen on: a next hop that says "none"
_EVERYWHERE = ("0.0.0.0/0", "::/0")

_KINDS: dict[str, Kind] = {
    "management-address-missing": Kind(
        "ill",
        "the host does not reach the pods of this network, nor kubelet their probes; on an overlay no pod "
        "reaches another node",
        "look at the adapter with `ipconfig`; if it has its address: `Restart-Service hns`, then "
        "`cni-hns doctor`",
    ),
    "management-address-self-assigned": Kind(
        "ill",
        "pods reach nothing outside this node: the host got no address from DHCP when its adapter moved to "
        "the virtual switch",
        "give the interface its address again (`ipconfig /renew`, or the static one), then `cni-hns doctor`",
    ),
    "gateway-outside-subnet": Kind(
        "warning",
        "pods of this network reach nothing outside their subnet, unless something answers for the gateway",
        "compare with: `cni-hns network show {network}`; a network is made anew with another gateway once no "
        "pod is on it",
    ),
    "gateway-held-by-pod": Kind(
        "ill",
        "traffic of the network's pods to the outside goes to this pod and ends there",
        "delete the pod that has the address, and keep it from being given again: `cni-hns ipam reserve "
        '--network "{network}" --owner gateway --address {gateway}`',
    ),
    "gateway-unreachable": Kind(
        "ill",
        "these pods reach nothing outside their subnet",
        "correct the gateway in the configuration (`cni-hns config explain FILE`), then delete these pods so "
        "that they are made again",
    ),
}


def _management_addresses(picture: Picture) -> Iterator[Seen]:
    if _has_just_started(picture):
        return
    owners = Owners(picture)
    for one in picture.seen.networks or ():
        if one.type.lower() not in _EXTERNAL or one.flags & _DISABLE_HOST_PORT:
            continue
        pods = list(owners.of_pods(one.id))
        if one.management_ip is None and pods:
            cause = f"HNS shows no address of the host on this {one.type} network"
            yield Seen("management-address-missing", _named(one), cause, owners.names(pods))
        elif one.management_ip is not None and ip_address(one.management_ip).is_link_local:
            cause = f"the host's address on it is {one.management_ip}, which it gave itself"
            yield Seen("management-address-self-assigned", _named(one), cause, owners.names(pods))


def _has_just_started(picture: Picture) -> bool:
    host = picture.host
    if host is None or host.services is None or host.clock is None:
        return False
    starts = [one.started_s for one in host.services if one.name == "hns" and one.started_s is not None]
    return any(0 <= host.clock.wall_s - one < _APPEARS_WITHIN_S for one in starts)


def _gateways_of_subnets(picture: Picture) -> Iterator[Seen]:
    for one in picture.seen.networks or ():
        for subnet in one.subnets:
            gateway = subnet.gateway
            if gateway is not None and _is_outside(gateway, [subnet.prefix]):
                cause = f"the gateway {gateway} is not in its subnet {subnet.prefix}"
                yield Seen("gateway-outside-subnet", _named(one), cause, (), {"network": one.id})


def _gateways_held(picture: Picture) -> Iterator[Seen]:
    """By the subnets' gateways, and by those that pods have instead."""
    owners = Owners(picture)
    for network in picture.seen.networks or ():
        users: dict[str, list[EndpointView]] = {
            subnet.gateway: [] for subnet in network.subnets if subnet.gateway is not None
        }
        for one in owners.of_pods(network.id):
            for hop in _default_hops(one):
                users.setdefault(hop, []).append(one)
        for gateway, endpoints in users.items():
            holders = [one for one in picture.lookup.at(network.id, gateway) if owners.is_of_a_pod(one)]
            if holders:
                held = some(owners.names(holders))
                cause = f"{gateway}, the gateway of {_named(network)}, is the address of pod {held}"
                pods = owners.names([*holders, *endpoints])
                names = {"gateway": gateway, "network": network.name}
                yield Seen("gateway-held-by-pod", f"gateway {gateway}", cause, pods, names)


def _gateways_of_pods(picture: Picture) -> Iterator[Seen]:
    owners = Owners(picture)
    for network in picture.seen.networks or ():
        subnets = [one.prefix for one in network.subnets]
        users: dict[str, list[EndpointView]] = {}
        known = {one.gateway for one in network.subnets}
        for one in owners.of_pods(network.id):
            own = [
                f"{address}/{prefix}" for address, prefix in one.addresses if not _is_host(address, prefix)
            ]
            for hop in _default_hops(one):
                if own and hop not in known and _is_outside(hop, [*own, *subnets]):
                    users.setdefault(hop, []).append(one)
        for hop, endpoints in users.items():
            pods = owners.names(endpoints)
            cause = (
                f"their gateway {hop} is in no subnet of {_named(network)} ({', '.join(subnets) or 'none'})"
            )
            yield Seen("gateway-unreachable", f"pods {some(pods)}", cause, pods)


def _default_hops(endpoint: EndpointView) -> list[str]:
    """A route to nowhere is how some keep the default route out."""
    return [hop for prefix, hop in endpoint.routes if prefix in _EVERYWHERE and hop and hop not in _NOWHERE]


def _is_outside(address: str, prefixes: list[str]) -> bool:
    """A link-local gateway is in no subnet, and well."""
    value = ip_address(address)
    there = [
        one for one in (ip_network(each, strict=False) for each in prefixes) if one.version == value.version
    ]
    return bool(there) and not value.is_link_local and not any(value in one for one in there)


def _is_host(address: str, prefix: int) -> bool:
    """Whether the prefix is the address alone: its gateway is always outside."""
    return prefix == ip_address(address).max_prefixlen


def _named(network: NetworkView) -> str:
    return f"HCN network {quoted(network.name)}"


AREA = Area(_KINDS, (_management_addresses, _gateways_of_subnets, _gateways_held, _gateways_of_pods))
