"""What a process at the other end of the wire is to be told, by the handle that it listens with."""

from __future__ import annotations

import queue
import threading
from typing import NamedTuple

__all__ = ["Inbox", "Notice"]


class Notice(NamedTuple):
    """An event: its code, its status (an HRESULT) and its data."""

    code: int
    status: int = 0
    data: str | None = None


class Inbox:
    """The notices of one process, in order for each handle. What comes for a closed handle is nobody's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[int, queue.SimpleQueue[Notice]] = {}

    def open(self, handle: int) -> None:
        """Keep what comes for this handle from now on."""
        with self._lock:
            self._queues.setdefault(handle, queue.SimpleQueue())

    def close(self, handle: int) -> None:
        """Nobody listens with this handle any more."""
        with self._lock:
            self._queues.pop(handle, None)

    def close_all(self) -> None:
        """Nobody listens at all any more."""
        with self._lock:
            self._queues.clear()

    def is_open(self, handle: int) -> bool:
        """Whether somebody listens with it."""
        return handle in self._queues

    def put(self, handle: int, notice: Notice) -> None:
        """Something has happened."""
        with self._lock:
            found = self._queues.get(handle)
        if found is not None:
            found.put(notice)

    def take(self, handle: int, timeout_s: float) -> Notice | None:
        """The next one, waited for this long; None where there is none."""
        with self._lock:
            found = self._queues.get(handle)
        if found is None:
            return None
        try:
            return found.get(timeout=timeout_s)
        except queue.Empty:
            return None
