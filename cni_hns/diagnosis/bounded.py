"""Reading with a time limit: HNS, HCS and a disk can hang, and no call to them can be interrupted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.background import begin
from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Outcome", "all_within", "each_within"]


class Outcome(NamedTuple):
    """What one reading came to: its value, or else why there is none. `seconds` is how long it took."""

    value: Any
    reason: str
    seconds: float

    @property
    def answered(self) -> bool:
        return not self.reason


class _Reading:
    """One reading, in a thread of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._began = time.perf_counter()
        self._outcome: Outcome | None = None
        self._ended = begin(self._run)

    def outcome(self, seconds: float) -> Outcome:
        """After so many seconds at the most; what hangs is left to itself."""
        self._ended(max(0.0, seconds))
        took = time.perf_counter() - self._began
        return self._outcome or Outcome(None, f"no answer within {took:.0f} s", took)

    def _run(self) -> None:
        try:
            value, reason = self._work(), ""
        except Exception as fault:  # whatever a source raises, it is a line in the bundle
            value, reason = None, " ".join(str(fault).split()) or type(fault).__name__
        self._outcome = Outcome(value, reason, time.perf_counter() - self._began)


def all_within(seconds: float, works: Mapping[str, Callable[[], Any]]) -> dict[str, Outcome]:
    """What each came to, read beside each other: one that hangs costs the others nothing."""
    deadline = Deadline(seconds)
    readings = {name: _Reading(work) for name, work in works.items()}
    return {name: reading.outcome(deadline.left_s()) for name, reading in readings.items()}


def each_within(
    seconds: float, works: Mapping[str, Callable[[float], Any]], at_once: int
) -> dict[str, Outcome]:
    """What each came to, so many at a time; each is told how much time is left when it begins."""
    deadline = Deadline(seconds)
    waiting = list(works.items())
    done: dict[str, Outcome] = {}

    def work_off() -> None:
        while waiting:
            try:
                name, work = waiting.pop(0)
            except IndexError:
                return
            done[name] = _one(work, deadline)

    hands = [begin(work_off) for _ in range(at_once)]
    for ended in hands:
        ended(max(0.0, deadline.left_s()))
    missing = Outcome(None, "no time was left for it", 0.0)
    return {name: done.get(name, missing) for name in _in_order(works)}


def _in_order(works: Mapping[str, object]) -> Sequence[str]:
    return list(works)


def _one(work: Callable[[float], Any], deadline: Deadline) -> Outcome:
    left_s = deadline.left_s()
    if left_s <= 0:
        return Outcome(None, "no time was left for it", 0.0)
    return _Reading(lambda: work(left_s)).outcome(left_s)
