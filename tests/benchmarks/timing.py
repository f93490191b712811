"""The arithmetic: medians with their range, ratios, and the order in which subjects take turns.

Rule: what is compared is measured in turn, in one run, so that whatever slows the machine slows both.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

__all__ = ["Spread", "in_turn", "ratio", "spread"]

T = TypeVar("T")


class Spread(NamedTuple):
    """A series of measurements in three numbers."""

    median: float
    minimum: float
    maximum: float


def spread(values: Sequence[float]) -> Spread:
    """Median, minimum and maximum.

    Raises:
        statistics.StatisticsError: there are none.
    """
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], peers: Sequence[float]) -> float | None:
    """Our median in parts of the peer's; None where one was not measured, or the peer's is nothing."""
    if not ours or not peers or not statistics.median(peers):
        return None
    return statistics.median(ours) / statistics.median(peers)


def in_turn(subjects: Sequence[T], repetitions: int) -> Iterator[tuple[int, T]]:
    """Each repetition with each subject; who was last in one is first in the next."""
    for repetition in range(repetitions):
        for subject in subjects if repetition % 2 == 0 else reversed(subjects):
            yield repetition, subject
