"""Each verb natively on Linux, ours beside host-local alone, and what our imports cost."""

from __future__ import annotations

from tests.benchmarks.costs import Costs
from tests.benchmarks.imports import import_tables
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import HOST_LOCAL, linux
from tests.benchmarks.tables import Table
from tests.benchmarks.verbs import first_adds, lives

__all__ = ["PART", "run"]

PART = "linux"


def run(settings: Settings) -> list[Table]:
    subjects = linux(settings.lane)
    costs = Costs([subject.name for subject in subjects], HOST_LOCAL, PART, "Wall time")
    settings.say("linux: first ADDs")
    first_adds(settings, subjects, costs.record)
    settings.say("linux: verbs")
    lives(settings, subjects, costs.record)
    settings.say("linux: imports of an ADD")
    return [*costs.tables, *import_tables(settings, PART)]
