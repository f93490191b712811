"""Work beside the call, in threads that nobody waits for at the end.

The module `threading` would do the same; loading it, and the locks that each of its threads makes, are some
hundredths of a verb's time.
"""

from __future__ import annotations

import contextlib
from _thread import allocate_lock, start_new_thread

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Alarm", "begin", "finishes_within"]


class Alarm:
    """Calls `ring` in a thread of its own when no time is left, unless it is cancelled before.

    `left_s` gives the seconds that are left now; where they change, `look_again` says so.
    """

    def __init__(self, ring: Callable[[], object], left_s: Callable[[], float]) -> None:
        self._ring = ring
        self._left_s = left_s
        self._cancelled = False
        self._woken = allocate_lock()
        self._woken.acquire()

    def set(self) -> None:
        """Begin to count; once."""
        start_new_thread(self._wait, ())

    def look_again(self) -> None:
        """The time that is left is another one now."""
        # Of two that wake it before it looks, one does.
        with contextlib.suppress(RuntimeError):
            self._woken.release()

    def cancel(self) -> None:
        """End the counting, if it has begun."""
        self._cancelled = True
        self.look_again()

    def _wait(self) -> None:
        while self._woken.acquire(timeout=self._left_s()):
            if self._cancelled:
                return
        self._ring()


def begin(work: Callable[[], object]) -> Callable[[float], bool]:
    """Begin `work` in a thread of its own; call what this gives to wait so many seconds for its end.

    It says whether the end has come; if not, the work is left to itself.
    """
    working = allocate_lock()
    working.acquire()

    def run() -> None:
        try:
            work()
        finally:
            working.release()

    def ends_within(seconds: float) -> bool:
        return working.acquire(timeout=seconds)

    start_new_thread(run, ())
    return ends_within


def finishes_within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether `work`, in a thread of its own, ends in this time; if not, it is left to itself."""
    return begin(work)(seconds)
