"""nat, sdnbridge and sdnoverlay of microsoft/windows-container-networking: one program under three names.

They create the HCN network where it is missing, whose type they never look at otherwise, and leave addresses
to HNS where no IPAM plugin is named.
"""

from __future__ import annotations

from cni_hns.hcn.models.policies import SUBNET_POLICIES
from cni_hns.typed import Any

from .essentials import ipam_kind
from .foreign import Translation
from .models import Network, Subnet
from .network_policies import read_network_policies, subnet_path
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
    source.first_of_each_family(ipam)
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


def _network(source: Translation, mode: str, subnets: list[NewSubnet], *, dual: bool) -> None:
    source.accepts = ["L2Bridge"] if dual else []
    known = source.get("type") in _OWN_TYPES
    policies = read_policies(source, _POLICIES if known else _POLICIES_OF_OLD)
    if mode == "overlay" and not any(
        each["Type"] == "ProviderAddress" for each in source.document.get("policies", [])
    ):
        source.remark(
            f"each endpoint gets the node's address as ProviderAddress, which {source.peer} leaves to the "
            "configuration: without it other nodes do not reach the pod"
        )
    network: dict[str, Any] = {"mode": mode}
    own, of_subnets = _parted(source, policies)
    _see_that_it_can_be_made(source, mode, own, of_subnets, [each.prefix for each in subnets])
    has_vsid = any(policy["Type"] == "VSID" for policy in of_subnets)
    complete = (subnets or mode in ("nat", "transparent")) and (has_vsid or mode != "overlay")
    creatable = complete and not dual and source.makes_network
    if creatable:
        network["create"] = True
        network["policies"] = own
    elif source.makes_network:
        source.remark(
            "the HCN network must be there already: the configuration has not all that creating it takes"
        )
    place = source.inner_place("ipam", "subnet" if "subnet" in source.members("ipam") else "ranges")
    for index in range(len(subnets)):
        source.places[f"network.subnets[{index}]"] = place
        source.places[f"network.subnets[{index}].prefix"] = place
        source.places[f"network.subnets[{index}].gateway"] = source.inner_place("ipam", "routes")
    source.document["network"] = {
        **network,
        "subnets": [_described(each, of_subnets if creatable else []) for each in subnets],
    }


def _described(subnet: NewSubnet, policies: list[dict[str, Any]]) -> dict[str, Any]:
    """The subnet as a native configuration writes it."""
    named = {"prefix": subnet.prefix, "gateway": subnet.gateway, "policies": policies}
    return {key: value for key, value in named.items() if key == "prefix" or value}


def _parted(
    source: Translation, policies: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the policies of the network, those of each of its subnets), each with its place in the file.

    These peers know no subnet's policies: VLAN and VSID are written as the network's.
    """
    places = [source.places.pop(f"network.policies[{index}]") for index in range(len(policies))]
    own: list[dict[str, Any]] = []
    of_subnets: list[dict[str, Any]] = []
    for place, policy in zip(places, policies, strict=True):
        if policy["Type"] in SUBNET_POLICIES:
            source.places[f"{subnet_path(0)}[{len(of_subnets)}]"] = place
            of_subnets.append(policy)
        else:
            source.places[f"network.policies[{len(own)}]"] = place
            own.append(policy)
    return own, of_subnets


def _see_that_it_can_be_made(
    source: Translation,
    mode: Any,
    own: list[dict[str, Any]],
    of_subnets: list[dict[str, Any]],
    prefixes: list[Any],
) -> None:
    """A policy that HNS would refuse keeps the network from being made, which matters where there is none."""
    network = Network(mode=mode, policies=own, subnets=[Subnet(policies=of_subnets)])
    for finding in read_network_policies(network).findings:
        renamed = source.renamed(finding)
        source.spoil_network(renamed.path, renamed.message)
    if of_subnets and not prefixes:
        place = source.places[f"{subnet_path(0)}[0]"]
        message = f"{of_subnets[0]['Type']} is a policy of a subnet for HCN, and ipam.subnet names none"
        source.spoil_network(place, message)
