"""One process in a compute system: its status, its signals, its input and output, its end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from cni_hns.binding.compute_errors import ProcessStopped
from cni_hns.binding.errors import AccessDenied, ServiceError
from cni_hns.binding.streams import Streams
from cni_hns.binding.texts import json_text
from cni_hns.deadline import Deadline
from cni_hns.hcs.answers import document_in
from cni_hns.hcs.documents.processes import (
    CloseHandle,
    ProcessModifyRequest,
    ProcessStatus,
    SignalProcessOptions,
)
from cni_hns.hcs.exits import wait_for_exit
from cni_hns.hcs.opened import Opened

if TYPE_CHECKING:
    from cni_hns.binding.compute import Compute, Held
    from cni_hns.hcs.documents.words import ProcessSignal

__all__ = ["CALL_S", "OpenProcess"]

CALL_S = 30.0
"""How long a call may take that changes little, where nobody says so, in seconds."""


class OpenProcess(Opened):
    """An open process; `id` is its process id, and `streams` has those that its parameters asked for.

    HCS takes the signals of one handle one after the other: to kill one that hangs, open it anew.
    """

    def __init__(self, compute: Compute, held: Held, process_id: int, streams: Streams | None = None) -> None:
        super().__init__(compute, held)
        self.id = process_id
        self.streams = streams or Streams()
        self._terminated = False

    def close(self) -> None:
        """Give back the handle and the streams. A second time does nothing."""
        self.streams.close()
        super().close()

    def status(self, timeout_s: float = CALL_S) -> ProcessStatus:
        """Whether it has ended, and how."""
        text = self._compute.properties(self._held, "", Deadline(timeout_s))
        return document_in(text, ProcessStatus, "HcsGetProcessProperties", self._held.words)

    def signal(self, signal: ProcessSignal, timeout_s: float = CALL_S) -> None:
        """Send it. Raises: ProcessStopped if it has ended."""
        options = json_text(SignalProcessOptions(signal=signal).to_document())
        self._compute.ask(self._held, "Signal", Deadline(timeout_s), options)

    def modify(self, request: ProcessModifyRequest, timeout_s: float = CALL_S) -> None:
        """Change its console's size, or close one of its standard handles."""
        self._compute.modify(self._held, json_text(request.to_document()), Deadline(timeout_s))

    def close_input(self, timeout_s: float = CALL_S) -> None:
        """Let it read the end of its standard input.

        The service is told, which may have the pipe open too; where it knows of none, our own end is all.
        """
        request = ProcessModifyRequest(operation="CloseHandle", close_handle=CloseHandle(handle="StdIn"))
        with contextlib.suppress(ServiceError):
            self.modify(request, timeout_s)
        if self.streams.stdin is not None:
            self.streams.stdin.close()

    def terminate(self, timeout_s: float = CALL_S) -> None:
        """End it by force; one that has ended, or is ending since the last time, is no failure."""
        deadline = Deadline(timeout_s)
        try:
            self._compute.ask(self._held, "Terminate", deadline)
        except ProcessStopped:
            pass
        except AccessDenied:
            # Said of a process that is just ending, too.
            if not self._terminated and not self.status(deadline.left_s()).exited:
                raise
        self._terminated = True

    def wait_for_exit(self, timeout_s: float) -> ProcessStatus:
        """How it ended. Raises: OutcomeUnknown if it has not in time."""
        text = wait_for_exit(self._compute, self._held, Deadline(timeout_s))
        return document_in(
            text or '{"Exited": true}', ProcessStatus, "HcsWaitForProcessExit", self._held.words
        )
