"""Changing a network ("ModifyNetworkSettingRequest")."""

from __future__ import annotations

from collections.abc import Callable

from cni_hns.simulator.core.documents import Document, enum_name, folded, guid_of, list_of
from cni_hns.simulator.core.errors import (
    HAS_REFERENCES,
    INVALID_SUBNET,
    POLICY_NOT_FOUND,
    REQUEST_UNSUPPORTED,
    SUBNET_NOT_FOUND,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.network_documents import read_dns, refuse_route_off_overlay
from cni_hns.simulator.core.networks import load, save
from cni_hns.simulator.core.policies import demand_members, network_policies, refuse_repeated
from cni_hns.simulator.core.prefixes import network
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import read_ip_subnet, read_subnet, subnets
from cni_hns.simulator.core.versions import schema_of

__all__ = ["REQUEST_TYPES", "modify"]

REQUEST_TYPES = ("Add", "Remove", "Update", "Refresh", "Reset")

# "Multiple subnets" of Microsoft's pages: these types, from Windows 10 2004 (schema 2.6) on.
_MULTI_SUBNET_TYPES = ("L2Bridge", "L2Tunnel", "Overlay")


def modify(state: State, guid: str, given: Document) -> None:
    """Change the network as the request says.

    Raises:
        Refused: 0x803B0015 for what cannot be changed, and what the change itself can be refused for.
    """
    found = load(state, guid)
    request = folded(given, ("ResourceType", "RequestType", "Settings"))
    resource = enum_name(request.get("ResourceType", 0), tuple(_CHANGES), REQUEST_UNSUPPORTED)
    kind = enum_name(request.get("RequestType", 0), REQUEST_TYPES, REQUEST_UNSUPPORTED)
    settings = request.get("Settings", {})
    _CHANGES[resource](state, found, kind, settings if isinstance(settings, dict) else {})
    save(state, found)


def _dns(_state: State, found: Document, kind: str, settings: Document) -> None:
    if kind != "Update":
        raise Refused(REQUEST_UNSUPPORTED, f"DNS {kind}")
    found["Dns"] = read_dns(settings)


def _extension(_state: State, found: Document, kind: str, settings: Document) -> None:
    read = folded(settings, ("Id", "IsEnabled"))
    if kind != "Update":
        raise Refused(REQUEST_UNSUPPORTED, f"Extension {kind}")
    found.setdefault("extensions", {})[guid_of(read.get("Id"))] = bool(read.get("IsEnabled"))


def _policy(state: State, found: Document, kind: str, settings: Document) -> None:
    given = network_policies(state, list_of(folded(settings, ("Policies",)), "Policies"))
    refuse_route_off_overlay(state, found["Type"], given)
    if kind == "Add":
        for policy in given:
            _add_policy(state, found["Policies"], policy)
    elif kind == "Remove":
        for policy in given:
            _remove_policy(found["Policies"], policy)
    elif kind == "Update":
        for policy in given:
            _update_policy(found["Policies"], policy)
    elif kind != "Refresh":
        raise Refused(REQUEST_UNSUPPORTED, f"Policy {kind}")


def _add_policy(state: State, policies: list[Document], policy: Document) -> None:
    if policy["Type"] == "RemoteSubnetRoute":
        prefix = policy["Settings"]["DestinationPrefix"]
        for other in policies:
            if other["Type"] == "RemoteSubnetRoute" and other["Settings"]["DestinationPrefix"] == prefix:
                refuse_unless_zero(state.options.remote_route_twice_hresult, prefix)
    if policy["Type"] == "SetPolicy":
        demand_members(policies, policy)
    refuse_repeated(state, "network", [*policies, policy])
    policies.append(policy)


def _remove_policy(policies: list[Document], policy: Document) -> None:
    for other in policies:
        if _same(other, policy):
            if policy["Type"] == "SetPolicy":
                _refuse_if_named(policies, policy["Settings"]["Id"])
            policies.remove(other)
            return
    raise Refused(POLICY_NOT_FOUND, f"{policy}")


def _same(one: Document, other: Document) -> bool:
    """Sets are told apart by their Id, routes by their prefix, everything else by all of it."""
    if one["Type"] != other["Type"]:
        return False
    key = {"SetPolicy": "Id", "RemoteSubnetRoute": "DestinationPrefix"}.get(one["Type"])
    if key:
        return bool(one["Settings"][key] == other["Settings"][key])
    return bool(one["Settings"] == other["Settings"])


def _update_policy(policies: list[Document], policy: Document) -> None:
    """A set is replaced by its Id; one that does not exist is left out without an error (Azure NPM)."""
    if policy["Type"] == "SetPolicy":
        for index, other in enumerate(policies):
            if _same(other, policy):
                demand_members(policies, policy)
                policies[index] = policy
        return
    policies[:] = [other for other in policies if other["Type"] != policy["Type"]] + [policy]


def _refuse_if_named(policies: list[Document], name: str) -> None:
    for other in policies:
        nested = other["Type"] == "SetPolicy" and other["Settings"].get("PolicyType") == "NESTEDIPSET"
        if nested and name in _members(other):
            raise Refused(HAS_REFERENCES, f"{name} is in {other['Settings']['Id']}")


def _members(policy: Document) -> list[str]:
    return [name.strip() for name in policy["Settings"].get("Values", "").split(",") if name.strip()]


def _subnet(state: State, found: Document, kind: str, settings: Document) -> None:
    _demand_multi_subnet(state, found)
    given = list_of(folded(settings, ("Subnets",)), "Subnets")
    if kind == "Add":
        for item in given:
            _add_subnet(found, read_subnet(state, item, found["Type"]))
    elif kind == "Remove":
        for item in given:
            _remove_subnet(state, found, guid_of(folded(item, ("ID",)).get("ID")))
    else:
        raise Refused(REQUEST_UNSUPPORTED, f"Subnet {kind}")


def _demand_multi_subnet(state: State, found: Document) -> None:
    if found["Type"] not in _MULTI_SUBNET_TYPES or schema_of(state.version) < (2, 6):
        raise Refused(REQUEST_UNSUPPORTED, f"subnets of {found['Type']} cannot be changed")


def _add_subnet(found: Document, subnet: Document) -> None:
    mine = network(subnet["IpAddressPrefix"])
    for other in subnets(found):
        theirs = network(other["IpAddressPrefix"])
        if (
            mine
            and theirs
            and mine.version == theirs.version
            and (mine.network_address in theirs or theirs.network_address in mine)
        ):
            raise Refused(INVALID_SUBNET, f"{mine} overlaps {theirs}")
    found["Ipams"][0]["Subnets"].append(subnet)


def _remove_subnet(state: State, found: Document, guid: str) -> None:
    for ipam in found["Ipams"]:
        for subnet in ipam["Subnets"]:
            if subnet["ID"] == guid:
                _refuse_if_used(state, found, subnet["IpAddressPrefix"])
                ipam["Subnets"].remove(subnet)
                return
    raise Refused(SUBNET_NOT_FOUND, guid)


def _refuse_if_used(state: State, found: Document, prefix: str) -> None:
    """Addresses in it are references to it; the code's own name."""
    space = network(prefix)
    if space is None:
        return
    row = state.row(
        "SELECT endpoint FROM addresses WHERE network = ? AND length(packed) = ? AND packed BETWEEN ? AND ? "
        "AND remote = 0 AND free_at IS NULL LIMIT 1",
        found["ID"],
        space.max_prefixlen // 8,
        space.network_address.packed,
        space.broadcast_address.packed,
    )
    if row:
        raise Refused(HAS_REFERENCES, f"{prefix} is used by {row[0]}")


def _ip_subnet(state: State, found: Document, kind: str, settings: Document) -> None:
    _demand_multi_subnet(state, found)
    read = folded(settings, ("SubnetId", "IpSubnets"))
    subnet = _subnet_of(found, guid_of(read.get("SubnetId")))
    given = list_of(read, "IpSubnets")
    if kind == "Add":
        subnet["IpSubnets"] += [read_ip_subnet(state, item, subnet["IpAddressPrefix"]) for item in given]
    elif kind == "Remove":
        for item in given:
            _remove_ip_subnet(state, found, subnet, guid_of(folded(item, ("ID",)).get("ID")))
    else:
        raise Refused(REQUEST_UNSUPPORTED, f"IPSubnet {kind}")


def _subnet_of(found: Document, guid: str) -> Document:
    for subnet in subnets(found):
        if subnet["ID"] == guid:
            return subnet
    raise Refused(SUBNET_NOT_FOUND, guid)


def _remove_ip_subnet(state: State, found: Document, subnet: Document, guid: str) -> None:
    for item in subnet["IpSubnets"]:
        if item["ID"] == guid:
            _refuse_if_used(state, found, item["IpAddressPrefix"])
            subnet["IpSubnets"].remove(item)
            return
    raise Refused(SUBNET_NOT_FOUND, guid)


_Change = Callable[[State, Document, str, Document], None]

# In the order of the enum's numbers.
_CHANGES: dict[str, _Change] = {
    "DNS": _dns,
    "Extension": _extension,
    "Policy": _policy,
    "Subnet": _subnet,
    "IPSubnet": _ip_subnet,
}
