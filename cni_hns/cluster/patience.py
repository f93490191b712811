"""Waiting for something of HNS in steps, within a time: with a clock and a pause that a test may replace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Waiting"]

_Found = TypeVar("_Found")


class Waiting(NamedTuple):
    """`now` counts seconds from any moment, `pause` waits for so many; `step_s` lies between two looks."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], object] = time.sleep
    step_s: float = 0.25

    def until(self, look: Callable[[], _Found | None], limit_s: float) -> _Found | None:
        """What `look` finds, at least one look; None where it finds nothing in this time."""
        ends = self.now() + limit_s
        while True:
            found = look()
            if found or self.now() >= ends:
                return found
            self.pause(min(self.step_s, max(0.0, ends - self.now())))
