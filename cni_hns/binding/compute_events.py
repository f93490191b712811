"""What the Host Compute System tells of one open handle, in its own thread.

Rule: the callback copies and returns. No code of a caller runs in it, so nobody can close the handle there:
the close waits for callbacks that run, and would wait for itself.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Event as Flag

from cni_hns.binding._generated_computecore import ffi
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cni_hns.log import Log

__all__ = ["PROCESS_EXITED", "SERVICE_DISCONNECT", "SYSTEM_EXITED", "Event", "Events"]

# https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT_TYPE
SYSTEM_EXITED = 0x00000001
PROCESS_EXITED = 0x00010000
SERVICE_DISCONNECT = 0x02000000


class Event(NamedTuple):
    """One event: its number, and its JSON document; empty where it has none."""

    type: int
    document: str


class Events:
    """The events of one handle, in the order in which they came."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told: SimpleQueue[Event] = SimpleQueue()
        self._over = Flag()
        self.exit: Event | None = None
        """The exit of what the handle stands for, or the end of the service; None before."""
        # Kept for as long as the handle is open: the service calls it.
        self.callback = ffi.callback("HCS_EVENT_CALLBACK", self._tell)

    def next(self, timeout_s: float) -> Event | None:
        """The next event, None if none comes in this time."""
        try:
            return self._told.get(timeout=timeout_s)
        except Empty:
            return None

    def over_within(self, timeout_s: float) -> bool:
        """Whether the exit, or the end of the service, is told in this time."""
        return self._over.wait(timeout_s)

    def _tell(self, told: Any, _context: Any) -> None:
        try:
            text = "" if told.EventData == ffi.NULL else str(ffi.string(told.EventData))
            event = Event(int(told.Type), text)
            if event.type in (SYSTEM_EXITED, PROCESS_EXITED, SERVICE_DISCONNECT) and self.exit is None:
                self.exit = event
                self._over.set()
            self._told.put(event)
        except Exception as fault:
            self._log.event(f"an event was not handled: {type(fault).__name__}", "error")
