"""What a system says of itself, and which systems there are.

https://learn.microsoft.com/virtualization/api/hcs/SchemaReference#Properties
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cni_hns.simulator.core.compute import statistics, systems
from cni_hns.simulator.core.compute.reading import optional_in, texts_of, word_of
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import SHOWN, Document, shown
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    HCS_ALREADY_STOPPED,
    HCS_WRONG_STATE,
    NOT_SUPPORTED,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = ["enumerate_systems", "properties"]

_TYPES = (
    "Memory",
    "Statistics",
    "ProcessList",
    "TerminateOnLastHandleClosed",
    "SharedMemoryRegion",
    "GuestConnection",
)


def properties(state: State, run: str, query: str | None) -> Document:
    """The basic properties, and those that the query names.

    Raises:
        Refused: 0x80370105 and 0x80370110, nothing is counted of one that does not run yet, or has ended;
        0x80070032, what a process-isolated container does not have; 0x80004001, the same of a virtual
        machine.
    """
    system = systems.load(state, run)
    found = _basic(system)
    for wanted in texts_of(optional_in(query, "PropertyTypes"), "PropertyTypes"):
        kind = word_of(wanted, "PropertyTypes", _TYPES)
        tell = _TELLERS.get(kind)
        if tell is None:
            raise Refused(NOT_SUPPORTED if system.process_isolated else E_NOTIMPL, kind)
        found[kind] = tell(state, system)
    return found


def enumerate_systems(state: State, query: str | None) -> list[Document]:
    """The basic properties of all systems that the SystemQuery selects: one word of each list fits."""
    wanted = optional_in(query, "Ids", "Names", "Types", "Owners")
    lists = {name: [one.lower() for one in texts_of(wanted, name)] for name in wanted}
    return [_basic(one) for one in systems.live(state) if _fits(one, lists)]


def _fits(system: System, lists: dict[str, list[str]]) -> bool:
    own = {"Ids": system.id, "Names": system.id, "Types": system.type, "Owners": system.owner}
    return all(own[name].lower() in words for name, words in lists.items() if words)


def _basic(system: System) -> Document:
    if SHOWN in system.document:
        return shown(system.document)
    found: Document = {
        "Id": system.id,
        "SystemType": system.type,
        "RuntimeOsType": "Windows",
        "Name": system.id,
        "Owner": system.owner,
        "RuntimeId": system.run,
        "State": system.state,
    }
    if system.hosted_by:
        found["HostingSystemId"] = system.hosted_by
    if system.exit is not None:
        found |= {"Stopped": True, "ExitType": system.exit["ExitType"]}
    return found


def _counted(tell: Callable[[State, System], Any]) -> Callable[[State, System], Any]:
    def told(state: State, system: System) -> Any:
        if system.type != systems.CONTAINER:
            raise Refused(E_NOTIMPL, system.type)
        if system.state == systems.CREATED:
            raise Refused(HCS_WRONG_STATE, f"{system.id} has not been started")
        if system.exit is not None:
            raise Refused(HCS_ALREADY_STOPPED, f"{system.id} has ended")
        return tell(state, system)

    return told


_TELLERS: dict[str, Callable[[State, System], Any]] = {
    "Statistics": _counted(statistics.statistics_of),
    "ProcessList": _counted(statistics.process_list),
    "TerminateOnLastHandleClosed": lambda _state, system: system.closes,
}
