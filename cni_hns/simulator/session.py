"""One connected process: what it holds of the service, and what each of its requests does.

Rule 1: what a process holds when it ends in good order is written down with the node, as for a local one. A
process that was killed, or that ends in the middle of a call, could not give anything back.
Rule 2: a fault that kills or hangs means the process at the other end, never this one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NoReturn

from cni_hns.simulator import wire
from cni_hns.simulator.abi.old_compute import OldCompute
from cni_hns.simulator.abi.remote import RemoteComputeCore
from cni_hns.simulator.abi.streams import RemoteStreams
from cni_hns.simulator.core.documents import written
from cni_hns.simulator.core.errors import E_NOTIMPL, INVALID_HANDLE
from cni_hns.simulator.core.exports import CALLBACK, EXPORTS, Export
from cni_hns.simulator.core.service import COMPUTECORE, Answer, Service
from cni_hns.simulator.core.store import Store
from cni_hns.simulator.handles import Handles, Held
from cni_hns.simulator.inbox import Inbox

__all__ = ["HangsForever", "Session"]

_E_ABORT = 0x80004004
_BROKEN_PIPE = 0x8007006D
_MODULE_NOT_FOUND = 0x8007007E
_PROCEDURE_NOT_FOUND = 0x8007007F
# Events of others are looked for this often.
_INTERVAL_S = 0.02


class HangsForever(Exception):
    """No reply is to be sent; the connection lives until the process ends."""


class _EndsItself(Exception):
    """The process has to end."""


class _Waiting(threading.local):
    """Whether the other side of the connection whose request this thread answers has gone.

    None in a thread that answers nobody: it does the work of an operation.
    """

    gone: Callable[[], bool] | None = None


class Session:
    """A process at the other end of one connection or more; it calls, so it is the service's `Caller`."""

    def __init__(self, store: Store, pid: int, stopped: threading.Event) -> None:
        self._store = store
        self._pid = pid
        self._stopped = stopped
        self._service = Service(store, self)
        self._handles = Handles(self._violation)
        self._seen: dict[int, int] = {}
        self._inbox = Inbox()
        self._streams = RemoteStreams()
        self._compute = RemoteComputeCore(self._service, self._inbox, self._streams, self._violation)
        self._old_compute = OldCompute(self._service, self._handles, self._inbox, self._streams)
        self._calls = 0
        self._lock = threading.Lock()
        self._waiting = _Waiting()
        self._ends = threading.Event()
        self._closed = threading.Event()
        options = store.options()
        self._missing, self._absent = options.missing_functions, options.missing_libraries
        self._old = options.version < (9, 0)

    # What a fault does to it

    @property
    def pid(self) -> int:
        """The process id that it told."""
        return self._pid

    def wait(self, seconds: float) -> None:
        """The reply comes later; never if the server stops, or the process has gone meanwhile."""
        if self._waiting.gone is None:
            if self._closed.wait(seconds):
                raise HangsForever
            return
        self._stopped.wait(seconds)
        self._go_on()

    def hang(self) -> NoReturn:
        """The reply, or the end of the operation, never comes."""
        if self._waiting.gone is None:
            self._closed.wait()
        raise HangsForever

    def end(self) -> NoReturn:
        """The next reply tells the process to end itself."""
        self._ends.set()
        if self._waiting.gone is None:
            self.hang()
        raise _EndsItself

    def _go_on(self) -> None:
        """Whether who waits for a reply shall go on waiting.

        Raises:
            HangsForever: nobody waits any more.
            _EndsItself: the process has to end.
        """
        if self._stopped.is_set() or self._waiting.gone is None or self._waiting.gone():
            raise HangsForever
        if self._ends.is_set():
            raise _EndsItself

    # Requests

    def answer(self, function: str, handle: int, texts: list[str | None], gone: Callable[[], bool]) -> bytes:
        """The reply to one request; `gone()` says whether the process that waits for it is no more.

        Raises:
            HangsForever: there is none.
            ValueError: it is no request.
        """
        self._waiting.gone = gone
        try:
            return self._answer(function, handle, texts)
        except _EndsItself:
            return wire.reply(0, order=wire.END_YOURSELF)

    def _answer(self, function: str, handle: int, texts: list[str | None]) -> bytes:
        if function == "NextEvent":
            return self._next_event(handle)
        if function.endswith("Stream"):
            return self._of_stream(function, handle, texts)
        if function == "Violation":
            self._violation(texts[0] or "")
            return wire.reply(0)
        if function == "Leave":
            self._leave([text or "" for text in texts])
            return wire.reply(0)
        self._count(1)
        if function.startswith(COMPUTECORE):
            reply = self._of_compute(function.removeprefix(COMPUTECORE), texts)
        elif function.startswith("Hcs"):
            reply = self._of_old_compute(function, handle, texts)
        else:
            reply = self._call(function, handle, texts)
        self._count(-1)  # not after a fault: the process could not go on
        return reply

    def _call(self, function: str, handle: int, texts: list[str | None]) -> bytes:
        export = EXPORTS.get(function)
        library = "computenetwork" if function.startswith("Hcn") else "vmcompute"
        refusal = E_NOTIMPL if export is None else self._taken_away(function, library)
        if export is None or refusal:
            return wire.reply(refusal)
        if CALLBACK in (export.takes, export.gives):
            return self._listening(function, handle, export)
        if not export.takes:
            answer = self._service.call(function, texts)
            return self._enveloped(answer) if function == "HNSCall" else self._replied(answer, export)
        find = self._handles.close if export.closes else self._handles.find
        open_ = find(export.takes, handle, function)
        if open_ is None:
            return wire.reply(INVALID_HANDLE)
        if export.closes:
            return wire.reply(self._service.close(function, open_.target, open_.generation).hresult)
        return self._replied(self._service.call(function, [open_.target, *texts], open_.generation), export)

    def _of_compute(self, function: str, texts: list[str | None]) -> bytes:
        refusal = self._taken_away(function, "computecore")
        if refusal:
            return wire.reply(refusal)
        returned = self._compute.call(function, texts, self._go_on)
        if returned is None:
            return wire.reply(_PROCEDURE_NOT_FOUND)
        return wire.reply(returned.hresult, returned.number, returned.text, streams=returned.streams)

    def _of_old_compute(self, function: str, handle: int, texts: list[str | None]) -> bytes:
        refusal = self._taken_away(function, "vmcompute")
        if refusal:
            return wire.reply(refusal)
        outcome = self._old_compute.call(function, handle, texts)
        if outcome is None:
            return wire.reply(E_NOTIMPL)
        told = outcome.text or None, outcome.record or None
        return wire.reply(outcome.hresult, outcome.handle, *told, streams=outcome.streams)

    def _taken_away(self, function: str, library: str) -> int:
        """A DLL that is there cannot lose a function: it answers what a loader says without it."""
        if library in self._absent:
            return _MODULE_NOT_FOUND
        return _PROCEDURE_NOT_FOUND if function in self._missing else 0

    def _replied(self, answer: Answer, export: Export) -> bytes:
        if answer.hresult == 0 and export.gives:
            number = self._handles.open(export.gives, answer.text, answer.generation)
            return wire.reply(0, number, None, answer.record or None)
        return wire.reply(answer.hresult, 0, answer.text or None, answer.record or None)

    def _enveloped(self, answer: Answer) -> bytes:
        """HNSCall delivers a failure in its envelope too; older services in the envelope alone."""
        hresult = 0 if answer.record and self._old else answer.hresult
        return wire.reply(hresult, 0, answer.text or answer.record or None)

    # Notifications

    def _listening(self, function: str, handle: int, export: Export) -> bytes:
        if export.takes and self._handles.find(CALLBACK, handle, function) is None:
            return wire.reply(INVALID_HANDLE)
        answer = self._service.call(function, [])
        if answer.hresult == 0 and export.gives:
            handle = self._handles.open(CALLBACK, "", answer.generation)
            ((self._seen[handle],),) = self._store.rows("SELECT ifnull(max(id), 0) FROM events")
        elif answer.hresult == 0:
            self._handles.close(CALLBACK, handle, function)
            self._seen.pop(handle, None)
        return wire.reply(answer.hresult, handle if answer.hresult == 0 else 0)

    def _next_event(self, handle: int) -> bytes:
        while self._inbox.is_open(handle):
            notice = self._inbox.take(handle, _INTERVAL_S)
            if notice is not None:
                return wire.event(notice.code, notice.data, notice.status)
            self._go_on()
        while (last := self._seen.get(handle)) is not None:
            rows = self._store.rows(
                "SELECT id, code, object FROM events WHERE id > ? ORDER BY id LIMIT 1", last
            )
            if rows:
                ((number, code, target),) = rows
                if handle in self._seen:
                    self._seen[handle] = number
                return wire.event(code, written({"ID": target, "Flags": 0, "Data": None}))
            self.wait(_INTERVAL_S)
        return wire.reply(_E_ABORT)

    # Pipes

    def _of_stream(self, function: str, number: int, texts: list[str | None]) -> bytes:
        try:
            if function == "ReadStream":
                return wire.reply(0, text=self._streams.read(number, self._go_on).hex())
            if function == "WriteStream":
                self._streams.write(number, bytes.fromhex("".join(filter(None, texts))), self._go_on)
            else:
                self._streams.close(number)
        except KeyError:
            return wire.reply(INVALID_HANDLE)
        except OSError:
            return wire.reply(_BROKEN_PIPE)
        return wire.reply(0)

    # The end

    def close(self) -> None:
        """Its last connection has ended: nobody waits for anything any more, and it holds nothing."""
        self._seen.clear()
        self._inbox.close_all()
        self._compute.stop()
        self._old_compute.stop()
        self._streams.close_all()
        self._closed.set()

    def _leave(self, buffers: list[str]) -> None:
        self._seen.clear()
        self._inbox.close_all()
        if self._calls:
            return
        held = [*self._handles.held(), *self._compute.held()]
        for one in [*held, *(Held("buffer", function) for function in buffers)]:
            self._write(one.kind, one.what)

    def _count(self, step: int) -> None:
        with self._lock:
            self._calls += step

    def _violation(self, text: str) -> None:
        self._write("violation", text)

    def _write(self, kind: str, text: str) -> None:
        with self._store.transaction() as state:
            state.run("INSERT INTO leaks VALUES (NULL, ?, ?, ?)", self._pid, kind, text)
