"""What a statically typed client demands of an answer.

Microsoft's Go client decodes every answer into fixed types and fails on a text where a number belongs, a
number that is too large, or a GUID in another form; null and missing members are the type's zero value, and
unknown members are ignored. An answer that Python reads happily can stop such a program.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

__all__ = [
    "ENDPOINT",
    "ENDPOINT_STATISTICS",
    "GUIDS",
    "LOAD_BALANCER",
    "NAMESPACE",
    "NETWORK",
    "ROUTE",
    "V1_ENDPOINT",
    "V1_MAC_LIST",
    "V1_NAMESPACE",
    "V1_NETWORK",
    "V1_POLICY_LIST",
    "VERSION",
    "read",
]

Shape = Any

TEXT, FLAG, RAW, GUID, ADDRESS = "text", "flag", "raw", "guid", "address"
U8, U16, U32, U64 = 8, 16, 32, 64

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

GUIDS = [GUID]
VERSION = {"Major": U32, "Minor": U32}
_EXTRA = {
    "Resources": RAW,
    "SharedContainers": RAW,
    "LayeredOn": TEXT,
    "SwitchGuid": TEXT,
    "UtilityVM": TEXT,
    "VirtualMachine": TEXT,
}
_HEALTH = {"Data": RAW, "Extra": _EXTRA}
_DNS = {"Domain": TEXT, "Search": [TEXT], "ServerList": [TEXT], "Options": [TEXT]}
_ROUTE = {"NextHop": TEXT, "DestinationPrefix": TEXT, "Metric": U16}
_POLICY = {"Type": TEXT, "Settings": RAW}
_MAC_RANGE = {"StartMacAddress": TEXT, "EndMacAddress": TEXT}

NETWORK = {
    "ID": TEXT,
    "Name": TEXT,
    "Type": TEXT,
    "Policies": [_POLICY],
    "MacPool": {"Ranges": [_MAC_RANGE]},
    "Dns": _DNS,
    "Ipams": [
        {
            "Type": TEXT,
            "Subnets": [{"IpAddressPrefix": TEXT, "Policies": [RAW], "Routes": [_ROUTE], "Flags": U32}],
        }
    ],
    "Flags": U32,
    "Health": _HEALTH,
    "SchemaVersion": VERSION,
}
ENDPOINT = {
    "ID": TEXT,
    "Name": TEXT,
    "HostComputeNetwork": TEXT,
    "HostComputeNamespace": TEXT,
    "Policies": [_POLICY],
    "IpConfigurations": [{"IpAddress": TEXT, "PrefixLength": U8}],
    "Dns": _DNS,
    "Routes": [_ROUTE],
    "MacAddress": TEXT,
    "Flags": U32,
    "Health": _HEALTH,
    "SchemaVersion": VERSION,
}
NAMESPACE = {
    "ID": TEXT,
    "NamespaceId": U32,
    "Type": TEXT,
    "Resources": [{"Type": TEXT, "Data": RAW}],
    "SchemaVersion": VERSION,
}
LOAD_BALANCER = {
    "ID": TEXT,
    "HostComputeEndpoints": [TEXT],
    "SourceVIP": TEXT,
    "FrontendVIPs": [TEXT],
    "PortMappings": [
        {"Protocol": U32, "InternalPort": U16, "ExternalPort": U16, "DistributionType": U32, "Flags": U32}
    ],
    "SchemaVersion": VERSION,
    "Flags": U32,
}
ROUTE = {
    "ID": TEXT,
    "HostComputeEndpoints": [TEXT],
    "Setting": [{"DestinationPrefix": TEXT, "NextHop": TEXT, "NeedEncap": FLAG}],
    "SchemaVersion": VERSION,
}

V1_NETWORK = {
    "ID": TEXT,
    "Name": TEXT,
    "Type": TEXT,
    "NetworkAdapterName": TEXT,
    "SourceMac": TEXT,
    "Policies": [RAW],
    "MacPools": [_MAC_RANGE],
    "Subnets": [{"AddressPrefix": TEXT, "GatewayAddress": TEXT, "Policies": [RAW]}],
    "DNSSuffix": TEXT,
    "DNSServerList": TEXT,
    "DNSServerCompartment": U32,
    "ManagementIP": TEXT,
    "AutomaticDNS": FLAG,
}
V1_NAMESPACE = {
    "ID": TEXT,
    "IsDefault": FLAG,
    "ResourceList": [{"Type": TEXT, "Data": RAW}],
    "CompartmentId": U32,
}
V1_ENDPOINT = {
    "ID": TEXT,
    "Name": TEXT,
    "VirtualNetwork": TEXT,
    "VirtualNetworkName": TEXT,
    "Policies": [RAW],
    "MacAddress": TEXT,
    "IPAddress": ADDRESS,
    "IPv6Address": ADDRESS,
    "DNSSuffix": TEXT,
    "DNSServerList": TEXT,
    "DNSDomain": TEXT,
    "GatewayAddress": TEXT,
    "GatewayAddressV6": TEXT,
    "EnableInternalDNS": FLAG,
    "DisableICC": FLAG,
    "PrefixLength": U8,
    "IPv6PrefixLength": U8,
    "IsRemoteEndpoint": FLAG,
    "EnableLowMetric": FLAG,
    "Namespace": V1_NAMESPACE,
    "EncapOverhead": U16,
    "SharedContainers": [TEXT],
    "State": U16,
}
V1_POLICY_LIST = {"ID": TEXT, "References": [TEXT], "Policies": [RAW]}
V1_MAC_LIST = {"MacAddressList": [{"MacAddress": TEXT}]}
ENDPOINT_STATISTICS = {
    "BytesReceived": U64,
    "BytesSent": U64,
    "DroppedPacketsIncoming": U64,
    "DroppedPacketsOutgoing": U64,
    "EndpointId": TEXT,
    "InstanceId": TEXT,
    "PacketsReceived": U64,
    "PacketsSent": U64,
}


def read(shape: Shape, value: Any, where: str = "") -> Any:
    """The part of the answer that the shape knows, every member there; what does not fit is an error.

    Raises:
        TypeError: a value of another type, with its place in the document.
    """
    if isinstance(shape, dict):
        return _read_object(shape, value, where)
    if isinstance(shape, list):
        _demand(value is None or isinstance(value, list), shape, value, where)
        return [read(shape[0], item, f"{where}[{index}]") for index, item in enumerate(value or [])]
    if shape == RAW:
        return value
    if shape == FLAG:
        _demand(value is None or isinstance(value, bool), shape, value, where)
        return bool(value)
    if isinstance(shape, int):
        good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << shape
        _demand(value is None or good, f"{shape} bits", value, where)
        return value or 0
    _demand(value is None or isinstance(value, str), shape, value, where)
    if shape == GUID:
        _demand(_GUID.fullmatch(value or ""), shape, value, where)
    if shape == ADDRESS and value:
        ipaddress.ip_address(value)
    return value or ""


def _read_object(shape: dict[str, Shape], value: Any, where: str) -> dict[str, Any]:
    """Member names are compared without regard to case; one that is spelled exactly goes first."""
    _demand(value is None or isinstance(value, dict), "object", value, where)
    given = value or {}
    folded = {name.lower(): item for name, item in given.items()}
    return {
        name: read(inner, given.get(name, folded.get(name.lower())), f"{where}.{name}".lstrip("."))
        for name, inner in shape.items()
    }


def _demand(good: object, shape: Shape, value: Any, where: str) -> None:
    if not good:
        raise TypeError(f"{where or 'the answer'}: {value!r} is no {shape}")
