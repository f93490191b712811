"""What a compute system says of itself, and how it is asked.

Timestamps are UTC texts with seven digits of a second, times are counted in 100 ns.
https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#Properties
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cni_hns.hcs.documents.results import ResultError
from cni_hns.hcs.documents.words import (
    NotificationTypeWord,
    OsTypeWord,
    StateWord,
    SystemPropertyTypeWord,
    SystemTypeWord,
)
from cni_hns.schema import Boolean, Document, Guid, Int32, Schema, Timestamp, Uint8, Uint32, Uint64

__all__ = [
    "ComputeSystemProperties",
    "GuestConnectionInfo",
    "MemoryInformationForVm",
    "MemoryStats",
    "ProcessDetails",
    "ProcessorStats",
    "Properties",
    "PropertyResponse",
    "SharedMemoryRegionInfo",
    "Statistics",
    "StorageStats",
    "SystemPropertyQuery",
    "SystemQuery",
    "VirtualNodeInfo",
    "VmMemory",
]


class SystemQuery(Document):
    """Which systems to list: those that one word of each given list fits."""

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    types: tuple[SystemTypeWord, ...] = ()
    owners: tuple[str, ...] = ()


class SystemPropertyQuery(Document):
    """Which properties to tell besides the basic ones."""

    property_types: tuple[SystemPropertyTypeWord, ...] = ()
    queries: dict[str, Any] = Field(default_factory=dict)  # schema 2.5


class ProcessorStats(Document):
    """Processor time since the start, on all processors together."""

    total_runtime_100ns: Uint64 = Field(default=0, alias="TotalRuntime100ns")
    runtime_user_100ns: Uint64 = Field(default=0, alias="RuntimeUser100ns")
    runtime_kernel_100ns: Uint64 = Field(default=0, alias="RuntimeKernel100ns")


class MemoryStats(Document):
    """Memory now, and the most that was committed."""

    memory_usage_commit_bytes: Uint64 = 0
    memory_usage_commit_peak_bytes: Uint64 = 0
    memory_usage_private_working_set_bytes: Uint64 = 0


class StorageStats(Document):
    """Reads and writes since the start; the counts are in operations of 8 KiB."""

    read_count_normalized: Uint64 = 0
    read_size_bytes: Uint64 = 0
    write_count_normalized: Uint64 = 0
    write_size_bytes: Uint64 = 0


class Statistics(Document):
    """What a container used. There is no network in it: its endpoints count that."""

    timestamp: Timestamp = ""
    container_start_time: Timestamp = ""
    uptime_100ns: Uint64 = Field(default=0, alias="Uptime100ns")
    processor: ProcessorStats | None = None
    memory: MemoryStats | None = None
    storage: StorageStats | None = None


class ProcessDetails(Document):
    """One process of a container."""

    process_id: Uint32 = 0
    image_name: str = ""
    create_timestamp: Timestamp = ""
    user_time_100ns: Uint64 = Field(default=0, alias="UserTime100ns")
    kernel_time_100ns: Uint64 = Field(default=0, alias="KernelTime100ns")
    memory_commit_bytes: Uint64 = 0
    memory_working_set_private_bytes: Uint64 = 0
    memory_working_set_shared_bytes: Uint64 = 0


class VmMemory(Document):
    """A virtual machine's memory: available in percent, the rest in pages."""

    available_memory: Int32 = 0
    available_memory_buffer: Int32 = 0
    reserved_memory: Uint64 = 0
    assigned_memory: Uint64 = 0
    slp_active: Boolean = False
    balancing_enabled: Boolean = False
    dm_operation_in_progress: Boolean = False


class VirtualNodeInfo(Document):
    """One NUMA node of a virtual machine."""

    virtual_node_index: Uint8 = 0
    physical_node_number: Uint8 = 0
    virtual_processor_count: Uint32 = 0
    memory_usage_in_pages: Uint64 = 0


class MemoryInformationForVm(Document):
    """The memory of a virtual machine; a container has none to tell."""

    virtual_node_count: Uint8 = 0
    virtual_machine_memory: VmMemory | None = None
    virtual_nodes: tuple[VirtualNodeInfo, ...] = ()


class SharedMemoryRegionInfo(Document):
    """Memory that host and guest share."""

    section_name: str = ""
    guest_physical_address: Uint64 = 0


class GuestConnectionInfo(Document):
    """What the service in the guest can do."""

    supported_schema_versions: tuple[Schema, ...] = ()
    protocol_version: Uint32 = 0
    guest_defined_capabilities: Any = None


class PropertyResponse(Document):
    """The answer to one query of a map, or why there is none (schema 2.5)."""

    error: ResultError | None = None
    response: Any = None


class Properties(Document):
    """What a system says of itself: `id` and `system_type` always, the rest where it is asked for."""

    id: str = ""
    system_type: SystemTypeWord = "Container"
    runtime_os_type: OsTypeWord = ""
    name: str = ""
    owner: str = ""
    runtime_id: Guid = ""
    runtime_template_id: str = ""
    state: StateWord = "Unknown"
    stopped: Boolean = False
    exit_type: NotificationTypeWord = "None"
    memory: MemoryInformationForVm | None = None
    statistics: Statistics | None = None
    process_list: tuple[ProcessDetails, ...] = ()
    terminate_on_last_handle_closed: Boolean = False
    hosting_system_id: str = ""
    shared_memory_region_info: tuple[SharedMemoryRegionInfo, ...] = ()
    guest_connection_info: GuestConnectionInfo | None = None
    property_responses: dict[str, PropertyResponse] = Field(default_factory=dict)  # schema 2.5


class ComputeSystemProperties(Document):
    """The basic properties as an answer of their own (schema 2.5)."""

    id: str = ""
    name: str = ""
    system_type: SystemTypeWord = "Container"
    state: StateWord = "Unknown"
    owner: str = ""
    runtime_id: Guid = ""
    runtime_os_type: OsTypeWord = ""
    hosting_system_id: str = ""
    is_dummy: Boolean = False
    ob_root: str = ""
    runtime_template_id: str = ""
