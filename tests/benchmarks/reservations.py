"""What host-local's files cost: our program with `ipam.type` host-local beside itself with cni-hns.

With cni-hns it writes no such file. Everything runs on one core: on several, what a start waits for is more
than what the files are.
"""

from __future__ import annotations

from tests.benchmarks.costs import Costs
from tests.benchmarks.processes import Ran, wine_is_up
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import FOLDER, Station, windows
from tests.benchmarks.tables import Table
from tests.benchmarks.verbs import ADD, DEL, lives

__all__ = ["PART", "run"]

PART = "reservations"
_WITH, _WITHOUT = "ipam host-local", "ipam cni-hns"
_TITLE = "Wall time with the files of host-local, everything on one core"


def run(settings: Settings) -> list[Table]:
    folder = next(subject for subject in windows(settings.lane) if subject.name == FOLDER)
    subjects = [
        folder._replace(name=_WITH, ipam="host-local"),
        folder._replace(name=_WITHOUT, ipam="cni-hns"),
    ]
    costs = Costs([_WITH, _WITHOUT], _WITHOUT, PART, _TITLE)

    def record(case: str, station: Station, ran: Ran) -> None:
        if case in (ADD, DEL):
            costs.record(case, station, ran)

    with wine_is_up(settings.lane, on_one_core=True):
        lives(settings, subjects, record)
    return costs.tables[:2]
