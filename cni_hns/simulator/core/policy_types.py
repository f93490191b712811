"""The policy types, and what the settings of each hold.

Sources: the policy types of Microsoft's HCN schema page; fields that only hcsshim or the SDN repository's
module knows are taken too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cni_hns.simulator.core.versions import Version

__all__ = ["ENDPOINT", "ENUMS", "MODERATIONS", "NETWORK", "ONE_OF_A_KIND", "SUBNET", "Fields", "Policy"]

# The kinds of fields: a word that `policies` knows, the fields of an object, or a list of such objects.
Fields = dict[str, Any]


class Policy(NamedTuple):
    """One policy type: its fields with their kinds, those that must be there, and what it needs.

    `newer` are fields that an older service does not know, with the schema that has them.
    """

    fields: Fields
    needed: tuple[str, ...] = ()
    schema: Version = (2, 0)
    feature: str = ""
    newer: dict[str, Version] = {}  # noqa: RUF012 - never written to


_TUPLE: Fields = {
    "Protocols": "protocols",
    "LocalAddresses": "text",
    "RemoteAddresses": "text",
    "LocalPorts": "text",
    "RemotePorts": "text",
    "Priority": "u16",
}
_RULE: Fields = {
    **_TUPLE,
    "Action": "action",
    "Direction": "direction",
    "RuleType": "ruletype",
    "Id": "text",
}
_TIER_RULE: Fields = {**_TUPLE, "Id": "text", "TierAclRuleAction": "action"}
_PROXY_EXCEPTIONS: Fields = {"IpAddressExceptions": "texts", "PortExceptions": "texts"}
_AUTHENTICATION: Fields = {
    "Type": "authentication",
    "Settings": {"Key": "text", "CertificateName": "text"},
}
_L4_PROXY = {
    "IP": "text",
    "Port": "text",
    "Protocol": "u32",
    "ExceptionList": "texts",
    "Exceptions": "texts",
    "Destination": "text",
    "OutboundNat": "bool",
}
_INTERFACE = {
    "InterfaceGuid": "text",
    "InterfaceLuid": "u64",
    "InterfaceIndex": "u32",
    "InterfaceMediaType": "u32",
    "InterfaceAlias": "text",
    "InterfaceDescription": "text",
}

ENDPOINT = {
    "PortMapping": Policy(
        {"Protocol": "u32", "InternalPort": "u16", "ExternalPort": "u16", "VIP": "address?", "Flags": "u32"}
    ),
    "ACL": Policy(_RULE, ("Action", "Direction")),
    "QOS": Policy({"MaximumOutgoingBandwidthInBytes": "u64"}, ("MaximumOutgoingBandwidthInBytes",)),
    "OutBoundNAT": Policy(
        {
            "VirtualIP": "address?",
            "Exceptions": "prefixes",
            "Destinations": "prefixes",
            "Flags": "u32",
            "MaxPortPoolUsage": "u16",
        }
    ),
    "SDNRoute": Policy(
        {
            "DestinationPrefix": "destination",
            "NextHop": "address?",
            "NeedEncap": "bool",
            "AutomaticEndpointMonitor": "bool",
        },
        ("DestinationPrefix",),
    ),
    "L4Proxy": Policy(_L4_PROXY, feature="L4Proxy"),
    "L4WFPPROXY": Policy(
        {
            "InboundProxyPort": "text",
            "OutboundProxyPort": "text",
            "FilterTuple": _TUPLE,
            "UserSID": "text",
            "InboundExceptions": _PROXY_EXCEPTIONS,
            "OutboundExceptions": _PROXY_EXCEPTIONS,
        },
        feature="L4WfpProxy",
        newer={"InboundExceptions": (2, 14), "OutboundExceptions": (2, 14)},
    ),
    "ProviderAddress": Policy({"ProviderAddress": "address"}, ("ProviderAddress",)),
    "InterfaceConstraint": Policy(_INTERFACE),
    "PortName": Policy({"Name": "text"}, ("Name",)),
    "EncapOverhead": Policy({"Overhead": "u16"}, ("Overhead",)),
    "L2Driver": Policy({}),
    "Encryption": Policy(
        {
            "EncryptionMethodType": "encryption",
            "AuthenticationMethods": [_AUTHENTICATION],
            "Name": "text",
            "Endpoints1": "texts",
            "Endpoints2": "texts",
            "ProtocolType": "text",
            "Endpoint1Ports": "texts",
            "Endpoint2Ports": "texts",
        },
        schema=(2, 1),
    ),
    "VLAN": Policy({"IsolationId": "u32"}, ("IsolationId",), schema=(2, 4)),
    "InterfaceParameters": Policy({"Mtu": "u16"}, schema=(2, 4)),
    "Iov": Policy(
        {"IovOffloadWeight": "u32", "QueuePairsRequested": "u32", "InterruptModeration": "moderation"},
        schema=(2, 9),
    ),
    "TierAcl": Policy(
        {"Name": "text", "Direction": "direction", "Order": "u16", "TierAclRules": [_TIER_RULE]},
        feature="TierAcl",
    ),
}

NETWORK = {
    "NetAdapterName": Policy({"NetworkAdapterName": "text"}, ("NetworkAdapterName",)),
    "InterfaceConstraint": Policy(_INTERFACE),
    "ProviderAddress": Policy({"ProviderAddress": "address"}, ("ProviderAddress",)),
    "SourceMacAddress": Policy({"SourceMacAddress": "mac"}, ("SourceMacAddress",)),
    "DrMacAddress": Policy({"Address": "mac"}, ("Address",)),
    "AutomaticDNS": Policy({"Enable": "bool"}),
    "VSwitchExtension": Policy({"ExtensionID": "text", "Enable": "bool"}, ("ExtensionID",)),
    "LayerConstraint": Policy({"LayerId": "text"}, ("LayerId",)),
    "RemoteSubnetRoute": Policy(
        {
            "DestinationPrefix": "destination",
            "IsolationId": "u32",
            "ProviderAddress": "address",
            "DistributedRouterMacAddress": "mac",
        },
        ("DestinationPrefix", "ProviderAddress"),
        feature="RemoteSubnetRoute",
    ),
    "HostRoute": Policy({}, feature="HostRoute"),
    "VxlanPort": Policy({"Port": "u16"}, ("Port",), feature="VxlanPort"),
    "SetPolicy": Policy(
        {"Id": "text", "Name": "text", "PolicyType": "settype", "Values": "text"},
        ("Id",),
        feature="SetPolicy",
    ),
    "L4Proxy": Policy(_L4_PROXY, feature="L4Proxy"),
    "NetworkACL": Policy(_RULE, ("Action", "Direction"), feature="NetworkAcl"),
    "NeighborDiscovery": Policy(
        {"TargetIpPrefix": "text", "SenderIpAddress": "text", "SenderMacAddress": "text"}
    ),
}

SUBNET = {
    "VLAN": Policy({"IsolationId": "u32"}, ("IsolationId",)),
    "VSID": Policy({"IsolationId": "u32"}, ("IsolationId",)),
}

ENUMS = {
    "action": ("Allow", "Block", "Pass"),
    "direction": ("In", "Out"),
    "ruletype": ("Host", "Switch"),
    "settype": ("IPSET", "NESTEDIPSET"),
    "encryption": ("Ipsec",),
    "authentication": ("PresharedKey", "Certificate"),
}
MODERATIONS = tuple(
    f"IovInterruptModeration{word}" for word in ("Default", "Adaptive", "Off", "Low", "Medium", "High")
)
# Types that say one thing of their object. A second one is refused by the code that the option names.
ONE_OF_A_KIND = {
    "endpoint": ("QOS", "ProviderAddress", "EncapOverhead", "PortName", "VLAN", "Iov"),
    "network": ("NetAdapterName", "SourceMacAddress", "DrMacAddress", "AutomaticDNS", "VxlanPort"),
    "subnet": ("VLAN", "VSID"),
}
