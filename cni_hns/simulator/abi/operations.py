"""The operations of computecore.dll: a call ends later, and its operation has the result.

Rule 1: an operation is for one call. Its work is done in a thread of its own, as the service does it: a wait
that times out, or a close, lets it go on.
Rule 2: the caller may close an operation that runs; the result is then nobody's.
Rule 3: the end is told once: by the operation's own callback, or by the event callback of the handle that the
call was made with, where that one was set to hear of operations. One call cannot have both.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.teller import Teller
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    E_UNEXPECTED,
    HCS_CALLBACK_ALREADY_SET,
    HCS_OPERATION_NOT_STARTED,
    HCS_OPERATION_PENDING,
    HCS_OPERATION_STARTED,
    HCS_OPERATION_TIMEOUT,
    HCS_PROCESS_INFO_NOT_AVAILABLE,
    INVALID_HANDLE,
    PARAMETER_INCORRECT,
)
from cni_hns.simulator.core.service import Answer

__all__ = ["OPERATION", "Operations", "Streams", "Subject"]

OPERATION = "HCS operation"

_INFINITE = 0xFFFFFFFF

# https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_OPERATION_TYPE
_TYPES = {
    "HcsEnumerateComputeSystems": 0,
    "HcsCreateComputeSystem": 1,
    "HcsStartComputeSystem": 2,
    "HcsShutDownComputeSystem": 3,
    "HcsPauseComputeSystem": 4,
    "HcsResumeComputeSystem": 5,
    "HcsSaveComputeSystem": 6,
    "HcsTerminateComputeSystem": 7,
    "HcsModifyComputeSystem": 8,
    "HcsGetComputeSystemProperties": 9,
    "HcsCreateProcess": 10,
    "HcsSignalProcess": 11,
    # The page has no type for it; a signal is the nearest.
    "HcsTerminateProcess": 11,
    "HcsGetProcessInfo": 12,
    "HcsGetProcessProperties": 13,
    "HcsModifyProcess": 14,
    "HcsCrashComputeSystem": 15,
}
_NO_TYPE = 0xFFFFFFFF
_NO_ID = 0xFFFFFFFF_FFFFFFFF

# None, File, Job, ComObject, Socket.
_RESOURCES = range(5)

_ids = itertools.count(1)


# Gives the handles of a process's input, output and errors.
Streams = Callable[[], tuple[int, int, int]]


class Subject(NamedTuple):
    """The caller's handles that a call is about; with `streams` its answer is a process's id."""

    system: Any = ffi.NULL
    process: Any = ffi.NULL
    streams: Streams | None = None

    @property
    def called_with(self) -> int:
        """The handle whose callback may hear of the end; a process is made with that of its system."""
        return number_of(self.process if self.system == ffi.NULL else self.system)


class _Operation:
    """One operation; `type` is None until it is used, and `process_id` is there after a call about one."""

    def __init__(self, context: Any, callback: Any) -> None:
        self.context = context
        self.callback = callback
        self.subject = Subject()
        self.type: int | None = None
        self.id = _NO_ID
        self.closed = False
        self.done = threading.Event()
        self.answer = Answer(0, "", "")
        self.process_id = 0


class Operations:
    """The operations of one process."""

    def __init__(self, accounts: Accounts, teller: Teller) -> None:
        self._accounts = accounts
        self._teller = teller
        self._operations: dict[int, _Operation] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """The process ends: what still runs is nobody's."""
        self._stopped = True

    def make(self, function: str) -> tuple[str, Callable[..., Any]] | None:
        """C type and Python function; None for what is no function of operations."""
        functions: dict[str, tuple[str, Callable[..., Any]]] = {
            "HcsCreateOperation": ("HCS_CREATE_OPERATION", self._create),
            "HcsCloseOperation": ("HCS_CLOSE_OBJECT", self._close),
            "HcsCancelOperation": ("HCS_CANCEL", lambda _operation: E_NOTIMPL),
            "HcsGetOperationContext": ("HCS_OBJECT_OF_OPERATION", self._context),
            "HcsSetOperationContext": ("HCS_SET_OPERATION_CONTEXT", self._set_context),
            "HcsSetOperationCallback": ("HCS_SET_OPERATION_CALLBACK", self._set_callback),
            "HcsAddResourceToOperation": ("HCS_ADD_RESOURCE", self._add_resource),
            "HcsGetComputeSystemFromOperation": ("HCS_OBJECT_OF_OPERATION", self._system),
            "HcsGetProcessFromOperation": ("HCS_OBJECT_OF_OPERATION", self._process),
            "HcsGetOperationType": ("HCS_OPERATION_NUMBER", self._type),
            "HcsGetOperationId": ("HCS_OPERATION_ID", self._id),
            "HcsGetOperationResult": ("HCS_RESULT", self._result),
            "HcsGetOperationResultAndProcessInfo": ("HCS_RESULT_AND_PROCESS", self._result_and_process),
            "HcsWaitForOperationResult": ("HCS_WAIT", self._wait),
            "HcsWaitForOperationResultAndProcessInfo": ("HCS_WAIT_AND_PROCESS", self._wait_and_process),
        }
        return functions.get(function)

    def start(self, function: str, handle: Any, work: Callable[[], Answer], subject: Subject) -> int:
        """Do the work under this operation; 0, or why it is not even begun."""
        operation = self._find(handle, function)
        if operation is None:
            return INVALID_HANDLE if handle != ffi.NULL else PARAMETER_INCORRECT
        with self._lock:
            if operation.type is not None:
                return HCS_OPERATION_STARTED
            if operation.callback != ffi.NULL and self._teller.hears_operations(subject.called_with):
                return HCS_CALLBACK_ALREADY_SET
            operation.type, operation.id, operation.subject = _TYPES[function], next(_ids), subject
        arguments = (function, operation, handle, work)
        threading.Thread(target=self._do, args=arguments, name=function, daemon=True).start()
        return 0

    def _do(self, function: str, operation: _Operation, handle: Any, work: Callable[[], Answer]) -> None:
        try:
            answer = work()
        except Exception as fault:
            if self._stopped:
                return
            # It would be lost with the thread.
            self._accounts.violation(f"{function}: {type(fault).__name__}: {fault}")
            answer = Answer(E_UNEXPECTED, "", "")
        if operation.subject.streams is not None:
            operation.process_id = int(answer.text or 0)
            answer = answer._replace(text="")
        operation.answer = answer
        operation.done.set()
        if self._stopped:
            return
        if operation.callback != ffi.NULL:
            operation.callback(handle, operation.context)
        elif not operation.closed:
            self._teller.operation_ended(operation.subject.called_with, handle)

    def _create(self, context: Any, callback: Any) -> Any:
        handle = self._accounts.open(OPERATION, "", 0)
        self._operations[number_of(handle)] = _Operation(context, callback)
        return handle

    def _close(self, handle: Any) -> None:
        if self._accounts.close(OPERATION, handle, "HcsCloseOperation") is not None:
            self._operations.pop(number_of(handle)).closed = True

    def _context(self, handle: Any) -> Any:
        operation = self._find(handle, "HcsGetOperationContext")
        # Handed over as a pointer to what is const: the same address as one that is not.
        return ffi.NULL if operation is None else ffi.cast("void *", operation.context)

    def _set_context(self, handle: Any, context: Any) -> int:
        operation = self._find(handle, "HcsSetOperationContext")
        if operation is None:
            return INVALID_HANDLE
        operation.context = context
        return 0

    def _set_callback(self, handle: Any, context: Any, callback: Any) -> int:
        """Before the operation is used: nothing says what a callback means that comes too late."""
        operation = self._find(handle, "HcsSetOperationCallback")
        if operation is None:
            return INVALID_HANDLE
        if callback == ffi.NULL:
            return PARAMETER_INCORRECT
        with self._lock:
            if operation.type is not None:
                return HCS_OPERATION_STARTED
            operation.context, operation.callback = context, callback
        return 0

    def _add_resource(self, handle: Any, kind: int, uri: Any, _resource: Any) -> int:
        """No document that is simulated refers to one: it is taken and not looked at."""
        operation = self._find(handle, "HcsAddResourceToOperation")
        if operation is None:
            return INVALID_HANDLE
        if uri == ffi.NULL or kind not in _RESOURCES:
            return PARAMETER_INCORRECT
        return 0 if operation.type is None else HCS_OPERATION_STARTED

    def _system(self, handle: Any) -> Any:
        """The handle that the caller used or got, which stays one: closing it is not asked for twice."""
        operation = self._find(handle, "HcsGetComputeSystemFromOperation")
        return ffi.NULL if operation is None else operation.subject.system

    def _process(self, handle: Any) -> Any:
        operation = self._find(handle, "HcsGetProcessFromOperation")
        return ffi.NULL if operation is None else operation.subject.process

    def _type(self, handle: Any) -> int:
        operation = self._find(handle, "HcsGetOperationType")
        return _NO_TYPE if operation is None or operation.type is None else operation.type

    def _id(self, handle: Any) -> int:
        """None before the operation was passed to a call."""
        operation = self._find(handle, "HcsGetOperationId")
        return _NO_ID if operation is None else operation.id

    def _wait(self, handle: Any, timeout_ms: int, document: Any) -> int:
        return self._ended("HcsWaitForOperationResult", handle, timeout_ms, document, ffi.NULL)

    def _wait_and_process(self, handle: Any, timeout_ms: int, information: Any, document: Any) -> int:
        name = "HcsWaitForOperationResultAndProcessInfo"
        return self._ended(name, handle, timeout_ms, document, information)

    def _result(self, handle: Any, document: Any) -> int:
        return self._ended("HcsGetOperationResult", handle, None, document, ffi.NULL)

    def _result_and_process(self, handle: Any, information: Any, document: Any) -> int:
        return self._ended("HcsGetOperationResultAndProcessInfo", handle, None, document, information)

    def _ended(
        self, function: str, handle: Any, timeout_ms: int | None, document: Any, information: Any
    ) -> int:
        """The result, waited for unless there is no time given at all."""
        if document != ffi.NULL:
            document[0] = ffi.NULL
        operation = self._find(handle, function)
        if operation is None:
            return INVALID_HANDLE
        if operation.type is None:
            return HCS_OPERATION_NOT_STARTED
        if timeout_ms is None:
            if not operation.done.is_set():
                return HCS_OPERATION_PENDING
        elif not operation.done.wait(None if timeout_ms == _INFINITE else timeout_ms / 1000):
            return HCS_OPERATION_TIMEOUT
        answer = operation.answer
        text = answer.text or answer.record
        if text and document != ffi.NULL:
            document[0] = self._accounts.text(text, function)
        if information != ffi.NULL:
            if answer.hresult == 0 and operation.subject.streams is None:
                return HCS_PROCESS_INFO_NOT_AVAILABLE
            _describe(operation, information)
        return answer.hresult

    def _find(self, handle: Any, function: str) -> _Operation | None:
        if handle == ffi.NULL:
            return None
        if self._accounts.find(OPERATION, handle, function) is None:
            return None
        return self._operations.get(number_of(handle))


def _describe(operation: _Operation, information: Any) -> None:
    """The process of a call that succeeded, with the handles of its pipes; of any other nothing."""
    ffi.memmove(information, bytes(ffi.sizeof(information[0])), ffi.sizeof(information[0]))
    streams = operation.subject.streams
    if streams is None or operation.answer.hresult:
        return
    information.ProcessId = operation.process_id
    handles = [ffi.cast("HANDLE", one) for one in streams()]
    information.StdInput, information.StdOutput, information.StdError = handles
