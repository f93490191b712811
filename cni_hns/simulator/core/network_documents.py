"""Reading a network document, and what its type demands.

Sources: "HostComputeNetwork" of Microsoft's HCN schema page; "Container network drivers" for what each type
needs.
"""

from __future__ import annotations

import json

from cni_hns.simulator.core.documents import (
    Document,
    enum_name,
    folded,
    list_of,
    number_of,
    object_of,
    text_member,
)
from cni_hns.simulator.core.errors import (
    DUPLICATE_NAME,
    INVALID_NETWORK,
    INVALID_NETWORK_TYPE,
    INVALID_SUBNET,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.identity import birth
from cni_hns.simulator.core.macs import below, read_pool
from cni_hns.simulator.core.policies import demand_sets, network_policies, refuse_repeated
from cni_hns.simulator.core.prefixes import Network, network
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import gateway_of, read_ipams, read_subnet, subnets
from cni_hns.simulator.core.versions import has_feature, schema_of

__all__ = ["NETWORK_TYPES", "read_dns", "read_network", "read_schema_version", "refuse_route_off_overlay"]

NETWORK_TYPES = (
    "NAT",
    "ICS",
    "Transparent",
    "L2Bridge",
    "L2Tunnel",
    "Overlay",
    "Private",
    "Internal",
    "Mirrored",
    "Infiniband",
    "ConstrainedICS",
)
# Microsoft publishes the numbers of the first three only.
_NUMBERED = NETWORK_TYPES[:3]
_NEWER = {"Mirrored": (2, 4), "Infiniband": (2, 4), "ConstrainedICS": (2, 10)}
_WINNAT = ("NAT", "ICS")

_FIELDS = ("ID", "Name", "Owner", "Type", "Flags", "Policies", "MacPool", "Dns", "Ipams", "SchemaVersion")


def read_network(state: State, given: Document, v1: bool = False) -> Document:
    """The network as HNS would keep it, without an ID; `v1` is whether the caller speaks V1.

    Raises:
        Refused: a member is wrong, or the type demands something else.
    """
    document = folded(given, _FIELDS)
    kind = _type(state, document.get("Type", 0), v1)
    network_: Document = {
        "ID": document.get("ID", ""),
        "Name": text_member(document, "Name"),
        "Owner": text_member(document, "Owner"),
        "Type": kind,
        "Flags": number_of(document.get("Flags", 0), "Flags"),
        "Policies": network_policies(state, list_of(document, "Policies")),
        "MacPool": read_pool(document),
        "Dns": read_dns(object_of(document, "Dns")),
        "Ipams": read_ipams(state, list_of(document, "Ipams"), kind),
        "SchemaVersion": read_schema_version(document),
        **birth(state),
    }
    _demands_of_type(state, network_)
    return network_


def read_dns(given: Document) -> Document:
    """A Dns member; an older page calls the domain `Suffix`."""
    dns = folded(given, ("Domain", "Search", "ServerList", "Options"), {"suffix": "Domain"})
    read: Document = {}
    if text_member(dns, "Domain"):
        read["Domain"] = dns["Domain"]
    for name in ("Search", "ServerList", "Options"):
        if list_of(dns, name, str):
            read[name] = dns[name]
    return read


def read_schema_version(document: Document) -> Document:
    """The SchemaVersion as sent (containerd's namespaces send 0.0); 2.0 where it is missing."""
    given = folded(object_of(document, "SchemaVersion"), ("Major", "Minor"))
    if not given:
        return {"Major": 2, "Minor": 0}
    return {name: number_of(given.get(name, 0), name) for name in ("Major", "Minor")}


def refuse_route_off_overlay(state: State, kind: str, policies: list[Document]) -> None:
    """Routes to other nodes' subnets are an overlay's."""
    if kind != "Overlay" and any(policy["Type"] == "RemoteSubnetRoute" for policy in policies):
        refuse_unless_zero(state.options.remote_route_elsewhere_hresult, f"RemoteSubnetRoute on {kind}")


def _type(state: State, value: object, v1: bool) -> str:
    names = _NUMBERED if isinstance(value, int) else NETWORK_TYPES
    # Through V1 the code was seen (reported to SDN).
    hresult = INVALID_NETWORK_TYPE if v1 else state.options.unknown_type_hresult
    kind = enum_name(value, names, hresult)
    if schema_of(state.version) < _NEWER.get(kind, (2, 0)):
        raise Refused(hresult, f"{kind} is not in this schema")
    return kind


def _demands_of_type(state: State, document: Document) -> None:
    kind = document["Type"]
    if kind in ("L2Bridge", "L2Tunnel", "Overlay"):
        _demand_static_subnet(document)
    if kind in _WINNAT:
        if not any(True for _ in subnets(document)):
            document["Ipams"] = [{"Type": "Static", "Subnets": [_own_subnet(state)]}]
        _refuse_second_nat(state, document)
    refuse_route_off_overlay(state, kind, document["Policies"])
    refuse_repeated(state, "network", document["Policies"])
    demand_sets(document["Policies"])


def _demand_static_subnet(document: Document) -> None:
    """These types know no DHCP and want a subnet with a default route."""
    found = list(subnets(document))
    if not found or any(ipam["Type"] != "Static" for ipam in document["Ipams"]):
        raise Refused(INVALID_NETWORK, f"{document['Type']} needs a static subnet")
    for subnet in found:
        if not gateway_of(subnet):
            raise Refused(INVALID_SUBNET, f"{subnet['IpAddressPrefix']} has no default route")


def _own_subnet(state: State) -> Document:
    """NAT without a subnet: HNS picks one, a /20 of 172.16/12 in the dumps."""
    taken = _nat_prefixes(state)
    while True:
        base = f"172.{16 + below(16)}.{below(16) * 16}"
        prefix = network(f"{base}.0/20")
        if not any(_overlap(prefix, other) for other in taken):
            route = {"NextHop": f"{base}.1", "DestinationPrefix": "0.0.0.0/0"}
            return read_subnet(state, {"IpAddressPrefix": f"{base}.0/20", "Routes": [route]}, "NAT")


def _refuse_second_nat(state: State, document: Document) -> None:
    """Another NAT holds the prefix, or on old releases any: 0x80070034 (reported to WSL)."""
    others = _nat_prefixes(state)
    if others and not has_feature("SeveralNatPrefixes", state.version):
        raise Refused(DUPLICATE_NAME, "this release has one NAT prefix")
    for subnet in subnets(document):
        mine = network(subnet["IpAddressPrefix"])
        if any(_overlap(mine, other) for other in others):
            raise Refused(DUPLICATE_NAME, f"{mine} is another NAT's")


def _nat_prefixes(state: State) -> list[Network | None]:
    return [
        network(subnet["IpAddressPrefix"])
        for (text,) in state.rows("SELECT document FROM networks WHERE type IN ('NAT', 'ICS')")
        for subnet in subnets(json.loads(text))
    ]


def _overlap(one: Network | None, other: Network | None) -> bool:
    if one is None or other is None or one.version != other.version:
        return False
    return one.network_address in other or other.network_address in one
