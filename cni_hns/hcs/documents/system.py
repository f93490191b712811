"""What a compute system is made from: the document of HcsCreateComputeSystem.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ComputeSystem
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from cni_hns.hcs.documents.words import (
    CacheModeWord,
    ContainerCredentialGuardTransportWord,
    DeviceTypeWord,
    MappedPipePathTypeWord,
    PathTypeWord,
    RegistryHiveWord,
    RegistryValueTypeWord,
)
from cni_hns.schema import Boolean, Document, Guid, Int64, Schema, Uint32, Uint64

__all__ = [
    "ComputeSystem",
    "Container",
    "ContainerCredentialGuardState",
    "ContainerHvSocket",
    "ContainerMemory",
    "ContainerProcessor",
    "Device",
    "GuestOs",
    "HvSocketServiceConfig",
    "HvSocketSystemConfig",
    "Layer",
    "MappedDirectory",
    "MappedPipe",
    "Networking",
    "RegistryChanges",
    "RegistryKey",
    "RegistryValue",
    "Storage",
    "StorageQoS",
]


class GuestOs(Document):
    """The system in the container."""

    host_name: str = ""


class Layer(Document):
    """A layer of the image. `id` names it among all layers of the node."""

    id: Guid = ""
    path: str = ""
    path_type: PathTypeWord = "AbsolutePath"
    cache: CacheModeWord = ""


class StorageQoS(Document):
    """Limits: operations of 8 KiB a second, bytes a second; 0 is none."""

    iops_maximum: Uint64 = 0
    bandwidth_maximum: Uint64 = 0


class Storage(Document):
    """The container's root: the layers from the uppermost down, and the volume that is written to."""

    layers: tuple[Layer, ...] = ()
    path: str = ""
    qos: StorageQoS | None = Field(default=None, alias="QoS")
    # Not on Microsoft's page; hcsshim sends it for containers that share the host's namespaces.
    privileged_container_root_path: str = ""


class MappedDirectory(Document):
    """A folder of the host in the container. A host path that is a link has to be resolved before."""

    host_path: str = ""
    host_path_type: PathTypeWord = "AbsolutePath"  # schema 2.1
    container_path: str = ""
    read_only: Boolean = False
    support_cloud_files: Boolean = False  # schema 2.3


class MappedPipe(Document):
    """A named pipe of the host in the container."""

    container_pipe_name: str = ""
    host_path: str = ""
    host_path_type: MappedPipePathTypeWord = "AbsolutePath"


class ContainerMemory(Document):
    """The most that all processes of the container may commit."""

    size_in_mb: Uint64 = Field(default=0, alias="SizeInMB")


class ContainerProcessor(Document):
    """The container's share of the processors, by one of three; runtimes send the other two as 0.

    `count` of processors, `weight` (0 to 10000) against other containers, `maximum` in 10000ths of the
    machine.
    """

    count: Uint32 = 0
    weight: Int64 = 0
    maximum: Int64 = 0


class Networking(Document):
    """The HCN namespace that the container joins (a GUID), or the container whose network it shares.

    `dns_search_list` has its names with commas between.
    """

    allow_unqualified_dns_query: Boolean = False
    dns_search_list: str = ""
    network_shared_container_name: str = ""
    namespace: str = ""
    network_adapters: tuple[Guid, ...] = ()


class HvSocketServiceConfig(Document):
    """Who may serve and who may call on a Hyper-V socket, as security descriptors."""

    bind_security_descriptor: str = ""
    connect_security_descriptor: str = ""
    allow_wildcard_binds: Boolean = False


class HvSocketSystemConfig(Document):
    """The Hyper-V sockets of a system, by the GUIDs of their services."""

    default_bind_security_descriptor: str = ""
    default_connect_security_descriptor: str = ""
    service_table: dict[str, HvSocketServiceConfig] = Field(default_factory=dict)


class ContainerHvSocket(Document):
    """The container's Hyper-V sockets."""

    config: HvSocketSystemConfig | None = None
    enable_power_shell_direct: Boolean = False


class ContainerCredentialGuardState(Document):
    """The container's domain account (gMSA)."""

    cookie: str = ""  # base64
    rpc_endpoint: str = ""
    transport: ContainerCredentialGuardTransportWord = "LRPC"
    credential_spec: str = ""


class RegistryKey(Document):
    """A key of the container's registry."""

    hive: RegistryHiveWord = "System"
    name: str = ""
    volatile: Boolean = False


class RegistryValue(Document):
    """A value to write; the member that belongs to its type has it."""

    key: RegistryKey | None = None
    name: str = ""
    type: RegistryValueTypeWord = "None"
    string_value: str = ""
    binary_value: str = ""  # base64
    d_word_value: Uint32 = 0
    q_word_value: Uint64 = 0
    custom_type: Uint32 = 0


class RegistryChanges(Document):
    """What is changed in the container's registry before it starts."""

    add_values: tuple[RegistryValue, ...] = ()
    delete_keys: tuple[RegistryKey, ...] = ()


class Device(Document):
    """Devices of the host in the container: all of a class, or one."""

    type: DeviceTypeWord = "ClassGuid"  # schema 2.2
    interface_class_guid: Guid = ""  # schema 2.1
    location_path: str = ""  # schema 2.2


class Container(Document):
    """A container that shares the kernel of what it runs on: the host, or a virtual machine."""

    guest_os: GuestOs | None = None
    storage: Storage | None = None
    mapped_directories: tuple[MappedDirectory, ...] = ()
    mapped_pipes: tuple[MappedPipe, ...] = ()
    memory: ContainerMemory | None = None
    processor: ContainerProcessor | None = None
    networking: Networking | None = None
    hv_socket: ContainerHvSocket | None = None
    container_credential_guard: ContainerCredentialGuardState | None = None
    registry_changes: RegistryChanges | None = None
    assigned_devices: tuple[Device, ...] = ()
    additional_device_namespace: dict[str, Any] = Field(default_factory=dict)  # schema 2.3
    # Not on Microsoft's page; hcsshim: "HostProcess" for such a container in a virtual machine.
    isolation_type: str = ""


class ComputeSystem(Document):
    """A container, a virtual machine, or what a virtual machine hosts (`hosting_system_id`).

    With `should_terminate_on_last_handle_closed` the system ends with the last handle that anyone has of it.
    """

    needed: ClassVar[tuple[str, ...]] = ("Owner", "SchemaVersion")

    owner: str = ""
    schema_version: Schema = Schema()
    hosting_system_id: str = ""
    hosted_system: Any = None
    container: Container | None = None
    # A virtual machine is made by other programs: here its document is passed on as it is.
    virtual_machine: dict[str, Any] = Field(default_factory=dict)
    should_terminate_on_last_handle_closed: Boolean = False
