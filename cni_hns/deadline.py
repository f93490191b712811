"""The time one verb has: everything that waits spends from the same budget."""

from __future__ import annotations

import time

__all__ = ["Deadline"]


class Deadline:
    """A budget of seconds that starts when it is made and never starts again."""

    def __init__(self, timeout_s: float) -> None:
        self._began = time.monotonic()
        self.timeout_s = timeout_s

    def restart(self, timeout_s: float) -> None:
        """Give the call another budget, counted from where the first one began.

        The configuration, which may name a budget, is itself read within the first one.
        """
        self.timeout_s = timeout_s

    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._began + self.timeout_s - time.monotonic())

    def elapsed_s(self) -> float:
        """Seconds since the budget began."""
        return time.monotonic() - self._began

    @property
    def expired(self) -> bool:
        return self.left_s() == 0.0
