"""Work beside the call, in threads that nobody waits for at the end.

The module `threading` would do the same; loading it, and the locks that each of its threads makes, are some
hundredths of a verb's time.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarm", "finishes_within"]


class Alarm:
    """Calls `ring` in a thread of its own when the time is over, unless it is cancelled before."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self._ring = ring
        self._cancelled = allocate_lock()
        self._cancelled.acquire()

    def set(self, seconds: float) -> None:
        """Begin to count; once."""
        start_new_thread(self._wait, (seconds,))

    def cancel(self) -> None:
        """End the counting, if it has begun; once."""
        self._cancelled.release()

    def _wait(self, seconds: float) -> None:
        if not self._cancelled.acquire(timeout=seconds):
            self._ring()


def finishes_within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether `work`, in a thread of its own, ends in this time; if not, it is left to itself."""
    working = allocate_lock()
    working.acquire()

    def run() -> None:
        try:
            work()
        finally:
            working.release()

    start_new_thread(run, ())
    return working.acquire(timeout=seconds)
