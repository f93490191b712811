"""Which known key an unknown one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["near"]

_EDITS = 2
# A key of three letters has too many neighbours at two edits: "env" would be "dns".
_SHORT = 5


def near(word: str, known: Iterable[str]) -> str | None:
    """The closest known word within two edits (one for short words); letter case counts as no edit."""
    found = sorted((_distance(word.lower(), each.lower()), each) for each in known)
    if not found:
        return None
    distance, best = found[0]
    return best if distance <= (_EDITS if len(best) >= _SHORT else 1) else None


def _distance(one: str, other: str) -> int:
    """Edits between two words: insert, delete, replace, or swap two neighbours (optimal string alignment)."""
    if abs(len(one) - len(other)) > _EDITS:
        return _EDITS + 1
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for row, left in enumerate(one, start=1):
        current = [row]
        for column, right in enumerate(other, start=1):
            cost = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]
