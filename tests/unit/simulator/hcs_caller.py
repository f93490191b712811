"""A caller of the simulated computecore.dll that knows nothing but C."""

from __future__ import annotations

import json
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator import Simulator

ALL = 0x10000000
LONG_MS = 30_000

NOT_SUPPORTED = 0x80070032
INVALID_ARGUMENT = 0x80070057
ELEMENT_NOT_FOUND = 0x80070490
WRONG_STATE = 0x80370105
INVALID_JSON = 0x8037010D
SYSTEM_NOT_FOUND = 0x8037010E
SYSTEM_EXISTS = 0x8037010F
ALREADY_STOPPED = 0x80370110
OPERATION_NOT_STARTED = 0x80370115
OPERATION_STARTED = 0x80370116
OPERATION_PENDING = 0x80370117
OPERATION_TIMEOUT = 0x80370118
CALLBACK_SET = 0x80370119
PROCESS_INFO_NOT_AVAILABLE = 0x8037011D
PROCESS_STOPPED = 0x8037011F
NOT_IMPLEMENTED = 0x80004001


class Told(Exception):
    """A call failed: its code, and the ResultError that came with it."""

    def __init__(self, function: str, hresult: int, text: str) -> None:
        super().__init__(f"{function} 0x{hresult:08X} {text}")
        self.hresult = hresult
        self.document: Any = json.loads(text) if text else None


def container(namespace: str = "", **members: Any) -> dict[str, Any]:
    """The document of a process-isolated container."""
    networking = {"Networking": {"Namespace": namespace}} if namespace else {}
    return {
        "Owner": "test",
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Container": {**networking, "Memory": {"SizeInMB": 512}},
        **members,
    }


def machine() -> dict[str, Any]:
    """The document of a virtual machine."""
    return {"Owner": "test", "SchemaVersion": {"Major": 2, "Minor": 1}, "VirtualMachine": {}}


class HcsCaller:
    """One process's use of the compute systems of one node."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.libraries = simulator.libraries()
        self._kept: list[Any] = []

    def function(self, name: str) -> Any:
        return getattr(self.libraries.computecore, name)

    def wide(self, value: object) -> Any:
        """NULL for None; a text as it is; anything else as JSON."""
        if value is None:
            return ffi.NULL
        return ffi.new("char16_t[]", value if isinstance(value, str) else json.dumps(value))

    def take(self, slot: Any) -> str:
        """The text in an out-parameter, which is freed."""
        if slot[0] == ffi.NULL:
            return ""
        text = str(ffi.string(slot[0]))
        self.libraries.ole32.CoTaskMemFree(slot[0])
        return text

    def run(self, name: str, call: Callable[[Any], int], timeout_ms: int = LONG_MS) -> str:
        """The result of a call under an operation of its own."""
        operation = self.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        slot = ffi.new("PWSTR *")
        try:
            hresult = call(operation) & 0xFFFFFFFF
            if hresult == 0:
                hresult = self.wait(operation, slot, timeout_ms)
        finally:
            self.function("HcsCloseOperation")(operation)
        text = self.take(slot)
        if hresult:
            raise Told(name, hresult, text)
        return text

    def wait(self, operation: Any, slot: Any, timeout_ms: int = LONG_MS) -> int:
        return int(self.function("HcsWaitForOperationResult")(operation, timeout_ms, slot)) & 0xFFFFFFFF

    def ask(self, name: str, handle: Any, options: object = None) -> str:
        """A function of a handle, an operation and a text."""
        function, text = self.function(name), self.wide(options)
        return self.run(name, lambda operation: int(function(handle, operation, text)))

    def code(self, name: str, handle: Any, options: object = None) -> int:
        """The code that it answers."""
        try:
            self.ask(name, handle, options)
        except Told as fault:
            return fault.hresult
        return 0

    def create(self, system: str, document: object) -> Any:
        """A new system; its handle. It is closed where the creation fails."""
        slot = ffi.new("HCS_SYSTEM *")
        arguments = self.wide(system), self.wide(document)
        function = self.function("HcsCreateComputeSystem")
        try:
            self.run(
                "HcsCreateComputeSystem",
                lambda operation: int(function(*arguments, operation, ffi.NULL, slot)),
            )
        except Told:
            if slot[0] != ffi.NULL:
                self.close(slot[0])
            raise
        return slot[0]

    def running(self, system: str, document: object = None) -> Any:
        """A new system that runs."""
        handle = self.create(system, container() if document is None else document)
        self.ask("HcsStartComputeSystem", handle)
        return handle

    def open(self, system: str) -> Any:
        slot = ffi.new("HCS_SYSTEM *")
        name = "HcsOpenComputeSystem"
        hresult = self.function(name)(self.wide(system), ALL, slot) & 0xFFFFFFFF
        if hresult:
            raise Told(name, hresult, "")
        return slot[0]

    def close(self, handle: Any) -> None:
        self.function("HcsCloseComputeSystem")(handle)

    def properties(self, handle: Any, *types: str) -> Any:
        query = {"PropertyTypes": list(types)} if types else None
        return json.loads(self.ask("HcsGetComputeSystemProperties", handle, query))

    def modify(self, handle: Any, path: str, settings: object, request: str = "Update") -> int:
        """The code that a change answers."""
        text = self.wide({"ResourcePath": path, "RequestType": request, "Settings": settings})
        function = self.function("HcsModifyComputeSystem")
        try:
            self.run(
                "HcsModifyComputeSystem",
                lambda operation: int(function(handle, operation, text, ffi.NULL)),
            )
        except Told as fault:
            return fault.hresult
        return 0

    def systems(self, query: object = None) -> list[dict[str, Any]]:
        function, text = self.function("HcsEnumerateComputeSystems"), self.wide(query)
        found: list[dict[str, Any]] = json.loads(
            self.run("HcsEnumerateComputeSystems", lambda operation: int(function(text, operation)))
        )
        return found

    def states(self) -> dict[str, str]:
        """The state of each system, by its ID."""
        return {one["Id"]: one["State"] for one in self.systems()}

    def exit_of(self, name: str, handle: Any, timeout_ms: int = LONG_MS) -> Any:
        """The exit document of a system or a process."""
        slot = ffi.new("PWSTR *")
        hresult = self.function(name)(handle, timeout_ms, slot) & 0xFFFFFFFF
        text = self.take(slot)
        if hresult:
            raise Told(name, hresult, text)
        return json.loads(text)

    def events(self, name: str, handle: Any, options: int = 0) -> SimpleQueue[tuple[int, Any]]:
        """What the callback of the handle is told, as it comes: type, and document or operation."""
        told: SimpleQueue[tuple[int, Any]] = SimpleQueue()

        def tell(event: Any, _context: Any) -> None:
            text = "" if event.EventData == ffi.NULL else ffi.string(event.EventData)
            document = json.loads(text) if text else None
            told.put((event.Type & 0xFFFFFFFF, event.Operation or document))

        callback = ffi.callback("HCS_EVENT_CALLBACK", tell)
        self._kept.append(callback)
        assert self.function(name)(handle, options, ffi.NULL, callback) == 0
        return told

    def process(self, handle: Any, parameters: object) -> tuple[Any, int]:
        """A new process: its handle, and its id."""
        process, pid, _ = self.piped(handle, parameters)
        return process, pid

    def piped(
        self, handle: Any, parameters: object, slot: Any = None
    ) -> tuple[Any, int, tuple[int, int, int]]:
        """A new process: its handle, its id, and the handles of its streams.

        That of one that failed is closed, but where it is left in the `slot` of the caller.
        """
        kept = slot is not None
        slot = slot if kept else ffi.new("HCS_PROCESS *")
        information: Any = ffi.new("HCS_PROCESS_INFORMATION *")
        text, document = self.wide(parameters), ffi.new("PWSTR *")
        operation = self.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        try:
            self.function("HcsCreateProcess")(handle, text, operation, ffi.NULL, slot)
            hresult = self.function("HcsWaitForOperationResultAndProcessInfo")(
                operation, LONG_MS, information, document
            )
        finally:
            self.function("HcsCloseOperation")(operation)
        failure = self.take(document)
        if hresult:
            if not kept:
                self.function("HcsCloseProcess")(slot[0])
            raise Told("HcsCreateProcess", hresult & 0xFFFFFFFF, failure)
        return slot[0], int(information.ProcessId), _streams(information)

    def information(self, process: Any) -> Any:
        """What the service tells of a process that is open: its HCS_PROCESS_INFORMATION."""
        information: Any = ffi.new("HCS_PROCESS_INFORMATION *")
        document = ffi.new("PWSTR *")
        operation = self.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        assert self.function("HcsGetProcessInfo")(process, operation) == 0
        wait = self.function("HcsWaitForOperationResultAndProcessInfo")
        assert wait(operation, LONG_MS, information, document) == 0
        self.function("HcsCloseOperation")(operation)
        return information


def _streams(information: Any) -> tuple[int, int, int]:
    handles = (information.StdInput, information.StdOutput, information.StdError)
    first, second, third = (int(ffi.cast("uintptr_t", one)) for one in handles)
    return first, second, third
