"""The operations of computecore.dll: a call ends later, and its operation has the result.

Rule 1: an operation is for one call. Its work is done in a thread of its own, as the service does it: a wait
that times out, or a close, lets it go on.
Rule 2: the caller may close an operation that runs; the result is then nobody's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.pipes import NO_HANDLES
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    E_UNEXPECTED,
    HCS_OPERATION_NOT_STARTED,
    HCS_OPERATION_PENDING,
    HCS_OPERATION_STARTED,
    HCS_OPERATION_TIMEOUT,
    INVALID_HANDLE,
    PARAMETER_INCORRECT,
)
from cni_hns.simulator.core.service import Answer

__all__ = ["OPERATION", "Operations", "Streams"]

OPERATION = "HCS operation"

_INFINITE = 0xFFFFFFFF

# Gives the handles of a process's input, output and errors.
Streams = Callable[[], tuple[int, int, int]]


class _Operation:
    """One operation; `process_id` and `streams` are there after a call about a process."""

    def __init__(self, context: Any, callback: Any) -> None:
        self.context = context
        self.callback = callback
        self.started = False
        self.done = threading.Event()
        self.answer = Answer(0, "", "")
        self.process_id = 0
        self.streams: Streams = lambda: NO_HANDLES


class Operations:
    """The operations of one process."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
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
            "HcsGetOperationResult": ("HCS_RESULT", self._result),
            "HcsGetOperationResultAndProcessInfo": ("HCS_RESULT_AND_PROCESS", self._result_and_process),
            "HcsWaitForOperationResult": ("HCS_WAIT", self._wait),
            "HcsWaitForOperationResultAndProcessInfo": ("HCS_WAIT_AND_PROCESS", self._wait_and_process),
        }
        return functions.get(function)

    def start(
        self, function: str, handle: Any, work: Callable[[], Answer], streams: Streams | None = None
    ) -> int:
        """Do the work under this operation; 0, or why it is not even begun.

        Of a call about a process the text of the answer is the process's id, and `streams` gives its handles.
        """
        operation = self._find(handle, function)
        if operation is None:
            return INVALID_HANDLE if handle != ffi.NULL else PARAMETER_INCORRECT
        with self._lock:
            if operation.started:
                return HCS_OPERATION_STARTED
            operation.started = True
        arguments = (function, operation, handle, work, streams)
        threading.Thread(target=self._do, args=arguments, name=function, daemon=True).start()
        return 0

    def _do(
        self,
        function: str,
        operation: _Operation,
        handle: Any,
        work: Callable[[], Answer],
        streams: Streams | None,
    ) -> None:
        try:
            answer = work()
        except Exception as fault:
            if self._stopped:
                return
            # It would be lost with the thread.
            self._accounts.violation(f"{function}: {type(fault).__name__}: {fault}")
            answer = Answer(E_UNEXPECTED, "", "")
        if streams is not None:
            operation.process_id, operation.streams = int(answer.text or 0), streams
            answer = answer._replace(text="")
        operation.answer = answer
        operation.done.set()
        if operation.callback != ffi.NULL and not self._stopped:
            operation.callback(handle, operation.context)

    def _create(self, context: Any, callback: Any) -> Any:
        handle = self._accounts.open(OPERATION, "", 0)
        self._operations[number_of(handle)] = _Operation(context, callback)
        return handle

    def _close(self, handle: Any) -> None:
        if self._accounts.close(OPERATION, handle, "HcsCloseOperation") is not None:
            self._operations.pop(number_of(handle), None)

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
        if not operation.started:
            return HCS_OPERATION_NOT_STARTED
        if timeout_ms is None:
            if not operation.done.is_set():
                return HCS_OPERATION_PENDING
        elif not operation.done.wait(None if timeout_ms == _INFINITE else timeout_ms / 1000):
            return HCS_OPERATION_TIMEOUT
        answer = operation.answer
        if information != ffi.NULL:
            ffi.memmove(information, bytes(ffi.sizeof(information[0])), ffi.sizeof(information[0]))
            if answer.hresult == 0:
                information.ProcessId = operation.process_id
                handles = [ffi.cast("HANDLE", one) for one in operation.streams()]
                information.StdInput, information.StdOutput, information.StdError = handles
        text = answer.text or answer.record
        if text and document != ffi.NULL:
            document[0] = self._accounts.text(text, function)
        return answer.hresult

    def _find(self, handle: Any, function: str) -> _Operation | None:
        if handle == ffi.NULL:
            return None
        if self._accounts.find(OPERATION, handle, function) is None:
            return None
        return self._operations.get(number_of(handle))
