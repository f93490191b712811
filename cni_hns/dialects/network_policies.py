"""The policies of an HCN network to create and of its subnets, and what holds between them and `network`."""

from __future__ import annotations

from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from . import fields
from .findings import Finding
from .models import Network
from .policies import PlacedPolicy, checked_policies, features_of
from .quoting import masked, quoted

__all__ = ["NetworkPolicies", "network_policies_alone", "read_network_policies", "subnet_path"]

# Numbers below belong to VLANs: HNS makes no overlay network with one.
_LOWEST_VSID_OF_OVERLAY = 4096

_PATH = "network.policies"


class NetworkPolicies(NamedTuple):
    """The policies of the network, and of each of its subnets in their order."""

    of_network: list[dict[str, Any]]
    of_subnets: list[list[dict[str, Any]]]
    requires: list[str]
    findings: list[Finding]


def read_network_policies(network: Network) -> NetworkPolicies:
    """The sound policies of the network and its subnets, with everything that is wrong with the others."""
    own, findings = checked_policies(network.policies, "network", _PATH)
    findings += [*_beside_the_keys(network, own), *_nested_sets(own, whole=not findings)]
    of_subnets = []
    for index, subnet in enumerate(network.subnets):
        found, faults = checked_policies(subnet.policies, "subnet", subnet_path(index))
        findings += [*faults, *_of_subnet(network, index, found)]
        of_subnets.append([*_vsid(network), *(policy for _, policy in found)])
    policies = [policy for _, policy in own]
    requires = features_of(policies, "network") if network.create else []
    return NetworkPolicies(policies, of_subnets, requires, findings)


def network_policies_alone(network: Mapping[str, Any]) -> list[Finding]:
    """What is wrong inside the policies of a `network` that is too faulty to read on."""
    found = _findings_of(network.get("policies"), "network", _PATH)
    subnets = network.get("subnets")
    for index, subnet in enumerate(subnets if isinstance(subnets, list) else []):
        if isinstance(subnet, Mapping):
            found += _findings_of(subnet.get("policies"), "subnet", subnet_path(index))
    return found


def subnet_path(index: int) -> str:
    """The path of a subnet's policies."""
    return f"network.subnets[{index}].policies"


def _findings_of(policies: object, level: str, path: str) -> list[Finding]:
    return checked_policies(policies, level, path)[1] if isinstance(policies, list) else []


def _vsid(network: Network) -> list[dict[str, Any]]:
    """`network.vsid` is the VSID policy of every subnet."""
    if network.vsid is None:
        return []
    return [{"Type": "VSID", "Settings": {"IsolationId": network.vsid}}]


def _beside_the_keys(network: Network, policies: list[PlacedPolicy]) -> list[Finding]:
    found = []
    for index, policy in policies:
        place = f"{_PATH}[{index}]"
        if policy["Type"] == "NetAdapterName" and network.adapter is not None:
            found.append(Finding(place, "network.adapter names the adapter already"))
        elif policy["Type"] == "NetAdapterName" and network.mode == "nat":
            found.append(Finding(place, "a nat network is bound to no adapter"))
        elif policy["Type"] == "RemoteSubnetRoute" and network.mode != "overlay":
            message = f"only overlay networks have routes to other nodes' subnets, not {network.mode}"
            found.append(Finding(place, message))
    return found


def _nested_sets(policies: list[PlacedPolicy], *, whole: bool) -> list[Finding]:
    """A nested set may only name sets that the network has; `whole`: all of its policies are sound."""
    known = {policy["Settings"]["Id"] for _, policy in policies if policy["Type"] == "SetPolicy"}
    return [
        Finding(f"{_PATH}[{index}].Settings.Values", _unknown_set(name.strip()))
        for index, policy in policies
        if policy["Settings"].get("PolicyType") == "NESTEDIPSET"
        for name in policy["Settings"].get("Values", "").split(",")
        if whole and name.strip() and name.strip() not in known
    ]


def _unknown_set(name: str) -> str:
    words = "no SetPolicy here has the Id "
    return masked(words + quoted(name), words + fields.shown(name))


def _of_subnet(network: Network, index: int, policies: list[PlacedPolicy]) -> list[Finding]:
    found = []
    for number, policy in policies:
        place = f"{subnet_path(index)}[{number}]"
        if policy["Type"] != "VSID":
            continue
        if network.vsid is not None:
            found.append(Finding(place, "network.vsid is the virtual subnet id of every subnet already"))
        if network.mode == "overlay" and policy["Settings"]["IsolationId"] < _LOWEST_VSID_OF_OVERLAY:
            message = f"{_LOWEST_VSID_OF_OVERLAY} or more is expected on overlay"
            found.append(Finding(f"{place}.Settings.IsolationId", message))
    return found
