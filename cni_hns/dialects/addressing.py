"""The `ipam` object: who gives addresses, from which ranges, and which addresses no pod may get."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import essentials, fields
from .address_ranges import family, parse_range, set_faults, sets_faults
from .findings import Finding
from .models import BuiltinIpam, DelegatedIpam, HnsIpam, IpamRoute, Network, Range
from .networks import gateway_of, subnet_plans
from .plan import IpamPlan, RangePlan, SubnetPlan
from .reading import Reading, read

__all__ = ["Addressing", "read_addressing"]


class Addressing(NamedTuple):
    """`plan` is None where the object is too faulty; `gateways` are those that the configuration names."""

    plan: IpamPlan | None
    gateways: list[str]
    findings: list[Finding]


class _Surroundings(NamedTuple):
    """What of the rest of the configuration bears on addresses."""

    mode: str
    subnets: list[SubnetPlan]
    subnets_known: bool
    peer: str
    bridge: bool
    ranges_at_run_time: bool


def read_addressing(
    ipam: Mapping[str, Any], network: Network | None, *, peer: str, bridge: bool, ranges_at_run_time: bool
) -> Addressing:
    """The plan of the `ipam` object beside this network.

    `peer`: whose dialect messages speak, "" for our own.
    `bridge`: the gateway is each subnet's third address. `ranges_at_run_time`: the runtime may send
    `ipRanges`.
    """
    subnets = subnet_plans(network) if network else []
    around = _Surroundings(
        mode=network.mode if network else "",
        subnets=[subnet for subnet in subnets if subnet is not None],
        subnets_known=network is not None and None not in subnets,
        peer=peer,
        bridge=bridge,
        ranges_at_run_time=ranges_at_run_time,
    )
    kind, plugin = essentials.ipam_kind(fields.fold(ipam))
    if kind == "builtin":
        return _builtin(ipam, plugin, around)
    if kind == "delegate":
        return _delegated(ipam)
    return _unmanaged(ipam, around)


def _route(route: IpamRoute) -> dict[str, Any]:
    found: dict[str, Any] = {"dst": str(route.dst)}
    if route.gw is not None:
        found["gw"] = str(route.gw)
    if route.priority is not None:
        found["priority"] = route.priority
    return found


def _delegated(ipam: Mapping[str, Any]) -> Addressing:
    reading = read(DelegatedIpam, ipam, "ipam")
    plugin = reading.model.type if reading.model else ""
    return Addressing(
        IpamPlan("delegate", plugin, [], [], None, None, [], implied=False), [], reading.findings
    )


def _unmanaged(ipam: Mapping[str, Any], around: _Surroundings) -> Addressing:
    """No plugin named: HNS chooses, and on a transparent network an outside DHCP server."""
    ranges = [key for key in ipam if key in BuiltinIpam.model_fields and key not in HnsIpam.model_fields]
    if ranges and not ipam.get("type"):
        plugin = "host-local" if around.peer else "cni-hns"
        message = (
            f'missing: "{plugin}" allocates by {", ".join(ranges)}; without a type HNS chooses the address'
        )
        return Addressing(None, [], [Finding("ipam.type", message)])
    reading = read(HnsIpam, ipam, "ipam")
    kind = "dhcp" if around.mode == "transparent" else "hns"
    routes = [_route(route) for route in reading.model.routes] if reading.model else []
    return Addressing(IpamPlan(kind, "", [], routes, None, None, [], implied=False), [], reading.findings)


def _builtin(ipam: Mapping[str, Any], plugin: str, around: _Surroundings) -> Addressing:
    reading = read(BuiltinIpam, ipam, "ipam")
    if reading.model is None:
        return Addressing(None, [], reading.findings)
    model = reading.model
    if model.pool:
        return _pooled(reading, model, plugin, around)
    sets, gateways, findings = _range_sets(reading, model, around)
    reserved: list[str] = []
    if around.bridge:
        sets, reserved = _behind_a_bridge(sets, gateways)
    plan = IpamPlan(
        kind="builtin",
        type=plugin,
        range_sets=sets,
        routes=[_route(route) for route in model.routes],
        resolv_conf=model.resolvConf,
        data_dir=model.dataDir,
        reserved=reserved,
        implied=not model.ranges and all(getattr(model, key) in (None, "") for key in Range.model_fields),
    )
    return Addressing(plan, gateways, [*reading.findings, *findings])


def _pooled(
    reading: Reading[BuiltinIpam], model: BuiltinIpam, plugin: str, around: _Surroundings
) -> Addressing:
    """Addresses of cluster-wide pools: which ranges this node has of them no configuration says."""
    written = [key for key in Range.model_fields if getattr(model, key) not in (None, "")]
    written += ["ranges"] if model.ranges else []
    message = "the pool's blocks are the ranges; remove one of both"
    findings = [Finding(f"ipam.{key}", message) for key in written]
    if plugin == "host-local":
        findings.append(Finding("ipam.pool", 'host-local knows no pools; write "type": "cni-hns"'))
    if model.dataDir:
        findings.append(Finding("ipam.dataDir", "host-local's files have no place beside a pool"))
    if around.ranges_at_run_time:
        findings.append(
            Finding("ipam.pool", "the runtime sends ranges of its own here: remove the capability ipRanges")
        )
    routes = [_route(route) for route in model.routes]
    plan = IpamPlan(
        "builtin", plugin, [], routes, model.resolvConf, None, [], implied=False, pools=model.pool
    )
    return Addressing(plan, [], [*reading.findings, *findings])


def _range_sets(
    reading: Reading[BuiltinIpam], model: BuiltinIpam, around: _Surroundings
) -> tuple[list[list[RangePlan]], list[str], list[Finding]]:
    """The sets in host-local's order: the legacy single range, then `ranges`."""
    findings: list[Finding] = []
    gateways: list[str] = []
    named: list[tuple[str, list[RangePlan | None]]] = []
    if any(getattr(model, key) not in (None, "") for key in Range.model_fields):
        named.append(("ipam", [_range(model, "ipam", around, gateways, findings)]))
    for index, entries in enumerate(model.ranges):
        path = f"ipam.ranges[{index}]"
        if not entries and reading.whole(path):
            findings.append(Finding(path, "the range set is empty"))
        parsed = [
            _range(entry, f"{path}[{number}]", around, gateways, findings)
            if reading.whole(f"{path}[{number}]")
            else None
            for number, entry in enumerate(entries)
        ]
        findings += [Finding(f"{path}[{number}]", message) for number, message in set_faults(parsed)]
        named.append((path, parsed))
    findings += [
        Finding(named[index][0], text) for index, text in sets_faults([ranges for _, ranges in named])
    ]
    if not named and reading.whole("ipam"):
        return _sets_of_the_network(around), gateways, findings + _no_ranges(around)
    sets = [[each for each in ranges if each is not None] for _, ranges in named]
    return [each for each in sets if each], gateways, findings + _family_faults(sets, around)


def _range(
    entry: Range, path: str, around: _Surroundings, gateways: list[str], findings: list[Finding]
) -> RangePlan | None:
    spelled = {key: getattr(entry, key) for key in Range.model_fields}
    found, faults = parse_range(spelled)
    findings += [Finding(f"{path}.{key}", message) for key, message in faults]
    if found is None:
        return None
    outside = _outside_the_network(found, around)
    if outside:
        findings.append(Finding(f"{path}.subnet", outside))
    if entry.gateway not in (None, ""):
        gateways.append(str(found.gateway))
        if not around.peer and not outside:
            findings += _stray_gateway(found, path, around)
        return found
    return found._replace(gateway=_network_gateway(found, around) or found.gateway)


def _outside_the_network(found: RangePlan, around: _Surroundings) -> str | None:
    if not around.subnets or not around.subnets_known or _subnet_around(found, around):
        return None
    held = ", ".join(subnet.prefix for subnet in around.subnets)
    return f"{found.first}-{found.last} lies in none of the network's subnets ({held})"


def _stray_gateway(found: RangePlan, path: str, around: _Surroundings) -> list[Finding]:
    """A range's own prefix may be wider than the HCN subnet, and its gateway then nobody's neighbour."""
    subnet = _subnet_around(found, around)
    if subnet is None or found.gateway is None:
        return []
    if ipaddress.ip_address(found.gateway) in ipaddress.ip_network(subnet.prefix):
        return []
    return [Finding(f"{path}.gateway", f"{found.gateway} is not in the network's subnet {subnet.prefix}")]


def _subnet_around(found: RangePlan, around: _Surroundings) -> SubnetPlan | None:
    """The subnet that has every address of the range; the range's own prefix may be a wider one."""
    ends = [ipaddress.ip_address(found.first), ipaddress.ip_address(found.last)]
    for subnet in around.subnets:
        outer = ipaddress.ip_network(subnet.prefix)
        if all(end in outer for end in ends):
            return subnet
    return None


def _network_gateway(found: RangePlan, around: _Surroundings) -> str | None:
    subnet = _subnet_around(found, around)
    return gateway_of(subnet) if subnet else None


def _sets_of_the_network(around: _Surroundings) -> list[list[RangePlan]]:
    """Without ranges of its own IPAM allocates from the network's subnets, one set for each family."""
    by_family: dict[int, list[RangePlan]] = {}
    for subnet in around.subnets:
        found, _ = parse_range({"subnet": subnet.prefix, "gateway": gateway_of(subnet)})
        if found is not None:
            by_family.setdefault(family(subnet.prefix), []).append(found)
    return list(by_family.values())


def _no_ranges(around: _Surroundings) -> list[Finding]:
    if around.subnets or not around.subnets_known or around.ranges_at_run_time:
        return []
    places = "subnet or ranges" if around.peer else "ranges, or network.subnets"
    message = f"missing: give {places}, or declare the capability ipRanges"
    return [Finding("ipam.ranges", message)]


def _family_faults(sets: list[list[RangePlan]], around: _Surroundings) -> list[Finding]:
    """IPv6 is given beside IPv4 only, and on l2bridge networks only."""
    families = {family(ranges[0].subnet) for ranges in sets if ranges}
    if fields.IPV6 not in families or not around.mode:
        return []
    if around.mode != "l2bridge":
        return [Finding("ipam.ranges", f"HNS has IPv6 on l2bridge networks only, not on {around.mode}")]
    if families == {fields.IPV6} and not around.ranges_at_run_time and all(sets):
        return [Finding("ipam.ranges", "HNS has IPv6 beside IPv4 only; add a range set of IPv4 addresses")]
    return []


def _behind_a_bridge(
    sets: list[list[RangePlan]], gateways: list[str]
) -> tuple[list[list[RangePlan]], list[str]]:
    """The third address of each subnet is the gateway and the first stays with HNS: no pod gets either."""
    reserved = [str(each.gateway) for ranges in sets for each in ranges if each.gateway not in gateways]
    moved = [
        [
            each
            if each.gateway in gateways
            else each._replace(gateway=str(ipaddress.ip_network(each.subnet).network_address + 2))
            for each in ranges
        ]
        for ranges in sets
    ]
    return moved, reserved
