"""The agent of one node: all steps once, or a loop that runs them whenever something may have changed.

Rule 1: the loop itself never waits for HNS or the API: each run of the steps, each examination and each look
at HNS is work in a thread of its own. What hangs is told, and nothing like it is begun beside it.
Rule 2: whatever a run came to, there is a next one: at once where something changed, after a growing pause
where it failed, and now and then where all is well.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cluster import only_one
from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import ApiFault
from cni_hns.cluster.api.mirror import Mirror, Pauses
from cni_hns.cluster.board import Board
from cni_hns.cluster.hns_watch import HnsWatch
from cni_hns.cluster.known import NODES, Known, what_matters
from cni_hns.cluster.steps import DONE, Round, take
from cni_hns.cluster.work import Wake, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.state import Memory
    from cni_hns.cluster.world import World

__all__ = ["HUNG", "Timing", "once", "run"]

_COMPONENT = "cni-hns-agent"
HUNG = 3
"""The exit code of an agent whose HNS call never came back: whoever keeps it running starts it anew."""


class Timing(NamedTuple):
    """Seconds. `settle_s` gathers changes that come together; `look_s` lies between two looks at HNS's run.

    `again_s` is when all steps are run although nothing changed, `limit_s` what they may take before they
    count as hanging, `hung_s` after which the agent ends itself, and `stop_s` what its end may take.
    `pauses` are those after a run that failed.
    """

    settle_s: float = 0.05
    look_s: float = 5.0
    again_s: float = 60.0
    limit_s: float = 150.0
    hung_s: float = 900.0
    stop_s: float = 15.0
    pauses: Pauses = Pauses()


def once(world: World) -> int:
    """All steps once, with what the API says now; 0 if an ADD would work.

    Raises: AnotherAgent; OSError: the data folder cannot be written.
    """
    with only_one.alone(world.folder), closing(_events(world)) as events:
        board = Board(world, events)
        steps = _run_steps(world, _asked(world), board.state.memory, Timing().limit_s, lambda: False)
        board.round(steps, every=True)
        events.flush(world.api.timeout_s)
        return 0 if steps.ready else 1


def run(world: World, stop: threading.Event, timing: Timing = Timing()) -> int:  # noqa: B008 - only numbers
    """Until `stop` is set, which is also set at any other end; the exit code.

    Raises: AnotherAgent; OSError: the data folder cannot be written, or the health port not be had.
    """
    with only_one.alone(world.folder), ExitStack() as stack:
        stack.callback(stop.set)
        events = stack.enter_context(closing(_events(world)))
        return _Loop(world, Board(world, events), stop, timing, stack).run()


def _events(world: World) -> Events:
    return Events(world.api, _COMPONENT, world.settings.node_name, log=world.log)


def _asked(world: World) -> Known:
    """What the API says, asked once."""
    name = world.settings.node_name
    try:
        return Known.of(world.api.list(NODES).items, name, whole=True, fault=None)
    except ApiFault as fault:
        return Known(fault=fault)


def _run_steps(
    world: World, known: Known, memory: Memory, timeout_s: float, stopping: Callable[[], bool]
) -> Round:
    with closing(world.node(timeout_s)) as node:
        steps = Round(world, known, memory, node)
        for _ in take(steps, stopping):
            pass
        return steps


class _Loop:
    """One agent at work."""

    def __init__(
        self, world: World, board: Board, stop: threading.Event, timing: Timing, stack: ExitStack
    ) -> None:
        self._world = world
        self._board = board
        self._stop = stop
        self._timing = timing
        self._wake = Wake()
        self._steps: Work[Round] = Work("steps", self._wake.call)
        self._look: Work[bool] = Work("look at HNS", self._wake.call)
        self._watch = HnsWatch(lambda: world.node(timing.limit_s), self._hns_changed)
        self._mirror = Mirror(world.api, NODES, self._wake.call, keep=what_matters)
        self._ran_with: Known | None = None
        self._due = threading.Event()
        self._failures = 0
        self._is_hanging = False
        self._again_at = 0.0
        self._look_at = 0.0
        stack.callback(self._end)

    def run(self) -> int:
        """Turn until it is over; the exit code."""
        self._mirror.start()
        threading.Thread(target=self._wait_for_stop, name="stop", daemon=True).start()
        while not self._stop.is_set():
            if self._steps.running_s > self._timing.hung_s:
                self._board.fault("the agent ends, to be started anew: its call to HNS never came back")
                return HUNG
            self._turn(time.monotonic())
            self._wake.wait(self._wait_s(time.monotonic()))
            self._stop.wait(self._timing.settle_s)
        return 0

    def _wait_for_stop(self) -> None:
        self._stop.wait()
        self._wake.call()

    def _hns_changed(self) -> None:
        self._due.set()
        self._wake.call()

    def _turn(self, now: float) -> None:
        self._take_steps(now)
        self._take_look()
        known = self._known()
        self._board.api(known.fault)
        if self._is_due(known, now):
            self._begin_steps(known)
        elif now >= self._look_at and not self._look.is_running:
            self._look_at = now + self._timing.look_s
            self._look.begin(self._watch.look)

    def _known(self) -> Known:
        mirror = self._mirror
        # The fault first: what was read after it may be newer, and never older.
        fault = mirror.fault
        return Known.of(
            mirror.objects().values(), self._world.settings.node_name, whole=mirror.whole, fault=fault
        )

    def _is_due(self, known: Known, now: float) -> bool:
        """Not before the API has answered, or has not: the first run would know nothing."""
        if self._steps.is_running or not (known.whole or known.fault):
            return False
        is_news = self._ran_with is None or known._replace(fault=None) != self._ran_with._replace(fault=None)
        return is_news or self._due.is_set() or now >= self._again_at

    def _begin_steps(self, known: Known) -> None:
        self._due.clear()
        self._ran_with = known
        memory, limit_s = self._board.state.memory, self._timing.limit_s
        self._steps.begin(lambda: _run_steps(self._world, known, memory, limit_s, self._stop.is_set))

    def _take_steps(self, now: float) -> None:
        if self._steps.running_s > self._timing.limit_s and not self._is_hanging:
            self._is_hanging = True
            self._board.fault(
                f"HNS hangs: a run of the steps has not ended for {self._timing.limit_s:.0f} s. Next: "
                "`cni-hns status` and `Get-Service hns`"
            )
        ended = self._steps.taken()
        if ended is None:
            return
        self._is_hanging = False
        if ended.value is not None:
            self._board.round(ended.value)
        else:
            self._unforeseen("a run of the steps", ended.fault)
        is_whole = ended.value is not None and all(one.state == DONE for one in ended.value.told)
        self._failures = 0 if is_whole else self._failures + 1
        pause_s = self._timing.again_s if is_whole else self._timing.pauses.after(self._failures)
        self._again_at = now + pause_s * random.uniform(0.9, 1.0)  # noqa: S311 - it only spreads the nodes

    def _take_look(self) -> None:
        ended = self._look.taken()
        if ended is not None and ended.fault is not None:
            self._unforeseen("a look at HNS", ended.fault)
        if ended is not None and ended.value:
            self._board.note("HNS was started anew: all of this node is looked at again")
            self._due.set()

    def _unforeseen(self, what: str, fault: BaseException | None) -> None:
        words = f"{what} ended with something unforeseen, {type(fault).__name__}: {fault}"
        self._board.fault(f"{words}. Next: report it, with the agent's log")
        self._world.log.event("traceback", "error", lines=traceback.format_exception(fault))

    def _wait_s(self, now: float) -> float:
        return max(0.0, min(self._again_at, self._look_at) - now) if not self._steps.is_running else 1.0

    def _end(self) -> None:
        """The thread of each work ends with it; what hangs is left behind."""
        self._mirror.stop()
        self._steps.join(self._timing.stop_s)
        self._look.join(self._timing.stop_s)
        self._watch.close()
