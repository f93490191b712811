"""What HCS tells of an open system on its own.

https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT_TYPE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.compute_events import PROCESS_EXITED, SERVICE_DISCONNECT, SYSTEM_EXITED
from cni_hns.hcs.answers import document_in
from cni_hns.hcs.documents.processes import ProcessStatus
from cni_hns.hcs.documents.results import CrashReport, SystemExitStatus
from cni_hns.schema import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.binding.compute_events import Events
    from cni_hns.deadline import Deadline

__all__ = ["EVENTS", "SystemEvent", "events_until"]

EVENTS = {
    0x00000000: "Invalid",
    SYSTEM_EXITED: "SystemExited",
    0x00000002: "SystemCrashInitiated",
    0x00000003: "SystemCrashReport",
    0x00000004: "SystemRdpEnhancedModeStateChanged",
    0x00000005: "SystemSiloJobCreated",
    0x00000006: "SystemGuestConnectionClosed",
    PROCESS_EXITED: "ProcessExited",
    0x01000000: "OperationCallback",
    SERVICE_DISCONNECT: "ServiceDisconnect",
    # Not on the page; seen in the metadata of Windows.
    0x80000002: "GroupVmLifecycle",
    0x80000003: "GroupLiveMigration",
    0xC0000001: "GroupOperationInfo",
}

_DOCUMENTS: dict[str, type[Document]] = {
    "SystemExited": SystemExitStatus,
    "SystemCrashInitiated": CrashReport,
    "SystemCrashReport": CrashReport,
    "ProcessExited": ProcessStatus,
}

_LAST = {"SystemExited", "ProcessExited", "ServiceDisconnect"}


class SystemEvent(NamedTuple):
    """An event's name without the prefix HcsEvent, and its document: of the model that the event has."""

    name: str
    document: Document


def events_until(events: Events, deadline: Deadline) -> Iterator[SystemEvent]:
    """Each event as it comes, until the one after which none comes, or until the time is up.

    Raises: MalformedAnswer for an event whose document cannot be read.
    """
    while (told := events.next(deadline.left_s())) is not None:
        name = EVENTS.get(told.type & 0xFFFFFFFF, f"event 0x{told.type & 0xFFFFFFFF:08X}")
        model = _DOCUMENTS.get(name, Document)
        yield SystemEvent(name, document_in(told.document, model, f"HcsEvent{name}"))
        if name in _LAST:
            return
