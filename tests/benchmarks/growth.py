"""ADD and DEL on a node that is full of leases, or of other programs' endpoints.

Leases: under Wine beside win-bridge with as many reservations of host-local, and natively beside host-local
alone. Endpoints: under Wine beside win-bridge; the simulated HNS has to answer with so many in it.
All on one core: a growth of some hundredths would be lost in what the scheduler does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from tests.benchmarks.filling import fill
from tests.benchmarks.processes import wine_is_up
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

__all__ = ["ENDPOINTS", "LEASES", "LEASES_NATIVELY", "PART", "case_of", "run"]

PART = "growth"
LEASES = "With leases on the node, under Wine"
LEASES_NATIVELY = "With leases on the node, natively on Linux"
ENDPOINTS = "With other programs' endpoints on the node, under Wine"
_LEASES = (10, 1_000, 10_000, 50_000)
_ENDPOINTS = (10, 1_000, 5_000)
_SHORT = 2

_VERBS = ("ADD", "DEL")

# What takes so long is measured this often only: host-local reads each reservation, half a minute for 50,000.
_LONG_MS = 2_000
_OFTEN_ENOUGH = 3


def case_of(verb: str, count: int) -> str:
    return f"{verb}, {count:,}"


def run(settings: Settings) -> list[Table]:
    under_wine = [subject for subject in windows(settings.lane) if subject.name in (FOLDER, WIN_BRIDGE)]
    natively = [subject for subject in linux(settings.lane) if subject.name in (FOLDER, HOST_LOCAL)]
    with wine_is_up(settings.lane, on_one_core=True):
        return [
            _measured(settings, LEASES, under_wine, _LEASES, fill),
            _measured(settings, ENDPOINTS, under_wine, _ENDPOINTS, _plant),
            _measured(settings, LEASES_NATIVELY, natively, _LEASES, fill),
        ]


def _plant(station: Station, count: int) -> None:
    station.simulator.plant_endpoints(NETWORK, count)


def _measured(
    settings: Settings,
    title: str,
    subjects: Sequence[Subject],
    all_counts: Sequence[int],
    prepare: Callable[[Station, int], None],
) -> Table:
    """Pods come and go, one at a time, on nodes that were prepared with so many; all the nodes take turns."""
    counts = all_counts[:_SHORT] if settings.short else all_counts
    ours, peer = (subject.name for subject in subjects)
    table = Table(PART, title, "ms", [ours, peer], peer)
    with contextlib.ExitStack() as stack:
        nodes = []
        for count in counts:
            settings.say(f"growth: {title.lower()}: {count:,}")
            for subject in subjects:
                station = stack.enter_context(subject.station())
                prepare(station, count)
                _pod(station)
                nodes.append((count, station))
        for repetition, (count, station) in in_turn(nodes, settings.repetitions):
            if (count, station) == nodes[0]:
                settings.say(f"growth: pod {repetition + 1} of {settings.repetitions}")
            name = station.subject.name
            known = table.of(case_of("ADD", count), name)
            if len(known) >= _OFTEN_ENOUGH and min(known) > _LONG_MS:
                continue
            for verb, wall_ms in _pod(station).items():
                table.add(case_of(verb, count), name, wall_ms)
    for verb in _VERBS:
        table.remark_growth(case_of(verb, counts[0]), case_of(verb, counts[-1]))
    return table


def _pod(station: Station) -> dict[str, float]:
    """The wall time of each verb, in milliseconds."""
    pod = station.pod()
    return {verb: station.must(verb, pod).wall_s * 1000 for verb in _VERBS}
