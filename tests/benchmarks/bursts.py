"""ADDs started together, ours beside win-bridge: the time until the last answer."""

from __future__ import annotations

from tests.benchmarks.processes import Ran, together, wine_is_up
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import FOLDER, WIN_BRIDGE, Subject, windows
from tests.benchmarks.tables import Table
from tests.benchmarks.timing import in_turn

__all__ = ["PART", "TITLE", "run"]

PART = "bursts"
TITLE = "ADDs started together, until the last answer"
_SIZES = (1, 8, 32, 64)
_SHORT_SIZES = (1, 8)


def run(settings: Settings) -> list[Table]:
    subjects = [subject for subject in windows(settings.lane) if subject.name in (FOLDER, WIN_BRIDGE)]
    names = [subject.name for subject in subjects]
    times = Table(PART, TITLE, "s", names, WIN_BRIDGE)
    failures = Table(PART, "ADDs that failed, of each burst", "ADDs", names)
    sizes = _SHORT_SIZES if settings.short else _SIZES
    kinds = [(size, True) for size in sizes] + [(sizes[-1], False)]
    with wine_is_up(settings.lane):
        for size, known in kinds:
            case = f"{size}" if known else f"{size}, the first on the node"
            settings.say(f"bursts: {case}")
            for _, subject in in_turn(subjects, settings.repetitions):
                took_s, answers = _burst(subject, size, known)
                failed = [one for one in answers if one.exit_code]
                times.add(case, subject.name, took_s)
                failures.add(case, subject.name, len(failed))
                for one in failed:
                    failures.remark(f"{subject.name}, {case}: {one.words}")
    return [times, failures]


def _burst(subject: Subject, size: int, known: bool) -> tuple[float, list[Ran]]:
    """So many pods on a fresh node; where the configuration is known, another pod was there before."""
    with subject.station() as station:
        if known:
            station.must("ADD", station.pod())
        pods = [station.pod() for _ in range(size)]
        return together([station.start("ADD", pod) for pod in pods])
