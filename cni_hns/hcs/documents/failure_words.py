"""The words in which HCS says what it holds responsible for a failure (schema 2.4)."""

from __future__ import annotations

from typing import Annotated

from cni_hns.hcs.documents.words import HcsWord
from cni_hns.schema import word

__all__ = [
    "ExitInitiator",
    "ExitInitiatorWord",
    "OperationFailureDetail",
    "OperationFailureDetailWord",
    "SystemExitDetail",
    "SystemExitDetailWord",
    "VirtualDeviceFailureDetail",
    "VirtualDeviceFailureDetailWord",
    "WorkerExitDetail",
    "WorkerExitDetailWord",
    "WorkerExitType",
    "WorkerExitTypeWord",
]


class ExitInitiator(HcsWord):
    """Who ended a system."""

    NONE = "None"
    GUEST_OS = "GuestOS"
    CLIENT = "Client"
    INTERNAL = "Internal"
    UNKNOWN = "Unknown"


class OperationFailureDetail(HcsWord):
    """The step in which the service failed."""

    INVALID = "Invalid"
    CREATE_INTERNAL_ERROR = "CreateInternalError"
    CONSTRUCT_STATE_ERROR = "ConstructStateError"
    RUNTIME_OS_TYPE_MISMATCH = "RuntimeOsTypeMismatch"
    CONSTRUCT = "Construct"
    START = "Start"
    PAUSE = "Pause"
    RESUME = "Resume"
    SHUTDOWN = "Shutdown"
    TERMINATE = "Terminate"
    SAVE = "Save"
    GET_PROPERTIES = "GetProperties"
    MODIFY = "Modify"
    CRASH = "Crash"
    GUEST_CRASH = "GuestCrash"
    LIFECYCLE_NOTIFY = "LifecycleNotify"
    EXECUTE_PROCESS = "ExecuteProcess"
    GET_PROCESS_INFO = "GetProcessInfo"
    WAIT_FOR_PROCESS = "WaitForProcess"
    SIGNAL_PROCESS = "SignalProcess"
    MODIFY_PROCESS = "ModifyProcess"
    PREPARE_FOR_HOSTING = "PrepareForHosting"
    REGISTER_HOSTED_SYSTEM = "RegisterHostedSystem"
    UNREGISTER_HOSTED_SYSTEM = "UnregisterHostedSystem"
    PREPARE_FOR_CLONE = "PrepareForClone"
    GET_CLONE_TEMPLATE = "GetCloneTemplate"


class SystemExitDetail(HcsWord):
    """Why a system ended."""

    INVALID = "Invalid"
    HCS_API_FATAL_ERROR = "HcsApiFatalError"
    SERVICE_STOP = "ServiceStop"
    SHUTDOWN = "Shutdown"
    TERMINATE = "Terminate"
    UNEXPECTED_EXIT = "UnexpectedExit"


class VirtualDeviceFailureDetail(HcsWord):
    """The step in which a virtual device failed."""

    NONE = "None"
    CREATE = "Create"
    INITIALIZE = "Initialize"
    START_RESERVING_RESOURCES = "StartReservingResources"
    FINISH_RESERVING_RESOURCES = "FinishReservingResources"
    FREE_RESERVED_RESOURCES = "FreeReservedResources"
    SAVE_RESERVED_RESOURCES = "SaveReservedResources"
    POWER_ON_COLD = "PowerOnCold"
    POWER_ON_RESTORE = "PowerOnRestore"
    POWER_OFF = "PowerOff"
    SAVE = "Save"
    RESUME = "Resume"
    PAUSE = "Pause"
    ENABLE_OPTIMIZATIONS = "EnableOptimizations"
    START_DISABLE_OPTIMIZATIONS = "StartDisableOptimizations"
    FINISH_DISABLE_OPTIMIZATIONS = "FinishDisableOptimizations"
    RESET = "Reset"
    POST_RESET = "PostReset"
    TEARDOWN = "Teardown"
    SAVE_COMPATIBILITY_INFO = "SaveCompatibilityInfo"
    METRIC_RESTORE = "MetricRestore"
    METRIC_ENUMERATE = "MetricEnumerate"
    METRIC_ENUMERATE_FOR_SAVE = "MetricEnumerateForSave"
    METRIC_RESET = "MetricReset"
    METRIC_ENABLE = "MetricEnable"
    METRIC_DISABLE = "MetricDisable"


class WorkerExitDetail(HcsWord):
    """Why a virtual machine's worker process ended."""

    INVALID = "Invalid"
    POWER_OFF = "PowerOff"
    POWER_OFF_CRITICAL = "PowerOffCritical"
    RESET = "Reset"
    GUEST_CRASH = "GuestCrash"
    GUEST_FIRMWARE_CRASH = "GuestFirmwareCrash"
    TRIPLE_FAULT = "TripleFault"
    DEVICE_FATAL_APIC_REQUEST = "DeviceFatalApicRequest"
    DEVICE_FATAL_MSR_REQUEST = "DeviceFatalMsrRequest"
    DEVICE_FATAL_EXCEPTION = "DeviceFatalException"
    DEVICE_FATAL_ERROR = "DeviceFatalError"
    DEVICE_MACHINE_CHECK = "DeviceMachineCheck"
    EMULATOR_ERROR = "EmulatorError"
    VID_TERMINATE = "VidTerminate"
    PROCESS_UNEXPECTED_EXIT = "ProcessUnexpectedExit"
    INITIALIZATION_FAILURE = "InitializationFailure"
    INITIALIZATION_START_TIMEOUT = "InitializationStartTimeout"
    COLD_START_FAILURE = "ColdStartFailure"
    RESET_START_FAILURE = "ResetStartFailure"
    FAST_RESTORE_START_FAILURE = "FastRestoreStartFailure"
    RESTORE_START_FAILURE = "RestoreStartFailure"
    FAST_SAVE_PRESERVE_PARTITION = "FastSavePreservePartition"
    FAST_SAVE_PRESERVE_PARTITION_HANDLE_TRANSFER = "FastSavePreservePartitionHandleTransfer"
    FAST_SAVE = "FastSave"
    CLONE_TEMPLATE = "CloneTemplate"
    SAVE = "Save"
    MIGRATE = "Migrate"
    MIGRATE_FAILURE = "MigrateFailure"
    CANNOT_REFERENCE_VM = "CannotReferenceVm"
    MGOT_UNREGISTER = "MgotUnregister"
    FAST_SAVE_PRESERVE_PARTITION_HANDLE_TRANSFER_STORAGE = "FastSavePreservePartitionHandleTransferStorage"
    FAST_SAVE_PRESERVE_PARTITION_HANDLE_TRANSFER_NETWORKING = (
        "FastSavePreservePartitionHandleTransferNetworking"
    )
    FAST_SAVE_PRESERVE_PARTITION_HANDLE_TRANSFER_STORAGE_AND_NETWORKING = (
        "FastSavePreservePartitionHandleTransferStorageAndNetworking"
    )
    FAST_SAVE_PRESERVE_PARTITION_HSR = "FastSavePreservePartitionHsr"


class WorkerExitType(HcsWord):
    """How a virtual machine's worker process ended."""

    NONE = "None"
    INITIALIZATION_FAILED = "InitializationFailed"
    STOPPED = "Stopped"
    SAVED = "Saved"
    STOPPED_ON_RESET = "StoppedOnReset"
    UNEXPECTED_STOP = "UnexpectedStop"
    RESET_FAILED = "ResetFailed"
    UNRECOVERABLE_ERROR = "UnrecoverableError"


ExitInitiatorWord = Annotated[ExitInitiator | str, word(ExitInitiator)]
OperationFailureDetailWord = Annotated[OperationFailureDetail | str, word(OperationFailureDetail)]
SystemExitDetailWord = Annotated[SystemExitDetail | str, word(SystemExitDetail)]
VirtualDeviceFailureDetailWord = Annotated[VirtualDeviceFailureDetail | str, word(VirtualDeviceFailureDetail)]
WorkerExitDetailWord = Annotated[WorkerExitDetail | str, word(WorkerExitDetail)]
WorkerExitTypeWord = Annotated[WorkerExitType | str, word(WorkerExitType)]
