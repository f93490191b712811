"""Few rows in which every value of each field meets every value of each other field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

__all__ = ["pairwise"]

Row = dict[str, str]
# (field, value) twice, the fields in order.
Pair = tuple[tuple[str, str], tuple[str, str]]


def pairwise(fields: Mapping[str, Sequence[str]]) -> list[Row]:
    """The rows, each with one value for each field; the same ones each time.

    A row begins with a pair that none has yet; each further field takes the value that adds most pairs.
    """
    missing = dict.fromkeys(_every_pair(fields))
    rows: list[Row] = []
    while missing:
        row = dict(next(iter(missing)))
        for field in fields:
            if field not in row:
                row[field] = _most_useful(fields, row, field, missing)
        row = {field: row[field] for field in fields}
        for pair in combinations(row.items(), 2):
            missing.pop(pair, None)
        rows.append(row)
    return rows


def _every_pair(fields: Mapping[str, Sequence[str]]) -> list[Pair]:
    return [
        ((first, one), (second, other))
        for first, second in combinations(fields, 2)
        for one in fields[first]
        for other in fields[second]
    ]


def _most_useful(
    fields: Mapping[str, Sequence[str]], row: Row, field: str, missing: Mapping[Pair, None]
) -> str:
    """Of equally useful values the one that comes after what the last row had is taken in turn."""
    order = list(fields)

    def pairs_added(value: str) -> int:
        added = 0
        for other, chosen in row.items():
            one, two = (field, value), (other, chosen)
            pair = (one, two) if order.index(field) < order.index(other) else (two, one)
            added += pair in missing
        return added

    return max(fields[field], key=pairs_added)
