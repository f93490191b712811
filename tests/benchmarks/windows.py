"""Each verb under Wine, ours beside win-bridge with host-local: time, CPU and memory."""

from __future__ import annotations

from tests.benchmarks.costs import Costs
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import WIN_BRIDGE, Subject, windows
from tests.benchmarks.tables import Table
from tests.benchmarks.verbs import first_adds, lives
from tests.lane.wine import warm

__all__ = ["DELAYS_MS", "PART", "run", "wall_title"]

PART = "windows"
DELAYS_MS = (0, 5, 50)


def wall_title(delay_ms: int) -> str:
    """The table's title for an HNS that takes this long for each call."""
    return f"Wall time, HNS answers {f'after {delay_ms} ms' if delay_ms else 'at once'}"


def run(settings: Settings) -> list[Table]:
    subjects = windows(settings.lane)
    names = [subject.name for subject in subjects]
    costs = Costs(names, WIN_BRIDGE, PART, wall_title(0))
    tables = costs.tables
    with warm(settings.lane):
        settings.say("windows: first ADDs")
        first_adds(settings, subjects, costs.record)
        for delay_ms in DELAYS_MS[:1] if settings.short else DELAYS_MS:
            settings.say(f"windows: {wall_title(delay_ms)}")
            if delay_ms:
                tables.append(_slowly(settings, subjects, delay_ms))
            else:
                lives(settings, subjects, costs.record)
    return tables


def _slowly(settings: Settings, subjects: list[Subject], delay_ms: int) -> Table:
    """The verbs' wall time where HNS takes its time."""
    names = [subject.name for subject in subjects]
    costs = Costs(names, WIN_BRIDGE, PART, wall_title(delay_ms))
    lives(settings, subjects, costs.record, delay_ms)
    return costs.tables[0]
