"""Policies of networks, subnets and endpoints: `{"Type": ..., "Settings": {...}}`.

`Settings` has the model that the type has in these tables; a type that no table has keeps its settings as
they are.
https://learn.microsoft.com/virtualization/api/hcn/HNS_Schema
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import SerializeAsAny, ValidationInfo, field_validator

from cni_hns.hcn.models.settings import (
    Acl,
    AutomaticDns,
    DrMacAddress,
    EncapOverhead,
    Encryption,
    InterfaceConstraint,
    InterfaceParameters,
    Iov,
    Isolation,
    L4Proxy,
    L4WfpProxy,
    LayerConstraint,
    NeighborDiscovery,
    NetAdapterName,
    OutboundNat,
    PortMapping,
    PortName,
    ProviderAddress,
    Qos,
    RemoteSubnetRoute,
    SdnRoute,
    SetPolicy,
    Settings,
    SourceMacAddress,
    TierAcl,
    VSwitchExtension,
    VxlanPort,
)
from cni_hns.schema import Document

__all__ = [
    "ENDPOINT_POLICIES",
    "NETWORK_POLICIES",
    "SUBNET_POLICIES",
    "EndpointPolicy",
    "NetworkPolicy",
    "Policy",
    "SubnetPolicy",
]

# Named, because a model with a member called `type` cannot write it out.
Table = dict[str, type[Settings]]

NETWORK_POLICIES: Table = {
    "NetAdapterName": NetAdapterName,
    "InterfaceConstraint": InterfaceConstraint,
    "ProviderAddress": ProviderAddress,
    "SourceMacAddress": SourceMacAddress,
    "DrMacAddress": DrMacAddress,
    "AutomaticDNS": AutomaticDns,
    "VSwitchExtension": VSwitchExtension,
    "LayerConstraint": LayerConstraint,
    "RemoteSubnetRoute": RemoteSubnetRoute,
    "HostRoute": Settings,
    "VxlanPort": VxlanPort,
    "SetPolicy": SetPolicy,
    "L4Proxy": L4Proxy,
    "NetworkACL": Acl,
    "NeighborDiscovery": NeighborDiscovery,
}

SUBNET_POLICIES: Table = {"VLAN": Isolation, "VSID": Isolation}

ENDPOINT_POLICIES: Table = {
    "PortMapping": PortMapping,
    "ACL": Acl,
    "QOS": Qos,
    "OutBoundNAT": OutboundNat,
    "SDNRoute": SdnRoute,
    "L4Proxy": L4Proxy,
    "L4WFPPROXY": L4WfpProxy,
    "ProviderAddress": ProviderAddress,
    "InterfaceConstraint": InterfaceConstraint,
    "PortName": PortName,
    "EncapOverhead": EncapOverhead,
    "L2Driver": Settings,
    "Encryption": Encryption,
    "VLAN": Isolation,
    "InterfaceParameters": InterfaceParameters,
    "Iov": Iov,
    "TierAcl": TierAcl,
}


class Policy(Document):
    """A policy of any object."""

    needed: ClassVar[tuple[str, ...]] = ("Type",)
    table: ClassVar[Table] = {}

    type: str = ""
    settings: SerializeAsAny[Settings] = Settings()

    @field_validator("settings", mode="before")
    @classmethod
    def _by_type(cls, value: Any, info: ValidationInfo) -> Any:
        kind = str(info.data.get("type", "")).lower()
        model = next((model for name, model in cls.table.items() if name.lower() == kind), Settings)
        return model.model_validate(value)


class NetworkPolicy(Policy):
    """A policy of a network."""

    table = NETWORK_POLICIES


class SubnetPolicy(Policy):
    """A policy of a subnet."""

    table = SUBNET_POLICIES


class EndpointPolicy(Policy):
    """A policy of an endpoint."""

    table = ENDPOINT_POLICIES
