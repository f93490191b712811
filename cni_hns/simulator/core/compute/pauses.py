"""When a system was paused: what runs in it used nothing then, nor while its host was."""

from __future__ import annotations

from cni_hns.simulator.core.compute import clock, systems
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.store import State

__all__ = ["active_100ns", "begin", "finish"]


def begin(state: State, run: str) -> None:
    """Its processors stop now."""
    state.run("INSERT INTO pauses VALUES (?, ?, NULL)", run, clock.now(state))


def finish(state: State, run: str) -> None:
    """They go on now."""
    state.run("UPDATE pauses SET ended = ? WHERE run = ? AND ended IS NULL", clock.now(state), run)


def active_100ns(state: State, system: System, since: float, until: float) -> int:
    """How long it was not paused between the two, in 100 ns."""
    active, at = 0, since
    for began, ended in _pauses(state, system):
        active += clock.elapsed_100ns(at, min(began, until))
        at = max(at, until if ended is None else ended)
    return active + clock.elapsed_100ns(at, until)


def _pauses(state: State, system: System) -> list[tuple[float, float | None]]:
    host = systems.named(state, system.hosted_by) if system.hosted_by else None
    runs = (system.run, host.run if host else system.run)
    return state.rows("SELECT began, ended FROM pauses WHERE run IN (?, ?) ORDER BY began", *runs)
