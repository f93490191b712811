"""What the service says of itself and of the host, how it is asked, and what of it can be changed.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ServiceProperties
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cni_hns.hcs.documents.properties import PropertyResponse
from cni_hns.hcs.documents.system import ContainerCredentialGuardState, HvSocketServiceConfig
from cni_hns.hcs.documents.words import GetPropertyTypeWord, ModifyPropertyTypeWord, SubnodeTypeWord
from cni_hns.schema import Boolean, Document, Guid, Int32, Schema, Uint8, Uint32, Uint64

__all__ = [
    "BasicInformation",
    "ContainerCredentialGuardHvSocketServiceConfig",
    "ContainerCredentialGuardInstance",
    "ContainerCredentialGuardSystemInfo",
    "CpuGroupAffinity",
    "CpuGroupConfig",
    "CpuGroupConfigurations",
    "CpuGroupProperty",
    "LogicalProcessor",
    "ModificationRequest",
    "ProcessorTopology",
    "QoSCapabilities",
    "ServiceProperties",
    "ServicePropertyQuery",
    "Subnode",
]


class ServicePropertyQuery(Document):
    """What to tell; without anything the basic information."""

    property_types: tuple[GetPropertyTypeWord, ...] = ()
    property_queries: dict[str, Any] = Field(default_factory=dict)  # schema 2.5


class ServiceProperties(Document):
    """The answers in the order of the types that were asked for, each of the model of its type."""

    properties: tuple[Any, ...] = ()
    property_responses: dict[str, PropertyResponse] = Field(default_factory=dict)  # schema 2.5


class ModificationRequest(Document):
    """A change of the service itself."""

    property_type: ModifyPropertyTypeWord = "CpuGroup"
    settings: Any = None


class BasicInformation(Document):
    """The schema versions that the service reads: 2.5 stands for 2.0 to 2.5."""

    supported_schema_versions: tuple[Schema, ...] = ()


class QoSCapabilities(Document):
    """What the host can limit."""

    processor_qos_supported: Boolean = Field(default=False, alias="ProcessorQoSSupported")


class Subnode(Document):
    """A neighbourhood of processors."""

    type: SubnodeTypeWord = "Any"
    id: Uint64 = 0


class LogicalProcessor(Document):
    """One logical processor of the host."""

    lp_index: Uint32 = 0
    node_number: Uint8 = 0
    package_id: Uint32 = 0
    core_id: Uint32 = 0
    root_vp_index: Int32 = 0
    subnodes: tuple[Subnode, ...] = ()


class ProcessorTopology(Document):
    """The processors of the host."""

    logical_processor_count: Uint32 = 0
    logical_processors: tuple[LogicalProcessor, ...] = ()


class CpuGroupAffinity(Document):
    """The processors of a group."""

    logical_processor_count: Uint32 = 0
    logical_processors: tuple[Uint32, ...] = ()


class CpuGroupProperty(Document):
    """A property of a group, by its number."""

    property_code: Uint32 = 0
    property_value: Uint64 = 0


class CpuGroupConfig(Document):
    """A group of processors for virtual machines."""

    group_id: Guid = ""
    affinity: CpuGroupAffinity | None = None
    group_properties: tuple[CpuGroupProperty, ...] = ()
    hypervisor_group_id: Uint64 = 0


class CpuGroupConfigurations(Document):
    """The groups of processors."""

    cpu_groups: tuple[CpuGroupConfig, ...] = ()


class ContainerCredentialGuardHvSocketServiceConfig(Document):
    """The Hyper-V socket by which a container reaches its credentials."""

    service_id: Guid = ""
    service_config: HvSocketServiceConfig | None = None


class ContainerCredentialGuardInstance(Document):
    """The credentials of one container."""

    id: str = ""
    credential_guard: ContainerCredentialGuardState | None = None
    hv_socket_config: ContainerCredentialGuardHvSocketServiceConfig | None = None


class ContainerCredentialGuardSystemInfo(Document):
    """The containers with credentials."""

    instances: tuple[ContainerCredentialGuardInstance, ...] = ()
