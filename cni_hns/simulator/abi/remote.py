"""computecore.dll for a program that cannot load it: the functions are the same, called with texts.

Rule: an operation, and what tells events, run here. The program asks for what they have to say by the handle
that it listens with: that of the operation, of the system or of the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import Accounts, number_of
from cni_hns.simulator.abi.computecore import ComputeCore
from cni_hns.simulator.abi.marshal import Returned, call
from cni_hns.simulator.abi.streams import RemoteStreams
from cni_hns.simulator.abi.texts import text
from cni_hns.simulator.core.errors import HCS_OPERATION_TIMEOUT
from cni_hns.simulator.core.service import Service
from cni_hns.simulator.handles import Held
from cni_hns.simulator.inbox import Inbox, Notice

__all__ = ["RemoteComputeCore"]

_INFINITE = 0xFFFFFFFF
# A wait is asked in pieces of this length, so that it ends with who waits.
_PIECE_MS = 20


class RemoteComputeCore:
    """The DLL of one process at the other end of the wire."""

    def __init__(
        self, service: Service, inbox: Inbox, streams: RemoteStreams, report: Callable[[str], None]
    ) -> None:
        """`streams` get the pipes of processes; `report(text)` keeps what the process does wrong."""
        self._accounts = Accounts(report)
        self._core = ComputeCore(service, self._accounts)
        self._inbox = inbox
        self._streams = streams
        self._callbacks = {
            ffi.typeof("HCS_EVENT_CALLBACK"): ffi.callback("HCS_EVENT_CALLBACK", self._happened),
            ffi.typeof("HCS_OPERATION_COMPLETION"): ffi.callback("HCS_OPERATION_COMPLETION", self._completed),
        }

    def call(self, function: str, texts: list[str | None], go_on: Callable[[], None]) -> Returned | None:
        """What the function gives; None where the DLL does not have it.

        `go_on()` is called while it waits, and raises where nobody waits any more.

        Raises:
            ValueError: a text is no number.
        """
        if function.startswith("HcsWaitForOperation"):
            return self._waited(function, texts, go_on)
        if function.endswith("Callback") and texts[-1] is not None:
            self._inbox.open(int(texts[0] or "0"))
        returned = self._called(function, texts)
        if function == "HcsCreateOperation" and returned is not None and texts[-1] is not None:
            self._inbox.open(returned.number)
        if function.startswith("HcsClose") or (function.endswith("Callback") and texts[-1] is None):
            self._inbox.close(int(texts[0] or "0"))
        return returned

    def held(self) -> list[Held]:
        """The handles that the process has open."""
        return self._accounts.held()

    def stop(self) -> None:
        """The process has gone: its handles hold nothing any more."""
        self._core.stop()

    def _called(self, function: str, texts: list[str | None]) -> Returned | None:
        made = self._core.make(function)
        if made is None:
            return None
        returned = call(*made, texts, self._accounts, self._callbacks)
        return returned._replace(streams=self._streams.take(returned.streams))

    def _waited(self, function: str, texts: list[str | None], go_on: Callable[[], None]) -> Returned | None:
        operation, timeout, *_ = texts
        left_ms = int(timeout or "0")
        while True:
            piece_ms = min(left_ms, _PIECE_MS)
            returned = self._called(function, [operation, str(piece_ms)])
            left_ms -= 0 if left_ms == _INFINITE else piece_ms
            if returned is None or returned.hresult != HCS_OPERATION_TIMEOUT or not left_ms:
                return returned
            go_on()

    def _happened(self, event: Any, context: Any) -> None:
        """The context is the handle."""
        self._inbox.put(number_of(context), Notice(event.Type, data=text(event.EventData)))

    def _completed(self, operation: Any, _context: Any) -> None:
        self._inbox.put(number_of(operation), Notice(0))
