"""Injected faults: kept with the node, so that every process meets them.

A fault is a row that says which calls it is for and what happens to them. It is used up after `count` calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cni_hns.simulator.core.store import State

__all__ = ["FIELDS", "Fault", "add", "checked", "taken"]

FIELDS: dict[str, tuple[Any, str]] = {
    "function": ("*", "the C function, or * for any"),
    "object": ("", "the GUID or the name that the call is about; empty for any"),
    "call": (0, "the number of the call in the journal; 0 for any"),
    "nth": (1, "the first of the matching calls that it is for"),
    "count": (1, "how many calls it is for; 0 for all from then on"),
    "hresult": (0, "the call answers with this code and does nothing"),
    "record": (None, "the text of the error record; with hresult 0 it comes with a success"),
    "took_effect": (False, "the call does its work before it answers with the code"),
    "latency_s": (0.0, "the call takes this long"),
    "serial": (False, "calls with latency queue: the service does one thing at a time"),
    "hang": (False, "the call never comes back"),
    "held": ("", "the call waits until the faults are cleared: before its work, or after it"),
    "late_after_calls": (None, "the call's work is done only after so many further calls of anybody"),
    "die": ("", "the calling process is killed: before the work, or after it"),
    "restart": (False, "the service restarts before the work: handles die"),
    "reboot": (False, "the machine restarts before the work"),
    "vanish": ([], "GUIDs or names of objects that are deleted before the work"),
    "swap": ("", "name of a network that is deleted and made again, with another ID, before the work"),
    "keep_ports": (False, "a deleted endpoint's host ports stay reserved"),
}


class Fault:
    """One fault, its fields as attributes."""

    def __init__(self, number: int, given: dict[str, Any]) -> None:
        self.number = number
        self._given = given

    def __getattr__(self, name: str) -> Any:
        try:
            return self._given[name]
        except KeyError:
            try:
                return FIELDS[name][0]
            except KeyError:
                raise AttributeError(name) from None


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """The same fields, every name known.

    Raises:
        TypeError: a field that does not exist; ValueError: `die` or `held` at no known moment.
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise TypeError(f"unknown field {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    for name in ("die", "held"):
        if given.get(name, "") not in ("", "before", "after"):
            raise ValueError(f"{name} is before or after, not {given[name]!r}")
    return given


def add(state: State, given: dict[str, Any]) -> int:
    """Keep a fault; its number."""
    row = state.row("INSERT INTO faults VALUES (NULL, ?, 0, 0) RETURNING id", json.dumps(given))
    return int(row[0]) if row else 0


def taken(state: State, function: str, targets: Iterable[str]) -> Fault | None:
    """The first fault that is for this call, counted as used; None for the straight path."""
    found: Fault | None = None
    names: set[str] | None = None
    for number, text, matched, fired in state.rows(
        "SELECT id, document, matched, fired FROM faults ORDER BY id"
    ):
        fault = Fault(number, json.loads(text))
        if names is None:
            names = {target.lower() for target in targets}
        if not _is_for(state, fault, function, names):
            continue
        fires = found is None and matched + 1 >= fault.nth and (not fault.count or fired < fault.count)
        state.run(
            "UPDATE faults SET matched = ?, fired = ? WHERE id = ?", matched + 1, fired + int(fires), number
        )
        if fires:
            found = fault
    return found


def _is_for(state: State, fault: Fault, function: str, names: set[str]) -> bool:
    if fault.function not in ("*", function):
        return False
    if fault.call and fault.call != state.seq:
        return False
    return not fault.object or fault.object.lower() in names
