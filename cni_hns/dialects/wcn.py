"""nat, sdnbridge and sdnoverlay of microsoft/windows-container-networking: one program under three names.

They create the HCN network where it is missing, whose type they never look at otherwise, and leave addresses
to HNS where no IPAM plugin is named.
"""

from __future__ import annotations

from cni_hns.hcn.models.policies import SUBNET_POLICIES
from cni_hns.typed import Any

from .essentials import ipam_kind
from .foreign import Translation
from .policies import read_network_policies
from .policy_lists import PolicyLists, read_policies
from .wcn_gateways import NewSubnet, choose_gateways, new_subnets

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


def translate(source: Translation, mode: str) -> None:
    """Fill in the native document for an HCN network of this mode."""
    source.say_unread("ipmasq", "ipmasqnetwork", "endpointmacprefix", "loopbackdsr")
    flags = _flags(source)
    kind, _ = ipam_kind(source.members("ipam"))
    ipam = source.ipam()
    subnets = new_subnets(source, ipam, kind)
    choose_gateways(source, ipam, kind, flags, subnets)
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


def _network(source: Translation, mode: str, subnets: list[NewSubnet], *, dual: bool) -> None:
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
    place = source.inner_place("ipam", "subnet" if "subnet" in source.members("ipam") else "ranges")
    for index in range(len(subnets)):
        source.places[f"network.subnets[{index}]"] = place
        source.places[f"network.subnets[{index}].prefix"] = place
        source.places[f"network.subnets[{index}].gateway"] = source.inner_place("ipam", "routes")
    described = [
        {"prefix": each.prefix, **({"gateway": each.gateway} if each.gateway else {})} for each in subnets
    ]
    source.document["network"] = {**network, "subnets": described}
