"""An endpoint's document in the two shapes of HNS: V2 as everything above speaks it, V1 as HNSCall does.

Rule 1: what V1 has no member for is named, and the caller decides; nothing is left out in silence.
Rule 2: of V1 no reference is published: members and policies are those of Microsoft's hcsshim, and what is
sent is what win-bridge and win-overlay send.
"""

from __future__ import annotations

from cni_hns.binding.reading import member
from cni_hns.typed import Any

__all__ = ["as_v1", "as_v2"]

_EVERYWHERE = {"0.0.0.0/0": "GatewayAddress", "::/0": "GatewayAddressV6"}
_ADDRESSES = {"IPAddress": "PrefixLength", "IPv6Address": "IPv6PrefixLength"}
_PROTOCOLS = {6: "TCP", 17: "UDP"}

# By the policy's type in V2: its type in V1, and how V1 calls what V2 has in the settings.
_POLICIES: dict[str, tuple[str, dict[str, str]]] = {
    "OutBoundNAT": (
        "OutBoundNAT",
        {
            "Exceptions": "ExceptionList",
            "Destinations": "Destinations",
            "VirtualIP": "VIP",
            "MaxPortPoolUsage": "MaxPortPoolUsage",
        },
    ),
    "PortMapping": (
        "NAT",
        {"Protocol": "Protocol", "InternalPort": "InternalPort", "ExternalPort": "ExternalPort"},
    ),
    "SDNRoute": (
        "ROUTE",
        {"DestinationPrefix": "DestinationPrefix", "NextHop": "NextHop", "NeedEncap": "NeedEncap"},
    ),
    "ProviderAddress": ("PA", {"ProviderAddress": "PA"}),
    "QOS": ("QOS", {"MaximumOutgoingBandwidthInBytes": "MaximumOutgoingBandwidthInBytes"}),
    "ACL": (
        "ACL",
        {
            name: name
            for name in (
                *("Protocols", "Action", "Direction", "LocalAddresses", "RemoteAddresses"),
                *("LocalPorts", "RemotePorts", "RuleType", "Priority"),
            )
        },
    ),
}
_FROM_V1 = {kind.upper(): (v2, names) for v2, (kind, names) in _POLICIES.items()}


def as_v1(document: dict[str, Any]) -> tuple[dict[str, Any], list[str], list[str]]:
    """(the V1 document of a V2 endpoint; what it cannot say; the types of policies that V1 does not have)

    The prefix length is HNS's own: it follows from the network's subnet, and the peers send none.
    """
    lacking: list[str] = []
    unknown: list[str] = []
    v1: dict[str, Any] = {
        "ID": document.get("ID", ""),
        "Name": document.get("Name", ""),
        "VirtualNetwork": document.get("HostComputeNetwork", ""),
        "MacAddress": document.get("MacAddress", ""),
    }
    for one in document.get("IpConfigurations", []):
        address = one["IpAddress"]
        v1["IPv6Address" if ":" in address else "IPAddress"] = address
    for route in document.get("Routes", []):
        destination, name = route["DestinationPrefix"], _EVERYWHERE.get(route["DestinationPrefix"])
        if name is None:
            lacking.append(f"the route to {destination}")
        else:
            v1[name] = route["NextHop"]
    dns = document.get("Dns", {})
    v1["DNSServerList"] = ",".join(dns.get("ServerList", []))
    v1["DNSSuffix"] = ",".join(dns.get("Search", []))
    lacking += [f"the DNS {name.lower()}" for name in ("Domain", "Options") if dns.get(name)]
    v1["Policies"] = [
        flat
        for policy in document.get("Policies", [])
        if (flat := _flat(policy["Type"], policy.get("Settings", {}), lacking, unknown))
    ]
    return {name: value for name, value in v1.items() if value}, lacking, unknown


def as_v2(endpoint: dict[str, Any]) -> dict[str, Any]:
    """The V2 document of a V1 endpoint, with `SharedContainers` and `State` beside it."""
    namespace = member(endpoint, "Namespace")
    return {
        "ID": member(endpoint, "ID") or "",
        "Name": member(endpoint, "Name") or "",
        "HostComputeNetwork": member(endpoint, "VirtualNetwork") or "",
        "HostComputeNamespace": member(namespace, "ID") or "" if isinstance(namespace, dict) else "",
        "IpConfigurations": [
            {"IpAddress": address, "PrefixLength": member(endpoint, length) or 0}
            for name, length in _ADDRESSES.items()
            if (address := member(endpoint, name))
        ],
        "MacAddress": member(endpoint, "MacAddress") or "",
        "Routes": [
            {"DestinationPrefix": destination, "NextHop": hop}
            for destination, name in _EVERYWHERE.items()
            if (hop := member(endpoint, name))
        ],
        "Dns": {
            "ServerList": _listed(member(endpoint, "DNSServerList")),
            "Search": _listed(member(endpoint, "DNSSuffix")),
        },
        "Policies": [
            _nested(policy) for policy in member(endpoint, "Policies") or [] if isinstance(policy, dict)
        ],
        "Flags": 1 if member(endpoint, "IsRemoteEndpoint") is True else 0,
        "State": member(endpoint, "State") or 0,
        "SharedContainers": member(endpoint, "SharedContainers") or [],
    }


def _flat(
    kind: str, settings: dict[str, Any], lacking: list[str], unknown: list[str]
) -> dict[str, Any] | None:
    """A policy with its settings beside its type."""
    known = _POLICIES.get(kind)
    if known is None:
        unknown.append(kind)
        return None
    v1_kind, names = known
    lacking += [f"{name} of {kind}" for name, value in settings.items() if name not in names and value]
    flat = {"Type": v1_kind, **{names[name]: value for name, value in settings.items() if name in names}}
    if kind == "PortMapping":
        flat["Protocol"] = _PROTOCOLS[settings["Protocol"]]
    return flat


def _nested(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy of V1 with what V2 calls its settings; one of another type as it is."""
    kind = str(member(policy, "Type") or "")
    v2_kind, names = _FROM_V1.get(kind.upper(), (kind, {}))
    if not names:
        return {
            "Type": kind,
            "Settings": {name: value for name, value in policy.items() if name.lower() != "type"},
        }
    settings = {name: value for name, v1 in names.items() if (value := member(policy, v1)) is not None}
    if v2_kind == "PortMapping":
        word = str(settings.get("Protocol", "")).upper()
        settings["Protocol"] = next((number for number, name in _PROTOCOLS.items() if name == word), 0)
    return {"Type": v2_kind, "Settings": settings}


def _listed(text: object) -> list[str]:
    """V1 has lists as one text with commas."""
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else []
