"""One open compute system: its properties, its life, its resources, its processes.

Rule: the end of a shutdown or a termination is the exit, not the success of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.compute import GONE
from cni_hns.binding.compute_errors import OutcomeUnknown
from cni_hns.binding.errors import AccessDenied, ServiceError, Unreachable
from cni_hns.binding.texts import json_text
from cni_hns.deadline import Deadline
from cni_hns.hcs.answers import document_in
from cni_hns.hcs.documents.processes import ProcessParameters
from cni_hns.hcs.documents.properties import Properties, SystemPropertyQuery
from cni_hns.hcs.documents.results import SystemExitStatus
from cni_hns.hcs.events import events_until
from cni_hns.hcs.exits import wait_for_exit
from cni_hns.hcs.isolation import IMPOSSIBLE, refuse_if_impossible
from cni_hns.hcs.opened import Opened
from cni_hns.hcs.processes import CALL_S, OpenProcess
from cni_hns.hcs.resources import memory_request, processor_request, refuse_if_unchangeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.binding.compute import Compute, Held
    from cni_hns.hcs.documents.requests import ModifySettingRequest
    from cni_hns.hcs.documents.words import SystemPropertyType
    from cni_hns.hcs.events import SystemEvent

__all__ = ["LIFE_S", "STOP_S", "OpenSystem", "Stopped"]

LIFE_S = 240.0
"""How long creating, starting, pausing and resuming may take where nobody says so, in seconds."""
STOP_S = 30.0
"""How long a shutdown may take before it becomes a termination, and how long that may take, in seconds."""


class Stopped(NamedTuple):
    """How a system came to its end ("shut down", "terminated", "not there"), and what HCS says of it."""

    how: str
    exit: SystemExitStatus | None


class OpenSystem(Opened):
    """An open compute system. Whoever keeps it open may keep it alive: use it in a short `with`.

    `build` is the build of this Windows, where it is known. Each call ends within its `timeout_s`, and raises
    the errors of `cni_hns.binding.compute_errors`; what such a system cannot do is Refused before the call.
    """

    def __init__(self, compute: Compute, held: Held, build: int | None) -> None:
        super().__init__(compute, held)
        self._build = build

    @property
    def id(self) -> str:
        return self._held.target

    def properties(self, *types: SystemPropertyType, timeout_s: float = CALL_S) -> Properties:
        """The basic properties, and those that are asked for."""
        deadline = Deadline(timeout_s)
        for one in types:
            self._refuse_if_impossible(f"tell {one}", deadline)
        query = json_text(SystemPropertyQuery(property_types=types).to_document()) if types else ""
        return self._asked(query, deadline)

    def start(self, timeout_s: float = LIFE_S) -> None:
        """Start it. Raises: WrongState if it is not just created."""
        self._compute.ask(self._held, "Start", Deadline(timeout_s))

    def pause(self, timeout_s: float = LIFE_S) -> None:
        """Pause a virtual machine. Raises: Refused for a process-isolated container."""
        deadline = Deadline(timeout_s)
        self._refuse_if_impossible("be paused", deadline)
        self._compute.ask(self._held, "Pause", deadline)

    def resume(self, timeout_s: float = LIFE_S) -> None:
        """Let a paused virtual machine go on. Raises: Refused for a process-isolated container."""
        deadline = Deadline(timeout_s)
        self._refuse_if_impossible("be resumed", deadline)
        self._compute.ask(self._held, "Resume", deadline)

    def shut_down(self, timeout_s: float = STOP_S) -> SystemExitStatus | None:
        """End it as its own system does, and wait for its exit. Raises: OutcomeUnknown if it runs on."""
        return self._end("ShutDown", timeout_s)

    def terminate(self, timeout_s: float = STOP_S) -> SystemExitStatus | None:
        """End it by force, and wait for its exit. Raises: OutcomeUnknown."""
        return self._end("Terminate", timeout_s)

    def stop(self, shutdown_s: float = STOP_S, terminate_s: float = STOP_S) -> Stopped:
        """Shut it down, and terminate it if it has not ended in `shutdown_s`; ended before is no failure."""
        try:
            return Stopped("shut down", self.shut_down(shutdown_s))
        except (AccessDenied, Unreachable):
            raise
        except ServiceError as fault:
            self._compute.warn(f"a shutdown becomes a termination: {fault}")
        return Stopped("terminated", self.terminate(terminate_s))

    def wait_for_exit(self, timeout_s: float) -> SystemExitStatus | None:
        """How it ended; None where nobody tells it any more. Raises: OutcomeUnknown if it has not in time."""
        return self._exit(Deadline(timeout_s))

    def modify(self, request: ModifySettingRequest, timeout_s: float = CALL_S) -> None:
        """Change a resource. Raises: Refused for a path of a virtual machine where there is none."""
        deadline = Deadline(timeout_s)
        if request.resource_path.lower().startswith("virtualmachine/"):
            self._refuse_if_impossible("be given a device of a virtual machine", deadline)
        change = f"{request.request_type} {request.resource_path}"
        self._compute.modify(self._held, json_text(request.to_document()), deadline, change)

    def change(self, request: ModifySettingRequest, timeout_s: float = CALL_S) -> None:
        """Change what it may use, by a request of `cni_hns.hcs.resources`. Raises: Refused."""
        deadline = Deadline(timeout_s)
        refuse_if_unchangeable(self._asked("", deadline), self._build)
        self.modify(request, deadline.left_s())

    def set_processor(
        self,
        *,
        count: int | None = None,
        maximum: int | None = None,
        weight: int | None = None,
        timeout_s: float = CALL_S,
    ) -> None:
        """Change its share of the processors, as `resources.processor_request` says.

        Raises: ValueError, Refused.
        """
        self.change(processor_request(count=count, maximum=maximum, weight=weight), timeout_s)

    def set_memory(self, size_mb: int, timeout_s: float = CALL_S) -> None:
        """Change its limit of memory, in MB. Raises: ValueError, Refused."""
        self.change(memory_request(size_mb), timeout_s)

    def create_process(self, parameters: ProcessParameters, timeout_s: float = LIFE_S) -> OpenProcess:
        """A new process, open, with the streams that its parameters ask for: whoever asks reads them.

        Raises: WrongState if the system does not run.
        """
        text = json_text(parameters.to_document())
        held, process_id, streams = self._compute.create_process(self._held, text, Deadline(timeout_s))
        return OpenProcess(self._compute, held, process_id, streams)

    def open_process(self, process_id: int) -> OpenProcess:
        """The process with this id, open."""
        return OpenProcess(
            self._compute, self._compute.open_process(self._held, process_id, listen=True), process_id
        )

    def events(self, timeout_s: float) -> Iterator[SystemEvent]:
        """Each event as it comes, until the system's exit or the service's end, or until the time is up.

        Raises: ValueError if it was opened without `listen`.
        """
        if self._held.events is None:
            raise ValueError(f"nobody listens to {self._held.words}: open it with listen=True")
        return events_until(self._held.events, Deadline(timeout_s))

    def _asked(self, query: str, deadline: Deadline) -> Properties:
        text = self._compute.properties(self._held, query, deadline)
        return document_in(text, Properties, "HcsGetComputeSystemProperties", self._held.words)

    def _refuse_if_impossible(self, what: str, deadline: Deadline) -> None:
        if what in IMPOSSIBLE:
            refuse_if_impossible(what, self._asked("", deadline))

    def _end(self, what: str, timeout_s: float) -> SystemExitStatus | None:
        deadline = Deadline(timeout_s)
        try:
            self._compute.ask(self._held, what, deadline)
        except (*GONE, OutcomeUnknown):
            # Ended, or ending: a second request is answered so while the first is on its way.
            pass
        return self._exit(deadline)

    def _exit(self, deadline: Deadline) -> SystemExitStatus | None:
        text = wait_for_exit(self._compute, self._held, deadline)
        if not text:
            return None
        return document_in(text, SystemExitStatus, "HcsWaitForComputeSystemExit", self._held.words)
