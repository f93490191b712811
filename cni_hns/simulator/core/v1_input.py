"""V1-shaped documents read as V2 ones.

They come through HNSCall, and through HcnCreate* too (hcsshim's tests do it): a document without a
SchemaVersion of Major 2 and with members that only V1 has is a V1 one. Names are those of hcsshim's V1
types.
"""

from __future__ import annotations

from typing import Any

from cni_hns.simulator.core.documents import Document, folded, list_of, number_of, text_member
from cni_hns.simulator.core.errors import INVALID_POLICY, INVALID_POLICY_TYPE, Refused
from cni_hns.simulator.core.prefixes import address
from cni_hns.simulator.core.subnets import default_prefix, gateway_of, subnets

__all__ = [
    "endpoint_from_v1",
    "is_v1",
    "load_balancer_from_v1",
    "network_from_v1",
    "policies_from_v1",
    "route_from_v1",
]

_ONLY_V1 = {
    "subnets",
    "macpools",
    "virtualnetwork",
    "virtualnetworkname",
    "ipaddress",
    "ipv6address",
    "networkadaptername",
    "dnsserverlist",
    "dnssuffix",
    "gatewayaddress",
    "sourcemac",
}
_NETWORK = (
    "ID",
    "Name",
    "Owner",
    "Type",
    "Flags",
    "NetworkAdapterName",
    "SourceMac",
    "Policies",
    "MacPools",
    "Subnets",
    "DNSSuffix",
    "DNSServerList",
    "ManagementIP",
    "AutomaticDNS",
)
_ENDPOINT = (
    "ID",
    "Name",
    "Owner",
    "Policies",
    "MacAddress",
    "IPAddress",
    "IPv6Address",
    "PrefixLength",
    "IPv6PrefixLength",
    "GatewayAddress",
    "GatewayAddressV6",
    "DNSSuffix",
    "DNSServerList",
    "DNSDomain",
    "EnableInternalDNS",
    "DisableICC",
    "EnableLowMetric",
    "IsRemoteEndpoint",
    "EncapOverhead",
)
# What Docker writes at the network and V2 has at its subnets.
_OF_SUBNETS = ("VLAN", "VSID")
_ANY = "0.0.0.0/0"
# NatFlags
_EXTERNAL_PORT_RESERVED = 4
_PROTOCOLS = {"tcp": 6, "udp": 17}
_NAMED = {"Major": 1, "Minor": 0}


def is_v1(document: Document) -> bool:
    """Whether the document has the V1 shape."""
    folded_document = {name.lower(): value for name, value in document.items()}
    version = folded_document.get("schemaversion")
    if isinstance(version, dict):
        major = folded(version, ("Major",)).get("Major", 0)
        if major:
            return bool(major == 1)
    return bool(_ONLY_V1 & set(folded_document))


def network_from_v1(given: Document) -> Document:
    """The V2 document of a V1 network."""
    v1 = folded(given, _NETWORK)
    given_policies = list_of(v1, "Policies")
    isolation = [item for item in given_policies if _kind(item) in _OF_SUBNETS]
    policies = [_network_policy(item) for item in given_policies if item not in isolation]
    if text_member(v1, "NetworkAdapterName"):
        policies.append(_policy("NetAdapterName", {"NetworkAdapterName": v1["NetworkAdapterName"]}))
    if text_member(v1, "SourceMac"):
        policies.append(_policy("SourceMacAddress", {"SourceMacAddress": v1["SourceMac"]}))
    if v1.get("AutomaticDNS") is True:
        policies.append(_policy("AutomaticDNS", {"Enable": True}))
    document: Document = {name: v1[name] for name in ("ID", "Name", "Owner", "Type", "Flags") if name in v1}
    document["Policies"] = policies
    document["MacPool"] = {"Ranges": list_of(v1, "MacPools")}
    document["Dns"] = _dns(v1)
    document["Ipams"] = _ipams(list_of(v1, "Subnets"), text_member(v1, "Type"), isolation)
    document["SchemaVersion"] = _NAMED
    return document


def endpoint_from_v1(given: Document, network: Document) -> Document:
    """The V2 document of a V1 endpoint in this network."""
    v1 = folded(given, _ENDPOINT)
    document: Document = {
        name: v1[name]
        for name in (
            "ID",
            "Name",
            "Owner",
            "MacAddress",
            "EnableInternalDNS",
            "DisableICC",
            "EnableLowMetric",
        )
        if name in v1
    }
    document["Flags"] = 1 if v1.get("IsRemoteEndpoint") is True else 0
    document["IpConfigurations"] = [
        {"IpAddress": text_member(v1, name), "PrefixLength": number_of(v1.get(length, 0), length, 8)}
        for name, length in (("IPAddress", "PrefixLength"), ("IPv6Address", "IPv6PrefixLength"))
        if text_member(v1, name)
    ]
    document["Routes"] = [
        {"NextHop": text_member(v1, name), "DestinationPrefix": default_prefix(version)}
        for name, version in (("GatewayAddress", 4), ("GatewayAddressV6", 6))
        if text_member(v1, name) and text_member(v1, name) not in _gateways(network)
    ]
    document["Dns"] = _dns(v1)
    document["Policies"] = policies_from_v1(list_of(v1, "Policies"))
    if v1.get("EncapOverhead"):
        document["Policies"].append(_policy("EncapOverhead", {"Overhead": v1["EncapOverhead"]}))
    document["SchemaVersion"] = _NAMED
    return document


def policies_from_v1(given: list[Document]) -> list[Document]:
    """V1 endpoint policies, each with its members beside its type, as V2 ones."""
    return [_endpoint_policy(item) for item in given]


def load_balancer_from_v1(backends: list[str], policies: list[Document]) -> Document:
    """The load balancer that a policy list of type ELB is."""
    names = ("Type", "Protocol", "InternalPort", "ExternalPort", "SourceVIP", "VIPs", "ILB", "IsDSR")
    document: Document = {
        "HostComputeEndpoints": backends,
        "PortMappings": [],
        "FrontendVIPs": [],
        "Flags": 0,
    }
    for item in policies:
        elb = folded(item, names, {"iisilb": "ILB", "isilb": "ILB"})
        document["SourceVIP"] = text_member(elb, "SourceVIP")
        document["FrontendVIPs"] = list_of(elb, "VIPs", str)
        document["Flags"] = 1 if elb.get("IsDSR") is True else 0
        document["PortMappings"].append(
            {
                "Protocol": elb.get("Protocol", 6),
                "InternalPort": elb.get("InternalPort", 0),
                "ExternalPort": elb.get("ExternalPort", 0),
                "Flags": 1 if elb.get("ILB") is True else 0,
            }
        )
    return document


def route_from_v1(backends: list[str], policies: list[Document]) -> Document:
    """The SDN route that a policy list of type ROUTE is."""
    return {
        "HostComputeEndpoints": backends,
        "Routes": [folded(item, ("DestinationPrefix", "NextHop", "NeedEncap")) for item in policies],
    }


def _policy(kind: str, settings: Document) -> Document:
    return {"Type": kind, "Settings": settings}


def _dns(v1: Document) -> Document:
    """V1 writes the servers as one text with commas."""
    servers = [part.strip() for part in text_member(v1, "DNSServerList").split(",") if part.strip()]
    domain = text_member(v1, "DNSSuffix") or text_member(v1, "DNSDomain")
    return {"Domain": domain, "ServerList": servers}


def _ipams(given: list[Document], kind: str, isolation: list[Document]) -> list[Document]:
    """The subnets, each with the network's own VLAN or VSID; Docker writes the whole world for "none"."""
    found = [item for item in given if folded(item, ("AddressPrefix",)).get("AddressPrefix") != _ANY]
    if not found:
        return [{"Type": "Dhcp"}] if kind.lower() == "transparent" else []
    return [{"Type": "Static", "Subnets": [_subnet(item, isolation) for item in found]}]


def _subnet(given: Document, isolation: list[Document]) -> Document:
    v1 = folded(given, ("ID", "AddressPrefix", "GatewayAddress", "Policies"))
    gateway = text_member(v1, "GatewayAddress")
    value = address(gateway)
    routes = []
    if gateway:
        routes = [
            {
                "NextHop": gateway,
                "DestinationPrefix": default_prefix(value.version if value is not None else 4),
            }
        ]
    subnet: Document = {"IpAddressPrefix": text_member(v1, "AddressPrefix"), "Routes": routes}
    subnet["Policies"] = list_of(v1, "Policies") + isolation
    if "ID" in v1:
        subnet["ID"] = v1["ID"]
    return subnet


def _gateways(network: Document) -> list[str]:
    """V1 endpoints repeat the subnet's gateway; HNS adds that route by itself."""
    return [gateway_of(subnet) for subnet in subnets(network)]


def _kind(policy: Document) -> str:
    return str(folded(policy, ("Type",)).get("Type", "")).upper()


def _network_policy(given: Document) -> Document:
    flat = folded(given, ("Type", "Settings", "PA"))
    if "Settings" in flat:
        return {"Type": flat.get("Type"), "Settings": flat["Settings"]}
    if _kind(given) == "PA":
        return _policy("ProviderAddress", {"ProviderAddress": flat.get("PA", "")})
    return {
        "Type": flat.get("Type"),
        "Settings": {name: value for name, value in given.items() if name != "Type"},
    }


def _endpoint_policy(given: Document) -> Document:
    flat = {name.lower(): value for name, value in given.items()}
    kind = flat.get("type")
    if not isinstance(kind, str):
        raise Refused(INVALID_POLICY_TYPE, f"{kind!r}")
    if isinstance(flat.get("settings"), dict):
        return _policy(kind, flat["settings"])
    renamed = _RENAMED.get(kind.upper())
    if renamed is None:
        return _policy(kind, {name: value for name, value in given.items() if name.lower() != "type"})
    new_kind, names = renamed
    settings: Document = {
        names[name]: value for name, value in flat.items() if name in names and value is not None
    }
    _settle_protocol(settings)
    return _policy(new_kind, settings)


def _settle_protocol(settings: Document) -> None:
    protocol: Any = settings.get("Protocol")
    if isinstance(protocol, str):
        if protocol.lower() not in _PROTOCOLS:
            raise Refused(INVALID_POLICY, f"protocol {protocol!r}")
        settings["Protocol"] = _PROTOCOLS[protocol.lower()]
    if isinstance(settings.get("Protocols"), int):
        settings["Protocols"] = str(settings["Protocols"])
    for name in ("LocalPorts", "RemotePorts"):
        if isinstance(settings.get(name), int):
            settings[name] = str(settings[name])
    # V1 says in words what V2 has a flag for.
    if settings.pop("ExternalPortReserved", False) is True:
        settings["Flags"] = _EXTERNAL_PORT_RESERVED


_RENAMED: dict[str, tuple[str, dict[str, str]]] = {
    "NAT": (
        "PortMapping",
        {
            "protocol": "Protocol",
            "internalport": "InternalPort",
            "externalport": "ExternalPort",
            "externalportreserved": "ExternalPortReserved",
            "vip": "VIP",
        },
    ),
    "OUTBOUNDNAT": (
        "OutBoundNAT",
        {
            "vip": "VirtualIP",
            "exceptionlist": "Exceptions",
            "exceptions": "Exceptions",
            "destinations": "Destinations",
            "maxportpoolusage": "MaxPortPoolUsage",
        },
    ),
    "ROUTE": (
        "SDNRoute",
        {"destinationprefix": "DestinationPrefix", "nexthop": "NextHop", "needencap": "NeedEncap"},
    ),
    "PA": ("ProviderAddress", {"pa": "ProviderAddress"}),
    "ACL": (
        "ACL",
        {
            "id": "Id",
            "protocol": "Protocols",
            "protocols": "Protocols",
            "action": "Action",
            "direction": "Direction",
            "localaddresses": "LocalAddresses",
            "remoteaddresses": "RemoteAddresses",
            "localport": "LocalPorts",
            "localports": "LocalPorts",
            "remoteport": "RemotePorts",
            "remoteports": "RemotePorts",
            "ruletype": "RuleType",
            "priority": "Priority",
        },
    ),
    "PROXY": (
        "L4Proxy",
        {
            "ip": "IP",
            "port": "Port",
            "exceptionlist": "ExceptionList",
            "destination": "Destination",
            "outboundnat": "OutboundNat",
        },
    ),
}
