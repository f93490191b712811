"""The V1 documents of the same objects: HNSCall's answers, and those to a query for schema version 1.

GUIDs are upper-case here, as in most dumps; member names are those of hcsshim's V1 types and of dumps.
"""

from __future__ import annotations

from cni_hns.simulator.core import containers, endpoints, namespaces, networks
from cni_hns.simulator.core.documents import SHOWN, Document, shown
from cni_hns.simulator.core.loadbalancers import load as load_balancer
from cni_hns.simulator.core.prefixes import IPV6, address
from cni_hns.simulator.core.routes import load as load_route
from cni_hns.simulator.core.store import State
from cni_hns.simulator.core.subnets import gateway_of, subnets

__all__ = ["endpoint", "namespace", "network", "policy_list"]

_TYPES = {"NAT": "nat", "ICS": "ICS", "L2Bridge": "L2Bridge", "L2Tunnel": "L2Tunnel", "Overlay": "Overlay"}


def network(state: State, guid: str) -> Document:
    """A network (HNSNetwork)."""
    kept = networks.load(state, guid)
    if SHOWN in kept:
        return shown(kept, v1=True)
    row = state.row("SELECT endpoints_now, endpoints_ever, endpoints_peak FROM networks WHERE id = ?", guid)
    now, ever, peak = row or (0, 0, 0)
    view: Document = {
        "ID": guid.upper(),
        "Name": kept["Name"],
        "Type": _TYPES.get(kept["Type"], kept["Type"]),
        "Flags": kept["Flags"],
        "Policies": [_flat(policy) for policy in kept["Policies"]],
        "MacPools": kept["MacPool"]["Ranges"],
        "Subnets": [_subnet(subnet) for subnet in subnets(kept)],
        "DNSSuffix": kept["Dns"].get("Domain", ""),
        "DNSServerList": ",".join(kept["Dns"].get("ServerList", [])),
        "DNSServerCompartment": 1,
        "AutomaticDNS": any(policy["Type"] == "AutomaticDNS" for policy in kept["Policies"]),
        "CurrentEndpointCount": now,
        "TotalEndpoints": ever,
        "MaxConcurrentEndpoints": peak,
        "Extensions": _extensions(kept),
        "IPv6": any(":" in subnet["IpAddressPrefix"] for subnet in subnets(kept)),
        "Resources": {"AllocationOrder": 2, "Allocators": [], "ID": guid.upper(), "State": 1},
        "Health": {"LastErrorCode": 0, "LastUpdateTime": kept["StartTime"]},
        "ActivityId": kept["ActivityId"].upper(),
        "State": 1,
        "Version": kept["Version"],
    }
    if "LayeredOn" in kept:
        view["LayeredOn"] = kept["LayeredOn"].upper()
    if "adapter" in kept:
        view["NetworkAdapterName"] = kept["adapter"]
    if kept["Type"] in ("NAT", "ICS"):
        view["NatName"] = f"{kept['Type']}{guid.upper()}"
    address_ = networks.management_address(state, kept)
    if address_:
        view["ManagementIP"] = address_
        if "router_mac" in kept:
            view["DrMacAddress"] = kept["router_mac"]
    return view


def _subnet(kept: Document) -> Document:
    return {
        "ID": kept["ID"].upper(),
        "AddressPrefix": kept["IpAddressPrefix"],
        "GatewayAddress": gateway_of(kept),
        "Policies": [
            {"Type": item["Type"], item["Type"]: item["Settings"]["IsolationId"]} for item in kept["Policies"]
        ],
        "IpSubnets": [{**item, "ID": item["ID"].upper(), "ObjectType": 6} for item in kept["IpSubnets"]],
        "ObjectType": 5,
        "State": 0,
    }


# Extension ids of the newer Windows builds in dumps.
_EXTENSIONS = (
    ("f74f241b-440f-4433-bb28-00f89ead20d8", "Microsoft Azure VFP Switch Extension"),
    ("430bdadd-bab0-41ab-a369-94b67fa5be0a", "Microsoft NDIS Capture"),
    ("e7c3b2f0-f3c5-48df-af2b-10fed6d72e7a", "Microsoft Windows Filtering Platform"),
)


def _extensions(kept: Document) -> list[Document]:
    changed = kept.get("extensions", {})
    vfp = kept["Type"] in ("L2Bridge", "L2Tunnel", "Overlay")
    return [
        {"Id": guid.upper(), "IsEnabled": changed.get(guid, vfp and number == 0), "Name": name}
        for number, (guid, name) in enumerate(_EXTENSIONS)
    ]


def endpoint(state: State, guid: str) -> Document:
    """An endpoint (HNSEndpoint)."""
    found = endpoints.load(state, guid)
    kept = found.document
    if SHOWN in kept:
        return shown(kept, v1=True)
    home = state.row("SELECT name, type FROM networks WHERE id = ?", found.network) or ("", "")
    view: Document = {
        "ID": guid.upper(),
        "Name": kept["Name"],
        "VirtualNetwork": found.network.upper(),
        "VirtualNetworkName": home[0],
        "Policies": [_flat(policy) for policy in kept["Policies"]],
        "MacAddress": kept["MacAddress"],
        **_addresses(kept),
        "DNSSuffix": kept["Dns"].get("Domain", ""),
        "DNSServerList": ",".join(kept["Dns"].get("ServerList", [])),
        "EnableInternalDNS": kept["EnableInternalDNS"],
        "DisableICC": kept["DisableICC"],
        "EnableLowMetric": kept["EnableLowMetric"],
        "IsRemoteEndpoint": found.remote,
        "EncapOverhead": _overhead(kept),
        "SharedContainers": found.containers,
        "Resources": {"AllocationOrder": 1, "Allocators": [], "ID": guid.upper(), "State": 1},
        "Health": {"LastErrorCode": 0, "LastUpdateTime": kept["StartTime"]},
        "ActivityId": kept["ActivityId"].upper(),
        "CreateProcessingStartTime": kept["StartTime"],
        "StartTime": kept["StartTime"],
        "Type": _TYPES.get(home[1], home[1]),
        "State": found.state,
        "Version": kept["Version"],
    }
    if found.namespace:
        home_namespace = namespace(state, found.namespace)
        view["Namespace"] = {
            name: home_namespace[name] for name in ("ID", "CompartmentId", "IsDefault", "ResourceList")
        }
    return view


def _addresses(kept: Document) -> Document:
    found: Document = {}
    for item in kept["IpConfigurations"]:
        value = address(item["IpAddress"])
        v6 = value is not None and value.version == IPV6
        found["IPv6Address" if v6 else "IPAddress"] = item["IpAddress"]
        found["IPv6PrefixLength" if v6 else "PrefixLength"] = item["PrefixLength"]
    for route in kept["Routes"]:
        if route["DestinationPrefix"] == "0.0.0.0/0":
            found["GatewayAddress"] = route["NextHop"]
        elif route["DestinationPrefix"] == "::/0":
            found["GatewayAddressV6"] = route["NextHop"]
    return found


def _overhead(kept: Document) -> int:
    for policy in kept["Policies"]:
        if policy["Type"] == "EncapOverhead":
            return int(policy["Settings"]["Overhead"])
    return 0


def namespace(state: State, guid: str) -> Document:
    """A namespace, its compartment under the V1 names."""
    found = namespaces.load(state, guid)
    if SHOWN in found.document:
        return shown(found.document, v1=True)
    members = state.rows("SELECT id FROM endpoints WHERE namespace = ? ORDER BY joined, rowid", guid)
    return {
        "ID": guid.upper(),
        "CompartmentGuid": guid.upper(),
        "CompartmentId": found.compartment,
        "IsDefault": found.document["Type"].endswith("Default"),
        "ResourceList": [{"Type": "Endpoint", "Data": {"Id": row[0].upper()}} for row in members],
        "Containers": containers.of_namespace(state, guid),
        "Policies": [],
        "State": found.state,
    }


def policy_list(state: State, guid: str) -> Document:
    """A load balancer as a policy list of type ELB, an SDN route as one of type ROUTE."""
    is_balancer = state.row("SELECT 1 FROM loadbalancers WHERE id = ?", guid) is not None
    kept = load_balancer(state, guid) if is_balancer else load_route(state, guid)
    if SHOWN in kept:
        return shown(kept, v1=True)
    if is_balancer:
        policies = [
            {
                "Type": "ELB",
                "Protocol": item["Protocol"],
                "InternalPort": item["InternalPort"],
                "ExternalPort": item["ExternalPort"],
                "SourceVIP": kept["SourceVIP"],
                "VIPs": kept["FrontendVIPs"],
                "ILB": bool(item["Flags"] & 1),
                "IsDSR": bool(kept["Flags"] & 1),
            }
            for item in kept["PortMappings"]
        ]
    else:
        policies = [{"Type": "ROUTE", **item} for item in kept["Routes"]]
    return {
        "ID": guid.upper(),
        "References": [f"/endpoints/{backend.upper()}" for backend in kept["HostComputeEndpoints"]],
        "Policies": policies,
        "IsApplied": True,
        "HostComputeNetwork": kept["HostComputeNetwork"].upper(),
        "State": 2,
    }


_FLAT: dict[str, tuple[str, dict[str, str]]] = {
    "PortMapping": ("NAT", {}),
    "OutBoundNAT": ("OutBoundNAT", {"Exceptions": "ExceptionList", "VirtualIP": "VIP"}),
    "SDNRoute": ("ROUTE", {}),
    "ProviderAddress": ("PA", {"ProviderAddress": "PA"}),
    "L4Proxy": ("PROXY", {}),
}
_PROTOCOL_NAMES = {6: "TCP", 17: "UDP"}


def _flat(policy: Document) -> Document:
    """A policy with its members beside its type, under the V1 names."""
    kind, names = _FLAT.get(policy["Type"], (policy["Type"], {}))
    flat: Document = {"Type": kind}
    for name, value in policy["Settings"].items():
        flat[names.get(name, name)] = value
    if kind == "NAT":
        flat["Protocol"] = _PROTOCOL_NAMES.get(flat.get("Protocol", 0), "")
    return flat
