"""The `network` object: what must hold between its keys, and the HCN network it stands for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cni_hns.typed import Any

from . import fields, models
from .address_ranges import family, special_fault
from .fields import Ip, Net
from .findings import Finding
from .models import Native, Network, Subnet
from .network_policies import NetworkPolicies
from .plan import NetworkPlan, SubnetPlan
from .reading import Reading

__all__ = ["HCN_TYPES", "gateway_of", "network_findings", "network_plan", "network_requires", "subnet_plans"]

HCN_TYPES = {
    "l2bridge": "L2Bridge",
    "l2tunnel": "L2Tunnel",
    "nat": "NAT",
    "overlay": "Overlay",
    "transparent": "Transparent",
}

_LONGEST_PREFIX = {4: 30, 6: 126}
_NEED_SUBNET = ("l2bridge", "l2tunnel", "overlay")
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}


def _prefix(subnet: Subnet) -> Net | None:
    return subnet.prefix or subnet.subnet


def subnet_plans(network: Network) -> list[SubnetPlan | None]:
    """Each subnet, with its gateway where the configuration names one; None for a faulty subnet."""
    return [_subnet_plan(subnet) for subnet in network.subnets]


def gateway_of(subnet: SubnetPlan) -> str:
    """The gateway a new network gets: the configured one, else the subnet's first address."""
    return subnet.gateway or str(ipaddress.ip_network(subnet.prefix).network_address + 1)


def _subnet_plan(subnet: Subnet) -> SubnetPlan | None:
    prefix = _prefix(subnet)
    if prefix is None or _subnet_faults(subnet):
        return None
    return SubnetPlan(str(prefix), str(subnet.gateway) if subnet.gateway else None)


def _subnet_faults(subnet: Subnet) -> list[tuple[str, str]]:
    prefix, gateway = _prefix(subnet), subnet.gateway
    if subnet.prefix is not None and subnet.subnet is not None:
        return [(".subnet", "says the same as prefix; give one of them")]
    if prefix is None:
        return [("", "a subnet needs its prefix, such as 10.1.0.0/24")]
    if prefix.prefixlen > _LONGEST_PREFIX[prefix.version]:
        return [("", f"{prefix} is too small for a gateway and pods")]
    special = special_fault(prefix)
    if special:
        return [("." + ("subnet" if subnet.prefix is None else "prefix"), special)]
    return [] if gateway is None else _gateway_faults(prefix, gateway)


def _gateway_faults(prefix: Net, gateway: Ip) -> list[tuple[str, str]]:
    if gateway not in prefix:
        return [(".gateway", f"{gateway} is not in the subnet {prefix}")]
    if gateway == prefix.network_address or (
        prefix.version == fields.IPV4 and gateway == prefix.broadcast_address
    ):
        return [(".gateway", f"{gateway} is the network or broadcast address of {prefix}")]
    return []


def network_findings(reading: Reading[Native], network: Network) -> list[Finding]:
    """What is wrong between the keys of `network`."""
    found = [
        Finding(f"network.subnets[{index}]{key}", message)
        for index, subnet in enumerate(network.subnets)
        for key, message in _subnet_faults(subnet)
        if reading.whole(f"network.subnets[{index}]")
    ]
    return [*found, *_between_subnets(network), *_of_the_mode(reading, network), *_mac_pool(network)]


def _between_subnets(network: Network) -> list[Finding]:
    found = []
    known = [(index, prefix) for index, each in enumerate(network.subnets) if (prefix := _prefix(each))]
    for place, (index, prefix) in enumerate(known):
        for number, other in known[:place]:
            if prefix.version == other.version and prefix.overlaps(other):
                found.append(
                    Finding(
                        f"network.subnets[{index}]", f"{prefix} overlaps {other} (network.subnets[{number}])"
                    )
                )
        if prefix.version == fields.IPV6 and network.mode != "l2bridge":
            found.append(
                Finding(
                    f"network.subnets[{index}]",
                    f"HNS has IPv6 on l2bridge networks only, not on {network.mode}",
                )
            )
    versions = {prefix.version for _, prefix in known}
    if versions == {6} and len(known) == len(network.subnets) and network.mode == "l2bridge":
        found.append(
            Finding("network.subnets", "HNS has IPv6 beside IPv4 only; add an IPv4 subnet to the IPv6 one")
        )
    return found


def _of_the_mode(reading: Reading[Native], network: Network) -> list[Finding]:
    found = []
    mode = network.mode
    if network.vsid is not None and mode != "overlay":
        message = (
            f"only overlay networks need a virtual subnet id, not {mode}; a subnet that has one nevertheless "
            "gets it by a VSID policy in network.subnets[i].policies"
        )
        found.append(Finding("network.vsid", message))
    if network.adapter is not None and mode == "nat":
        found.append(Finding("network.adapter", "a nat network is bound to no adapter"))
    if not network.create:
        return found
    if mode in _NEED_SUBNET and not network.subnets and reading.whole("network.subnets"):
        found.append(Finding("network.subnets", f"missing: HNS creates no {mode} network without a subnet"))
    if mode == "overlay" and network.vsid is None and reading.whole("network.vsid"):
        found += _without_vsid(network)
    return found


def _without_vsid(network: Network) -> list[Finding]:
    """Every subnet of an overlay network needs a virtual subnet id: one for all, or a policy of each."""
    lacking = [index for index, subnet in enumerate(network.subnets) if not _has_vsid(subnet)]
    if len(lacking) == len(network.subnets):
        return [
            Finding("network.vsid", "missing: an overlay network needs a virtual subnet id, 4096 or more")
        ]
    return [Finding(f"network.subnets[{index}].policies", "has no VSID policy") for index in lacking]


def _has_vsid(subnet: Subnet) -> bool:
    return any(isinstance(policy, Mapping) and policy.get("Type") == "VSID" for policy in subnet.policies)


def _mac_pool(network: Network) -> list[Finding]:
    return [
        Finding(f"network.macPool[{index}].start", f"{pool.start} comes after end {pool.end}")
        for index, pool in enumerate(network.macPool)
        if pool.start > pool.end
    ]


def network_requires(network: Network, subnets: list[SubnetPlan]) -> list[str]:
    """The features that this network takes for granted."""
    dual = any(family(subnet.prefix) == fields.IPV6 for subnet in subnets)
    portless = models.FLAGS["DisableHostPort"] in network.flags
    return [*(["IPv6DualStack"] if dual else []), *(["DisableHostPort"] if portless else [])]


def _network_document(
    network: Network, name: str, subnets: list[dict[str, Any]], policies: list[dict[str, Any]]
) -> dict[str, Any]:
    """The complete HostComputeNetwork to create.

    Source: https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
    """
    adapter = [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": network.adapter}}]
    ranges = [{"StartMacAddress": pool.start, "EndMacAddress": pool.end} for pool in network.macPool]
    document: dict[str, Any] = {
        "Name": name,
        "Owner": "cni-hns",
        "Type": HCN_TYPES[network.mode],
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "Flags": sum(set(network.flags)),
        "Ipams": _ipams(network, subnets),
        "MacPool": {"Ranges": ranges} if ranges else None,
        "Policies": [*(adapter if network.adapter else []), *policies],
    }
    return {key: value for key, value in document.items() if value}


def _ipams(network: Network, subnets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if subnets:
        return [{"Type": "Static", "Subnets": subnets}]
    # A nat network without subnets gets one from HNS.
    return [{"Type": "Dhcp"}] if network.mode == "transparent" else []


def _subnet_document(subnet: SubnetPlan, policies: list[dict[str, Any]]) -> dict[str, Any]:
    route = {"NextHop": gateway_of(subnet), "DestinationPrefix": _EVERYWHERE[family(subnet.prefix)]}
    document: dict[str, Any] = {"IpAddressPrefix": subnet.prefix, "Routes": [route]}
    return {**document, "Policies": policies} if policies else document


def network_plan(network: Network, name: str, policies: NetworkPolicies) -> NetworkPlan:
    """The plan of a network without faults."""
    sound = [
        (subnet, own)
        for subnet, own in zip(subnet_plans(network), policies.of_subnets, strict=True)
        if subnet is not None
    ]
    subnets = [_subnet_document(subnet, own) for subnet, own in sound]
    return NetworkPlan(
        name=name,
        mode=network.mode,
        hcn_type=HCN_TYPES[network.mode],
        accepts=[HCN_TYPES[network.mode]],
        create=_network_document(network, name, subnets, policies.of_network) if network.create else None,
        subnets=[subnet for subnet, _ in sound],
    )
