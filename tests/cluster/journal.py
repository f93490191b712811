"""What a run came to: what was done how often, how long the cluster took to follow, and every failure."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Journal"]

_SHOWN = 20


class Journal:
    """`within_s` is how long the cluster may take to follow a change before that is a failure."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self._took_s: dict[str, list[float]] = defaultdict(list)

    def count(self, what: str) -> None:
        self.done[what] += 1

    def failure(self, words: str) -> None:
        self.failures.append(words)

    @contextmanager
    def timed(self, what: str, *, judged: bool = True) -> Iterator[None]:
        """How long what is in the context took."""
        began = time.monotonic()
        yield
        took_s = time.monotonic() - began
        self._took_s[what].append(took_s)
        if judged and took_s > self._within_s:
            self.failure(f"{what}: {took_s:.1f} s, more than {self._within_s:g}")

    def lines(self) -> list[str]:
        """The report, for a person."""
        done = ", ".join(f"{what} {count}" for what, count in sorted(self.done.items()))
        took = [
            f"  {what}: {len(times)} times, median {statistics.median(times):.2f} s, most {max(times):.2f} s"
            for what, times in sorted(self._took_s.items())
        ]
        shown = [f"  {words}" for words in self.failures[:_SHOWN]]
        more = len(self.failures) - _SHOWN
        return [
            f"done      {done}",
            "took",
            *took,
            f"failures  {len(self.failures)}",
            *shown,
            *([f"  and {more} more"] if more > 0 else []),
        ]
