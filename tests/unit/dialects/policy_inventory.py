"""Every policy type of HCN: a sample with all its settings, where it may be written, and which HNS has it.

The types are those of Microsoft's HNS schema page, and NeighborDiscovery of its hns.v2.psm1.
https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["INVENTORY", "LEVELS", "Row", "at"]

LEVELS = ("endpoint", "network", "subnet")


class Row(NamedTuple):
    """One type of policy.

    `levels` are those of `LEVELS` that have it, `needs` the HNS versions in words, with a version that has it
    not; "" where every HNS with the V2 API does. `mode` is a network mode that the policy is for.
    """

    kind: str
    sample: dict[str, Any]
    levels: tuple[str, ...]
    needs: str = ""
    too_old: str = ""
    mode: str = "l2bridge"

    @property
    def policy(self) -> dict[str, Any]:
        return {"Type": self.kind, "Settings": self.sample}

    @property
    def needed(self) -> tuple[str, ...]:
        """The settings without which it asks for nothing that HNS could do."""
        return _NEEDED.get(self.kind, ())


_NEEDED = {
    "PortMapping": ("Protocol", "InternalPort", "ExternalPort"),
    "ACL": ("Action", "Direction"),
    "NetworkACL": ("Action", "Direction"),
    "QOS": ("MaximumOutgoingBandwidthInBytes",),
    "SDNRoute": ("DestinationPrefix",),
    "L4Proxy": ("Destination",),
    "ProviderAddress": ("ProviderAddress",),
    "PortName": ("Name",),
    "EncapOverhead": ("Overhead",),
    "VLAN": ("IsolationId",),
    "VSID": ("IsolationId",),
    "InterfaceParameters": ("Mtu",),
    "TierAcl": ("Name", "Direction", "Order"),
    "NetAdapterName": ("NetworkAdapterName",),
    "SourceMacAddress": ("SourceMacAddress",),
    "DrMacAddress": ("Address",),
    "VSwitchExtension": ("ExtensionID",),
    "LayerConstraint": ("LayerId",),
    "RemoteSubnetRoute": (
        "DestinationPrefix",
        "IsolationId",
        "ProviderAddress",
        "DistributedRouterMacAddress",
    ),
    "VxlanPort": ("Port",),
    "SetPolicy": ("Id", "PolicyType"),
    "NeighborDiscovery": ("TargetIpPrefix", "SenderIpAddress"),
}


_ACL = {
    "Protocols": "6,17",
    "Action": "Allow",
    "Direction": "In",
    "LocalAddresses": "10.1.0.0/24",
    "RemoteAddresses": "10.0.0.0/8,fd00::9",
    "LocalPorts": "80,8000-8080",
    "RemotePorts": "1024-65535",
    "RuleType": "Switch",
    "Priority": 200,
    "Id": "web",
}
_TUPLE = {
    "Protocols": "6",
    "LocalAddresses": "10.1.0.9",
    "RemoteAddresses": "10.0.0.0/8",
    "LocalPorts": "80",
    "RemotePorts": "8080",
    "Priority": 8,
}
_EXCEPTIONS = {"IpAddressExceptions": ["10.0.1.12"], "PortExceptions": ["8181"]}
_INTERFACE = {
    "InterfaceGuid": "5f1ab9f2-3c1c-4b5e-8f0e-0c6d3a1b2c4d",
    "InterfaceLuid": 1689399632855040,
    "InterfaceIndex": 7,
    "InterfaceMediaType": 1,
    "InterfaceAlias": "Ethernet",
    "InterfaceDescription": "Adapter",
}
_PROXY = {
    "IP": "169.254.169.254",
    "Port": "80",
    "Protocol": 6,
    "ExceptionList": ["10.2.0.0/16"],
    "Exceptions": ["10.3.0.9"],
    "Destination": "10.64.1.1:988",
    "OutboundNat": True,
}
_L4_PROXY = "9.5 to 9.x, 10.5 to 10.x, 11.11 to 11.x, 12.1 to 12.x, 13.1 or later"
_BOTH = ("endpoint", "network")

INVENTORY = [
    Row(
        "PortMapping",
        {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080, "VIP": "192.0.2.10", "Flags": 1},
        ("endpoint",),
    ),
    Row("ACL", _ACL, ("endpoint",)),
    Row("QOS", {"MaximumOutgoingBandwidthInBytes": 125_000}, ("endpoint",)),
    Row(
        "OutBoundNAT",
        {
            "VirtualIP": "192.0.2.9",
            "Exceptions": ["10.0.0.0/8"],
            "Destinations": ["10.1.0.9"],
            "Flags": 1,
            "MaxPortPoolUsage": 1024,
        },
        ("endpoint",),
        # For its Destinations; without these every HNS has it.
        "9.3 to 9.x, 10.2 or later",
        "10.1",
    ),
    Row(
        "SDNRoute",
        {
            "DestinationPrefix": "10.96.0.0/12",
            "NextHop": "10.1.0.1",
            "NeedEncap": True,
            "AutomaticEndpointMonitor": True,
        },
        ("endpoint",),
    ),
    Row("L4Proxy", _PROXY, _BOTH, _L4_PROXY, "13.0"),
    Row(
        "L4WFPPROXY",
        {
            "InboundProxyPort": "15003",
            "OutboundProxyPort": "15001",
            "FilterTuple": _TUPLE,
            "UserSID": "S-1-5-32-556",
            "InboundExceptions": _EXCEPTIONS,
            "OutboundExceptions": _EXCEPTIONS,
        },
        ("endpoint",),
        # For its exceptions; without these 13.2.
        "15.0 or later",
        "14.0",
    ),
    Row("ProviderAddress", {"ProviderAddress": "192.0.2.10"}, _BOTH),
    Row("InterfaceConstraint", _INTERFACE, _BOTH),
    Row("PortName", {"Name": "port of the pod"}, ("endpoint",)),
    Row("EncapOverhead", {"Overhead": 50}, ("endpoint",)),
    Row("L2Driver", {}, ("endpoint",)),
    Row(
        "Encryption",
        {
            "EncryptionMethodType": "Ipsec",
            "AuthenticationMethods": [{"Type": "PresharedKey", "Settings": {"Key": "s3cret"}}],
            "Name": "between sites",
            "Endpoints1": ["10.1.0.0/24"],
            "Endpoints2": ["10.7.0.0/24"],
            "ProtocolType": "TCP",
            "Endpoint1Ports": ["443"],
            "Endpoint2Ports": ["1024-65535"],
        },
        ("endpoint",),
        "11.10 or later",
        "9.3",
    ),
    Row("VLAN", {"IsolationId": 7}, ("endpoint", "subnet"), "11.10 or later", "10.3"),
    Row("InterfaceParameters", {"Mtu": 1400}, ("endpoint",), "11.10 or later", "10.3"),
    Row(
        "Iov",
        {
            "IovOffloadWeight": 100,
            "QueuePairsRequested": 2,
            "InterruptModeration": "IovInterruptModerationAdaptive",
        },
        ("endpoint",),
        "13.0 or later",
        "11.10",
    ),
    Row(
        "TierAcl",
        {
            "Name": "platform",
            "Direction": "In",
            "Order": 1001,
            "TierAclRules": [{"Id": "first", "TierAclRuleAction": "Pass", **_TUPLE}],
        },
        ("endpoint",),
        "14.0 or later",
        "13.3",
    ),
    Row("NetAdapterName", {"NetworkAdapterName": "Ethernet"}, ("network",)),
    Row("SourceMacAddress", {"SourceMacAddress": "00-15-5D-2A-C4-11"}, ("network",)),
    Row("DrMacAddress", {"Address": "00-15-5D-2A-C4-12"}, ("network",), mode="overlay"),
    Row("AutomaticDNS", {"Enable": True}, ("network",)),
    Row(
        "VSwitchExtension",
        {"ExtensionID": "E7C3B2F0-F3C5-48DF-AF2B-10FED6D72E7A", "Enable": True},
        ("network",),
    ),
    Row("LayerConstraint", {"LayerId": "5f1ab9f2-3c1c-4b5e-8f0e-0c6d3a1b2c4e"}, ("network",)),
    Row(
        "RemoteSubnetRoute",
        {
            "DestinationPrefix": "10.9.4.0/24",
            "IsolationId": 4096,
            "ProviderAddress": "192.0.2.11",
            "DistributedRouterMacAddress": "00-15-5D-2A-C4-13",
        },
        ("network",),
        "9.2 or later",
        "9.1",
        "overlay",
    ),
    Row("HostRoute", {}, ("network",), "9.2 or later", "9.1", "overlay"),
    Row("VxlanPort", {"Port": 4790}, ("network",), "10.3 or later", "10.2", "overlay"),
    Row(
        "SetPolicy",
        {"Id": "pods-1", "Name": "pods", "PolicyType": "IPSET", "Values": "10.1.0.9,10.1.0.10"},
        ("network",),
        "13.0 or later",
        "12.1",
    ),
    Row("NetworkACL", _ACL, ("network",), "15.0 or later", "14.0"),
    Row(
        "NeighborDiscovery",
        {
            "TargetIpPrefix": "10.1.0.0/24",
            "SenderIpAddress": "10.1.0.1",
            "SenderMacAddress": "00-15-5D-2A-C4-14",
        },
        ("network",),
    ),
    Row("VSID", {"IsolationId": 5000}, ("subnet",)),
]


def at(level: str) -> list[Row]:
    """The types that an object of this level has."""
    return [row for row in INVENTORY if level in row.levels]
