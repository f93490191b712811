"""Policies of pods' endpoints: what outbound NAT leaves alone, and what ACLs let through."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from cni_hns.binding.reading import member
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.owners import Owners, quoted, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcn.views import EndpointView

__all__ = ["AREA"]

_Net = IPv4Network | IPv6Network

_SERVED = ("l2bridge", "l2tunnel", "overlay")
# The first build whose endpoints drop what no ACL allows, once they have one: Windows Server 2025.
_DENIES_FROM_BUILD = 26100
# LoadBalancer port mapping flags UseMux, PreserveDIP and VipExternalIP: not a cluster IP's.
_NOT_OF_A_CLUSTER_IP = 4 | 8 | 16
_EVERYTHING = ("", "*", "0.0.0.0/0", "::/0")
_PARTS = ("LocalAddresses", "RemoteAddresses", "LocalPorts", "RemotePorts", "Protocols")

_KINDS: dict[str, Kind] = {
    "nat-without-services": Kind(
        "ill",
        "what these pods send to a service leaves with the node's address: replies are lost, DNS among them",
        "add {prefix} to outboundNat.exceptions in the configuration, check it with `cni-hns config check "
        "FILE`, then delete these pods so that they are made again",
    ),
    "acl-only-blocks": Kind(
        "ill",
        "this Windows drops all traffic in that direction, not only what the rules name",
        "add an ACL policy with Action Allow, this Direction and a lower priority to the configuration, then "
        "delete these pods so that they are made again",
    ),
    "acl-allows-little": Kind(
        "warning",
        "this Windows drops all else in that direction",
        "if that is not meant, add an ACL policy with Action Allow, this Direction and a lower priority",
    ),
}


def _services_behind_nat(picture: Picture) -> Iterator[Seen]:
    """Where services lie is told by load balancers, and by the pods' own routes to them."""
    owners = Owners(picture)
    vips = _cluster_ips(picture)
    for network in picture.seen.networks or ():
        if network.type.lower() not in _SERVED:
            continue
        found: dict[tuple[str, str], list[EndpointView]] = {}
        for one in owners.of_pods(network.id):
            exceptions = _nat_exceptions(one)
            if exceptions is None:
                continue
            wanted = dict.fromkeys(_routed(one), "their SDNRoute policy") | vips
            for prefix, said_by in wanted.items():
                if _has_family(one, prefix) and not _is_within(prefix, exceptions):
                    found.setdefault((str(prefix), said_by), []).append(one)
        yield from _told(owners, network.name, found)


def _told(owners: Owners, network: str, found: dict[tuple[str, str], list[EndpointView]]) -> Iterator[Seen]:
    """One for what the same source tells."""
    by_source: dict[str, list[str]] = {}
    for prefix, said_by in found:
        by_source.setdefault(said_by, []).append(prefix)
    for said_by, prefixes in by_source.items():
        pods = owners.names(one for prefix in prefixes for one in found[prefix, said_by])
        cause = (
            f"the outbound NAT of {len(pods)} pods on HCN network {quoted(network)} does not except "
            f"{some(prefixes)}, where services are by {said_by}"
        )
        names = {"prefix": "the service range, with " + some(prefixes)}
        yield Seen("nat-without-services", f"HCN network {quoted(network)}", cause, pods, names)


def _access_lists(picture: Picture) -> Iterator[Seen]:
    build = picture.host.windows_build if picture.host is not None else None
    if build is None or build < _DENIES_FROM_BUILD:
        return
    owners = Owners(picture)
    found: dict[tuple[str, str, str], list[EndpointView]] = {}
    for network in picture.seen.networks or ():
        for one in owners.of_pods(network.id):
            for direction in ("In", "Out"):
                kind = _kind_of(
                    [rule for rule in _rules(one) if _word(rule, "Direction") == direction.lower()]
                )
                if kind:
                    found.setdefault((kind, direction, network.name), []).append(one)
    for (kind, direction, name), endpoints in found.items():
        pods = owners.names(endpoints)
        what = (
            "only block" if kind == "acl-only-blocks" else "allow some traffic, and nothing says of the rest"
        )
        cause = f"their ACL policies (Direction {direction}) {what}"
        yield Seen(kind, f"pods {some(pods)} on HCN network {quoted(name)}", cause, pods)


def _kind_of(rules: list[dict[str, Any]]) -> str:
    """Of the rules of one direction; "" where they say something of all traffic, as network policies do."""
    if not rules or any(_is_of_everything(one) for one in rules):
        return ""
    actions = {_word(one, "Action") for one in rules}
    return "acl-only-blocks" if actions == {"block"} else "acl-allows-little"


def _is_of_everything(rule: dict[str, Any]) -> bool:
    return all(_word(rule, part) in _EVERYTHING for part in _PARTS)


def _rules(endpoint: EndpointView) -> list[dict[str, Any]]:
    return _settings(endpoint, "acl")


def _nat_exceptions(endpoint: EndpointView) -> list[_Net] | None:
    """None for an endpoint whose traffic is not translated; a policy with destinations is for these only."""
    policies = [one for one in _settings(endpoint, "outboundnat") if not member(one, "Destinations")]
    if not policies:
        return None
    listed = [member(one, "Exceptions") for one in policies]
    return [net for each in listed if isinstance(each, list) for net in map(_net, each) if net is not None]


def _routed(endpoint: EndpointView) -> list[_Net]:
    """Where the endpoint's own routes for services lead: those that are encapsulated, as flannel has them."""
    prefixes = [
        _net(member(one, "DestinationPrefix"))
        for one in _settings(endpoint, "sdnroute")
        if member(one, "NeedEncap") is True
    ]
    return [one for one in prefixes if one is not None and one.prefixlen < one.max_prefixlen]


def _cluster_ips(picture: Picture) -> dict[_Net, str]:
    """The addresses of services inside the cluster, as load balancers have them."""
    balancers = picture.seen.load_balancers or ()
    external = {vip for one in balancers if _is_external(one) for vip in one.vips}
    inside = [net for one in balancers for vip in one.vips if vip not in external and (net := _net(vip))]
    return dict.fromkeys(inside, "kube-proxy's load balancers")


def _is_external(balancer: Any) -> bool:
    return any(port.flags & _NOT_OF_A_CLUSTER_IP for port in balancer.ports)


def _has_family(endpoint: EndpointView, prefix: _Net) -> bool:
    return any((":" in address) == (prefix.version == 6) for address, _ in endpoint.addresses)  # noqa: PLR2004


def _is_within(prefix: _Net, nets: list[_Net]) -> bool:
    return any(one.prefixlen <= prefix.prefixlen and prefix.network_address in one for one in nets)


def _settings(endpoint: EndpointView, kind: str) -> list[dict[str, Any]]:
    found = [member(one, "Settings") for one in endpoint.policies if str(member(one, "Type")).lower() == kind]
    return [one for one in found if isinstance(one, dict)]


def _word(rule: dict[str, Any], name: str) -> str:
    value = member(rule, name)
    return "" if value is None else str(value).strip().lower()


def _net(value: object) -> _Net | None:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        return None


AREA = Area(_KINDS, (_services_behind_nat, _access_lists))
