"""Reading with a time limit: HNS, HCS and a disk can hang, and no call to them can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.background import begin
from cni_hns.deadline import Deadline
from cni_hns.survey.questions import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Outcome", "all_within", "each_within"]


class Outcome(NamedTuple):
    """What one reading came to: its value, or else why there is none. `seconds` is how long it took."""

    value: Any
    reason: str
    seconds: float

    @property
    def answered(self) -> bool:
        return not self.reason


def _outcome(question: Question[Any]) -> Outcome:
    """After its time at the most; what hangs is left to itself."""
    found = question.outcome()
    took_s = found.took_ms / 1000
    reason = f"no answer within {took_s:.0f} s" if question.is_late else found.fault
    return Outcome(found.value, reason, took_s)


def all_within(seconds: float, works: Mapping[str, Callable[[], Any]]) -> dict[str, Outcome]:
    """What each came to, read beside each other: one that hangs costs the others nothing."""
    questions = {name: Question(name, seconds, work) for name, work in works.items()}
    return {name: _outcome(question) for name, question in questions.items()}


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
            done[name] = _one(name, work, deadline)

    hands = [begin(work_off) for _ in range(at_once)]
    for ended in hands:
        ended(max(0.0, deadline.left_s()))
    missing = Outcome(None, "no time was left for it", 0.0)
    return {name: done.get(name, missing) for name in works}


def _one(name: str, work: Callable[[float], Any], deadline: Deadline) -> Outcome:
    left_s = deadline.left_s()
    if left_s <= 0:
        return Outcome(None, "no time was left for it", 0.0)
    return _outcome(Question(name, left_s, lambda: work(left_s)))
