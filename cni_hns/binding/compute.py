"""The one owner of the systems and processes of computecore.dll; `streams` owns the pipes of a process.

Rule 1: the event callback is set right after a handle is made, before anything can end what it stands for.
Rule 2: a creation that failed may have given a handle all the same. What it stands for is terminated and the
handle closed, else the ID stays taken.
Rule 3: whoever keeps a compute system open may keep it alive: open, ask, close.
"""

from __future__ import annotations

from cni_hns.binding._generated_computecore import ffi
from cni_hns.binding.compute_errors import ProcessStopped, SystemStopped, compute_error
from cni_hns.binding.compute_events import Events
from cni_hns.binding.errors import AlreadyExists, MalformedAnswer, ServiceError, SystemNotFound
from cni_hns.binding.operations import OPERATION, Operations, milliseconds
from cni_hns.binding.service import COMPUTE_SYSTEM, Handle, ObjectKind, utf16
from cni_hns.binding.streams import Streams
from cni_hns.deadline import Deadline
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.libraries import Libraries
    from cni_hns.binding.patience import Patience
    from cni_hns.log import Log

__all__ = ["GONE", "PROCESS", "Compute", "Held"]

PROCESS = ObjectKind("process", "Process", "Processes", "Hcs")

GONE = (SystemNotFound, SystemStopped, ProcessStopped)
"""What an answer says of a system or a process that has ended."""

# https://learn.microsoft.com/virtualization/api/hcs/Reference/HcsOpenProcess: nothing else is supported.
_GENERIC_ALL = 0x10000000
_NO_OPTIONS = 0
_E_INVALIDARG = 0x80070057

# How long the end of a termination is waited for that nobody asked for.
_LAST_WISH_S = 2.0


class Held(Handle):
    """An open system or process, with what the service tells of it; `events` is None where nobody listens."""

    __slots__ = ("events",)

    def __init__(
        self, kind: ObjectKind, target: str, value: Any, close: Callable[[Any], int], events: Events | None
    ) -> None:
        super().__init__(kind, target, value, close)
        self.events = events

    @property
    def words(self) -> str:
        """How errors name it."""
        return f"{self.kind.words} {self.target}"


class Compute:
    """The calls to one Host Compute System. Documents are JSON texts, and each failure is a ServiceError.

    A call ends by its `deadline`; the errors are those of `compute_errors`. `patience` is for calls that do
    not come back at all.
    """

    def __init__(self, libraries: Libraries, log: Log, patience: Patience | None = None) -> None:
        self._operations = Operations(libraries, log, patience)
        self._log = log

    def enumerate(self, query: str, deadline: Deadline) -> str:
        """The JSON array of the properties of all systems that the SystemQuery selects."""
        name = "HcsEnumerateComputeSystems"
        return self._operations.run(name, "compute systems", deadline, _optional(query), OPERATION)

    def service_properties(self, query: str) -> str:
        """What the service says of itself, a JSON document."""
        return self._operations.answer("HcsGetServiceProperties", "", _optional(query))

    def modify_service(self, settings: str) -> None:
        """Change a setting of the service as the ModificationRequest says."""
        self._operations.answer("HcsModifyServiceSettings", "", utf16(settings))

    def create(self, system_id: str, configuration: str, deadline: Deadline) -> Held:
        """A new system by its ComputeSystem document, open, and listened to. Raises: AlreadyExists."""
        words, slot = f"{COMPUTE_SYSTEM.words} {system_id}", ffi.new("HCS_SYSTEM *")
        arguments = (utf16(system_id), utf16(configuration), OPERATION, ffi.NULL, slot)

        def make(listened: Callable[[], None]) -> None:
            self._operations.run("HcsCreateComputeSystem", words, deadline, *arguments, accepted=listened)

        return self._created(COMPUTE_SYSTEM, system_id, slot, make)

    def open(self, system_id: str, *, listen: bool = False) -> Held:
        """The system with this ID. Raises: SystemNotFound."""
        return self._opened(COMPUTE_SYSTEM, system_id, (utf16(system_id), _GENERIC_ALL), listen)

    def create_process(self, system: Held, parameters: str, deadline: Deadline) -> tuple[Held, int, Streams]:
        """A new process in the system by its ProcessParameters, open and listened to.

        With it come its id, and our ends of the pipes that the parameters ask for.
        """
        words, slot = f"{PROCESS.words} in {system.words}", ffi.new("HCS_PROCESS *")
        arguments = (system.value, utf16(parameters), OPERATION, ffi.NULL, slot)
        told: Any = ffi.new("HCS_PROCESS_INFORMATION *")
        run, streams = self._operations.run, Streams()

        def make(listened: Callable[[], None]) -> None:
            try:
                run("HcsCreateProcess", words, deadline, *arguments, accepted=listened, information=told)
            except ServiceError as fault:
                # Windows Server 2022 says so of a process that it has started: its handle is good.
                if fault.hresult != _E_INVALIDARG or slot[0] == ffi.NULL:
                    raise
                run("HcsGetProcessInfo", words, deadline, slot[0], OPERATION, information=told)
            finally:
                # As with the process's own handle: those of its pipes may come with a failure.
                streams.take(told)

        try:
            made = self._created(PROCESS, f"in {system.words}", slot, make)
        except BaseException:
            streams.close()
            raise
        made.target = f"{told.ProcessId} {made.target}"
        return made, int(told.ProcessId), streams

    def open_process(self, system: Held, process_id: int, *, listen: bool = False) -> Held:
        """The process with this id in the system."""
        target = f"{process_id} in {system.words}"
        return self._opened(PROCESS, target, (system.value, process_id, _GENERIC_ALL), listen)

    def ask(self, held: Held, what: str, deadline: Deadline, options: str = "") -> str:
        """Do `what` with it: Start, ShutDown, Terminate, Pause, Resume, Save, Crash; or Signal a process."""
        name = f"Hcs{what}{held.kind.singular}"
        return self._operations.run(name, held.words, deadline, held.value, OPERATION, _optional(options))

    def properties(self, held: Held, query: str, deadline: Deadline) -> str:
        """Its properties, a JSON document; without a query the basic ones."""
        name = f"HcsGet{held.kind.singular}Properties"
        return self._operations.run(name, held.words, deadline, held.value, OPERATION, _optional(query))

    def modify(self, held: Held, request: str, deadline: Deadline, change: str = "") -> None:
        """Change it as the request says; `change` says in words what, for the error."""
        where = f"{held.words} ({change})" if change else held.words
        name = f"HcsModify{held.kind.singular}"
        identity = (ffi.NULL,) if held.kind is COMPUTE_SYSTEM else ()
        self._operations.run(name, where, deadline, held.value, OPERATION, utf16(request), *identity)

    def wait_for_exit(self, held: Held, deadline: Deadline) -> str:
        """Its exit document: SystemExitStatus or ProcessStatus.

        Raises:
            OutcomeUnknown: it has not ended in time.
            FunctionMissing: Windows before Server 2022 (`cni_hns.hcs.exits` does without).
        """
        name = f"HcsWaitFor{held.kind.singular}Exit"
        arguments = (held.value, milliseconds(deadline))
        return self._operations.answer(name, held.words, *arguments, limit_s=deadline.left_s())

    def close(self, held: Held) -> None:
        """Give the handle back; a second time does nothing. The service waits for callbacks that run."""
        held.close()

    def warn(self, message: str) -> None:
        """A warning for the log, of something that is no reason to fail."""
        self._log.event(message, "warning")

    def _created(
        self, kind: ObjectKind, target: str, slot: Any, make: Callable[[Callable[[], None]], None]
    ) -> Held:
        """What `make` puts into the slot; it calls its argument when the service has taken the call."""
        words = f"{kind.words} {target}"
        close, listen, events = self._closing(kind), self._listening(kind), Events(self._log)

        def listened() -> None:
            if slot[0] != ffi.NULL:
                listen(words, slot[0], events)

        try:
            make(listened)
            if slot[0] == ffi.NULL:
                raise MalformedAnswer(f"HcsCreate{kind.singular}", words, 0, "no handle")
        except BaseException as fault:
            if slot[0] != ffi.NULL:
                self._abandon(Held(kind, target, slot[0], close, events), fault)
            raise
        return Held(kind, target, slot[0], close, events)

    def _opened(self, kind: ObjectKind, target: str, arguments: tuple[Any, ...], listen: bool) -> Held:
        name, words = f"HcsOpen{kind.singular}", f"{kind.words} {target}"
        slot, close = ffi.new("void **"), self._closing(kind)
        begin_to_listen, events = self._listening(kind), Events(self._log) if listen else None
        self._operations.plain(name, words, *arguments, slot)
        if slot[0] == ffi.NULL:
            raise MalformedAnswer(name, words, 0, "no handle")
        held = Held(kind, target, slot[0], close, events)
        try:
            if events is not None:
                begin_to_listen(words, slot[0], events)
        except BaseException:
            held.close()
            raise
        return held

    def _listening(self, kind: ObjectKind) -> Callable[[str, Any, Events], None]:
        name = f"HcsSet{kind.singular}Callback"
        function = self._operations.function(name)

        def listen(words: str, value: Any, events: Events) -> None:
            hresult = function(value, _NO_OPTIONS, ffi.NULL, events.callback)
            if hresult < 0:
                raise compute_error(name, words, hresult & 0xFFFFFFFF)

        return listen

    def _closing(self, kind: ObjectKind) -> Callable[[Any], int]:
        return self._operations.closing(f"HcsClose{kind.singular}")

    def _abandon(self, held: Held, fault: BaseException) -> None:
        """Terminate and close what a failed creation left; not the system of another that has the ID."""
        try:
            if not isinstance(fault, AlreadyExists):
                self.ask(held, "Terminate", Deadline(_LAST_WISH_S))
        except GONE:
            pass
        except ServiceError as second:
            fault.add_note(f"besides, what was made of it may still be there: {second}")
        finally:
            held.close()


def _optional(text: str) -> Any:
    """Not given is NULL: an empty text is something else to some versions."""
    return utf16(text) if text else ffi.NULL
