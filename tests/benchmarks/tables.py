"""What was measured, as plain values that go to JSON and back, and as the rows of a printed table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.benchmarks.timing import ratio, spread

__all__ = ["Results", "Series", "Table"]

# Below this a number is shown with one digit behind the point.
_WHOLE_FROM = 100


@dataclass
class Series:
    """All measurements of one subject in one case, in the order in which they were made."""

    case: str
    subject: str
    values: list[float] = field(default_factory=list)


@dataclass
class Table:
    """One quantity in several cases, for one subject or more.

    `peer` is the subject to whose median the others' ratios are; without one there are none. `remarks` are
    sentences that belong to it: what a program answered, how many calls failed.
    """

    part: str
    title: str
    unit: str
    subjects: list[str]
    peer: str = ""
    series: list[Series] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, case: str, subject: str, *values: float) -> None:
        """Further measurements of this subject in this case."""
        for one in self.series:
            if (one.case, one.subject) == (case, subject):
                one.values.extend(values)
                return
        self.series.append(Series(case, subject, list(values)))

    def remark(self, text: str) -> None:
        """Say it once."""
        if text not in self.remarks:
            self.remarks.append(text)

    def remark_growth(self, smallest: str, largest: str) -> None:
        """Say of each subject what the largest case takes in parts of the smallest."""
        for subject in self.subjects:
            grown = ratio(self.of(largest, subject), self.of(smallest, subject))
            if grown is not None:
                self.remark(f"{subject}: {largest} takes {grown:.2f} of {smallest}.")

    def of(self, case: str, subject: str) -> list[float]:
        """The measurements; none where the subject does not do this."""
        return next((one.values for one in self.series if (one.case, one.subject) == (case, subject)), [])

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(one.case for one in self.series))

    @property
    def compared(self) -> list[str]:
        """The subjects whose ratios are shown."""
        return [subject for subject in self.subjects if self.peer and subject != self.peer]

    def ratio(self, case: str, subject: str) -> float | None:
        """The subject's median in parts of the peer's."""
        return ratio(self.of(case, subject), self.of(case, self.peer))

    def heads(self) -> list[str]:
        """The columns: the case, the ratios, then what was measured."""
        ratios = [f"{subject} ÷ {self.peer}" for subject in self.compared]
        return ["", *ratios, *(f"{subject}, {self.unit}" for subject in self.subjects)]

    def rows(self) -> list[list[str]]:
        """The texts of the columns, a row for each case."""
        return [
            [
                case,
                *(_as_ratio(self.ratio(case, subject)) for subject in self.compared),
                *(_as_spread(self.of(case, subject)) for subject in self.subjects),
            ]
            for case in self.cases
        ]


@dataclass
class Results:
    """One run: where and with what, and its tables."""

    about: dict[str, str] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_json(cls, document: dict[str, Any]) -> Results:
        tables = [
            Table(**{**one, "series": [Series(**series) for series in one["series"]]})
            for one in document["tables"]
        ]
        return cls(dict(document["about"]), tables)


def _as_ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _as_spread(values: Sequence[float]) -> str:
    if not values:
        return "—"
    median, minimum, maximum = spread(values)
    if minimum == maximum:
        return _as_number(median)
    return f"{_as_number(median)} ({_as_number(minimum)} to {_as_number(maximum)})"


def _as_number(value: float) -> str:
    if value == int(value) or abs(value) >= _WHOLE_FROM:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3f}"
