"""The containers and processes of vmcompute.dll, for one program at the other end of the wire.

Rule 1: what takes long answers 0xC0370103 (pending), and its end is told to the callbacks of the handle that
it was called with; what is refused is refused at once. A creation's end waits for the first callback.
Rule 2: the end of a system or of a process is told to every callback of it. That of a process is told to one
that comes later, too: it runs before anybody can listen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import number_of
from cni_hns.simulator.abi.pipes import NO_HANDLES
from cni_hns.simulator.abi.running import Running
from cni_hns.simulator.abi.streams import RemoteStreams
from cni_hns.simulator.abi.targets import Target, Targets
from cni_hns.simulator.abi.teller import Teller
from cni_hns.simulator.abi.texts import text
from cni_hns.simulator.core.compute import events
from cni_hns.simulator.core.documents import new_guid
from cni_hns.simulator.core.errors import (
    INVALID_HANDLE,
    PARAMETER_INCORRECT,
    of_old_api,
)
from cni_hns.simulator.core.exports import SYSTEM
from cni_hns.simulator.core.service import VMCOMPUTE, Answer, Service
from cni_hns.simulator.handles import Handles
from cni_hns.simulator.inbox import Inbox, Notice

__all__ = ["OldCompute", "Outcome"]

PROCESS = "process"

_PENDING = 0xC0370103

# HCS_NOTIFICATIONS of computedefs.h.
_CREATE_COMPLETED = 2
_COMPLETIONS = {
    "HcsStartComputeSystem": 3,
    "HcsPauseComputeSystem": 4,
    "HcsResumeComputeSystem": 5,
    "HcsSaveComputeSystem": 8,
}
# These end with the system, whose end is told.
_ENDINGS = ("HcsShutdownComputeSystem", "HcsTerminateComputeSystem")
# The same of what HCS tells on its own, by the numbers that computecore.dll has for it.
_EVENTS = {
    events.SYSTEM_CRASH_REPORT: 0x6,
    events.SYSTEM_CRASH_INITIATED: 0xD,
    events.SERVICE_DISCONNECT: 0x01000000,
}

_ASKED = {
    "HcsGetComputeSystemProperties": SYSTEM,
    "HcsModifyComputeSystem": SYSTEM,
    "HcsTerminateProcess": PROCESS,
    "HcsSignalProcess": PROCESS,
    "HcsModifyProcess": PROCESS,
    "HcsGetProcessInfo": PROCESS,
    "HcsGetProcessProperties": PROCESS,
}
_OF_SERVICE = ("HcsEnumerateComputeSystems", "HcsGetServiceProperties", "HcsModifyServiceSettings")

Texts = list[str | None]


class Outcome(NamedTuple):
    """What a call gives: HRESULT, handle, text, ResultError and the numbers of a process's pipes."""

    hresult: int
    handle: int = 0
    text: str = ""
    record: str = ""
    streams: tuple[int, int, int] = NO_HANDLES


class OldCompute:
    """The DLL of one process."""

    def __init__(self, service: Service, handles: Handles, inbox: Inbox, streams: RemoteStreams) -> None:
        self._service = service
        self._handles = handles
        self._inbox = inbox
        self._streams = streams
        self._running = Running(service.store)
        self._teller = Teller(service.store)
        self._callback = ffi.callback("HCS_EVENT_CALLBACK", self._happened)
        self._targets = Targets(service.store)
        self._created: set[int] = set()

    def call(self, function: str, handle: int, texts: Texts) -> Outcome | None:
        """What the function gives; None where the DLL, or this node, does not have it."""
        work = self._works().get(function)
        return None if work is None else work(function, handle, texts)

    def stop(self) -> None:
        """The process has gone: its handles hold nothing any more."""
        self._teller.stop()
        self._running.stop()
        self._targets.let_go_of_all()

    def _works(self) -> dict[str, Callable[[str, int, Texts], Outcome]]:
        return {
            "HcsCreateComputeSystem": self._create,
            "HcsOpenComputeSystem": self._open,
            "HcsCreateProcess": self._create_process,
            "HcsOpenProcess": self._open_process,
            **dict.fromkeys(_OF_SERVICE, self._of_service),
            **dict.fromkeys((*_COMPLETIONS, *_ENDINGS), self._pend),
            **dict.fromkeys(_ASKED, self._ask),
            "HcsGetProcessInfo": self._process_info,
            **{f"HcsClose{name}": self._closing(kind) for kind, name in _NAMES.items()},
            **{f"HcsRegister{name}Callback": self._registering(kind) for kind, name in _NAMES.items()},
            **{f"HcsUnregister{name}Callback": self._unregistering(kind) for kind, name in _NAMES.items()},
        }

    # Systems

    def _create(self, function: str, _handle: int, texts: Texts) -> Outcome:
        if None in texts:
            return Outcome(PARAMETER_INCORRECT)
        system, document = texts
        target = self._targets.to_create(system or "")
        answer = self._call(function, [target.system, target.run, document], None)
        if answer.hresult:
            self._targets.let_go(target)
            return _told(answer)
        handle = self._opened(SYSTEM, target._replace(generation=answer.generation))
        self._created.add(handle)
        return Outcome(_PENDING, handle)

    def _open(self, function: str, _handle: int, texts: Texts) -> Outcome:
        system = texts[0] or ""
        answer = self._call(function, [system, str(os.getpid())], None)
        if answer.hresult:
            return _told(answer)
        return Outcome(0, self._opened(SYSTEM, Target(system, answer.text, answer.generation)))

    def _pend(self, function: str, handle: int, texts: Texts) -> Outcome:
        outcome = self._ask(function, handle, texts)
        if outcome.hresult:
            return outcome
        if function in _COMPLETIONS:
            self._complete(handle, _COMPLETIONS[function])
        return Outcome(_PENDING)

    def _complete(self, handle: int, code: int) -> None:
        for callback in self._targets.listening_to(handle):
            self._inbox.put(callback, Notice(code))

    # Processes

    def _create_process(self, function: str, handle: int, texts: Texts) -> Outcome:
        target = self._target(SYSTEM, handle, function)
        if target is None:
            return Outcome(INVALID_HANDLE)
        key = new_guid()
        answer = self._call(function, [target.system, target.run, key, texts[0]], target.generation)
        if answer.hresult:
            return _told(answer)
        made = self._opened(PROCESS, target._replace(process=key))
        self._running.expect(key)
        self._running.begin(key, texts[0])
        return Outcome(0, made, answer.text, streams=self._streams_of(key))

    def _process_info(self, function: str, handle: int, texts: Texts) -> Outcome:
        outcome = self._ask(function, handle, texts)
        if outcome.hresult:
            return outcome
        return outcome._replace(streams=self._streams_of(self._targets[handle].process))

    def _streams_of(self, key: str) -> tuple[int, int, int]:
        return self._streams.take(self._running.streams(key))

    def _open_process(self, function: str, handle: int, texts: Texts) -> Outcome:
        target = self._target(SYSTEM, handle, function)
        if target is None:
            return Outcome(INVALID_HANDLE)
        answer = self._call(function, [target.system, target.run, texts[0]], target.generation)
        if answer.hresult:
            return _told(answer)
        return Outcome(0, self._opened(PROCESS, target._replace(process=answer.text)))

    # Both, and the service

    def _ask(self, function: str, handle: int, texts: Texts) -> Outcome:
        target = self._target(_ASKED.get(function, SYSTEM), handle, function)
        if target is None:
            return Outcome(INVALID_HANDLE)
        arguments = [target.system, target.object, *(texts or [None])]
        return _told(self._call(function, arguments, target.generation))

    def _of_service(self, function: str, _handle: int, texts: Texts) -> Outcome:
        return _told(self._call(function, ["", texts[0]], None))

    def _closing(self, kind: str) -> Callable[[str, int, Texts], Outcome]:
        def close(function: str, handle: int, _texts: Texts) -> Outcome:
            if self._handles.close(kind, handle, function) is None:
                return Outcome(INVALID_HANDLE)
            target = self._targets.pop(handle)
            self._created.discard(handle)
            answer = self._service.close(function, target.system, None)
            self._running.forget(target.process)
            self._targets.let_go(target)
            self._teller.look()
            return Outcome(answer.hresult)

        return close

    # Callbacks

    def _registering(self, kind: str) -> Callable[[str, int, Texts], Outcome]:
        def register(function: str, handle: int, _texts: Texts) -> Outcome:
            target = self._target(kind, handle, function)
            if target is None:
                return Outcome(INVALID_HANDLE)
            number = self._opened(_callback_of(kind), target._replace(listens_to=handle))
            self._inbox.open(number)
            context = ffi.cast("void *", number)
            self._teller.listen(number, target.object, self._callback, context, past=kind == PROCESS)
            if handle in self._created:
                self._created.discard(handle)
                self._inbox.put(number, Notice(_CREATE_COMPLETED))
            return Outcome(0, number)

        return register

    def _unregistering(self, kind: str) -> Callable[[str, int, Texts], Outcome]:
        def unregister(function: str, handle: int, _texts: Texts) -> Outcome:
            if self._handles.close(_callback_of(kind), handle, function) is None:
                return Outcome(INVALID_HANDLE)
            self._targets.pop(handle)
            self._teller.forget(handle)
            self._inbox.close(handle)
            return Outcome(0)

        return unregister

    def _happened(self, event: Any, context: Any) -> None:
        """The context is the callback's handle."""
        data, status = text(event.EventData), 0
        if event.Type == events.SYSTEM_EXITED and data is not None:
            status = of_old_api(json.loads(data)["Status"] & 0xFFFFFFFF)
        self._inbox.put(number_of(context), Notice(_EVENTS.get(event.Type, event.Type), status, data))

    # Handles and calls

    def _target(self, kind: str, handle: int, function: str) -> Target | None:
        """What the handle stands for; None for one that is none."""
        return None if self._handles.find(kind, handle, function) is None else self._targets[handle]

    def _opened(self, kind: str, target: Target) -> int:
        handle = self._handles.open(kind, target.system, target.generation)
        self._targets[handle] = target
        return handle

    def _call(self, function: str, arguments: Texts, generation: int | None) -> Answer:
        answer = self._service.call(VMCOMPUTE + function, arguments, generation)
        self._teller.look()
        return answer


_NAMES = {SYSTEM: "ComputeSystem", PROCESS: "Process"}


def _callback_of(kind: str) -> str:
    return f"{kind}'s callback"


def _told(answer: Answer) -> Outcome:
    return Outcome(answer.hresult, 0, answer.text, answer.record)
