"""Which routes this node wants: pure, of members to routes, and of each that is passed over why.

Rule 1: two nodes that claim the same addresses are never both believed. The older Node object keeps them, and
this node's own are nobody else's.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cluster.flannel import ALLOC, HOST_GW, VXLAN
from cni_hns.cluster.prefixes import overlap
from cni_hns.cluster.routes.route import Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cni_hns.cluster.members import Member
    from cni_hns.cluster.prefixes import Network

__all__ = ["Waiting", "Ways", "wanted", "ways"]

_OVERLAY = "overlay"
_UNKNOWN_AGE = "9999"
_IPV4 = 4
_NO_POD_CIDR = "it has no podCIDR: the controller manager has given it none yet"


class Waiting(NamedTuple):
    """A node to which there is no route now, or not to all of its pods, and why."""

    name: str
    why: str


class Ways(NamedTuple):
    """The routes wanted, by prefix, and the nodes that are passed over."""

    routes: list[Route]
    waiting: list[Waiting]


class _Claim(NamedTuple):
    """A prefix, and the node that says it has it."""

    network: Network
    member: Member

    @property
    def words(self) -> str:
        return f"{self.network} of node {self.member.name}"


def wanted(members: Iterable[Member], own: str, mode: str, vsid: int) -> list[Route]:
    """The routes of `ways`."""
    return ways(members, own, mode, vsid).routes


def ways(
    members: Iterable[Member],
    own: str,
    mode: str,
    vsid: int,
    *,
    own_prefixes: Sequence[str] = (),
    on_link: Sequence[str] | None = None,
) -> Ways:
    """How the pods of all members but `own` are reached.

    `mode` is "overlay" (of VNI `vsid`) or "l2bridge". `own_prefixes` are those of the network that is made
    here: they hold while the own Node is missing. `on_link` are the prefixes that this host reaches without
    a router; None: not known, and not asked.
    """
    everybody = sorted(members, key=lambda one: (one.made_at or _UNKNOWN_AGE, one.name))
    others = [one for one in everybody if one.name != own]
    mine = [one for one in everybody if one.name == own]
    held = {text for one in mine for text in one.pod_cidrs} | set(own_prefixes)
    ours = {text for one in mine for text in (*one.addresses, *_announced(one))}
    disputed = {
        (loser.member.name, loser.network): _dispute(loser, winner)
        for loser, winner in _disputes(others, held)
    }
    routes: list[Route] = []
    waiting: list[Waiting] = []
    for one in others:
        if not one.pod_cidrs:
            waiting.append(Waiting(one.name, _NO_POD_CIDR))
        for network in map(ip_network, one.pod_cidrs):
            found = disputed.get((one.name, network)) or _way(one, network, mode, vsid)
            if isinstance(found, Route):
                found = _reachable(found, ours, on_link)
            if isinstance(found, Route):
                routes.append(found)
            elif found:
                waiting.append(Waiting(one.name, found))
    return Ways(sorted(routes), list(dict.fromkeys(waiting)))


def _way(one: Member, network: Network, mode: str, vsid: int) -> Route | str:
    """The route to these pods, or why there is none; "" where nobody expects one."""
    if mode == _OVERLAY:
        if network.version != _IPV4:
            # HNS has no IPv6 on overlay. It is worth a word only for a node that is reached in no other way.
            return "" if any("." in text for text in one.pod_cidrs) else "overlay carries IPv4 only"
        return _overlay_way(one, str(network), vsid)
    return _host_way(one, network)


def _overlay_way(one: Member, prefix: str, vsid: int) -> Route | str:
    backend = one.backend
    if backend is None:
        return f"its {one.backend_fault}"
    if backend.kind != VXLAN:
        return f"its flannel backend is {backend.kind}, and that of this network vxlan"
    if not backend.public_ip or not backend.mac:
        return "its annotations say nothing of vxlan over IPv4"
    if backend.vni != vsid:
        return f"its VNI is {backend.vni}, and that of this network {vsid}: one cluster needs one VNI"
    return Route(prefix, backend.public_ip, vsid, backend.mac)


def _host_way(one: Member, network: Network) -> Route | str:
    backend = one.backend
    if backend is not None and backend.kind == ALLOC:
        return "its flannel backend is alloc: the cloud's own routes lead to it"
    if backend is not None and backend.kind != HOST_GW:
        return f"its flannel backend is {backend.kind}, and this network needs host-gw"
    addresses = [text for text in one.addresses if ip_address(text).version == network.version]
    said = [text for text in _announced(one) if ip_address(text).version == network.version]
    hop = next(iter(said + addresses), "")
    return Route(str(network), hop) if hop else f"it has no IPv{network.version} address (InternalIP)"


def _announced(one: Member) -> list[str]:
    backend = one.backend
    return [] if backend is None else [text for text in (backend.public_ip, backend.public_ipv6) if text]


def _reachable(route: Route, ours: set[str], on_link: Sequence[str] | None) -> Route | str:
    if route.provider in ours:
        return f"its address {route.provider} is this node's own: is it an old Node object of this machine?"
    if route.vsid or on_link is None:
        return route
    hop = ip_address(route.provider)
    if any(hop in network for network in map(ip_network, on_link)):
        return route
    return (
        f"its address {route.provider} is not on a link of this node: host-gw needs all nodes in one layer-2 "
        "segment; use overlay, or routes of the router between them"
    )


def _disputes(others: list[Member], own: set[str]) -> Iterator[tuple[_Claim, _Claim | None]]:
    """Each claim that is not believed, and the one that keeps the addresses; None for this node's own."""
    held = [ip_network(text, strict=False) for text in own]
    claims = [_Claim(ip_network(text), one) for one in others for text in one.pod_cidrs]
    for group in _overlapping(claims):
        kept: list[_Claim] = []
        for claim in group:
            if any(overlap(claim.network, network) for network in held):
                yield claim, None
                continue
            winner = next((one for one in kept if overlap(one.network, claim.network)), None)
            if winner is None:
                kept.append(claim)
            elif winner.member.name != claim.member.name:
                yield claim, winner


def _overlapping(claims: list[_Claim]) -> Iterator[list[_Claim]]:
    """The claims in groups that may overlap, the oldest first in each; one pass over thousands of nodes."""
    age = {id(claim): number for number, claim in enumerate(claims)}
    group: list[_Claim] = []
    last = (0, -1)
    for claim in sorted(claims, key=lambda one: (one.network.version, int(one.network.network_address))):
        network = claim.network
        if group and (network.version, int(network.network_address)) > last:
            yield sorted(group, key=lambda one: age[id(one)])
            group = []
        group.append(claim)
        last = max(last, (network.version, int(network.broadcast_address)))
    if group:
        yield sorted(group, key=lambda one: age[id(one)])


def _dispute(loser: _Claim, winner: _Claim | None) -> str:
    if winner is None:
        return f"its podCIDR {loser.network} overlaps this node's own: one of the two has to be made anew"
    return (
        f"its podCIDR {loser.network} overlaps {winner.words}, whose Node object is the older: delete the "
        "Node object that is wrong, and let its kubelet make it anew"
    )
