"""How much is measured, and where progress is told."""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from tests.lane import Lane

__all__ = ["Settings"]

_BEGUN = time.monotonic()


class Settings(NamedTuple):
    """One run's: `short` measures fewer cases, each as often as `repetitions` says."""

    lane: Lane
    repetitions: int
    short: bool = False

    def say(self, text: str) -> None:
        """A line of progress, on stderr."""
        sys.stderr.write(f"{time.monotonic() - _BEGUN:6.0f} s  {text}\n")
        sys.stderr.flush()
