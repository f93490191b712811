"""Each verb under Wine, ours beside win-bridge with host-local: time, CPU and memory."""

from __future__ import annotations

from tests.benchmarks.costs import Costs
from tests.benchmarks.processes import wine_is_up
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import WIN_BRIDGE, Subject, windows
from tests.benchmarks.tables import Table
from tests.benchmarks.verbs import first_adds, lives

__all__ = ["DELAYS_MS", "ONE_CORE", "PART", "run", "wall_title"]

PART = "windows"
DELAYS_MS = (0, 5, 50)


def wall_title(delay_ms: int) -> str:
    """The table's title for an HNS that takes this long for each call."""
    return f"Wall time, HNS answers {f'after {delay_ms} ms' if delay_ms else 'at once'}"


ONE_CORE = f"{wall_title(0)}, everything on one core"


def run(settings: Settings) -> list[Table]:
    subjects = windows(settings.lane)
    costs = Costs([subject.name for subject in subjects], WIN_BRIDGE, PART, wall_title(0))
    tables = costs.tables
    with wine_is_up(settings.lane):
        settings.say("windows: first ADDs")
        first_adds(settings, subjects, costs.record)
        settings.say(f"windows: {wall_title(0)}")
        lives(settings, subjects, costs.record)
        for delay_ms in () if settings.short else DELAYS_MS[1:]:
            tables.append(_wall(settings, subjects, wall_title(delay_ms), delay_ms))
    with wine_is_up(settings.lane, on_one_core=True):
        tables.append(_wall(settings, subjects, ONE_CORE))
    return tables


def _wall(settings: Settings, subjects: list[Subject], title: str, delay_ms: int = 0) -> Table:
    """The verbs' wall time alone."""
    settings.say(f"windows: {title}")
    costs = Costs([subject.name for subject in subjects], WIN_BRIDGE, PART, title)
    lives(settings, subjects, costs.record, delay_ms)
    return costs.tables[0]
