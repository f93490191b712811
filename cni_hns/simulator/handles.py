"""The open handles of one process.

Rule: a handle is a number that means nothing, of one kind and one run of the service; it is closed once. No
number is given twice.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Handles", "Held", "Open"]

# Handles of the real service are addresses; these are numbers that are none, each far from the next.
_FIRST = 0x5A5A_0000
_STEP = 0x10

_numbers = itertools.count(_FIRST, _STEP)


class Open(NamedTuple):
    """What a handle stands for."""

    kind: str
    target: str
    generation: int


class Held(NamedTuple):
    """Something that the process still holds: a handle or a buffer, and the function that gave it."""

    kind: str
    what: str


class Handles:
    """The handles of one process."""

    def __init__(self, report: Callable[[str], None]) -> None:
        """`report(text)` keeps what the process does wrong."""
        self._report = report
        self._lock = threading.Lock()
        self._open: dict[int, Open] = {}
        self._closed: set[int] = set()

    def open(self, kind: str, target: str, generation: int) -> int:
        """A new handle."""
        number = next(_numbers)
        with self._lock:
            self._open[number] = Open(kind, target, generation)
        return number

    def find(self, kind: str, number: int, function: str) -> Open | None:
        """What the handle stands for; None, and a report, if it is not an open handle of this kind."""
        found = self._open.get(number)
        if found is not None and found.kind == kind:
            return found
        if found is not None:
            self._report(f"{function}: a handle of a {found.kind} in place of a {kind}")
        elif number in self._closed:
            self._report(f"{function}: a {kind} handle that is closed")
        else:
            self._report(f"{function}: {'NULL' if number == 0 else 'a number'} in place of a {kind} handle")
        return None

    def close(self, kind: str, number: int, function: str) -> Open | None:
        """Take the handle out of use; None, and a report, if it is not an open one of this kind."""
        found = self.find(kind, number, function)
        if found is not None:
            with self._lock:
                self._closed.add(number)
                self._open.pop(number, None)
        return found

    def held(self) -> list[Held]:
        """All open handles."""
        with self._lock:
            return [Held("handle", f"{open_.kind} {open_.target}".strip()) for open_ in self._open.values()]
