"""The subnets of a network: reading them, what each reserves, and which one holds an address.

Sources: "Ipam", "Subnet" and "IpSubnet" of Microsoft's HCN schema page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cni_hns.simulator.core.documents import (
    Document,
    enum_name,
    folded,
    guid_of,
    list_of,
    new_guid,
    number_of,
    text_member,
)
from cni_hns.simulator.core.errors import (
    INVALID_IP_SUBNET,
    INVALID_POLICY,
    INVALID_PREFIX,
    INVALID_SUBNET,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.policies import subnet_policies
from cni_hns.simulator.core.prefixes import IPV4, IPV6, Address, Network, address, has_host_bits, network
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.versions import has_feature, schema_of

__all__ = [
    "ROUTE_FIELDS",
    "Range",
    "default_prefix",
    "gateway_of",
    "isolation_of",
    "ranges",
    "read_ip_subnet",
    "read_ipams",
    "read_routes",
    "read_subnet",
    "subnets",
]

IPAM_TYPES = ("Static", "Dhcp")
ROUTE_FIELDS = ("NextHop", "DestinationPrefix", "Metric")

# Bits of IpSubnet.Flags, and of Subnet.Flags, as the SDN repository's module and hcsshim number them.
_ENABLE_BROADCAST = 1
_RESERVE_NETWORK_ADDRESS = 2
_DO_NOT_RESERVE_GATEWAY = 1

# A prefix of so few addresses reserves none: it is a point-to-point link or a host.
_TOO_FEW = 2
# Lower isolation ids belong to VLANs.
_FIRST_VSID = 4096

_DUAL_STACK_TYPES = ("L2Bridge", "L2Tunnel", "NAT")


class Range(NamedTuple):
    """One IP subnet: where endpoints get addresses from."""

    subnet: Document
    ip_subnet_id: str
    prefix: Network
    reserved: frozenset[Address]
    gateway: Address | None
    gateway_reserved: bool


def default_prefix(version: int) -> str:
    """The destination of a default route of this family."""
    return "0.0.0.0/0" if version == IPV4 else "::/0"


def subnets(document: Document) -> Iterator[Document]:
    """All subnets of a network."""
    for ipam in document["Ipams"]:
        yield from ipam["Subnets"]


def gateway_of(subnet: Document) -> str:
    """The next hop of the subnet's default route; "" without one."""
    for route in subnet["Routes"]:
        if route.get("DestinationPrefix") in ("0.0.0.0/0", "::/0"):
            return str(route.get("NextHop", ""))
    return ""


def isolation_of(subnet: Document, kind: str) -> int:
    """The number of the subnet's VLAN or VSID policy; 0 without one."""
    for policy in subnet["Policies"]:
        if policy["Type"] == kind:
            return int(policy["Settings"]["IsolationId"])
    return 0


def ranges(document: Document) -> Iterator[Range]:
    """Every IP subnet of the network, in order."""
    for subnet in subnets(document):
        gateway = address(gateway_of(subnet))
        lifted = bool(subnet.get("Flags", 0) & _DO_NOT_RESERVE_GATEWAY)
        for ip_subnet in subnet["IpSubnets"]:
            prefix = network(ip_subnet["IpAddressPrefix"])
            if prefix is not None:
                reserved = _reserved(prefix, ip_subnet.get("Flags", 0))
                yield Range(subnet, ip_subnet["ID"], prefix, reserved, gateway, not lifted)


def _reserved(prefix: Network, flags: int) -> frozenset[Address]:
    """.0 and the last address are held back; flags that are set say which of the two (dumps show 3: both)."""
    if prefix.num_addresses <= _TOO_FEW:
        return frozenset()
    held: set[Address] = set()
    if not flags or flags & _RESERVE_NETWORK_ADDRESS:
        held.add(prefix.network_address)
    if prefix.version == IPV4 and (not flags or flags & _ENABLE_BROADCAST):
        held.add(prefix.broadcast_address)
    return frozenset(held)


def read_ipams(state: State, given: list[Document], kind: str) -> list[Document]:
    """The Ipams of a network document, checked, with what HNS fills in."""
    ipams = []
    for item in given:
        ipam = folded(item, ("Type", "Subnets"))
        name = enum_name(ipam.get("Type", 0), IPAM_TYPES, INVALID_SUBNET)
        read = [read_subnet(state, subnet, kind) for subnet in list_of(ipam, "Subnets")]
        ipams.append({"Type": name, "Subnets": read})
    _families(state, ipams, kind)
    return ipams


def read_subnet(state: State, given: Document, kind: str) -> Document:
    """One subnet, checked; without IpSubnets it gets one that is all of it."""
    subnet = folded(
        given,
        ("ID", "IpAddressPrefix", "Policies", "Routes", "IpSubnets", "Flags"),
        {"addressprefix": "IpAddressPrefix"},
    )
    prefix = _prefix(state, text_member(subnet, "IpAddressPrefix"), INVALID_SUBNET)
    routes = read_routes(list_of(subnet, "Routes"), INVALID_SUBNET)
    policies = subnet_policies(state, list_of(subnet, "Policies"))
    flags = number_of(subnet.get("Flags", 0), "Flags")
    if flags and schema_of(state.version) < (2, 7):
        flags = 0  # an older service does not know the member
    read: Document = {
        "ID": guid_of(subnet["ID"]) if subnet.get("ID") else new_guid(),
        "IpAddressPrefix": prefix,
        "Policies": policies,
        "Routes": routes,
        "Flags": flags,
    }
    given_ip_subnets = list_of(subnet, "IpSubnets") if schema_of(state.version) >= (2, 3) else []
    read["IpSubnets"] = [read_ip_subnet(state, item, prefix) for item in given_ip_subnets] or [
        {"ID": new_guid(), "IpAddressPrefix": prefix, "Flags": 3}
    ]
    _gateway(state, read, kind)
    _isolation(state, read, kind)
    return read


def read_ip_subnet(state: State, given: Document, inside: str) -> Document:
    """One IP subnet, which must lie in its subnet."""
    item = folded(given, ("ID", "IpAddressPrefix", "Flags"))
    prefix = _prefix(state, text_member(item, "IpAddressPrefix"), INVALID_IP_SUBNET)
    outer, inner = network(inside), network(prefix)
    if outer is None or inner is None or outer.version != inner.version:
        raise Refused(INVALID_IP_SUBNET, f"{prefix} in {inside}")
    if not (inner.network_address in outer and inner.broadcast_address in outer):
        raise Refused(INVALID_IP_SUBNET, f"{prefix} is not inside {inside}")
    flags = number_of(item.get("Flags", 0), "Flags")
    guid = guid_of(item["ID"]) if item.get("ID") else new_guid()
    return {"ID": guid, "IpAddressPrefix": prefix, "Flags": flags}


def read_routes(given: list[Document], hresult: int) -> list[Document]:
    """Routes with well-formed prefixes and next hops; empty ones are kept as sent."""
    routes = []
    for item in given:
        route = folded(item, ROUTE_FIELDS)
        destination, hop = text_member(route, "DestinationPrefix"), text_member(route, "NextHop")
        if (destination and network(destination) is None) or (hop and address(hop) is None):
            raise Refused(hresult, f"route {destination!r} by {hop!r}")
        read: Document = {"NextHop": hop, "DestinationPrefix": destination}
        if "Metric" in route:
            read["Metric"] = number_of(route["Metric"], "Metric", 16)
        routes.append(read)
    return routes


def _prefix(state: State, text: str, missing: int) -> str:
    if not text:
        raise Refused(missing, "no IpAddressPrefix")
    if network(text) is None:
        raise Refused(INVALID_PREFIX, text)
    if has_host_bits(text):
        refuse_unless_zero(state.options.host_bits_hresult, f"{text} names a host")
    return text


def _gateway(state: State, subnet: Document, kind: str) -> None:
    """Whether an L2Bridge network's gateway lies in its subnet."""
    gateway, prefix = address(gateway_of(subnet)), network(subnet["IpAddressPrefix"])
    if kind == "L2Bridge" and gateway is not None and prefix is not None and gateway not in prefix:
        refuse_unless_zero(state.options.gateway_outside_hresult, f"{gateway} is not in {prefix}")


def _isolation(state: State, subnet: Document, kind: str) -> None:
    """An overlay's subnet carries a VSID of 4096 or more: lower ones belong to VLANs.

    Microsoft's hns.v2.psm1 writes a VLAN, a VSID or both for a network of any type.
    """
    if kind == "Overlay" and isolation_of(subnet, "VSID") < _FIRST_VSID:
        refuse_unless_zero(state.options.vsid_hresult, "overlay needs a VSID of at least 4096")
    if subnet["Policies"] and kind in state.options.isolation_refused_on:
        raise Refused(INVALID_POLICY, f"{subnet['Policies'][0]['Type']} on {kind}")


def _families(state: State, ipams: list[Document], kind: str) -> None:
    """IPv6 only beside IPv4, from HNS 11.10 on, and not on every type.

    Microsoft's page on dual stack names l2bridge alone; the tests of its Go client make NAT networks of both
    families and want no error.
    """
    versions = {
        parsed.version
        for ipam in ipams
        for subnet in ipam["Subnets"]
        if (parsed := network(subnet["IpAddressPrefix"])) is not None
    }
    if IPV6 not in versions:
        return
    if kind not in _DUAL_STACK_TYPES or IPV4 not in versions or not has_feature("DualStack", state.version):
        refuse_unless_zero(state.options.ipv6_subnet_hresult, f"IPv6 on {kind}")
