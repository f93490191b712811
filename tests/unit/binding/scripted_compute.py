"""Real C function pointers of computecore.dll that answer as a test tells them, and keep account.

It knows no rules of HCS: it is for faults that a faithful service never shows.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, NamedTuple

from cni_hns.binding._generated_computecore import ffi
from cni_hns.binding.libraries import Libraries
from tests.unit.binding.scripted import Library

S_OK = 0
E_FAIL = 0x80004005
TIMED_OUT = 0x80370118
SYSTEM_NOT_FOUND = 0x8037010E
ALREADY_STOPPED = 0x80370110

_STREAMS = ("StdInput", "StdOutput", "StdError")
_ASKED = "HCS_ASK"
_SHAPES = {
    "HcsCreateOperation": "HCS_CREATE_OPERATION",
    "HcsCloseOperation": "HCS_CLOSE_OBJECT",
    "HcsWaitForOperationResult": "HCS_WAIT",
    "HcsGetOperationResult": "HCS_RESULT",
    "HcsWaitForOperationResultAndProcessInfo": "HCS_WAIT_AND_PROCESS",
    "HcsGetOperationResultAndProcessInfo": "HCS_RESULT_AND_PROCESS",
    "HcsCancelOperation": "HCS_CANCEL",
    "HcsEnumerateComputeSystems": "HCS_ENUMERATE",
    "HcsCreateComputeSystem": "HCS_CREATE_OBJECT",
    "HcsOpenComputeSystem": "HCS_OPEN_SYSTEM",
    "HcsCloseComputeSystem": "HCS_CLOSE_OBJECT",
    "HcsModifyComputeSystem": "HCS_MODIFY_SYSTEM",
    "HcsSetComputeSystemCallback": "HCS_SET_CALLBACK",
    "HcsWaitForComputeSystemExit": "HCS_WAIT",
    "HcsCreateProcess": "HCS_CREATE_PROCESS",
    "HcsOpenProcess": "HCS_OPEN_PROCESS",
    "HcsCloseProcess": "HCS_CLOSE_OBJECT",
    "HcsGetProcessInfo": "HCS_PROCESS_INFO",
    "HcsSetProcessCallback": "HCS_SET_CALLBACK",
    "HcsWaitForProcessExit": "HCS_WAIT",
    "HcsGetServiceProperties": "HCS_QUERY_SERVICE",
    "HcsModifyServiceSettings": "HCS_QUERY_SERVICE",
}


class Answer(NamedTuple):
    """What one call of a function does.

    `call` is its own HRESULT, `result` the one that the wait for its operation gives, `text` the document.
    `then` is run inside the call, in a thread of the service, and waited for. `streams` are the handles
    that come with a new process, whether the wait succeeds or not.
    """

    call: int = S_OK
    result: int = S_OK
    text: str = ""
    handle: bool = True
    pid: int = 0
    then: Callable[[], None] | None = None
    streams: tuple[int, ...] = ()


class ScriptedCompute:
    """Every function succeeds unless it was told otherwise; names in `missing` are not exported."""

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.calls: list[tuple[Any, ...]] = []
        self.buffers: dict[int, Any] = {}
        self.open: dict[int, str] = {}
        self.violations: list[str] = []
        self.callbacks: dict[int, Any] = {}
        self._answers: dict[str, list[Answer]] = {}
        self._results: dict[int, Answer] = {}
        self._pointers: dict[str, Any] = {}
        self._next = 0x1000

    def says(self, name: str, *answers: Answer) -> None:
        """What the calls of this function answer, in their order; the last one from then on."""
        self._answers[name] = list(answers)

    def libraries(self) -> Libraries:
        nothing = object()
        return Libraries(nothing, nothing, Library(self), Library(self))

    @property
    def called(self) -> list[str]:
        """The functions called, in their order, without those of operations and those that give back."""
        own = ("HcsCreateOperation", "HcsWaitForOperation", "HcsClose", "CoTaskMem")
        return [call[0] for call in self.calls if not call[0].startswith(own)]

    def arguments(self, name: str) -> tuple[Any, ...]:
        """Of the last call of this function."""
        return next(call[1:] for call in reversed(self.calls) if call[0] == name)

    def assert_clean(self) -> None:
        assert self.buffers == {}, f"{len(self.buffers)} buffers were not freed"
        assert self.open == {}, f"not closed: {list(self.open.values())}"
        assert self.violations == []

    def tell(self, event: int, document: str | None = None) -> None:
        """Call every callback that is set, in a thread of the service; the text is gone afterwards."""
        teller = Thread(target=self._tell, args=(event, document))
        teller.start()
        teller.join()

    def pointer(self, name: str) -> Any:
        """The C function pointer of this name."""
        if name in self.missing:
            raise AttributeError(f"function/symbol '{name}' not found in library")
        if name not in self._pointers:
            self._pointers[name] = self._made(name)
        return self._pointers[name]

    def _tell(self, event: int, document: str | None) -> None:
        for callback in list(self.callbacks.values()):
            told: Any = ffi.new("HCS_EVENT *")
            text = ffi.NULL if document is None else ffi.new("char16_t[]", document)
            told.Type, told.EventData = event, text
            callback(told, ffi.NULL)
            if document is not None:
                ffi.memmove(text, b"\0" * ffi.sizeof(text), ffi.sizeof(text))

    def _made(self, name: str) -> Any:
        if name == "CoTaskMemFree":
            return ffi.callback("CO_TASK_MEM_FREE", self._free)
        shape = _SHAPES.get(name, _ASKED)
        maker = {
            "HCS_CREATE_OPERATION": lambda *_: self._create_operation(),
            "HCS_CLOSE_OBJECT": lambda handle: self._close(name, _number(handle)),
        }.get(shape, lambda *arguments: self._call(name, shape, arguments))
        return ffi.callback(shape, maker)

    def _create_operation(self) -> Any:
        self.calls.append(("HcsCreateOperation",))
        if not self._answer_of("HcsCreateOperation").handle:
            return ffi.NULL
        return ffi.cast("void *", self._opened("operation"))

    def _call(self, name: str, shape: str, arguments: tuple[Any, ...]) -> int:
        self.calls.append((name, *[_readable(argument) for argument in arguments]))
        if name.startswith(("HcsWaitForOperation", "HcsGetOperationResult")):
            return self._give_result(arguments)
        answer = self._answer_of(name)
        if answer.then is not None:
            service = Thread(target=answer.then)
            service.start()
            service.join()
        self._open_in(name, arguments, answer)
        if name.endswith("Callback"):
            if answer.call == S_OK:
                self.callbacks[_number(arguments[0])] = arguments[3]
        elif shape in ("HCS_QUERY_SERVICE", "HCS_WAIT"):
            self._allocate(arguments[-1], answer.text)
        else:
            self._keep_result(arguments, answer)
        return _signed(answer.call)

    def _open_in(self, name: str, arguments: tuple[Any, ...], answer: Answer) -> None:
        if name.startswith(("HcsOpen", "HcsCreate")) and answer.handle and "Operation" not in name:
            kind = "process" if "Process" in name else "system"
            arguments[-1][0] = ffi.cast("void *", self._opened(kind))

    def _keep_result(self, arguments: tuple[Any, ...], answer: Answer) -> None:
        for argument in _pointers(arguments):
            number = _number(argument)
            if self.open.get(number) == "operation":
                if number in self._results:
                    self.violations.append("an operation was used twice")
                self._results[number] = answer

    def _give_result(self, arguments: tuple[Any, ...]) -> int:
        answer = self._results.get(_number(arguments[0]), Answer(result=0x80370115))
        told = ffi.typeof("HCS_PROCESS_INFORMATION *")
        for information in _pointers(arguments):
            if ffi.typeof(information) is told:
                if answer.result == S_OK:
                    information.ProcessId = answer.pid
                for member, handle in zip(_STREAMS, answer.streams, strict=False):
                    setattr(information, member, ffi.cast("HANDLE", handle))
        self._allocate(arguments[-1], answer.text)
        return _signed(answer.result)

    def _answer_of(self, name: str) -> Answer:
        answers = self._answers.get(name, [Answer()])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _opened(self, kind: str) -> int:
        self._next += 1
        self.open[self._next] = kind
        return self._next

    def _close(self, name: str, handle: int) -> None:
        self.calls.append((name, handle))
        if self.open.pop(handle, None) is None:
            self.violations.append(f"{name} of {handle:#x}, which is not open")
        self.callbacks.pop(handle, None)

    def _allocate(self, slot: Any, text: str) -> None:
        if text:
            buffer = ffi.new("char16_t[]", text)
            self.buffers[_number(buffer)] = buffer
            slot[0] = buffer

    def _free(self, memory: Any) -> None:
        if self.buffers.pop(_number(memory), None) is None:
            self.violations.append("freed what was not allocated")


def _number(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


def _pointers(arguments: tuple[Any, ...]) -> list[Any]:
    return [one for one in arguments if not isinstance(one, int)]


def _signed(hresult: int) -> int:
    return hresult - 2**32 if hresult >= 2**31 else hresult


def _readable(argument: Any) -> Any:
    if isinstance(argument, int):
        return argument
    kind = ffi.typeof(argument)
    if kind is ffi.typeof("PCWSTR"):
        return None if argument == ffi.NULL else ffi.string(argument)
    return "pointer" if argument != ffi.NULL else None
