"""What HCS says of an end or a failure.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#ResultError
"""

from __future__ import annotations

from pydantic import Field

from cni_hns.hcs.documents.failure_words import (
    ExitInitiatorWord,
    OperationFailureDetailWord,
    SystemExitDetailWord,
    VirtualDeviceFailureDetailWord,
    WorkerExitDetailWord,
    WorkerExitTypeWord,
)
from cni_hns.hcs.documents.words import EventDataTypeWord, NotificationTypeWord, WindowsCrashPhaseWord
from cni_hns.schema import Boolean, Document, Guid, Int32, Uint16, Uint32, Uint64

__all__ = [
    "AttributionRecord",
    "CrashReport",
    "ErrorEvent",
    "EventData",
    "GuestCrash",
    "InjectNonMaskableInterrupt",
    "OperationFailure",
    "ResultError",
    "SystemExit",
    "SystemExitStatus",
    "TripleFault",
    "VirtualDeviceFailure",
    "WindowsCrashReport",
    "WorkerExit",
]


class EventData(Document):
    """A value of an event, as text."""

    type: EventDataTypeWord = "Empty"
    value: str = ""


class ErrorEvent(Document):
    """One event behind an error; `provider` is the GUID of the component that wrote it."""

    message: str = ""
    stack_trace: str = ""
    provider: Guid = ""
    event_id: Uint16 = 0
    flags: Uint32 = 0
    source: str = ""
    data: tuple[EventData, ...] = ()


class WorkerExit(Document):
    """A virtual machine's worker process ended."""

    exit_code: Uint32 = 0
    type: WorkerExitTypeWord = "None"
    detail: WorkerExitDetailWord = "Invalid"
    initiator: ExitInitiatorWord = "None"


class GuestCrash(Document):
    """The guest crashed."""

    crash_parameters: tuple[Uint64, ...] = ()


class TripleFault(Document):
    """A virtual processor gave up."""

    error_type: Uint64 = 0


class InjectNonMaskableInterrupt(Document):
    """The guest was interrupted on purpose."""


class OperationFailure(Document):
    """A step of the service failed."""

    detail: OperationFailureDetailWord = "Invalid"


class SystemExit(Document):  # noqa: A001
    """The system ended, and who did it."""

    detail: SystemExitDetailWord = "Invalid"
    initiator: ExitInitiatorWord = "None"


class VirtualDeviceFailure(Document):
    """A virtual device failed."""

    detail: VirtualDeviceFailureDetailWord = "None"
    name: str = ""
    device_id: Guid = ""
    instance_id: Guid = ""


class AttributionRecord(Document):
    """What is held responsible (schema 2.4): exactly one of the members is there."""

    worker_exit: WorkerExit | None = None
    guest_crash: GuestCrash | None = None
    triple_fault: TripleFault | None = None
    inject_non_maskable_interrupt: InjectNonMaskableInterrupt | None = None
    operation_failure: OperationFailure | None = None
    system_exit: SystemExit | None = None
    virtual_device_failure: VirtualDeviceFailure | None = None


class ResultError(Document):
    """The document of a failed operation; `error` is the HRESULT as a signed number."""

    error: Int32 = 0
    error_message: str = ""  # schema 2.1
    error_events: tuple[ErrorEvent, ...] = ()
    attribution: tuple[AttributionRecord, ...] = ()  # schema 2.4


class SystemExitStatus(Document):
    """How a system ended; `status` is an HRESULT as a signed number, 0 for a normal end."""

    status: Int32 = 0
    exit_type: NotificationTypeWord = "None"  # schema 2.2
    attribution: tuple[AttributionRecord, ...] = ()  # schema 2.4


class WindowsCrashReport(Document):
    """The crash of a Windows guest, and its dump."""

    dump_file: str = ""
    os_major_version: Uint32 = 0
    os_minor_version: Uint32 = 0
    os_build_number: Uint32 = 0
    os_service_pack_major_version: Uint32 = 0
    os_service_pack_minor_version: Uint32 = 0
    os_suite_mask: Uint32 = 0
    os_product_type: Uint32 = 0
    status: Int32 = 0
    final_phase: WindowsCrashPhaseWord = "Inactive"


class CrashReport(Document):
    """The crash of a system."""

    system_id: str = ""
    activity_id: Guid = ""
    windows_crash_info: WindowsCrashReport | None = None
    crash_parameters: tuple[Uint64, ...] = ()
    crash_log: str = ""  # schema 2.3
    status: Int32 = 0  # schema 2.4
    pre_os_id: Uint32 = Field(default=0, alias="PreOSId")  # schema 2.4
    crash_stack_unavailable: Boolean = False  # schema 2.4
