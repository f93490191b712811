"""What HCS tells on its own: a system's crash and exit, a process's exit, and the end of the service.

https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT_TYPE
"""

from __future__ import annotations

from cni_hns.simulator.core.documents import Document, written
from cni_hns.simulator.core.store import State

__all__ = [
    "PROCESS_EXITED",
    "SERVICE_DISCONNECT",
    "SYSTEM_CRASH_INITIATED",
    "SYSTEM_CRASH_REPORT",
    "SYSTEM_EXITED",
    "happened",
]

SYSTEM_EXITED = 0x00000001
SYSTEM_CRASH_INITIATED = 0x00000002
SYSTEM_CRASH_REPORT = 0x00000003
PROCESS_EXITED = 0x00010000
SERVICE_DISCONNECT = 0x02000000

# Who listens reads within milliseconds; a bound keeps the node's file small.
_KEPT = 1000


def happened(state: State, code: int, target: str, document: Document | None = None) -> None:
    """Tell who listens to this run of a system, or to this process; to everybody without a target."""
    text = None if document is None else written(document)
    state.run("INSERT INTO compute_events (code, object, document) VALUES (?, ?, ?)", code, target, text)
    state.run("DELETE FROM compute_events WHERE id <= (SELECT max(id) FROM compute_events) - ?", _KEPT)
