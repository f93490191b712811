"""What each module costs a warm ADD to import, as `python -X importtime` sees it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.processes import Start
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import Station, Subject, Unexpected
from tests.benchmarks.tables import Table

__all__ = ["Imported", "group_of", "import_tables", "parsed"]

_ROOT = Path(__file__).parent.parent.parent
_MARK = "import time:"
_SHOWN = 20

OURS, SIMULATOR, STANDARD, OTHERS = "cni_hns", "the simulator", "standard library", "other packages"
_PYTHON = "python -m cni_hns"


class Imported(NamedTuple):
    """One module and its own time, without that of what it imports."""

    module: str
    self_us: int


def parsed(stderr: str) -> list[Imported]:
    """The modules, in the order in which they were ready."""
    found = []
    for line in stderr.splitlines():
        if line.startswith(_MARK) and "self [us]" not in line:
            own, _, module = line.removeprefix(_MARK).split("|")
            found.append(Imported(module.strip(), int(own)))
    return found


def group_of(module: str) -> str:
    """Where the module comes from."""
    top = module.partition(".")[0]
    if module.startswith("cni_hns.simulator"):
        return SIMULATOR
    if top == "cni_hns":
        return OURS
    return STANDARD if top in sys.stdlib_module_names or top == "zipimport" else OTHERS


def import_tables(settings: Settings, part: str) -> list[Table]:
    """The totals by origin, and the slowest modules of ours and of all others."""
    times: dict[str, list[float]] = defaultdict(list)
    totals = Table(part, "Imports of a warm ADD, by origin", "ms", [_PYTHON])
    python = Subject(_PYTHON, Path(sys.executable), settings.lane, False)
    with python.station() as station:
        _imports(station)
        for _ in range(settings.repetitions):
            imports = _imports(station)
            for group in (OURS, STANDARD, OTHERS, SIMULATOR):
                own = [one.self_us for one in imports if group_of(one.module) == group]
                totals.add(f"{group} ({len(own)} modules)", _PYTHON, sum(own) / 1000)
            for one in imports:
                times[one.module].append(one.self_us / 1000)
    totals.remark(
        "The interpreter itself, with `-X importtime` and without a frozen program's archive: there the "
        "shares hold, the sum does not. On Windows no simulator is loaded."
    )
    ours = [module for module in times if group_of(module) == OURS]
    others = [module for module in times if group_of(module) in (STANDARD, OTHERS)]
    return [
        totals,
        _slowest(part, "Imports of a warm ADD: the slowest modules of cni_hns", ours, times),
        _slowest(part, "Imports of a warm ADD: the slowest others, without the simulator", others, times),
    ]


def _slowest(part: str, title: str, modules: list[str], times: dict[str, list[float]]) -> Table:
    table = Table(part, title, "ms", [_PYTHON])
    by_time = sorted(modules, key=lambda module: statistics.median(times[module]), reverse=True)
    for module in by_time[:_SHOWN]:
        table.add(module, _PYTHON, *times[module])
    return table


def _imports(station: Station) -> list[Imported]:
    """Those of an ADD of a new pod."""
    pod = station.pod()
    start: Start = station.start("ADD", pod)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cni_hns"],
        input=start.stdin,
        env={**start.environment, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Unexpected(f"python -m cni_hns: ADD fails: {done.stdout.decode()}")
    return parsed(done.stderr.decode(errors="replace"))
