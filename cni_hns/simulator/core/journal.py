"""The journal: every call that reached the service, in order; closing a handle is written down apart.

Closing is apart because it is the caller's housekeeping: who counts calls counts the others.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core.store import State, Store

__all__ = ["Call", "begin", "closed", "end", "read", "reset"]


_CALLS = "SELECT seq, function, object, pid, hresult, document FROM calls ORDER BY seq"
_CLOSINGS = "SELECT id, function, object, pid, hresult FROM closings ORDER BY id"
_CHANGING = ("HcnCreate", "HcnModify")
_CHANGING_SYSTEMS = tuple(
    f"Hcs{verb}"
    for verb in (
        "Create",
        "Start",
        "ShutDown",
        "Shutdown",  # so it is written in vmcompute.dll
        "Terminate",
        "Crash",
        "Pause",
        "Resume",
        "Save",
        "Modify",
        "Signal",
    )
)

Arguments = list[str | None]


class Call(NamedTuple):
    """One call; `hresult` (unsigned) is None while it runs, and stays None if its caller was killed in it.

    `document` is the text sent with a call that changes something, where `journal_documents` is set; one for
    HCS without the values that are a container's own.
    """

    seq: int
    function: str
    object: str
    pid: int
    hresult: int | None
    document: str = ""


def begin(
    state: State, pid: int, function: str, target: str, hresult: int | None = None, *, sent: Arguments
) -> None:
    """A call starts, or (with its result) has been made."""
    document = _document(function, sent) if state.options.journal_documents else ""
    row = (state.seq, pid, function, target, hresult, document)
    state.run("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)", *row)


def end(state: State, seq: int, target: str, hresult: int) -> None:
    """The call of this number came back."""
    state.run("UPDATE calls SET hresult = ?, object = ? WHERE seq = ?", hresult, target, seq)


def closed(state: State, pid: int, function: str, target: str, hresult: int) -> None:
    """A handle was closed."""
    state.run("INSERT INTO closings VALUES (NULL, ?, ?, ?, ?)", pid, function, target, hresult)


def read(store: Store, closings: bool) -> list[Call]:
    """All calls so far, or all closings."""
    sql = _CLOSINGS if closings else _CALLS
    return [Call(*row) for row in store.rows(sql)]


def reset(state: State) -> None:
    """Forget the calls so far; the numbers go on."""
    state.run("DELETE FROM calls")
    state.run("DELETE FROM closings")


def _document(function: str, arguments: Arguments) -> str:
    """What a call gives to read, if it changes anything; an HNSCall names method and path before it."""
    if function == "HNSCall":
        return "" if arguments[0] == "GET" else arguments[2] or ""
    if function.startswith(_CHANGING_SYSTEMS):
        from cni_hns.simulator.core.compute.secrets import without_secrets

        return without_secrets(arguments[-1] or "")
    return arguments[-1] or "" if function.startswith(_CHANGING) else ""
