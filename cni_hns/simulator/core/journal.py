"""The journal: every call that reached the service, in order; closing a handle is written down apart.

Closing is apart because it is the caller's housekeeping: who counts calls counts the others.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core.store import State, Store

__all__ = ["Call", "begin", "closed", "end", "read", "reset"]


class Call(NamedTuple):
    """One call; `hresult` (unsigned) is None while it runs, and stays None if its caller was killed in it."""

    seq: int
    function: str
    object: str
    pid: int
    hresult: int | None


def begin(state: State, pid: int, function: str, target: str, hresult: int | None = None) -> None:
    """A call starts, or (with its result) has been made."""
    state.run("INSERT INTO calls VALUES (?, ?, ?, ?, ?)", state.seq, pid, function, target, hresult)


def end(state: State, seq: int, target: str, hresult: int) -> None:
    """The call of this number came back."""
    state.run("UPDATE calls SET hresult = ?, object = ? WHERE seq = ?", hresult, target, seq)


def closed(state: State, pid: int, function: str, target: str, hresult: int) -> None:
    """A handle was closed."""
    state.run("INSERT INTO closings VALUES (NULL, ?, ?, ?, ?)", pid, function, target, hresult)


def read(store: Store, closings: bool) -> list[Call]:
    """All calls so far, or all closings."""
    table, order = ("closings", "id") if closings else ("calls", "seq")
    sql = f"SELECT {order}, function, object, pid, hresult FROM {table} ORDER BY {order}"  # noqa: S608
    return [Call(*row) for row in store.rows(sql)]


def reset(state: State) -> None:
    """Forget the calls so far; the numbers go on."""
    state.run("DELETE FROM calls")
    state.run("DELETE FROM closings")
