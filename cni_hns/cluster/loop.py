"""The loop of an agent: the steps whenever something may have changed, and the node's health meanwhile.

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
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.agent_metrics import Tallies, agent_families
from cni_hns.cluster.api.mirror import Mirror, Pauses
from cni_hns.cluster.health import Page, serve
from cni_hns.cluster.hns_watch import HnsWatch
from cni_hns.cluster.idle import Examination, examine_and_mend
from cni_hns.cluster.known import NODES, Known, what_matters
from cni_hns.cluster.pool_keeping import has_pool, keep_pool
from cni_hns.cluster.steps import DONE, Round, take
from cni_hns.cluster.work import Wake, Work
from cni_hns.diagnosis.exposition import text_of
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from cni_hns.cluster.board import Board
    from cni_hns.cluster.pools.step import Outcome
    from cni_hns.cluster.state import Memory
    from cni_hns.cluster.world import World

__all__ = ["HUNG", "Loop", "Timing", "run_steps"]

_STUCK_S = 60.0
_LONGEST_WAIT_S = 5.0
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


def run_steps(
    world: World, known: Known, memory: Memory, timeout_s: float, stopping: Callable[[], bool]
) -> Round:
    """Take all steps of one run; `stopping` ends it between two of them."""
    with closing(world.node(timeout_s)) as node:
        steps = Round(world, known, memory, node)
        for _ in take(steps, stopping):
            pass
        return steps


class Loop:
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
        self._idle: Work[Examination] = Work("examination", self._wake.call)
        self._watch = HnsWatch(lambda: world.node(timing.limit_s), self._hns_changed)
        self._mirror = Mirror(world.api, NODES, self._wake.call, keep=what_matters)
        self._pool = keep_pool(world, self._mirror, self._pool_told) if has_pool(world) else None
        self._objects: dict[str, dict[str, Any]] = {}
        self._last_known = Known()
        self._ran_with: Known | None = None
        self._due = threading.Event()
        self._failures = 0
        self._is_hanging = False
        self._again_at = 0.0
        self._look_at = 0.0
        self._idle_at = time.monotonic() + self._idle_pause_s()
        self._counted = Tallies({}, 0, 0, 0, 0, 0.0, hangs=False)
        self._examination: Examination | None = None
        self._turned_at = time.monotonic()
        stack.callback(self._end)
        if world.settings.health is not None:
            pages = {"/healthz": self._alive, "/readyz": self._ready, "/metrics": self._metrics}
            host, port = stack.enter_context(serve(world.settings.health, pages))
            board.note(f"health is told at http://{f'[{host}]' if ':' in host else host}:{port}")

    def run(self) -> int:
        """Turn until it is over; the exit code."""
        self._mirror.start()
        if self._pool is not None:
            self._pool.start()
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

    def _pool_told(self, outcome: Outcome) -> None:
        self._board.pool(outcome)
        if outcome.lines:
            # A block that came or went may decide whether a pod can be added.
            self._due.set()
            self._wake.call()

    def _turn(self, now: float) -> None:
        self._turned_at = now
        self._take_steps(now)
        self._take_look()
        self._take_idle(now)
        known = self._known()
        self._board.api(known.fault)
        if self._is_due(known, now):
            self._begin_steps(known)
        elif now >= self._look_at and not self._look.is_running:
            self._look_at = now + self._timing.look_s
            self._look.begin(self._watch.look)
        elif self._is_idle(now):
            self._idle.begin(lambda: examine_and_mend(self._world))

    def _known(self) -> Known:
        """Read anew only where a Node changed: the loop turns often, and there may be thousands of them."""
        mirror = self._mirror
        # The fault first: what was read after it may be newer, and never older.
        fault, whole, objects = mirror.fault, mirror.whole, mirror.objects()
        if objects != self._objects:
            name = self._world.settings.node_name
            self._last_known = Known.of(objects.values(), name, whole=whole, fault=fault)
            self._objects = objects
        return self._last_known._replace(whole=whole, fault=fault)

    def _is_due(self, known: Known, now: float) -> bool:
        """Not before the API has answered, or has not: the first run would know nothing."""
        if self._steps.is_running or not (known.whole or known.fault):
            return False
        is_news = self._ran_with is None or known._replace(fault=None) != self._ran_with._replace(fault=None)
        return is_news or self._due.is_set() or now >= self._again_at

    def _is_idle(self, now: float) -> bool:
        """Never while the steps run; one that hangs is not joined by another one."""
        busy = self._steps.is_running or self._idle.is_running or self._ran_with is None
        return not busy and now >= self._idle_at and self._world.settings.idle_s > 0

    def _begin_steps(self, known: Known) -> None:
        self._due.clear()
        self._ran_with = known
        memory, limit_s = self._board.state.memory, self._timing.limit_s
        self._steps.begin(lambda: run_steps(self._world, known, memory, limit_s, self._stop.is_set))

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
        self._counted = self._counted._replace(
            runs=self._counted.runs + 1, failed_runs=self._counted.failed_runs + (not is_whole)
        )
        pause_s = self._timing.again_s if is_whole else self._timing.pauses.after(self._failures)
        self._again_at = now + pause_s * random.uniform(0.9, 1.0)  # noqa: S311 - it only spreads the nodes

    def _take_look(self) -> None:
        ended = self._look.taken()
        if ended is not None and ended.fault is not None:
            self._unforeseen("a look at HNS", ended.fault)
        if ended is not None and ended.value:
            self._board.note("HNS was started anew: all of this node is looked at again")
            self._due.set()
            # What HNS lost of the pods is healed as soon as the network is there.
            self._idle_at = 0.0

    def _take_idle(self, now: float) -> None:
        ended = self._idle.taken()
        if ended is None:
            return
        self._idle_at = now + self._idle_pause_s()
        self._counted = self._counted._replace(
            examinations=self._counted.examinations + 1, examined_at=time.time()
        )
        if ended.value is not None:
            self._examination = ended.value
            self._board.examined(ended.value)
        else:
            self._unforeseen("an examination of the node", ended.fault)

    def _idle_pause_s(self) -> float:
        return self._world.settings.idle_s * random.uniform(0.9, 1.1)  # noqa: S311 - it spreads the nodes

    def _unforeseen(self, what: str, fault: BaseException | None) -> None:
        words = f"{what} ended with something unforeseen, {type(fault).__name__}: {fault}"
        self._board.fault(f"{words}. Next: report it, with the agent's log")
        self._world.log.event("traceback", "error", lines=traceback.format_exception(fault))

    def _wait_s(self, now: float) -> float:
        """Until something is due; what runs wakes the loop at its end."""
        due = [now + _LONGEST_WAIT_S]
        if not self._look.is_running:
            due.append(self._look_at)
        if not self._steps.is_running and self._ran_with is not None:
            due.append(self._again_at)
            if self._world.settings.idle_s > 0 and not self._idle.is_running:
                due.append(self._idle_at)
        return max(0.0, min(due) - now)

    def _alive(self) -> Page:
        """Whether the loop turns: it does at least every few seconds, whatever HNS and the API do."""
        age_s = time.monotonic() - self._turned_at
        if age_s > _STUCK_S:
            return Page(HTTPStatus.SERVICE_UNAVAILABLE, f"the loop has not turned for {age_s:.0f} s\n")
        return Page(HTTPStatus.OK, "ok\n")

    def _ready(self) -> Page:
        """Whether an ADD would work; a line for each reason why not."""
        state = self._board.state
        if state.ready and not self._is_hanging:
            return Page(HTTPStatus.OK, "ok\n")
        reasons = ["HNS hangs"] if self._is_hanging else []
        reasons += [f"{one.name}: {one.state}: {one.words}" for one in state.steps if one.state != DONE]
        reasons += [f"the API: {state.api_fault}"] if state.api_fault else []
        lines = reasons or ["the API has not been asked yet"]
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, "".join(f"{one_line(one)}\n" for one in lines))

    def _metrics(self) -> Page:
        tallies = self._counted._replace(
            requests=self._world.api.tally.counts(), lists=self._mirror.lists, hangs=self._is_hanging
        )
        last = self._examination
        families = [*agent_families(self._board.state, tallies, last), *(last.families if last else ())]
        return Page(HTTPStatus.OK, text_of(families), "text/plain; version=0.0.4; charset=utf-8")

    def _end(self) -> None:
        """The thread of each work ends with it; what hangs is left behind."""
        if self._pool is not None:
            self._pool.stop()
        self._mirror.stop()
        for work in (self._steps, self._look, self._idle):
            work.join(0.0 if self._is_hanging else self._timing.stop_s)
        self._watch.close()
