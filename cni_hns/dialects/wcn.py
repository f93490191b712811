"""nat, sdnbridge and sdnoverlay of microsoft/windows-container-networking: one program under three names.

They create the HCN network where it is missing, and leave addresses to HNS where no IPAM plugin is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.hcn.models.policies import SUBNET_POLICIES
from cni_hns.typed import Any

from . import fields
from .foreign import DEFAULT_ROUTES, Translation, empty

__all__ = ["translate"]

Route = tuple[str, str | None]

_FLAGS = (
    "localroutedportmapping",
    "allowaclportmapping",
    "forcebridgegateway",
    "enabledualstack",
    "loopbackdsr",
    "gatewayfromadditionalroutes",
)
_RANGE = ("subnet", "rangeStart", "rangeEnd", "gateway", "ranges")


def translate(source: Translation, mode: str) -> None:
    """Fill in the native document for an HCN network of this mode."""
    flags = _flags(source)
    ipam = source.ipam()
    subnets = _subnets(ipam)
    if flags["forcebridgegateway"]:
        source.set_gateways_aside(ipam, "forceBridgeGateway takes the subnet's third address")
    if not ipam.get("type"):
        ipam = {key: value for key, value in ipam.items() if key not in _RANGE}
    source.document["ipam"] = ipam
    routes = source.routes()
    _gateways(source, flags, routes)
    _network(source, mode, [_subnet(each, routes) for each in subnets], dual=flags["enabledualstack"])
    source.document["loopbackDSR"] = flags["loopbackdsr"]
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


def _subnets(ipam: Mapping[str, Any]) -> list[Any]:
    """What a network is created with: `ipam.subnet`, or the subnets of the ranges, each once."""
    if not empty(ipam.get("subnet")):
        return [ipam["subnet"]]
    sets = ipam.get("ranges")
    listed = sets if isinstance(sets, list) else []
    inner = [each for ranges in listed if isinstance(ranges, list) for each in ranges]
    named = [each.get("subnet") for each in inner if isinstance(each, Mapping)]
    return list(dict.fromkeys(each for each in named if isinstance(each, str)))


def _gateways(source: Translation, flags: Mapping[str, bool], routes: list[Route]) -> None:
    """Where the default route leads: the third address by force, else IPAM's routes or `additionalRoutes`."""
    if flags["forcebridgegateway"]:
        source.document["gatewayFrom"] = "bridge"
        routes = [
            (destination, hop) for destination, hop in routes if destination not in DEFAULT_ROUTES.values()
        ]
    elif flags["gatewayfromadditionalroutes"]:
        named = {destination for destination, hop in routes if hop}
        routes = [*routes, *[each for each in _additional(source) if each[0] not in named]]
    source.set_routes(routes)


def _additional(source: Translation) -> list[Route]:
    found = []
    for index, each in enumerate(source.items("additionalroutes")):
        path = f"{source.place('additionalroutes')}[{index}]"
        if not isinstance(each, Mapping):
            source.fault(path, f"an object is expected, not {fields.kind_of(each)}")
            continue
        entry = fields.fold(each)
        found += [
            route
            for route in source.route(entry.get("dst"), entry.get("gw"), path)
            if route[0] in DEFAULT_ROUTES.values()
        ]
    return found


def _network(source: Translation, mode: str, subnets: list[dict[str, Any]], *, dual: bool) -> None:
    policies = source.policies(network_policies=True)
    network: dict[str, Any] = {"mode": mode}
    own, of_subnets = _parted(source, policies)
    has_vsid = any(policy["Type"] == "VSID" for _, policy in of_subnets)
    creatable = not dual and (subnets or mode in ("nat", "transparent")) and (has_vsid or mode != "overlay")
    if creatable:
        network["create"] = True
        network["policies"] = own
        subnets = [each | _isolated(source, index, of_subnets) for index, each in enumerate(subnets)]
        if not subnets:
            _refuse_without_subnet(source, of_subnets)
    else:
        source.remark(
            "the HCN network must be there already: the configuration has not all that creating it takes"
        )
    for index in range(len(subnets)):
        source.places[f"network.subnets[{index}]"] = source.inner_place("ipam", "subnet")
        source.places[f"network.subnets[{index}].prefix"] = source.inner_place("ipam", "subnet")
        source.places[f"network.subnets[{index}].gateway"] = source.inner_place("ipam", "routes")
    source.document["network"] = {**network, "subnets": subnets}


def _parted(
    source: Translation, policies: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]:
    """(the policies of the network, those of its subnets with their places in the file).

    These peers know no subnet's policies: VLAN and VSID are written as the network's.
    """
    places = [source.places.pop(f"network.policies[{index}]") for index in range(len(policies))]
    placed = list(zip(places, policies, strict=True))
    own = [(place, policy) for place, policy in placed if policy["Type"] not in SUBNET_POLICIES]
    source.places.update({f"network.policies[{index}]": place for index, (place, _) in enumerate(own)})
    of_subnets = [(place, policy) for place, policy in placed if policy["Type"] in SUBNET_POLICIES]
    return [policy for _, policy in own], of_subnets


def _isolated(
    source: Translation, index: int, policies: list[tuple[str, dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    """The `policies` of the subnet with this index."""
    source.places.update(
        {f"network.subnets[{index}].policies[{number}]": place for number, (place, _) in enumerate(policies)}
    )
    return {"policies": [policy for _, policy in policies]} if policies else {}


def _refuse_without_subnet(source: Translation, policies: list[tuple[str, dict[str, Any]]]) -> None:
    for place, policy in policies:
        source.fault(
            place, f"{policy['Type']} is a policy of a subnet for HCN: name the network's in ipam.subnet"
        )


def _subnet(prefix: Any, routes: list[Route]) -> dict[str, Any]:
    """The subnet with the gateway that a default route names inside it."""
    try:
        inside = fields.network(prefix)
    except ValueError:
        return {"prefix": prefix}  # the models will say what is wrong
    for destination, hop in routes:
        if destination in DEFAULT_ROUTES.values() and hop and fields.address(hop) in inside:
            return {"prefix": prefix, "gateway": hop}
    return {"prefix": prefix}
