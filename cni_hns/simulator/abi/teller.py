"""Tells event callbacks of computecore.dll what happens, from a thread of its own as the real service does.

Rule 1: closing a handle waits for its callback where it runs, and nothing is told of it afterwards; a close
from within the callback does not wait for itself.
Rule 2: that the service went away is the last event of a handle, which is of no use then.
"""

from __future__ import annotations

import threading
from typing import Any

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator.abi.accounts import FILLING
from cni_hns.simulator.core.compute.events import SERVICE_DISCONNECT
from cni_hns.simulator.core.store import Store

__all__ = ["Teller"]

# https://learn.microsoft.com/virtualization/api/hcs/Reference/HCS_EVENT_OPTIONS
_ENABLE_OPERATION_CALLBACKS = 1
_OPERATION_CALLBACK = 0x01000000

# Events of this process are looked for at once; those of others within this time.
_INTERVAL_S = 0.02


class _Registration:
    """Who listens to what: a run of a system, or a process; and, if so asked, to the handle's operations."""

    def __init__(self, target: str, options: int, callback: Any, context: Any, seen: int) -> None:
        self.target = target
        self.hears_operations = bool(options & _ENABLE_OPERATION_CALLBACKS)
        self.callback = callback
        self.context = context
        self.seen = seen
        # The thread that calls may close what it is called for.
        self.calling = threading.RLock()
        self.closed = False
        self.disconnected = False


class Teller:
    """The registrations of one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._registrations: dict[int, _Registration] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def listen(
        self, handle: int, target: str, callback: Any, context: Any, options: int = 0, *, past: bool = False
    ) -> None:
        """Tell this callback, from now on, what happens to the target of the handle; NULL for nobody.

        `options` are HCS_EVENT_OPTIONS; with `past` it is told, too, what has happened to the target.
        """
        self.forget(handle)
        if callback == ffi.NULL:
            return
        seen = self._seen(target if past else "")
        with self._lock:
            self._registrations[handle] = _Registration(target, options, callback, context, seen)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hcs-events", daemon=True)
                self._thread.start()

    def _seen(self, target: str) -> int:
        """The last event that is old news: the one before the first of this target, or the last of all."""
        sql = "SELECT coalesce(min(id) FILTER (WHERE object = ? AND object <> '') - 1, max(id), 0)"
        ((seen,),) = self._store.rows(f"{sql} FROM compute_events", target)
        return int(seen)

    def listens(self, handle: int) -> bool:
        """Whether a callback of this handle is told."""
        with self._lock:
            return handle in self._registrations

    def hears_operations(self, handle: int) -> bool:
        """Whether its callback is told of the operations of calls that are made with the handle."""
        with self._lock:
            found = self._registrations.get(handle)
        return found is not None and found.hears_operations

    def operation_ended(self, handle: int, operation: Any) -> None:
        """Tell the handle's callback, if it hears of operations, from the thread that did the work."""
        with self._lock:
            found = self._registrations.get(handle)
        if found is not None and found.hears_operations:
            self._call(found, _OPERATION_CALLBACK, operation=operation)

    def forget(self, handle: int) -> None:
        """Nothing is told of the handle once this has returned."""
        with self._lock:
            found = self._registrations.pop(handle, None)
        if found is not None:
            with found.calling:
                found.closed = True

    def look(self) -> None:
        """Something may have happened."""
        self._wake.set()

    def stop(self) -> None:
        """No call any more once this has returned, unless it is called from within one."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join()
        # An operation's own thread may be within a call.
        for handle in list(self._registrations):
            self.forget(handle)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(_INTERVAL_S)
            self._wake.clear()
            with self._lock:
                listening = list(self._registrations.values())
            for one in listening:
                self._tell_all(one)

    def _tell_all(self, one: _Registration) -> None:
        sql = "SELECT id, code, document FROM compute_events WHERE id > ? AND object IN (?, '') ORDER BY id"
        for number, code, document in self._store.rows(sql, one.seen, one.target):
            one.seen = number
            if not one.disconnected:
                self._call(one, code, document)
            one.disconnected |= code == SERVICE_DISCONNECT

    def _call(
        self, one: _Registration, code: int, document: str | None = None, operation: Any = ffi.NULL
    ) -> None:
        with one.calling:
            if not (one.closed or self._stopped):
                _tell(one, code, document, operation)


def _tell(one: _Registration, code: int, document: str | None, operation: Any) -> None:
    told: Any = ffi.new("HCS_EVENT *")
    text = ffi.NULL if document is None else ffi.new("char16_t[]", document)
    told.Type, told.EventData, told.Operation = code, text, operation
    one.callback(told, one.context)
    if document is not None:
        # The text was this thread's: whoever kept the pointer reads nonsense.
        memory = ffi.buffer(text)
        memory[:] = FILLING * len(memory)
