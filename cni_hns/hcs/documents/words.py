"""The word lists of the Host Compute System's documents, in the schema's spelling; read in any case.

JSON has the words only: no numbers are published. A word of a newer schema is kept as it is.
https://learn.microsoft.com/virtualization/api/hcs/SchemaReference
"""

from __future__ import annotations

from typing import Annotated

from cni_hns.schema import Word, word

__all__ = [
    "CacheMode",
    "CacheModeWord",
    "ContainerCredentialGuardTransport",
    "ContainerCredentialGuardTransportWord",
    "CrashType",
    "CrashTypeWord",
    "DeviceType",
    "DeviceTypeWord",
    "EventDataType",
    "EventDataTypeWord",
    "GetPropertyType",
    "GetPropertyTypeWord",
    "HcsWord",
    "MappedPipePathType",
    "MappedPipePathTypeWord",
    "ModifyOperation",
    "ModifyOperationWord",
    "ModifyPropertyType",
    "ModifyPropertyTypeWord",
    "ModifyRequestType",
    "ModifyRequestTypeWord",
    "NotificationType",
    "NotificationTypeWord",
    "OsType",
    "OsTypeWord",
    "PathType",
    "PathTypeWord",
    "PauseReason",
    "PauseReasonWord",
    "PauseSuspensionLevel",
    "PauseSuspensionLevelWord",
    "ProcessSignal",
    "ProcessSignalWord",
    "RegistryHive",
    "RegistryHiveWord",
    "RegistryValueType",
    "RegistryValueTypeWord",
    "SaveType",
    "SaveTypeWord",
    "ShutdownMechanism",
    "ShutdownMechanismWord",
    "ShutdownType",
    "ShutdownTypeWord",
    "State",
    "StateWord",
    "StdHandle",
    "StdHandleWord",
    "SubnodeType",
    "SubnodeTypeWord",
    "SystemPropertyType",
    "SystemPropertyTypeWord",
    "SystemType",
    "SystemTypeWord",
    "WindowsCrashPhase",
    "WindowsCrashPhaseWord",
]


class HcsWord(Word):
    """A list of words without published numbers."""

    @classmethod
    def numbered(cls) -> int:
        return 0


class CacheMode(HcsWord):
    """How a layer is cached."""

    EMPTY = ""
    DISABLED = "Disabled"
    ENABLED = "Enabled"
    PRIVATE = "Private"
    PRIVATE_ALLOW_SHARING = "PrivateAllowSharing"


class ContainerCredentialGuardTransport(HcsWord):
    """How a container reaches its credentials."""

    LRPC = "LRPC"
    HV_SOCKET = "HvSocket"


class CrashType(HcsWord):
    """What to crash (schema 2.3)."""

    CRASH_GUEST = "CrashGuest"


class DeviceType(HcsWord):
    """By what a device is named (schema 2.2)."""

    CLASS_GUID = "ClassGuid"
    DEVICE_INSTANCE = "DeviceInstance"
    GPU_MIRROR = "GpuMirror"


class EventDataType(HcsWord):
    """The type of a value of an event."""

    EMPTY = "Empty"
    STRING = "String"
    ANSI_STRING = "AnsiString"
    S_BYTE = "SByte"
    BYTE = "Byte"
    INT16 = "Int16"
    UINT16 = "UInt16"
    INT32 = "Int32"
    UINT32 = "UInt32"
    INT64 = "Int64"
    UINT64 = "UInt64"
    SINGLE = "Single"
    DOUBLE = "Double"
    BOOLEAN = "Boolean"
    BINARY = "Binary"
    GUID = "Guid"


class GetPropertyType(HcsWord):
    """What the service says of itself."""

    BASIC = "Basic"
    CPU_GROUP = "CpuGroup"
    PROCESSOR_TOPOLOGY = "ProcessorTopology"
    CONTAINER_CREDENTIAL_GUARD = "ContainerCredentialGuard"
    QO_SCAPABILITIES = "QoSCapabilities"


class MappedPipePathType(HcsWord):
    """What the host's path of a pipe is."""

    ABSOLUTE_PATH = "AbsolutePath"
    VIRTUAL_SMB_PIPE_NAME = "VirtualSmbPipeName"


class ModifyOperation(HcsWord):
    """What to change of a process."""

    CONSOLE_SIZE = "ConsoleSize"
    CLOSE_HANDLE = "CloseHandle"


class ModifyPropertyType(HcsWord):
    """What can be changed of the service."""

    CPU_GROUP = "CpuGroup"
    CONTAINER_CREDENTIAL_GUARD = "ContainerCredentialGuard"


class ModifyRequestType(HcsWord):
    """What to do with a resource. (Reset exists in HCN's requests only.)"""

    ADD = "Add"
    REMOVE = "Remove"
    UPDATE = "Update"


class NotificationType(HcsWord):
    """How a system ended."""

    NONE = "None"
    GRACEFUL_EXIT = "GracefulExit"
    FORCED_EXIT = "ForcedExit"
    UNEXPECTED_EXIT = "UnexpectedExit"
    UNKNOWN = "Unknown"


class OsType(HcsWord):
    """The system in a container; empty for the host's own."""

    EMPTY = ""
    WINDOWS = "Windows"
    LINUX = "Linux"


class PathType(HcsWord):
    """What a path of the host is."""

    ABSOLUTE_PATH = "AbsolutePath"
    VIRTUAL_SMB_SHARE_NAME = "VirtualSmbShareName"


class PauseReason(HcsWord):
    """Why a system is paused."""

    NONE = "None"
    SAVE = "Save"
    TEMPLATE = "Template"


class PauseSuspensionLevel(HcsWord):
    """How far a virtual machine is paused."""

    SUSPEND = "Suspend"
    MEMORY_LOW = "MemoryLow"
    MEMORY_MEDIUM = "MemoryMedium"
    MEMORY_HIGH = "MemoryHigh"


class ProcessSignal(HcsWord):
    """The signals that a Windows process knows."""

    CTRL_C = "CtrlC"
    CTRL_BREAK = "CtrlBreak"
    CTRL_CLOSE = "CtrlClose"
    CTRL_LOG_OFF = "CtrlLogOff"
    CTRL_SHUTDOWN = "CtrlShutdown"


class RegistryHive(HcsWord):
    """The hives that a container has of its own."""

    SYSTEM = "System"
    SOFTWARE = "Software"
    SECURITY = "Security"
    SAM = "Sam"


class RegistryValueType(HcsWord):
    """The type of a value in the registry."""

    NONE = "None"
    STRING = "String"
    EXPANDED_STRING = "ExpandedString"
    MULTI_STRING = "MultiString"
    BINARY = "Binary"
    DWORD = "DWord"
    QWORD = "QWord"
    CUSTOM_TYPE = "CustomType"


class SaveType(HcsWord):
    """What is made of a saved system."""

    TO_FILE = "ToFile"
    AS_TEMPLATE = "AsTemplate"


class ShutdownMechanism(HcsWord):
    """How a shutdown is told to the guest (schema 2.5)."""

    GUEST_CONNECTION = "GuestConnection"
    INTEGRATION_SERVICE = "IntegrationService"


class ShutdownType(HcsWord):
    """What the guest does at the end (schema 2.5)."""

    SHUTDOWN = "Shutdown"
    HIBERNATE = "Hibernate"
    REBOOT = "Reboot"


class State(HcsWord):
    """The state of a compute system."""

    CREATED = "Created"
    RUNNING = "Running"
    PAUSED = "Paused"
    STOPPED = "Stopped"
    SAVED_AS_TEMPLATE = "SavedAsTemplate"
    UNKNOWN = "Unknown"


class StdHandle(HcsWord):
    """The standard handles of a process."""

    STD_IN = "StdIn"
    STD_OUT = "StdOut"
    STD_ERR = "StdErr"
    ALL = "All"


class SubnodeType(HcsWord):
    """The kind of a processor's neighbourhood."""

    ANY = "Any"
    SOCKET = "Socket"
    CLUSTER = "Cluster"
    L3 = "L3"


class SystemPropertyType(HcsWord):
    """The properties that cost a question of their own."""

    MEMORY = "Memory"
    STATISTICS = "Statistics"
    PROCESS_LIST = "ProcessList"
    TERMINATE_ON_LAST_HANDLE_CLOSED = "TerminateOnLastHandleClosed"
    SHARED_MEMORY_REGION = "SharedMemoryRegion"
    GUEST_CONNECTION = "GuestConnection"


class SystemType(HcsWord):
    """Container, or virtual machine."""

    CONTAINER = "Container"
    VIRTUAL_MACHINE = "VirtualMachine"


class WindowsCrashPhase(HcsWord):
    """How far a crash dump came."""

    INACTIVE = "Inactive"
    CRASH_VALUES = "CrashValues"
    STARTING = "Starting"
    STARTED = "Started"
    WRITING = "Writing"
    COMPLETE = "Complete"


CacheModeWord = Annotated[CacheMode | str, word(CacheMode)]
ContainerCredentialGuardTransportWord = Annotated[
    ContainerCredentialGuardTransport | str, word(ContainerCredentialGuardTransport)
]
CrashTypeWord = Annotated[CrashType | str, word(CrashType)]
DeviceTypeWord = Annotated[DeviceType | str, word(DeviceType)]
EventDataTypeWord = Annotated[EventDataType | str, word(EventDataType)]
GetPropertyTypeWord = Annotated[GetPropertyType | str, word(GetPropertyType)]
MappedPipePathTypeWord = Annotated[MappedPipePathType | str, word(MappedPipePathType)]
ModifyOperationWord = Annotated[ModifyOperation | str, word(ModifyOperation)]
ModifyPropertyTypeWord = Annotated[ModifyPropertyType | str, word(ModifyPropertyType)]
ModifyRequestTypeWord = Annotated[ModifyRequestType | str, word(ModifyRequestType)]
NotificationTypeWord = Annotated[NotificationType | str, word(NotificationType)]
OsTypeWord = Annotated[OsType | str, word(OsType)]
PathTypeWord = Annotated[PathType | str, word(PathType)]
PauseReasonWord = Annotated[PauseReason | str, word(PauseReason)]
PauseSuspensionLevelWord = Annotated[PauseSuspensionLevel | str, word(PauseSuspensionLevel)]
ProcessSignalWord = Annotated[ProcessSignal | str, word(ProcessSignal)]
RegistryHiveWord = Annotated[RegistryHive | str, word(RegistryHive)]
RegistryValueTypeWord = Annotated[RegistryValueType | str, word(RegistryValueType)]
SaveTypeWord = Annotated[SaveType | str, word(SaveType)]
ShutdownMechanismWord = Annotated[ShutdownMechanism | str, word(ShutdownMechanism)]
ShutdownTypeWord = Annotated[ShutdownType | str, word(ShutdownType)]
StateWord = Annotated[State | str, word(State)]
StdHandleWord = Annotated[StdHandle | str, word(StdHandle)]
SubnodeTypeWord = Annotated[SubnodeType | str, word(SubnodeType)]
SystemPropertyTypeWord = Annotated[SystemPropertyType | str, word(SystemPropertyType)]
SystemTypeWord = Annotated[SystemType | str, word(SystemType)]
WindowsCrashPhaseWord = Annotated[WindowsCrashPhase | str, word(WindowsCrashPhase)]
