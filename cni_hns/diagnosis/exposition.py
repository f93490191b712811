"""Metrics as text, for windows_exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format. No timestamps: the collector
refuses a file with any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Family", "Histogram", "Sample", "documents_of", "text_of"]


class Sample(NamedTuple):
    """One value with its labels; `suffix` is behind the family's name."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one name. `kind`: counter, gauge or histogram."""

    name: str
    kind: str
    words: str
    samples: Iterable[Sample]


class Histogram:
    """How many durations were up to each of some bounds, and their sum, in seconds."""

    def __init__(
        self, bounds: tuple[float, ...], counts: list[int] | None = None, total: float = 0.0
    ) -> None:
        self.bounds = bounds
        self.counts = counts or [0] * (len(bounds) + 1)
        self.total = total

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[sum(bound < seconds for bound in self.bounds)] += 1
        self.total += seconds

    def samples(self, labels: Mapping[str, str]) -> Iterator[Sample]:
        """As the format has it: each bucket counts those below it too."""
        so_far = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            yield Sample({**labels, "le": _number(bound)}, so_far, "_bucket")
        yield Sample(labels, self.total, "_sum")
        yield Sample(labels, so_far, "_count")


def text_of(families: Iterable[Family]) -> str:
    """The whole file. A family without samples is left out."""
    return "".join(_family(one) for one in families)


def documents_of(families: Iterable[Family]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "id": one.name,
            "type": one.kind,
            "help": one.words,
            "samples": [
                {"name": f"{one.name}{each.suffix}", "labels": dict(each.labels), "value": each.value}
                for each in one.samples
            ],
        }
        for one in families
    ]


def _family(family: Family) -> str:
    lines = [
        f"{family.name}{one.suffix}{_labels(one.labels)} {_number(one.value)}\n" for one in family.samples
    ]
    if not lines:
        return ""
    words = family.words.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {family.name} {words}\n# TYPE {family.name} {family.kind}\n{''.join(lines)}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(value)
