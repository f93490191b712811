"""The threads that the program starts without the module `threading`, by which tools find threads."""

from __future__ import annotations

import sys
import threading
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable

__all__ = ["Threads"]


class Threads:
    """Starts them in place of `_thread`: coverage measures them, and a test can wait for their end."""

    def __init__(self) -> None:
        self._running: list[LockType] = []

    def start(self, function: Callable[..., object], arguments: tuple[object, ...]) -> int:
        running = allocate_lock()
        running.acquire()
        self._running.append(running)

        def run() -> None:
            sys.settrace(threading.gettrace())
            try:
                function(*arguments)
            finally:
                running.release()

        return start_new_thread(run, ())

    def forget(self) -> None:
        """Those until now are not waited for: some are left behind in a read that never ends."""
        self._running.clear()

    def join(self) -> None:
        """Wait until the others have ended; the test's own time limit bounds it."""
        while self._running:
            self._running.pop().acquire()
