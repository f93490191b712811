"""What a restart of the service, or of the machine, does to compute systems."""

from __future__ import annotations

from cni_hns.simulator.core.compute import events
from cni_hns.simulator.core.store import State

__all__ = ["reboot", "restart"]


def restart(state: State) -> None:
    """The service stops and starts: what runs goes on, and every handle is dead."""
    state.run("UPDATE compute SET generation = generation + 1")
    state.run("DELETE FROM holders")
    state.run("DELETE FROM systems WHERE state = 'Stopped'")
    events.happened(state, events.SERVICE_DISCONNECT, "")


def reboot(state: State) -> None:
    """The machine stops and starts: nothing runs any more, and what had leaked is gone."""
    state.run("DELETE FROM processes")
    state.run("DELETE FROM systems")
    restart(state)
