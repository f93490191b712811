"""How many calls of HNS each verb makes, which they are, and how large the programs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.processes import Ran, wine_is_up
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import FOLDER, HOST_LOCAL, WIN_BRIDGE, Station, windows
from tests.benchmarks.tables import Table
from tests.benchmarks.verbs import first_adds, lives
from tests.lane import Lane

__all__ = ["PART", "run"]

PART = "calls"
_MIB = 1 << 20
_SIZE = "size"


def run(settings: Settings) -> list[Table]:
    settings.say("calls: one pod's life")
    subjects = [subject for subject in windows(settings.lane) if subject.name in (FOLDER, WIN_BRIDGE)]
    calls = Table(PART, "Calls of HNS", "calls", [subject.name for subject in subjects], WIN_BRIDGE)
    once = settings._replace(repetitions=1)
    count = _counting(calls)
    with wine_is_up(settings.lane):
        first_adds(once, subjects, count)
        lives(once, subjects, count)
    calls.remark("Handles that are closed are not counted.")
    return [calls, _sizes(settings.lane)]


def _counting(table: Table) -> Callable[[str, Station, Ran], None]:
    def count(case: str, station: Station, _: Ran) -> None:
        made = Counter(call.function for call in station.simulator.journal())
        table.add(case, station.subject.name, sum(made.values()))
        listed = ", ".join(f"{name} {number}" if number > 1 else name for name, number in made.items())
        table.remark(f"{case}, {station.subject.name}: {listed or 'none'}.")

    return count


def _sizes(lane: Lane) -> Table:
    table = Table(PART, "Size on the disk", "MiB", [_SIZE])
    programs = {
        "Windows: cni-hns folder, with its cni-hns.exe": lane.exe(windows=True).parent,
        "Windows: its cni-hns.exe alone": lane.exe(windows=True),
        "Windows: cni-hns single file": lane.exe(windows=True, onefile=True),
        "Windows: win-bridge.exe": lane.program(WIN_BRIDGE, windows=True),
        "Windows: host-local.exe": lane.program(HOST_LOCAL, windows=True),
        "Linux: cni-hns folder": lane.exe().parent,
        "Linux: cni-hns single file": lane.exe(onefile=True),
        "Linux: host-local": lane.program(HOST_LOCAL),
    }
    for name, path in programs.items():
        table.add(name, _SIZE, _bytes(path) / _MIB)
    return table


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
