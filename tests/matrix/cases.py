"""The table: every scene, verb, point, way and recovery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tests.matrix.faults import KINDS, Point, Way, ways

__all__ = ["RECOVERIES", "VERBS", "Case", "every"]

VERBS = (
    "ADD known network",
    "ADD new network",
    "ADD repeated",
    "ADD remade",
    "DEL",
    "CHECK",
    "GC",
    "STATUS",
)
RECOVERIES = ("DEL", "ADD then DEL", "GC", "next ADD twice")


class Case(NamedTuple):
    """One case; its name leads back to it."""

    scene: str
    verb: str
    point: Point
    way: Way
    recovery: str

    @property
    def name(self) -> str:
        point = f"{self.point.kind} {self.point.k} {self.point.what}"
        return " / ".join((self.scene, self.verb, point, self.way.name, self.recovery))

    @property
    def kind(self) -> str:
        """What goes wrong, without the place."""
        return f"{self.point.kind}: {self.way.effect}"


def every(points: Mapping[tuple[str, str], Iterable[Point]]) -> Iterator[Case]:
    """All cases of these points by (scene, verb), simple ones first.

    A case that hangs takes as long as its deadline: of those each point has one, the recoveries in turn.
    """
    for (scene, verb), found in points.items():
        for point in sorted(found, key=lambda point: (KINDS.index(point.kind), point.k)):
            for way in ways(point):
                for recovery in _recoveries(point, way):
                    yield Case(scene, verb, point, way, recovery)


def _recoveries(point: Point, way: Way) -> tuple[str, ...]:
    if not way.hangs:
        return RECOVERIES
    turn = (point.k + KINDS.index(point.kind)) % len(RECOVERIES)
    return RECOVERIES[turn : turn + 1]
