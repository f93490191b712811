"""Questions asked side by side, each in a thread of its own and under its own limit of time.

Rule 1: a call that hangs in a DLL cannot be ended. Its thread is left to itself, and so is what it works
with: whoever asks gives each question its own, and nothing waits for it at the end.
Rule 2: an answer that does not come, and one that is a failure, are words like any other answer.
"""

from __future__ import annotations

from _thread import allocate_lock
from time import perf_counter
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from cni_hns.background import begin
from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Outcome", "Question"]

_Answer = TypeVar("_Answer")


class Outcome(NamedTuple, Generic[_Answer]):
    """What came: `value`, or None and in `fault` the reason. `took_ms` is how long it took, or was waited."""

    value: _Answer | None
    fault: str
    took_ms: float


class Question(Generic[_Answer]):
    """`work` begun; `outcome` waits for its end, within `limit_s` from the beginning.

    `is_late`: somebody waited that long, and nothing had come.
    """

    def __init__(self, what: str, limit_s: float, work: Callable[[], _Answer]) -> None:
        self._what = what
        self._deadline = Deadline(limit_s)
        self._outcome: Outcome[_Answer] | None = None
        self.is_late = False
        self._pending = allocate_lock()
        self._pending.acquire()
        begin(lambda: self._ask(work))

    def outcome(self) -> Outcome[_Answer]:
        """The same each time, in every thread, also if an answer comes after its time."""
        if self._pending.acquire(timeout=self._deadline.left_s()):
            # For the next who waits.
            self._pending.release()
        limit_s = self._deadline.timeout_s
        if self._outcome is None:
            self.is_late = True
            words = f"{self._what} did not answer within {limit_s:g} s"
            self._outcome = Outcome(None, words, limit_s * 1000)
        return self._outcome

    def _ask(self, work: Callable[[], _Answer]) -> None:
        began = perf_counter()
        try:
            value, fault = work(), ""
        except Exception as error:  # what one question meets hides no other's answer
            value, fault = None, " ".join(str(error).split()) or type(error).__name__
        found = Outcome(value, fault, (perf_counter() - began) * 1000)
        self._outcome = self._outcome or found
        self._pending.release()
