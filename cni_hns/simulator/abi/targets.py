"""What the handles of systems and processes stand for, and what this process holds by them.

Rule: a system is held from before it is made until its handle is closed; a process or a callback holds none.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cni_hns.simulator.core.compute import holders, service_properties
from cni_hns.simulator.core.documents import new_guid
from cni_hns.simulator.core.store import Store

__all__ = ["Target", "Targets"]


class Target(NamedTuple):
    """The system's ID, the GUID of its run, and a process's key.

    `generation` is the run of the service that gave the handle. `listens_to` is the handle that a callback
    was registered with, 0 for what is no callback.
    """

    system: str
    run: str
    generation: int
    process: str = ""
    listens_to: int = 0

    @property
    def object(self) -> str:
        """What it is about: the process, or the run of the system."""
        return self.process or self.run


class Targets:
    """Those of one process that calls, by the numbers of its handles."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._targets: dict[int, Target] = {}

    def __getitem__(self, number: int) -> Target:
        return self._targets[number]

    def __setitem__(self, number: int, target: Target) -> None:
        self._targets[number] = target

    def pop(self, number: int) -> Target:
        """What the handle stood for, which is no more; what it holds is still held."""
        return self._targets.pop(number)

    def to_create(self, system: str) -> Target:
        """A run of the system that is about to be made, and is held already."""
        with self._store.transaction() as state:
            target = Target(system, new_guid(), service_properties.generation_of(state))
            holders.took(state, target.run, os.getpid())
        return target

    def listening_to(self, handle: int) -> list[int]:
        """The callbacks that were registered with this handle."""
        return [number for number, target in list(self._targets.items()) if target.listens_to == handle]

    def let_go(self, target: Target) -> None:
        """Hold it no more."""
        if not target.process and not target.listens_to:
            with self._store.transaction() as state:
                holders.gave_back(state, target.run, os.getpid(), target.generation)

    def let_go_of_all(self) -> None:
        """The process ends: its handles hold nothing."""
        for target in self._targets.values():
            self.let_go(target)
        self._targets.clear()
