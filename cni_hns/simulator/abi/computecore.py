"""computecore.dll: compute systems, their processes, operations and events.

A handle of a system stands for one run of it, one of a process for that process: both may have ended.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.operations import Operations, Streams, Subject
from cni_hns.simulator.abi.running import Running
from cni_hns.simulator.abi.targets import Target, Targets
from cni_hns.simulator.abi.teller import Teller
from cni_hns.simulator.abi.texts import text
from cni_hns.simulator.core.compute import service_properties
from cni_hns.simulator.core.documents import new_guid
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    HCS_CALLBACK_ALREADY_SET,
    HCS_OPERATION_TIMEOUT,
    HCS_SERVICE_DISCONNECT,
    INVALID_HANDLE,
    PARAMETER_INCORRECT,
)
from cni_hns.simulator.core.service import COMPUTECORE, Answer, Service
from cni_hns.simulator.handles import Held

__all__ = ["ComputeCore"]

SYSTEM = "HCS system"
PROCESS = "HCS process"

_GENERIC_ALL = 0x10000000
_INFINITE = 0xFFFFFFFF
_INTERVAL_S = 0.02

# The build that first has the two functions that wait for an exit.
_EXITS_FROM = 20348

# What exists, and is not simulated: it answers E_NOTIMPL.
_NOT_SIMULATED = {
    "HcsCreateOperationWithNotifications": "HCS_CREATE_OPERATION_WITH_NOTIFICATIONS",
    "HcsGetOperationProperties": "HCS_OPERATION_PROPERTIES",
    "HcsEnumerateComputeSystemsInNamespace": "HCS_ENUMERATE_IN_NAMESPACE",
    "HcsCreateComputeSystemInNamespace": "HCS_CREATE_IN_NAMESPACE",
    "HcsOpenComputeSystemInNamespace": "HCS_OPEN_IN_NAMESPACE",
    "HcsSubmitWerReport": "HRESULT(*)(PCWSTR)",
    "HcsCreateEmptyGuestStateFile": "HRESULT(*)(PCWSTR)",
    "HcsCreateEmptyRuntimeStateFile": "HRESULT(*)(PCWSTR)",
    "HcsGetProcessorCompatibilityFromSavedState": "HRESULT(*)(PCWSTR, PCWSTR *)",
    "HcsGrantVmAccess": "HRESULT(*)(PCWSTR, PCWSTR)",
    "HcsRevokeVmAccess": "HRESULT(*)(PCWSTR, PCWSTR)",
    "HcsGrantVmGroupAccess": "HRESULT(*)(PCWSTR)",
    "HcsRevokeVmGroupAccess": "HRESULT(*)(PCWSTR)",
}

# The one that gives no HRESULT.
_NO_ANSWER: dict[str, Any] = {"HcsCreateOperationWithNotifications": ffi.NULL}


class ComputeCore:
    """Makes the functions of the DLL."""

    def __init__(self, service: Service, accounts: Accounts) -> None:
        self._service = service
        self._accounts = accounts
        self._teller = Teller(service.store)
        self._operations = Operations(accounts, self._teller)
        self._running = Running(service.store)
        self._targets = Targets(service.store)

    def make(self, function: str) -> tuple[Any, Callable[..., Any]] | None:
        """The C type and the work of a function of this DLL; None for one that it does not have."""
        made = self._operations.make(function) or self._made(function)
        return None if made is None else (ffi.typeof(made[0]), made[1])

    def stop(self) -> None:
        """The process ends: nobody is told anything any more, and its handles hold nothing."""
        self._teller.stop()
        self._operations.stop()
        self._running.stop()
        self._targets.let_go_of_all()

    def held(self) -> list[Held]:
        """The streams of processes that are still open."""
        return self._running.held()

    def _made(self, function: str) -> tuple[str, Callable[..., Any]] | None:
        if function in _NOT_SIMULATED:
            shape = _NOT_SIMULATED[function]
            return shape, lambda *_arguments: _NO_ANSWER.get(function, E_NOTIMPL)
        simple: dict[str, tuple[str, Callable[..., Any]]] = {
            "HcsEnumerateComputeSystems": ("HCS_ENUMERATE", self._enumerate),
            "HcsCreateComputeSystem": ("HCS_CREATE_OBJECT", self._create),
            "HcsOpenComputeSystem": ("HCS_OPEN_SYSTEM", self._open),
            "HcsModifyComputeSystem": ("HCS_MODIFY_SYSTEM", self._modify),
            "HcsCreateProcess": ("HCS_CREATE_PROCESS", self._create_process),
            "HcsOpenProcess": ("HCS_OPEN_PROCESS", self._open_process),
            "HcsGetProcessInfo": ("HCS_PROCESS_INFO", self._process_info),
        }
        if function in simple:
            return simple[function]
        if function in ("HcsGetServiceProperties", "HcsModifyServiceSettings"):
            return "HCS_QUERY_SERVICE", self._of_service(function)
        return self._of_object(function)

    def _of_object(self, function: str) -> tuple[str, Callable[..., Any]] | None:
        """The shapes that systems and processes share."""
        for kind, name in ((SYSTEM, "ComputeSystem"), (PROCESS, "Process")):
            if function in [f"Hcs{verb}{name}" for verb in _ASKED[kind]]:
                return "HCS_ASK", self._ask(function, kind)
            if function == f"HcsGet{name}Properties":
                return "HCS_ASK", self._ask(function, kind)
            if function == f"HcsSet{name}Callback":
                return "HCS_SET_CALLBACK", self._listen(function, kind)
            if function == f"HcsClose{name}":
                return "HCS_CLOSE_OBJECT", self._close(function, kind)
            if function == f"HcsWaitFor{name}Exit" and self._build >= _EXITS_FROM:
                return "HCS_WAIT", self._wait_for_exit(function, kind)
        return None

    @property
    def _generation(self) -> int:
        """Which run of the service there is now."""
        with self._service.store.transaction() as state:
            return service_properties.generation_of(state)

    @property
    def _build(self) -> int:
        return int(self._service.store.options().windows_build)

    # Systems

    def _enumerate(self, query: Any, operation: Any) -> int:
        return self._start("HcsEnumerateComputeSystems", operation, ["", text(query)], None, Subject())

    def _create(self, system: Any, document: Any, operation: Any, _security: Any, slot: Any) -> int:
        function = "HcsCreateComputeSystem"
        if ffi.NULL in (system, document, slot):
            return PARAMETER_INCORRECT
        slot[0] = ffi.NULL
        target = self._targets.to_create(text(system) or "")
        # There at once, and good for closing even where the creation fails.
        slot[0] = handle = self._opened(SYSTEM, target)
        arguments = [target.system, target.run, text(document)]
        hresult = self._start(function, operation, arguments, target.generation, Subject(system=handle))
        if hresult:
            slot[0] = ffi.NULL
            self._targets.let_go(self._forgotten(SYSTEM, handle, function))
        return hresult

    def _open(self, system: Any, access: int, slot: Any) -> int:
        if ffi.NULL in (system, slot) or access != _GENERIC_ALL:
            return PARAMETER_INCORRECT
        slot[0] = ffi.NULL
        name = text(system) or ""
        answer = self._call("HcsOpenComputeSystem", [name, str(os.getpid())], None)
        if answer.hresult == 0:
            slot[0] = self._opened(SYSTEM, Target(name, answer.text, answer.generation))
        return answer.hresult

    def _modify(self, handle: Any, operation: Any, request: Any, _identity: Any) -> int:
        return self._ask("HcsModifyComputeSystem", SYSTEM)(handle, operation, request)

    # Processes

    def _create_process(self, handle: Any, parameters: Any, operation: Any, _security: Any, slot: Any) -> int:
        function = "HcsCreateProcess"
        if ffi.NULL in (parameters, slot):
            return PARAMETER_INCORRECT
        slot[0] = ffi.NULL
        target = self._target(SYSTEM, handle, function)
        if target is None:
            return INVALID_HANDLE
        key, document = new_guid(), text(parameters)

        def work() -> Answer:
            answer = self._call(function, [target.system, target.run, key, document], target.generation)
            self._running.begin(key, document)
            return answer

        self._running.expect(key)
        slot[0] = process = self._opened(PROCESS, target._replace(process=key))
        subject = Subject(handle, process, self._streams_of(key))
        hresult = self._operations.start(function, operation, work, subject)
        if hresult:
            slot[0] = ffi.NULL
            self._forgotten(PROCESS, process, function)
        return hresult

    def _open_process(self, handle: Any, process_id: int, access: int, slot: Any) -> int:
        function = "HcsOpenProcess"
        if slot == ffi.NULL or access != _GENERIC_ALL:
            return PARAMETER_INCORRECT
        slot[0] = ffi.NULL
        target = self._target(SYSTEM, handle, function)
        if target is None:
            return INVALID_HANDLE
        answer = self._call(function, [target.system, target.run, str(process_id)], target.generation)
        if answer.hresult == 0:
            slot[0] = self._opened(PROCESS, target._replace(process=answer.text))
        return answer.hresult

    def _process_info(self, handle: Any, operation: Any) -> int:
        function = "HcsGetProcessInfo"
        target = self._target(PROCESS, handle, function)
        if target is None:
            return INVALID_HANDLE
        arguments = [target.system, target.process, None]
        subject = Subject(process=handle, streams=self._streams_of(target.process))
        return self._start(function, operation, arguments, target.generation, subject)

    def _streams_of(self, key: str) -> Streams:
        return lambda: self._running.streams(key)

    # The service

    def _of_service(self, function: str) -> Callable[..., int]:
        def query(question: Any, result: Any) -> int:
            if result == ffi.NULL:
                return PARAMETER_INCORRECT
            result[0] = ffi.NULL
            answer = self._call(function, ["", text(question)], None)
            told = answer.text or answer.record
            if told:
                result[0] = self._accounts.text(told, function)
            return answer.hresult

        return query

    # Both

    def _ask(self, function: str, kind: str) -> Callable[..., int]:
        def ask(handle: Any, operation: Any, options: Any) -> int:
            target = self._target(kind, handle, function)
            if target is None:
                return INVALID_HANDLE
            arguments = [target.system, target.object, text(options)]
            subject = Subject(system=handle) if kind == SYSTEM else Subject(process=handle)
            return self._start(function, operation, arguments, target.generation, subject)

        return ask

    def _listen(self, function: str, kind: str) -> Callable[..., int]:
        def listen(handle: Any, options: int, context: Any, callback: Any) -> int:
            target = self._target(kind, handle, function)
            if target is None:
                return INVALID_HANDLE
            if callback != ffi.NULL and self._teller.listens(number_of(handle)):
                return HCS_CALLBACK_ALREADY_SET
            if callback != ffi.NULL and target.generation != self._generation:
                return HCS_SERVICE_DISCONNECT
            self._teller.listen(number_of(handle), target.object, callback, context, options)
            return 0

        return listen

    def _close(self, function: str, kind: str) -> Callable[..., None]:
        def close(handle: Any) -> None:
            open_ = self._accounts.close(kind, handle, function)
            if open_ is None:
                return
            self._teller.forget(number_of(handle))
            target = self._targets.pop(number_of(handle))
            self._service.close(function, target.system, None)
            self._running.forget(target.process)
            self._targets.let_go(target)
            self._teller.look()

        return close

    def _wait_for_exit(self, function: str, kind: str) -> Callable[..., int]:
        def wait(handle: Any, timeout_ms: int, result: Any) -> int:
            if result != ffi.NULL:
                result[0] = ffi.NULL
            target = self._target(kind, handle, function)
            if target is None:
                return INVALID_HANDLE
            arguments: list[str | None] = [target.system, target.object]
            answer = self._call(function, arguments, target.generation)
            until = time.monotonic() + (timeout_ms / 1000 if timeout_ms != _INFINITE else float("inf"))
            while answer.hresult == 0 and not answer.text:
                if time.monotonic() >= until:
                    return HCS_OPERATION_TIMEOUT
                self._service.wait(_INTERVAL_S)
                answer = self._service.look(COMPUTECORE + function, arguments, target.generation)
            told = answer.text or answer.record
            if told and result != ffi.NULL:
                result[0] = self._accounts.text(told, function)
            return answer.hresult

        return wait

    # Handles and calls

    def _target(self, kind: str, handle: Any, function: str) -> Target | None:
        """What the handle stands for; None for one that is none."""
        open_ = self._accounts.find(kind, handle, function)
        return None if open_ is None else self._targets[number_of(handle)]

    def _opened(self, kind: str, target: Target) -> Any:
        handle = self._accounts.open(kind, target.system, target.generation)
        self._targets[number_of(handle)] = target
        return handle

    def _forgotten(self, kind: str, handle: Any, function: str) -> Target:
        """What a handle stood for that the caller never got."""
        self._accounts.close(kind, handle, function)
        return self._targets.pop(number_of(handle))

    def _start(
        self,
        function: str,
        operation: Any,
        arguments: list[str | None],
        generation: int | None,
        subject: Subject,
    ) -> int:
        def work() -> Answer:
            return self._call(function, arguments, generation)

        return self._operations.start(function, operation, work, subject)

    def _call(self, function: str, arguments: list[str | None], generation: int | None) -> Answer:
        answer = self._service.call(COMPUTECORE + function, arguments, generation)
        self._teller.look()
        return answer


_ASKED = {
    SYSTEM: ("Start", "ShutDown", "Terminate", "Crash", "Pause", "Resume", "Save"),
    PROCESS: ("Terminate", "Signal", "Modify"),
}
