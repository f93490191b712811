"""ADD and DEL on a node that is full of leases, or of endpoints.

Leases: natively on Linux, ours beside host-local with as many reservations. Endpoints: under Wine, beside
win-bridge, and the simulated HNS has to answer with so many in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from tests.benchmarks.filling import fill
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import (
    FOLDER,
    HOST_LOCAL,
    NETWORK,
    WIN_BRIDGE,
    Station,
    Subject,
    linux,
    windows,
)
from tests.benchmarks.tables import Table
from tests.benchmarks.timing import in_turn
from tests.lane.wine import warm

__all__ = ["ENDPOINTS", "LEASES", "PART", "case_of", "run"]

PART = "growth"
LEASES = "With leases on the node"
ENDPOINTS = "With other programs' endpoints on the node"
_LEASES = (10, 1_000, 10_000, 50_000)
_ENDPOINTS = (10, 1_000, 5_000)
_SHORT = 2


def case_of(verb: str, count: int) -> str:
    return f"{verb}, {count:,}"


def run(settings: Settings) -> list[Table]:
    natively = [subject for subject in linux(settings.lane) if subject.name in (FOLDER, HOST_LOCAL)]
    under_wine = [subject for subject in windows(settings.lane) if subject.name in (FOLDER, WIN_BRIDGE)]
    leases = Table(PART, LEASES, "ms", [FOLDER, HOST_LOCAL], HOST_LOCAL)
    endpoints = Table(PART, ENDPOINTS, "ms", [FOLDER, WIN_BRIDGE], WIN_BRIDGE)
    short = settings.short
    for count in _LEASES[:_SHORT] if short else _LEASES:
        settings.say(f"growth: {count:,} leases")
        _measure(settings, natively, leases, count, fill)
    with warm(settings.lane):
        for count in _ENDPOINTS[:_SHORT] if short else _ENDPOINTS:
            settings.say(f"growth: {count:,} endpoints")
            _measure(settings, under_wine, endpoints, count, _plant)
    return [leases, endpoints]


def _plant(station: Station, count: int) -> None:
    station.simulator.plant_endpoints(NETWORK, count)


def _measure(
    settings: Settings,
    subjects: Sequence[Subject],
    table: Table,
    count: int,
    prepare: Callable[[Station, int], None],
) -> None:
    """Pods come and go, one at a time, on nodes that were prepared with so many."""
    with contextlib.ExitStack() as stack:
        stations = [stack.enter_context(subject.station()) for subject in subjects]
        for station in stations:
            prepare(station, count)
            pod = station.pod()
            station.must("ADD", pod)
            station.must("DEL", pod)
        for _, station in in_turn(stations, settings.repetitions):
            pod = station.pod()
            for verb in ("ADD", "DEL"):
                ran = station.must(verb, pod)
                table.add(case_of(verb, count), station.subject.name, ran.wall_s * 1000)
