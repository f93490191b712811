"""The time one verb has: everything that waits spends from the same budget.

The performance counter is read and not the monotonic clock, whose steps are 15.6 ms on Windows: most HNS
calls are shorter than that, and the log would say that they took no time at all.
"""

from __future__ import annotations

import time

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Deadline"]


class Deadline:
    """A budget of seconds that starts when it is made and never starts again.

    `process_age_s` tells how long the process runs, where it is the call's own.
    """

    def __init__(self, timeout_s: float, process_age_s: Callable[[], float] | None = None) -> None:
        self._began = time.perf_counter()
        self._process_age_s = process_age_s
        self.timeout_s = timeout_s

    def restart(self, timeout_s: float) -> None:
        """Give the call another budget, counted from where the first one began.

        The configuration, which may name a budget, is itself read within the first one.
        """
        self.timeout_s = timeout_s

    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._began + self.timeout_s - time.perf_counter())

    def elapsed_s(self) -> float:
        """Seconds since the budget began."""
        return time.perf_counter() - self._began

    def call_age_s(self) -> float:
        """Seconds since the call began: with its process, where it has one of its own."""
        age_s = self._process_age_s() if self._process_age_s is not None else 0.0
        return max(age_s, self.elapsed_s())

    @property
    def expired(self) -> bool:
        return self.left_s() == 0.0
