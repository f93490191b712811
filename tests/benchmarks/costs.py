"""What one call costs, as tables."""

from __future__ import annotations

import re

from tests.benchmarks.processes import Ran
from tests.benchmarks.subjects import Station
from tests.benchmarks.tables import Table

__all__ = ["Costs"]

# Addresses and pods' ids: an answer is the same one whichever pod it is about.
_PARTICULAR = re.compile(r"\b(?:[0-9a-f]{64}|\d+\.\d+\.\d+\.\d+)\b")


class Costs:
    """The tables of one series of calls: wall time, CPU as a whole and by mode, peak memory."""

    def __init__(self, names: list[str], peer: str, part: str, title: str) -> None:
        self._wall = Table(part, title, "ms", names, peer)
        self._cpu = Table(part, "CPU time, all processes", "ms", names, peer)
        self._user = Table(part, "CPU time in user mode", "ms", names, peer)
        self._system = Table(part, "CPU time in system mode", "ms", names, peer)
        self._peak = Table(part, "Peak memory of the largest process", "MiB", names, peer)
        self.tables = [self._wall, self._cpu, self._user, self._system, self._peak]

    def record(self, case: str, station: Station, ran: Ran) -> None:
        name = station.subject.name
        if ran.exit_code:
            # The time of a refusal is none of the verb's.
            self._wall.remark(f"{name}: {case} {_PARTICULAR.sub('…', ran.words)}")
            return
        self._wall.add(case, name, ran.wall_s * 1000)
        self._cpu.add(case, name, (ran.user_s + ran.system_s) * 1000)
        self._user.add(case, name, ran.user_s * 1000)
        self._system.add(case, name, ran.system_s * 1000)
        self._peak.add(case, name, ran.peak_kib / 1024)
