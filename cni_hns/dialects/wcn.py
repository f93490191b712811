"""nat, sdnbridge and sdnoverlay of microsoft/windows-container-networking: one program under three names.

They create the HCN network where it is missing, whose type they never look at otherwise, and leave addresses
to HNS where no IPAM plugin is named. Of `ipam.routes` they read the first `gw`: it is the gateway of the
network that they create, and of the pods where no IPAM plugin answers one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cni_hns.hcn.models.policies import SUBNET_POLICIES
from cni_hns.typed import Any, NamedTuple

from . import fields
from .essentials import ipam_kind
from .foreign import DEFAULT_ROUTES, Translation, empty
from .host_bits import masked
from .policies import read_network_policies
from .policy_lists import PolicyLists, read_policies

__all__ = ["translate"]

_FLAGS = (
    "localroutedportmapping",
    "allowaclportmapping",
    "forcebridgegateway",
    "enabledualstack",
    "loopbackdsr",
    "gatewayfromadditionalroutes",
)
# The types that the program of today takes.
_OWN_TYPES = ("nat", "NAT", "sdnbridge", "L2Bridge", "sdnoverlay", "Overlay")
# Without an IPAM plugin only `subnet` and `routes` mean something; ranges would be for nobody.
_FOR_NOBODY = ("gateway", "dataDir")

_POLICIES = PolicyLists(
    named=("additionalargs",),
    bare=(),
    levels=("EndpointPolicy", "NetworkPolicy"),
    any_case=False,
    drops_undecodable=False,
)
# Under other names (l2bridge, wincni) the file may be older than the parting of the two families of plugins.
_POLICIES_OF_OLD = _POLICIES._replace(
    named=("policies", "additionalargs"), bare=("hcnpolicyargs",), any_case=True
)


_DEFAULTS = ("", *DEFAULT_ROUTES.values())


class _Subnet(NamedTuple):
    """What a network is created with; `gateway` is what the configuration says of it."""

    prefix: Any
    gateway: str | None


def translate(source: Translation, mode: str) -> None:
    """Fill in the native document for an HCN network of this mode."""
    flags = _flags(source)
    kind, _ = ipam_kind(source.members("ipam"))
    ipam = source.ipam()
    subnets = _subnets(source, ipam, kind)
    _gateways(source, ipam, kind, flags, subnets)
    if kind == "hns":
        ipam = _without_plugin(source, ipam)
    source.document["ipam"] = ipam
    _network(source, mode, subnets, dual=flags["enabledualstack"])
    source.macs_by_hns = True
    source.network_dns = True
    source.document["loopbackDSR"] = flags["loopbackdsr"]
    source.places["loopbackDSR"] = source.inner_place("optionalflags", "loopbackdsr")
    source.document["portMappingAcl"] = flags["allowaclportmapping"]
    if "search" in source.document.get("dns", {}):
        source.document["dns"]["searchInPodNamespace"] = True
    if not flags["localroutedportmapping"]:
        source.remark(
            "localRoutedPortMapping is off; mapped ports are reachable from their own node nevertheless"
        )


def _flags(source: Translation) -> dict[str, bool]:
    entry = source.members("optionalflags")
    place = source.place("optionalflags")
    unknown = sorted(key for key in entry if key not in _FLAGS)
    if unknown:
        source.remark(f"{place}: {', '.join(unknown)} not known and ignored")
    return {key: source.flag(source.inner_place("optionalflags", key), entry.get(key)) for key in _FLAGS}


def _without_plugin(source: Translation, ipam: dict[str, Any]) -> dict[str, Any]:
    """HNS gives the addresses: `subnet` is the network's, and a range is a fault, as nobody allocates."""
    for key in _FOR_NOBODY:
        if key in ipam:
            place = source.inner_place("ipam", key.lower())
            source.remark(f"{place}: without ipam.type it is not used, as with {source.peer}")
    return {key: value for key, value in ipam.items() if key not in ("subnet", *_FOR_NOBODY)}


def _subnets(source: Translation, ipam: Mapping[str, Any], kind: str) -> list[_Subnet]:
    """What a network is created with: `ipam.subnet`, or the subnets of the ranges, each once."""
    written = source.members("ipam").get("subnet")
    if not empty(written):
        # host-local refuses host bits; without it they are masked, and the address after it is the gateway.
        if kind == "builtin":
            return [_Subnet(written, None)]
        place = source.inner_place("ipam", "subnet")
        prefix = masked(written, lambda text: source.remark(f"{place}: {text}"))
        return [_Subnet(prefix, None if prefix == written else _next(written))]
    sets = ipam.get("ranges")
    listed = sets if isinstance(sets, list) and kind == "builtin" else []
    inner = [each for ranges in listed if isinstance(ranges, list) for each in ranges]
    named = [each.get("subnet") for each in inner if isinstance(each, Mapping)]
    return [_Subnet(each, None) for each in dict.fromkeys(each for each in named if isinstance(each, str))]


def _next(written: object) -> str:
    return str(fields.address(str(written).strip().partition("/")[0]) + 1)


def _gateways(
    source: Translation, ipam: dict[str, Any], kind: str, flags: Mapping[str, bool], subnets: list[_Subnet]
) -> None:
    """Where the default route leads; `subnets` gets the gateway that a new network has."""
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
    if flags["gatewayfromadditionalroutes"]:
        _spare_gateways(source, kind, subnets)


def _first_hop(source: Translation, kind: str, subnets: list[_Subnet]) -> str | None:
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


def _say_misspelt(source: Translation, place: str, written: object, subnets: list[_Subnet]) -> None:
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
    sets = ipam.get("ranges")
    listed = sets if isinstance(sets, list) else []
    inner = [each for ranges in listed if isinstance(ranges, list) for each in ranges]
    for entry in [ipam, *[each for each in inner if isinstance(each, dict)]]:
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


def _spare_gateways(source: Translation, kind: str, subnets: list[_Subnet]) -> None:
    """The next hops of default routes in `additionalRoutes`, for who gets a gateway from nowhere else."""
    place = source.place("additionalroutes")
    routes = source.next_hops(place, source.items("additionalroutes"))
    hops = [hop for destination, hop in routes if hop and destination in DEFAULT_ROUTES.values()]
    if kind == "delegate" or (kind == "hns" and not subnets):
        source.spare_gateways = hops
    elif hops:
        source.remark(f"{place}: not used, as with {source.peer}: the gateway is known without it")


def _makeable(source: Translation, policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The policies of the network, after a look whether one can be made with them."""
    for index, policy in enumerate(policies):
        if policy["Type"] in SUBNET_POLICIES:
            continue
        _, findings = read_network_policies([policy], "network.policies")
        for finding in findings:
            place = source.places[f"network.policies[{index}]"]
            source.spoil_network(place + finding.path.removeprefix("network.policies[0]"), finding.message)
    return policies


def _network(source: Translation, mode: str, subnets: list[_Subnet], *, dual: bool) -> None:
    source.accepts = ["L2Bridge"] if dual else []
    own = source.get("type") in _OWN_TYPES
    policies = read_policies(source, _POLICIES if own else _POLICIES_OF_OLD)
    if mode == "overlay" and not any(
        each["Type"] == "ProviderAddress" for each in source.document.get("policies", [])
    ):
        source.remark(
            f"each endpoint gets the node's address as ProviderAddress, which {source.peer} leaves to the "
            "configuration: without it other nodes do not reach the pod"
        )
    policies = _makeable(source, policies)
    network: dict[str, Any] = {"mode": mode}
    vsid = [each["Settings"].get("IsolationId") for each in policies if each["Type"] == "VSID"]
    complete = (subnets or mode in ("nat", "transparent")) and (vsid or mode != "overlay")
    if complete and not dual and source.makes_network:
        network["create"] = True
        network["policies"] = [each for each in policies if each["Type"] != "VSID"]
        if vsid:
            network["vsid"] = vsid[0]
    elif source.makes_network:
        source.remark(
            "the HCN network must be there already: the configuration has not all that creating it takes"
        )
    for index in range(len(subnets)):
        source.places[f"network.subnets[{index}]"] = source.inner_place("ipam", "subnet")
        source.places[f"network.subnets[{index}].prefix"] = source.inner_place("ipam", "subnet")
        source.places[f"network.subnets[{index}].gateway"] = source.inner_place("ipam", "routes")
    described = [
        {"prefix": each.prefix, **({"gateway": each.gateway} if each.gateway else {})} for each in subnets
    ]
    source.document["network"] = {**network, "subnets": described}
