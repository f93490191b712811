"""What the agent's work came to, told to all who want to know: people, the log, the Node's Events, a file.

Rule: a thing is said when it changes, and not each time that it is found again.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cni_hns.cluster.known import nodes_of
from cni_hns.cluster.state import State, StepState, read_state, write_state
from cni_hns.cluster.steps import DONE, FAILED, Told

if TYPE_CHECKING:
    from cni_hns.cluster.api.events import Events
    from cni_hns.cluster.api.faults import ApiFault
    from cni_hns.cluster.idle import Examination
    from cni_hns.cluster.pools.step import Outcome, Trouble
    from cni_hns.cluster.steps import Round
    from cni_hns.cluster.world import World

__all__ = ["Board"]


class Board:
    """Where one agent stands; `state` is replaced as a whole, so that other threads may read it."""

    def __init__(self, world: World, events: Events) -> None:
        self._world = world
        self._events = events
        self._told: dict[str, Told] = {}
        self._findings: frozenset[tuple[str, str]] = frozenset()
        self._troubles: frozenset[Trouble] = frozenset()
        before = read_state(world.folder) or State()
        self.state = State(
            node=world.settings.node_name,
            pid=os.getpid(),
            started=time.time(),
            mode=world.settings.mode,
            nodes=before.nodes,
            memory=before.memory,
        )
        # So that nobody takes for this agent's what the one before it wrote.
        self._have(self.state)

    def round(self, round_: Round, *, every: bool = False) -> None:
        """All steps were taken; `every`: say each, also what is as before."""
        now, was_ready = time.time(), self.state.ready
        news = [one for one in round_.told if self._told.get(one.step) != one]
        for one in round_.told if every else news:
            self._world.say(one.line)
        for one in news:
            self._world.log.event(one.line, "warning" if one.state == FAILED else "info")
        for one in round_.told:
            if one.event:
                self._events.tell(one.event, one.words, warning=True)
        self._told.update({one.step: one for one in round_.told})
        is_whole = all(one.state == DONE for one in round_.told)
        failed = next((one for one in round_.told if one.state == FAILED), None)
        found = round_.network
        self._have(
            self.state._replace(
                ready=round_.ready,
                whole_since=(self.state.whole_since or now) if is_whole else 0.0,
                network_name=found.name if found is not None else self.state.network_name,
                routes_wanted=round_.routes_wanted,
                routes_there=round_.routes_there,
                waiting=tuple((one.name, one.why) for one in round_.waiting),
                steps=tuple(self._step(one, now) for one in round_.told),
                last_fault=failed.line if failed else self.state.last_fault,
                last_fault_at=now if failed else self.state.last_fault_at,
                nodes=nodes_of(round_.known) or self.state.nodes,
                memory=round_.memory,
            )
        )
        if round_.ready and not was_ready:
            words = f"pods can be added: {round_.settings.network}, {', '.join(round_.pod_cidrs)}"
            self._say(words)
            self._events.tell("NetworkReady", words, warning=False)

    def api(self, fault: ApiFault | None) -> None:
        """The API answers again (None), or why it does not."""
        words = "" if fault is None else " ".join(str(fault).split())
        if words == self.state.api_fault:
            return
        self._say(f"the API: {words or 'answers again'}", "warning" if words else "info")
        self._have(self.state._replace(api_fault=words))

    def fault(self, words: str) -> None:
        """Something besides the steps went wrong."""
        self._say(words, "warning")
        self._have(self.state._replace(last_fault=words, last_fault_at=time.time()))

    def examined(self, found: Examination) -> None:
        """The node was examined, and what is safe was mended."""
        for step in found.steps:
            self._say(f"mended: {step.repair}: {step.subject}: {step.outcome}")
        now = {(one.kind, one.subject): one for one in found.findings}
        for one in [now[key] for key in now if key not in self._findings]:
            self._say(f"the doctor found, {one.severity}: {one.subject}: {one.cause}", "warning")
        if self._findings and not now:
            self._say("the doctor finds nothing wrong any more")
        self._findings = frozenset(now)

    def pool(self, outcome: Outcome) -> None:
        """A step of the pool's keeper."""
        for line in outcome.lines:
            self._say(line)
        troubles = frozenset(outcome.troubles)
        for one in outcome.troubles:
            if one not in self._troubles:
                self._say(one.message, "warning")
            self._events.tell(one.reason, one.message, warning=True)
        self._troubles = troubles

    def note(self, words: str) -> None:
        """Something was done besides the steps."""
        self._say(words)

    def _say(self, words: str, level: str = "info") -> None:
        self._world.say(words)
        self._world.log.event(words, level)

    def _step(self, told: Told, now: float) -> StepState:
        before = self.state.step(told.step)
        is_same = before is not None and (before.state, before.words) == (told.state, told.words)
        since = before.since if before is not None and is_same else now
        return StepState(told.step, told.state, told.words, since)

    def _have(self, state: State) -> None:
        self.state = state
        try:
            write_state(self._world.folder, state)
        except OSError as fault:
            self._world.log.event(f"the agent's state cannot be written: {fault}", "warning")
