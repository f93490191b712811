"""Wait for what another process does: ask again and again, with a bound that decides nothing but a hang."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["until"]

_PAUSE_S = 0.05

T = TypeVar("T")


def until(what: str, probe: Callable[[], T], timeout_s: float = 60.0) -> T:
    """The first answer of the probe that counts as true.

    Raises:
        AssertionError: there was none in that time; with the last one, which an AssertionError of the probe
            counts as.
    """
    end = time.monotonic() + timeout_s
    while True:
        said: object
        try:
            said = answer = probe()
            if answer:
                return answer
        except AssertionError as fault:
            said = fault
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout_s:g} s; last: {said!r}")
        time.sleep(_PAUSE_S)
