"""One call of computecore.dll: an operation of its own, the call, the wait for its end, the close.

Rule 1: an operation serves one call and is closed on every path. It is never cancelled: that is not
implemented, and to close one that still runs is safe. The work goes on in the service.
Rule 2: a call that fails at once is asked for its result too: HCS leaves its ResultError there.
Rule 3: a wait whose time ran out says nothing about the outcome (`OutcomeUnknown`).
Rule 4: what closes and frees is resolved before anything is made. Texts are freed with CoTaskMemFree: the
pages say LocalFree, and both large programs that use this DLL, Microsoft's own, do not.
Rule 5: a thread that is inside the DLL is waited for: to free its handles meanwhile ends the process. Whoever
cannot wait for ever for a call that does not come back gives `Patience`, and ends the process himself.
"""

from __future__ import annotations

from math import ceil

from cni_hns.binding._generated_computecore import ffi
from cni_hns.binding.compute_errors import compute_error
from cni_hns.binding.errors import MalformedAnswer, ServiceError
from cni_hns.binding.service import Buffers, error_record, function_of, string_in
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.libraries import Libraries
    from cni_hns.binding.patience import Patience
    from cni_hns.deadline import Deadline
    from cni_hns.log import Log

__all__ = ["OPERATION", "Operations", "milliseconds"]

OPERATION = object()
"""Stands in the arguments of a call where its operation belongs."""

# "Accepted, and still running" instead of success; the older API says it always.
_PENDING = {0x80370117, 0xC0370103}

_INFINITE = 0xFFFFFFFF


class Operations:
    """The calls to one computecore.dll. Results are JSON texts, and each failure is a ServiceError."""

    def __init__(self, libraries: Libraries, log: Log, patience: Patience | None = None) -> None:
        self._libraries = libraries
        self._log = log
        self._patience = patience

    def run(
        self,
        name: str,
        target: str,
        deadline: Deadline,
        *arguments: Any,
        accepted: Callable[[], None] = lambda: None,
        information: Any = None,
    ) -> str:
        """The result of this function, which has `OPERATION` among its arguments; empty where it has none.

        `accepted` is called when the service has taken the call, before its end is waited for. `information`
        is a pointer to the HCS_PROCESS_INFORMATION that a call about a process fills.
        """
        function, create = self.function(name), self.function("HcsCreateOperation")
        close = self.function("HcsCloseOperation")
        suffix, extra = ("", ()) if information is None else ("AndProcessInfo", (information,))
        wait = self.function(f"HcsWaitForOperationResult{suffix}")
        result = self.function(f"HcsGetOperationResult{suffix}")
        with Buffers(self._free()) as buffers:
            document = buffers.slot()
            operation = create(ffi.NULL, ffi.NULL)
            if operation == ffi.NULL:
                raise MalformedAnswer("HcsCreateOperation", target, 0, "no operation")

            def call() -> int:
                hresult = function(*[operation if one is OPERATION else one for one in arguments])
                if hresult < 0 and hresult & 0xFFFFFFFF not in _PENDING:
                    result(operation, *extra, document)
                    return int(hresult)
                accepted()
                return int(wait(operation, milliseconds(deadline), *extra, document))

            try:
                self._checked(name, target, call, document, deadline.left_s())
            finally:
                close(operation)
            return string_in(document)

    def answer(self, name: str, target: str, *arguments: Any, limit_s: float | None = None) -> str:
        """The document of a function that has no operation and gives one in its last parameter.

        `limit_s` is how long the function itself may wait, where it waits.
        """
        function = self.function(name)
        with Buffers(self._free()) as buffers:
            document = buffers.slot()
            self._checked(name, target, lambda: int(function(*arguments, document)), document, limit_s)
            return string_in(document)

    def plain(self, name: str, target: str, *arguments: Any) -> None:
        """A function that has neither operation nor document."""
        function = self.function(name)
        self._checked(name, target, lambda: int(function(*arguments)), None)

    def closing(self, name: str) -> Callable[[Any], int]:
        """What closes a handle by this function, which says nothing. It waits for callbacks that run."""
        function = self.function(name)

        def close(value: Any) -> int:
            self._watched(name, lambda: function(value), None)
            return 0

        return close

    def function(self, name: str) -> Any:
        """The C function. Raises: FunctionMissing."""
        return function_of(self._libraries.computecore, name)

    def _checked(
        self, name: str, target: str, call: Callable[[], int], document: Any, limit_s: float | None = None
    ) -> None:
        self._log.call_begins(name, target)
        try:
            hresult = self._watched(f"{name} {target}".strip(), call, limit_s) & 0xFFFFFFFF
        except ServiceError as fault:
            self._log.call_ends(fault.hresult)
            raise
        self._log.call_ends(hresult)
        if hresult >= 1 << 31:
            record = error_record("" if document is None else string_in(document))
            raise compute_error(name, target, hresult, record)

    def _watched(self, what: str, call: Callable[[], Any], limit_s: float | None) -> Any:
        if self._patience is None:
            return call()
        return self._patience.watch(what, call, limit_s)

    def _free(self) -> Any:
        return function_of(self._libraries.ole32, "CoTaskMemFree")


def milliseconds(deadline: Deadline) -> int:
    """What is left of the time, as Windows is told it: rounded up, and never without an end."""
    return min(ceil(deadline.left_s() * 1000), _INFINITE - 1)
