"""The objects of the Host Compute Network: networks, endpoints, namespaces, load balancers and SDN routes.

https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

from enum import IntFlag
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainSerializer, PlainValidator

from cni_hns.hcn.models.policies import EndpointPolicy, NetworkPolicy, SubnetPolicy
from cni_hns.hcn.models.settings import SdnRoute
from cni_hns.schema import (
    Address,
    Boolean,
    Document,
    Guid,
    Mac,
    Number,
    Prefix,
    Schema,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Word,
    word,
)

__all__ = [
    "Dns",
    "EndpointFlags",
    "Extra",
    "HcnObject",
    "Health",
    "HostComputeEndpoint",
    "HostComputeLoadBalancer",
    "HostComputeNamespace",
    "HostComputeNetwork",
    "HostComputeSdnRoute",
    "IpConfig",
    "IpSubnet",
    "IpSubnetFlags",
    "Ipam",
    "IpamType",
    "LoadBalancerFlags",
    "LoadBalancerPortMapping",
    "MacPool",
    "MacRange",
    "NamespaceResource",
    "NamespaceResourceType",
    "NamespaceType",
    "NetworkFlags",
    "NetworkMode",
    "PortMappingFlags",
    "ResourceData",
    "Route",
    "Subnet",
    "SubnetFlags",
]


class NetworkFlags(IntFlag):
    """Of the published names only these have a known number."""

    ENABLE_DNS_PROXY = 1
    ENABLE_DHCP_SERVER = 2
    ENABLE_MIRRORING = 4
    ENABLE_NON_PERSISTENT = 8
    DISABLE_HOST_PORT = 1024
    ENABLE_IOV = 8192


class SubnetFlags(IntFlag):
    """Schema 2.7."""

    DO_NOT_RESERVE_GATEWAY_ADDRESS = 1


class IpSubnetFlags(IntFlag):
    """Schema 2.5."""

    ENABLE_BROADCAST = 1
    RESERVE_NETWORK_ADDRESS = 2


class EndpointFlags(IntFlag):
    """Flags of an endpoint."""

    REMOTE_ENDPOINT = 1
    DISABLE_INTER_COMPUTE_COMMUNICATION = 2
    ENABLE_MIRRORING = 4
    ENABLE_LOW_INTERFACE_METRIC = 8
    OVERRIDE_DNS_SERVER_ORDER = 16
    ENABLE_DHCP = 32


class LoadBalancerFlags(IntFlag):
    """Flags of a load balancer."""

    DSR = 1
    IPV6 = 2


class PortMappingFlags(IntFlag):
    """Flags of a load balancer's port mapping."""

    INTERNAL_LOAD_BALANCER = 1
    LOCAL_ROUTED_VIP = 2
    USE_MUX = 4
    PRESERVE_DIP = 8
    VIP_EXTERNAL_IP = 16


def _flags(kind: type[IntFlag]) -> PlainValidator:
    """Flags are one number in JSON; bits without a name are kept."""

    def read(value: Any) -> IntFlag:
        if not isinstance(value, int) or value < 0:
            raise ValueError("flags are a number")
        return kind(value)

    return PlainValidator(read)


class NetworkMode(Word):
    """The types of networks, NAT being the default."""

    NAT = "NAT"
    ICS = "ICS"
    TRANSPARENT = "Transparent"
    L2BRIDGE = "L2Bridge"
    L2TUNNEL = "L2Tunnel"
    OVERLAY = "Overlay"
    PRIVATE = "Private"
    INTERNAL = "Internal"
    MIRRORED = "Mirrored"
    INFINIBAND = "Infiniband"
    CONSTRAINED_ICS = "ConstrainedICS"

    @classmethod
    def numbered(cls) -> int:
        return 3


class IpamType(Word):
    """Where the addresses of a network come from."""

    STATIC = "Static"
    DHCP = "Dhcp"


class NamespaceType(Word):
    """Host namespaces are those of process-isolated containers, Guest those inside utility VMs."""

    HOST = "Host"
    HOST_DEFAULT = "HostDefault"
    GUEST = "Guest"
    GUEST_DEFAULT = "GuestDefault"


class NamespaceResourceType(Word):
    """What is in a namespace."""

    CONTAINER = "Container"
    ENDPOINT = "Endpoint"


Mode = Annotated[NetworkMode | str | Number, word(NetworkMode)]
IpamKind = Annotated[IpamType | str | Number, word(IpamType)]
NamespaceKind = Annotated[NamespaceType | str | Number, word(NamespaceType)]
NamespaceResourceKind = Annotated[NamespaceResourceType | str | Number, word(NamespaceResourceType)]


class Extra(Document):
    """More about an object's health; the members differ from one HNS to the next."""

    resources: Any = None
    shared_containers: tuple[str, ...] = ()
    layered_on: Any = None
    switch_guid: str = ""
    utility_vm: Any = Field(default=None, alias="UtilityVM")
    virtual_machine: Any = None


class Health(Document):
    """An object's health. The V1 shape has `LastErrorCode` and `LastUpdateTime`, a FILETIME."""

    data: Any = None
    extra: Extra = Extra()
    last_error_code: int = 0
    last_update_time: Uint64 = 0


class HcnObject(Document):
    """What every object has. `version` is the HNS that made it: major << 32 | minor."""

    id: Guid = Field(default="", alias="ID")
    owner: str = ""
    name: str = ""
    version: Uint64 = 0
    additional_params: Any = None
    health: Health = Health()
    schema_version: Schema = Schema()
    telemetry: Any = None
    state: Uint16 = 0


class Route(Document):
    """A route; of a subnet the default one names the gateway."""

    needed: ClassVar[tuple[str, ...]] = ("NextHop", "DestinationPrefix")

    next_hop: Address = ""
    destination_prefix: Prefix = ""
    metric: Uint16 = 0


class Dns(Document):
    """What containers resolve names with."""

    domain: str = ""
    search: tuple[str, ...] = ()
    server_list: tuple[Address, ...] = ()
    options: tuple[str, ...] = ()


class MacRange(Document):
    """MAC addresses from the first to the last."""

    needed: ClassVar[tuple[str, ...]] = ("StartMacAddress", "EndMacAddress")

    start_mac_address: Mac = ""
    end_mac_address: Mac = ""


class MacPool(Document):
    """The MAC addresses that HNS gives to endpoints."""

    ranges: tuple[MacRange, ...] = ()


class IpSubnet(HcnObject):
    """A part of a subnet (schema 2.3)."""

    needed: ClassVar[tuple[str, ...]] = ("IpAddressPrefix",)

    ip_address_prefix: Prefix = ""
    flags: Annotated[IpSubnetFlags, _flags(IpSubnetFlags), PlainSerializer(int)] = IpSubnetFlags(0)


class Subnet(Document):
    """A subnet of a network."""

    needed: ClassVar[tuple[str, ...]] = ("IpAddressPrefix",)

    id: Guid = Field(default="", alias="ID")
    ip_address_prefix: Prefix = ""
    policies: tuple[SubnetPolicy, ...] = ()
    routes: tuple[Route, ...] = ()
    ip_subnets: tuple[IpSubnet, ...] = ()
    flags: Annotated[SubnetFlags, _flags(SubnetFlags), PlainSerializer(int)] = SubnetFlags(0)


class Ipam(Document):
    """Where addresses come from: HNS (Static), or a DHCP server on the network."""

    type: IpamKind = IpamType.STATIC
    subnets: tuple[Subnet, ...] = ()


class HostComputeNetwork(HcnObject):
    """A network. HNS leaves the type out where it is NAT."""

    needed: ClassVar[tuple[str, ...]] = ("Type",)

    type: Mode = NetworkMode.NAT
    flags: Annotated[NetworkFlags, _flags(NetworkFlags), PlainSerializer(int)] = NetworkFlags(0)
    policies: tuple[NetworkPolicy, ...] = ()
    mac_pool: MacPool = MacPool()
    dns: Dns = Dns()
    ipams: tuple[Ipam, ...] = ()


class IpConfig(Document):
    """One address of an endpoint; HNS fills the prefix length in from the subnet."""

    ip_address: Address = ""
    prefix_length: Uint8 = 0
    ip_subnet_id: Guid = ""


class HostComputeEndpoint(HcnObject):
    """An endpoint. HNS fills in all that is not given; the namespace only ever comes from HNS."""

    host_compute_network: Guid = ""
    host_compute_namespace: Guid = ""
    ip_configurations: tuple[IpConfig, ...] = ()
    mac_address: Mac = ""
    routes: tuple[Route, ...] = ()
    dns: Dns = Dns()
    policies: tuple[EndpointPolicy, ...] = ()
    flags: Annotated[EndpointFlags, _flags(EndpointFlags), PlainSerializer(int)] = EndpointFlags(0)


class ResourceData(Document):
    """Which endpoint or container; HNS writes it in upper case here."""

    id: str = ""


class NamespaceResource(Document):
    """An endpoint or a container in a namespace."""

    type: NamespaceResourceKind = NamespaceResourceType.ENDPOINT
    data: ResourceData = ResourceData()


class HostComputeNamespace(HcnObject):
    """A namespace. Its compartment (`NamespaceId`) is 0 until a container lives in it."""

    namespace_id: Uint32 = 0
    namespace_guid: Guid = ""
    type: NamespaceKind = NamespaceType.HOST
    resources: tuple[NamespaceResource, ...] = ()
    create_with_compartment: Boolean = False
    containers: tuple[str, ...] = ()
    is_default: Boolean = False
    policies: tuple[Any, ...] | None = None
    resource_list: tuple[NamespaceResource, ...] = ()


class LoadBalancerPortMapping(Document):
    """A port of a load balancer. `distribution_type`: 0 none, 1 source IP and protocol, 2 source IP."""

    needed: ClassVar[tuple[str, ...]] = ("Protocol", "InternalPort", "ExternalPort")

    protocol: Uint32 = 0
    internal_port: Uint16 = 0
    external_port: Uint16 = 0
    distribution_type: Uint8 = 0
    flags: Annotated[PortMappingFlags, _flags(PortMappingFlags), PlainSerializer(int)] = PortMappingFlags(0)


class HostComputeLoadBalancer(HcnObject):
    """A load balancer; without front-end addresses it serves every local one."""

    needed: ClassVar[tuple[str, ...]] = ("HostComputeEndpoints", "PortMappings")

    host_compute_endpoints: tuple[Guid, ...] = ()
    source_vip: Address = Field(default="", alias="SourceVIP")
    frontend_vips: tuple[Address, ...] = Field(default=(), alias="FrontendVIPs")
    port_mappings: tuple[LoadBalancerPortMapping, ...] = ()
    flags: Annotated[LoadBalancerFlags, _flags(LoadBalancerFlags), PlainSerializer(int)] = LoadBalancerFlags(
        0
    )
    host_compute_network: str = ""


class HostComputeSdnRoute(HcnObject):
    """Routes of several endpoints. The schema calls them `Routes`, hcsshim `Setting`."""

    needed: ClassVar[tuple[str, ...]] = ("HostComputeEndpoints",)

    host_compute_endpoints: tuple[Guid, ...] = ()
    routes: tuple[SdnRoute, ...] = ()
    setting: tuple[SdnRoute, ...] = ()
    host_compute_network: str = ""
