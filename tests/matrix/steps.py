"""The steps of one kind inside the process that runs a verb, and what befalls one of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from cni_hns.simulator import Simulator
from tests.matrix.faults import Point, Way

__all__ = ["Steps"]

_LONG_S = 3600


class Steps:
    """Counts the steps of this process; the one that is meant goes wrong."""

    def __init__(
        self, folder: Path, point: Point | None, way: Way | None, fired: Callable[[], object]
    ) -> None:
        """`fired` is called when the step that is meant is reached."""
        self.seen: list[Point] = []
        self._folder = folder
        self._point = point
        self._way = way
        self._fired = fired

    def next_way(self, kind: str, what: str) -> Way | None:
        """Count a step of this kind; the way in which it goes wrong, if it does."""
        k = sum(one.kind == kind for one in self.seen) + 1
        nth = sum((one.kind, one.what) == (kind, what) for one in self.seen) + 1
        self.seen.append(Point(kind, k, what, nth=nth))
        meant = self._point is not None and (self._point.kind, self._point.k) == (kind, k)
        if meant:
            self._fired()
        return self._way if meant else None

    def take(self, kind: str, what: str, work: Callable[[], Any], fail: Callable[[str], NoReturn]) -> Any:
        """Do one step, or what befalls it; `fail` gets the way's detail and raises."""
        way = self.next_way(kind, what)
        if way is None:
            return work()
        if not way.after:
            self.befall(way, fail)
        done = work()
        if way.after:
            self.befall(way, fail)
        return done

    def befall(self, way: Way, fail: Callable[[str], NoReturn]) -> None:
        """What happens at the step's beginning, or at its end."""
        if way.effect == "fail":
            fail(way.detail)
        if way.effect == "hang":
            time.sleep(_LONG_S)
        if way.effect == "restart":
            Simulator(str(self._folder / "node")).restart_hns()
        if way.kills:
            os.kill(os.getpid(), signal.SIGKILL)
