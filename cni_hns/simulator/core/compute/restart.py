"""What a restart of the service, or of the machine, does to compute systems."""

from __future__ import annotations

from cni_hns.simulator.core.compute import events, life, systems
from cni_hns.simulator.core.store import State

__all__ = ["reboot", "restart"]


def restart(state: State) -> None:
    """The service stops and starts: what runs goes on, and every handle is dead.

    One that ends with its last handle waits for somebody to open it again, or has ended with the service, by
    the option `restart_ends_systems`.
    """
    if state.options.restart_ends_systems:
        for system in systems.live(state):
            if system.closes and system.state != systems.UNKNOWN:
                life.end(state, systems.load(state, system.run), life.SERVICE_STOPPED)
    state.run("UPDATE compute SET generation = generation + 1")
    state.run("DELETE FROM holders")
    state.run("DELETE FROM systems WHERE state = 'Stopped'")
    events.happened(state, events.SERVICE_DISCONNECT, "")


def reboot(state: State) -> None:
    """The machine stops and starts: nothing runs any more, and what had leaked is gone."""
    state.run("DELETE FROM processes")
    state.run("DELETE FROM systems")
    restart(state)
