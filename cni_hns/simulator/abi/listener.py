"""Tells one registered callback what happens, from a thread of its own as the real service does."""

from __future__ import annotations

import threading
from typing import Any

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator.core.documents import written
from cni_hns.simulator.core.store import Store

__all__ = ["Listener"]

# Events of this process are looked for at once; those of others within this time.
_INTERVAL_S = 0.02


class Listener:
    """One registration, from now on."""

    def __init__(self, store: Store, callback: Any, context: Any) -> None:
        self._store = store
        self._callback = callback
        self._context = context
        ((self._last,),) = store.rows("SELECT ifnull(max(id), 0) FROM events")
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="hns-notifications", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Something may have happened."""
        self._wake.set()

    def stop(self) -> None:
        """No call any more once this has returned, unless it is called from within one."""
        self._stopped = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(_INTERVAL_S)
            self._wake.clear()
            for number, code, target in self._store.rows(
                "SELECT id, code, object FROM events WHERE id > ? ORDER BY id", self._last
            ):
                self._last = number
                if not self._stopped:
                    self._tell(code, target)

    def _tell(self, code: int, target: str) -> None:
        data = ffi.new("char16_t[]", written({"ID": target, "Flags": 0, "Data": None}))
        self._callback(code, self._context, 0, data)
        # The text was this thread's: whoever kept the pointer reads nonsense.
        memory = ffi.buffer(data)
        memory[:] = b"\xdd" * len(memory)
