"""The gateways of nat, sdnbridge and sdnoverlay: that of a network to create, and that of the pods.

Of `ipam.routes` these peers read the first `gw`: it is the gateway of the network that they create, and of
the pods where no IPAM plugin answers one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields
from .foreign import DEFAULT_ROUTES, Translation, empty, ranges_of
from .host_bits import masked

__all__ = ["NewSubnet", "choose_gateways", "new_subnets"]

_DEFAULTS = ("", *DEFAULT_ROUTES.values())


class NewSubnet(NamedTuple):
    """A subnet that a network is created with; `gateway` as far as the configuration names one."""

    prefix: Any
    gateway: str | None


def new_subnets(source: Translation, ipam: dict[str, Any], kind: str) -> list[NewSubnet]:
    """What a network is created with: `ipam.subnet`, or the subnets of the ranges, each once."""
    written = source.members("ipam").get("subnet")
    if not empty(written):
        # host-local refuses host bits; without it they are masked, and the address after it is the gateway.
        if kind == "builtin":
            return [NewSubnet(written, None)]
        place = source.inner_place("ipam", "subnet")
        prefix = masked(written, lambda text: source.remark(f"{place}: {text}"))
        return [NewSubnet(prefix, None if prefix == written else _next(written))]
    named = [each.get("subnet") for each in ranges_of(ipam)] if kind == "builtin" else []
    return [NewSubnet(each, None) for each in dict.fromkeys(each for each in named if isinstance(each, str))]


def _next(written: object) -> str:
    return str(fields.address(str(written).strip().partition("/")[0]) + 1)


def choose_gateways(
    source: Translation, ipam: dict[str, Any], kind: str, flags: Mapping[str, bool], subnets: list[NewSubnet]
) -> None:
    """Put into the document where the default route leads, into `subnets` the gateway of a new network."""
    hop = _first_hop(source, kind, subnets)
    if kind == "hns" and hop is not None:
        source.document["routes"] = [{"dst": DEFAULT_ROUTES[_version(hop)], "gw": hop}]
        source.places["routes"] = source.inner_place("ipam", "routes")
    if flags["forcebridgegateway"] and kind == "hns":
        place = source.inner_place("optionalflags", "forcebridgegateway")
        source.remark(f"{place}: without ipam.type it has no effect, as with {source.peer}")
    elif flags["forcebridgegateway"]:
        source.document["gatewayFrom"] = "bridge"
        source.set_gateways_aside(ipam, "forceBridgeGateway takes the subnet's third address")
    elif kind == "builtin":
        _name_gateways(ipam)
        _say_unused(source, ipam, hop)
    elif kind == "delegate":
        source.document["gatewayFrom"] = "ipam"
        source.remark(
            f"{source.place('ipam')}: where {ipam['type']} answers no gateway, pods get the HCN network's; "
            f"with {source.peer} they have no way out"
        )
    if flags["gatewayfromadditionalroutes"]:
        _spare_gateways(source, kind, subnets)


def _first_hop(source: Translation, kind: str, subnets: list[NewSubnet]) -> str | None:
    """The `gw` of the first route, if it lies in the subnet; it goes into `subnets` too."""
    written = source.members("ipam").get("routes")
    place = source.inner_place("ipam", "routes")
    routes = source.next_hops(place, written)
    _say_misspelt(source, place, written, subnets)
    if kind == "hns" and (len(routes) > 1 or any(each not in _DEFAULTS for each, _ in routes)):
        source.remark(
            f"{place}: the first gw is the default gateway and no other is used, as with {source.peer}"
        )
    hop = routes[0][1] if routes else None
    if hop is None:
        return None
    if not subnets:
        source.remark(f"{place}[0]: without ipam.subnet its gw is not used, as with {source.peer}")
        return None
    for index, each in enumerate(subnets):
        try:
            inside = fields.address(hop) in fields.network(each.prefix)
        except ValueError:
            return None  # the models will say what is wrong
        if inside:
            subnets[index] = each._replace(gateway=hop)
            return hop
    held = ", ".join(str(each.prefix) for each in subnets)
    source.remark(f"{place}[0]: gateway {hop} is outside {held} and not used")
    return None


def _say_misspelt(source: Translation, place: str, written: object, subnets: list[NewSubnet]) -> None:
    """`gateway` stands in the files of nerdctl and others, mostly with the address that is used anyway."""
    usual = [_first(each.prefix) for each in subnets]
    for index, each in enumerate(written if isinstance(written, list) else []):
        route = fields.fold(each) if isinstance(each, Mapping) else {}
        if empty(route.get("gw")) and not empty(route.get("gateway")) and route["gateway"] not in usual:
            source.remark(f"{place}[{index}].gateway: not used, as with {source.peer}, which reads gw only")


def _first(prefix: object) -> str | None:
    """The first address of a subnet, which is its gateway where nobody says otherwise."""
    try:
        return str(fields.network_around(prefix).network_address + 1)
    except ValueError:
        return None  # the models will say what is wrong


def _version(text: str) -> int:
    return ipaddress.ip_address(text).version


def _name_gateways(ipam: dict[str, Any]) -> None:
    """host-local answers a gateway for every range, by default the first address: pods have that one."""
    for entry in ranges_of(ipam):
        first = _first(entry.get("subnet"))
        if first is not None and empty(entry.get("gateway")):
            entry["gateway"] = first


def _say_unused(source: Translation, ipam: Mapping[str, Any], hop: str | None) -> None:
    if hop is not None and hop != ipam.get("gateway"):
        place = source.inner_place("ipam", "routes")
        source.remark(
            f"{place}[0]: gw {hop} is for a network that is made here; pods get the gateway that "
            f"{ipam['type']} answers, as with {source.peer}"
        )


def _spare_gateways(source: Translation, kind: str, subnets: list[NewSubnet]) -> None:
    """The next hops of default routes in `additionalRoutes`, for who gets a gateway from nowhere else."""
    place = source.place("additionalroutes")
    routes = source.next_hops(place, source.items("additionalroutes"))
    hops = [hop for destination, hop in routes if hop and destination in DEFAULT_ROUTES.values()]
    if kind == "delegate" or (kind == "hns" and not subnets):
        source.spare_gateways = hops
    elif hops:
        source.remark(f"{place}: not used, as with {source.peer}: the gateway is known without it")
