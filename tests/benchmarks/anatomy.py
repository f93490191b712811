"""Where the time of a verb goes: the built program with a probe in it, under Wine, on one core.

The probe itself costs about a hundredth. Programs that do nothing tell what a start has to take in any case.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import probe, report
from tests.benchmarks.processes import Ran, Start, timed, wine_is_up
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import FOLDER, Station, Subject, Unexpected
from tests.benchmarks.tables import Table
from tests.benchmarks.timing import in_turn
from tests.benchmarks.verbs import ADD, ADD_AGAIN, CHECK, DEL, STATUS, VERSION, lives
from tests.lane import Lane
from tests.lane.wine import captured

__all__ = ["PART", "run"]

PART = "anatomy"
_SPLICE = Path(__file__).with_name("splice.py")
_VERBS = [ADD, ADD_AGAIN, CHECK, DEL, STATUS, VERSION]

OUTSIDE = "before and after it, in Wine and in Linux"
_ORDER = [
    OUTSIDE,
    probe.START,
    probe.MODULES,
    *probe.DLLS.values(),
    probe.STDIN,
    probe.LEDGER,
    probe.HNS_LIBRARIES,
    probe.HNS,
    probe.REST,
]
_WHOLE = "the whole call"


def run(settings: Settings) -> list[Table]:
    if not report.is_current(settings.lane):
        raise Unexpected("the built program is not of these sources: `python -m tests.lane` builds it")
    table = Table(PART, "Parts of a call's wall time, everything on one core", "ms", _VERBS)
    told: dict[tuple[str, str], list[float]] = {}

    def record(verb: str, station: Station, ran: Ran) -> None:
        for name, took_ms in _parts_of(ran).items():
            told.setdefault((name, verb), []).append(took_ms)

    with wine_is_up(settings.lane, on_one_core=True), _spliced(settings.lane) as subject:
        settings.say("anatomy: verbs")
        lives(settings, [subject], record)
        others = _others(settings)
    for name in [*_ORDER, _WHOLE]:
        for verb in _VERBS:
            if (name, verb) in told:
                table.add(name, verb, *told[name, verb])
    return [table, others]


def _parts_of(ran: Ran) -> dict[str, float]:
    _, found, line = ran.stderr.rpartition(probe.MARK)
    if ran.exit_code or not found:
        raise Unexpected(f"{FOLDER} with the probe: {ran.words}")
    parts: dict[str, float] = json.loads(line)
    whole_ms = ran.wall_s * 1000
    return {**parts, OUTSIDE: whole_ms - sum(parts.values()), _WHOLE: whole_ms}


@contextmanager
def _spliced(lane: Lane) -> Iterator[Subject]:
    """A copy of the program with the probe."""
    with tempfile.TemporaryDirectory(prefix="cni-hns-probe-", ignore_cleanup_errors=True) as folder:
        exe = lane.exe(windows=True)
        copy = shutil.copytree(exe.parent, Path(folder, "cni-hns"))
        (contents,) = (path for path in copy.iterdir() if path.is_dir())
        done = captured(lane, lane.python, lane.windows_path(_SPLICE), lane.windows_path(contents))
        if done.returncode:
            raise Unexpected(f"the probe cannot be put into the program: {done.stdout.decode()}")
        yield Subject(FOLDER, copy / exe.name, lane, True)


def _others(settings: Settings) -> Table:
    """What a start has to take in any case."""
    lane = settings.lane
    table = Table(PART, "Other programs, everything on one core", "ms", [_WHOLE])
    commands = {
        "a program that does nothing": lane.wine_command(lane.program("nothing", windows=True)),
        "the same, with user32.dll": lane.wine_command(lane.program("window", windows=True)),
        "python.exe -I -S -c pass": lane.wine_command(lane.python, "-I", "-S", "-c", "pass"),
    }
    settings.say("anatomy: programs that do nothing")
    for _, (name, command) in in_turn(list(commands.items()), settings.repetitions):
        ran = timed(Start(command, lane.wine_environment(), b""))
        table.add(name, _WHOLE, ran.wall_s * 1000)
    return table
