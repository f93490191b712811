"""The life of a pod, verb by verb, on several stations in turn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from tests.benchmarks.processes import Ran
from tests.benchmarks.settings import Settings
from tests.benchmarks.subjects import Station, Subject, Unexpected
from tests.benchmarks.timing import in_turn

__all__ = [
    "ADD",
    "ADD_AGAIN",
    "CASES",
    "CHECK",
    "DEL",
    "FIRST_ADD",
    "STATUS",
    "VERSION",
    "Record",
    "first_adds",
    "lives",
]

FIRST_ADD = "first ADD on the node"
VERSION, STATUS, ADD, CHECK, ADD_AGAIN, DEL = "VERSION", "STATUS", "ADD", "CHECK", "ADD again", "DEL"
CASES = [VERSION, STATUS, ADD, CHECK, ADD_AGAIN, DEL]

Record = Callable[[str, Station, Ran], None]


class Life:
    """One pod on one station; its cases come in the order of `CASES`."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._pod = station.pod()
        self._added: Ran | None = None

    def live(self, case: str) -> Ran:
        """The next case.

        Raises:
            Unexpected: an ADD or a DEL failed.
        """
        if case in (VERSION, STATUS):
            return self.station.run(case)
        if case == ADD:
            self._added = self.station.must("ADD", self._pod)
            return self._added
        if case == CHECK:
            return self.station.run("CHECK", self._pod, self._added.document if self._added else None)
        if case == ADD_AGAIN:
            return self.station.run("ADD", self._pod)
        if case == DEL:
            return self.station.must("DEL", self._pod)
        raise Unexpected(f"no such case: {case}")


def lives(settings: Settings, subjects: Sequence[Subject], record: Record, delay_ms: float = 0) -> None:
    """Pods live on a station of each subject, who take turns at each verb.

    The first pod is not recorded: it comes with a configuration that is new to the node.
    """
    with contextlib.ExitStack() as stack:
        stations = [stack.enter_context(subject.station(delay_ms)) for subject in subjects]
        _one_life_each(stations, None)
        for repetition in range(settings.repetitions):
            settings.say(f"pod {repetition + 1} of {settings.repetitions}")
            _one_life_each(stations if repetition % 2 == 0 else stations[::-1], record)


def _one_life_each(stations: Sequence[Station], record: Record | None) -> None:
    living = [Life(station) for station in stations]
    for case in CASES:
        for life in living:
            life.station.simulator.reset_journal()
            ran = life.live(case)
            if record:
                record(case, life.station, ran)


def first_adds(settings: Settings, subjects: Sequence[Subject], record: Record) -> None:
    """An ADD on a node where the subject has not been yet.

    One of each goes before and is not recorded: its program's file is not in memory then, nor is all of Wine.
    """
    for subject in subjects:
        with subject.station() as station:
            station.must("ADD", station.pod())
    for _, subject in in_turn(subjects, settings.repetitions):
        with subject.station() as station:
            record(FIRST_ADD, station, station.must("ADD", station.pod()))
