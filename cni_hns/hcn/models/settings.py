"""The settings of each type of policy.

HNS ignores a setting it does not know without a word: `Document.model_extra` shows those.
https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

from enum import IntFlag
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainSerializer, PlainValidator

from cni_hns.schema import (
    Address,
    Boolean,
    Document,
    Guid,
    Mac,
    Number,
    Prefix,
    Uint16,
    Uint32,
    Uint64,
    Word,
    word,
)

__all__ = [
    "Acl",
    "Action",
    "AuthenticationMethod",
    "AuthenticationSettings",
    "AuthenticationType",
    "AutomaticDns",
    "Direction",
    "DrMacAddress",
    "EncapOverhead",
    "Encryption",
    "EncryptionMethod",
    "FilterTuple",
    "InterfaceConstraint",
    "InterfaceParameters",
    "InterruptModeration",
    "Iov",
    "Isolation",
    "L4Proxy",
    "L4WfpProxy",
    "LayerConstraint",
    "NatFlags",
    "NeighborDiscovery",
    "NetAdapterName",
    "OutboundNat",
    "PortMapping",
    "PortName",
    "ProviderAddress",
    "ProxyExceptions",
    "Qos",
    "RemoteSubnetRoute",
    "RuleType",
    "SdnRoute",
    "SetPolicy",
    "SetPolicyType",
    "Settings",
    "SourceMacAddress",
    "TierAcl",
    "TierAclRule",
    "VSwitchExtension",
    "VxlanPort",
]


class NatFlags(IntFlag):
    """Flags of PortMapping and OutBoundNAT."""

    LOCAL_ROUTED_VIP = 1
    IPV6 = 2
    EXTERNAL_PORT_RESERVED = 4


def _nat_flags(value: Any) -> NatFlags:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("flags are a number")
    return NatFlags(value)


Nat = Annotated[NatFlags, PlainValidator(_nat_flags), PlainSerializer(int)]


class Action(Word):
    """What an access rule does with a packet."""

    ALLOW = "Allow"
    BLOCK = "Block"
    PASS = "Pass"  # noqa: S105


class Direction(Word):
    """Of a packet, seen from the endpoint."""

    IN = "In"
    OUT = "Out"


class RuleType(Word):
    """Where an access rule holds: Host in the Windows Filtering Platform, Switch in the VFP extension."""

    HOST = "Host"
    SWITCH = "Switch"


class SetPolicyType(Word):
    """What the values of a set are: addresses, or the IDs of other sets."""

    IPSET = "IPSET"
    NESTED = "NESTEDIPSET"


class EncryptionMethod(Word):
    """How an endpoint's packets are encrypted."""

    IPSEC = "Ipsec"


class AuthenticationType(Word):
    """How the two ends of an encrypted connection know each other."""

    PRESHARED_KEY = "PresharedKey"
    CERTIFICATE = "Certificate"


class InterruptModeration(Word):
    """How long a network adapter saves up its interrupts."""

    DEFAULT = "IovInterruptModerationDefault"
    ADAPTIVE = "IovInterruptModerationAdaptive"
    OFF = "IovInterruptModerationOff"
    LOW = "IovInterruptModerationLow"
    MEDIUM = "IovInterruptModerationMedium"
    HIGH = "IovInterruptModerationHigh"

    @classmethod
    def numbered(cls) -> int:
        """None: which number is which word is not published, so a number stays one."""
        return 0


ActionWord = Annotated[Action | str | Number, word(Action)]
DirectionWord = Annotated[Direction | str | Number, word(Direction)]
RuleTypeWord = Annotated[RuleType | str | Number, word(RuleType)]
SetPolicyWord = Annotated[SetPolicyType | str | Number, word(SetPolicyType)]
EncryptionWord = Annotated[EncryptionMethod | str | Number, word(EncryptionMethod)]
InterruptModerationWord = Annotated[InterruptModeration | str | Number, word(InterruptModeration)]
AuthenticationWord = Annotated[AuthenticationType | str | Number, word(AuthenticationType)]


class Settings(Document):
    """The settings of a policy; as they are, for a type without a model."""


class Acl(Settings):
    """ACL, NetworkACL.

    Protocols, addresses and ports are comma-separated; an address may be the ID of a SetPolicy.
    """

    needed: ClassVar[tuple[str, ...]] = ("Action", "Direction")

    protocols: str = ""
    action: ActionWord = Action.ALLOW
    direction: DirectionWord = Direction.IN
    local_addresses: str = ""
    remote_addresses: str = ""
    local_ports: str = ""
    remote_ports: str = ""
    rule_type: RuleTypeWord = RuleType.HOST
    priority: Uint16 = 0
    id: str = ""


class AutomaticDns(Settings):
    """AutomaticDNS."""

    enable: Boolean = False


class DrMacAddress(Settings):
    """DrMacAddress: the MAC of an overlay network's distributed router."""

    needed: ClassVar[tuple[str, ...]] = ("Address",)

    address: Mac = ""


class EncapOverhead(Settings):
    """EncapOverhead: bytes that each packet grows by, 50 for VXLAN."""

    needed: ClassVar[tuple[str, ...]] = ("Overhead",)

    overhead: Uint16 = 0


class AuthenticationSettings(Document):
    """The key of PresharedKey, or the name of the Certificate."""

    key: str = ""
    certificate_name: str = ""


class AuthenticationMethod(Document):
    """One way to authenticate; the first of a list goes before the others."""

    needed: ClassVar[tuple[str, ...]] = ("Type",)

    type: AuthenticationWord = AuthenticationType.PRESHARED_KEY
    settings: AuthenticationSettings = AuthenticationSettings()


class Encryption(Settings):
    """Encryption (schema 2.1). What is left out is any: endpoint, protocol, port."""

    encryption_method_type: EncryptionWord = EncryptionMethod.IPSEC
    authentication_methods: tuple[AuthenticationMethod, ...] = ()
    name: str = ""
    endpoints1: tuple[str, ...] = ()
    endpoints2: tuple[str, ...] = ()
    protocol_type: str = ""
    endpoint1_ports: tuple[str, ...] = ()
    endpoint2_ports: tuple[str, ...] = ()


class InterfaceConstraint(Settings):
    """InterfaceConstraint: which adapter, by any of its names."""

    interface_guid: Guid = ""
    interface_luid: Uint64 = 0
    interface_index: Uint32 = 0
    interface_media_type: Uint32 = 0
    interface_alias: str = ""
    interface_description: str = ""


class InterfaceParameters(Settings):
    """InterfaceParameters (schema 2.4): one for each endpoint."""

    needed: ClassVar[tuple[str, ...]] = ("Mtu",)

    mtu: Uint16 = 0


class Iov(Settings):
    """Iov (schema 2.9). The schema has words for `InterruptModeration`, hcsshim sends their numbers."""

    iov_offload_weight: Uint32 = 0
    queue_pairs_requested: Uint32 = 0
    interrupt_moderation: InterruptModerationWord = InterruptModeration.DEFAULT


class Isolation(Settings):
    """VLAN, VSID."""

    needed: ClassVar[tuple[str, ...]] = ("IsolationId",)

    isolation_id: Uint32 = 0


class L4Proxy(Settings):
    """L4Proxy: what goes to `IP` (an address or a prefix) and `Port` is sent to `Destination`.

    The schema calls the exceptions `ExceptionList`, hcsshim `Exceptions`.
    """

    needed: ClassVar[tuple[str, ...]] = ("Destination",)

    ip: str = Field(default="", alias="IP")
    port: str = ""
    protocol: Uint32 = 0
    exception_list: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    destination: str = ""
    outbound_nat: Boolean = False


class FilterTuple(Document):
    """Which connections a L4WFPPROXY takes."""

    protocols: str = ""
    local_addresses: str = ""
    remote_addresses: str = ""
    local_ports: str = ""
    remote_ports: str = ""
    priority: Uint16 = 0


class ProxyExceptions(Document):
    """Which connections a L4WFPPROXY leaves alone (schema 2.14)."""

    ip_address_exceptions: tuple[str, ...] = ()
    port_exceptions: tuple[str, ...] = ()


class L4WfpProxy(Settings):
    """L4WFPPROXY (schema 2.5). Ports are texts."""

    inbound_proxy_port: str = ""
    outbound_proxy_port: str = ""
    filter_tuple: FilterTuple = FilterTuple()
    user_sid: str = Field(default="", alias="UserSID")
    inbound_exceptions: ProxyExceptions = ProxyExceptions()
    outbound_exceptions: ProxyExceptions = ProxyExceptions()


class LayerConstraint(Settings):
    """LayerConstraint."""

    needed: ClassVar[tuple[str, ...]] = ("LayerId",)

    layer_id: Guid = ""


class NeighborDiscovery(Settings):
    """NeighborDiscovery: seen in Microsoft's hns.v2.psm1 only."""

    needed: ClassVar[tuple[str, ...]] = ("TargetIpPrefix", "SenderIpAddress")

    target_ip_prefix: Prefix = ""
    sender_ip_address: Address = ""
    sender_mac_address: Mac = ""


class NetAdapterName(Settings):
    """NetAdapterName: the physical adapter of an external network."""

    needed: ClassVar[tuple[str, ...]] = ("NetworkAdapterName",)

    network_adapter_name: str = ""


class OutboundNat(Settings):
    """OutBoundNAT. HNS ignores V1's name `ExceptionList` here."""

    virtual_ip: Address = Field(default="", alias="VirtualIP")
    exceptions: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    flags: Nat = NatFlags(0)
    max_port_pool_usage: Uint16 = 0


class PortMapping(Settings):
    """PortMapping. An empty VIP stands for the host's own address."""

    needed: ClassVar[tuple[str, ...]] = ("Protocol", "InternalPort", "ExternalPort")

    protocol: Uint32 = 0
    internal_port: Uint16 = 0
    external_port: Uint16 = 0
    vip: Address = Field(default="", alias="VIP")
    flags: Nat = NatFlags(0)


class PortName(Settings):
    """PortName."""

    needed: ClassVar[tuple[str, ...]] = ("Name",)

    name: str = ""


class ProviderAddress(Settings):
    """ProviderAddress: a node's own address; on a network that HNS shows, its management address."""

    needed: ClassVar[tuple[str, ...]] = ("ProviderAddress",)

    provider_address: Address = ""


class Qos(Settings):
    """QOS: bytes per second, outgoing only."""

    needed: ClassVar[tuple[str, ...]] = ("MaximumOutgoingBandwidthInBytes",)

    maximum_outgoing_bandwidth_in_bytes: Uint64 = 0


class RemoteSubnetRoute(Settings):
    """RemoteSubnetRoute: the pods of another node of an overlay network."""

    needed: ClassVar[tuple[str, ...]] = (
        "DestinationPrefix",
        "IsolationId",
        "ProviderAddress",
        "DistributedRouterMacAddress",
    )

    destination_prefix: Prefix = ""
    isolation_id: Uint32 = 0
    provider_address: Address = ""
    distributed_router_mac_address: Mac = ""


class SdnRoute(Settings):
    """SDNRoute: with NeedEncap for service addresses on overlay."""

    needed: ClassVar[tuple[str, ...]] = ("DestinationPrefix",)

    destination_prefix: Prefix = ""
    next_hop: Address = ""
    need_encap: Boolean = False
    automatic_endpoint_monitor: Boolean = False


class SetPolicy(Settings):
    """SetPolicy: a named set of addresses, comma-separated; a NESTEDIPSET has the IDs of other sets."""

    needed: ClassVar[tuple[str, ...]] = ("Id", "PolicyType")

    id: str = ""
    name: str = ""
    policy_type: SetPolicyWord = SetPolicyType.IPSET
    values: str = ""


class SourceMacAddress(Settings):
    """SourceMacAddress."""

    needed: ClassVar[tuple[str, ...]] = ("SourceMacAddress",)

    source_mac_address: Mac = ""


class TierAclRule(Document):
    """One rule of a TierAcl."""

    needed: ClassVar[tuple[str, ...]] = ("TierAclRuleAction",)

    id: str = ""
    protocols: str = ""
    tier_acl_rule_action: ActionWord = Action.ALLOW
    local_addresses: str = ""
    remote_addresses: str = ""
    local_ports: str = ""
    remote_ports: str = ""
    priority: Uint16 = 0


class TierAcl(Settings):
    """TierAcl (schema 2.10)."""

    needed: ClassVar[tuple[str, ...]] = ("Name", "Direction", "Order")

    name: str = ""
    direction: DirectionWord = Direction.IN
    order: Uint16 = 0
    tier_acl_rules: tuple[TierAclRule, ...] = ()


class VSwitchExtension(Settings):
    """VSwitchExtension."""

    needed: ClassVar[tuple[str, ...]] = ("ExtensionID",)

    extension_id: Guid = Field(default="", alias="ExtensionID")
    enable: Boolean = False


class VxlanPort(Settings):
    """VxlanPort."""

    needed: ClassVar[tuple[str, ...]] = ("Port",)

    port: Uint16 = 0
