"""What a run came to: how many verbs, errors, kills and looks there were, and every failure in words."""

from __future__ import annotations

import threading
from collections import Counter

__all__ = ["Tally"]

_SHOWN = 20


class Tally:
    """Counts from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.verbs: Counter[str] = Counter()
        self.errors: Counter[tuple[str, int]] = Counter()
        self.killed: Counter[str] = Counter()
        self.looks = 0
        self.failures: list[str] = []

    def verb(self, command: str) -> None:
        with self._lock:
            self.verbs[command] += 1

    def error(self, command: str, code: int) -> None:
        with self._lock:
            self.errors[command, code] += 1

    def kill(self, command: str) -> None:
        with self._lock:
            self.killed[command] += 1

    def failure(self, words: str) -> None:
        with self._lock:
            self.failures.append(words)

    def count_errors(self, codes: frozenset[int]) -> int:
        """How many verbs answered one of these codes."""
        return sum(count for (_, code), count in self.errors.items() if code in codes)

    def lines(self) -> list[str]:
        """The report, for a person."""
        errors = ", ".join(f"{verb} {code}: {count}" for (verb, code), count in sorted(self.errors.items()))
        return [
            f"verbs      {self.verbs.total()} ({_counted(self.verbs)})",
            f"errors     {self.errors.total()} ({errors})",
            f"killed     {self.killed.total()} ({_counted(self.killed)})",
            f"looks      {self.looks} at HNS and the ledger",
            f"failures   {len(self.failures)}",
            *(f"  {words}" for words in self.failures[:_SHOWN]),
            *([f"  and {len(self.failures) - _SHOWN} more"] if len(self.failures) > _SHOWN else []),
        ]


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
