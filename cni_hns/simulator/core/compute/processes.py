"""The processes in the containers.

A process that asks for pipes runs one of the `programs`, beside whoever made it. Any other lives until it is
signalled or terminated, its container ends, or a test ends it.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core.compute import clock, events, memory, programs, systems
from cni_hns.simulator.core.compute.reading import document_in, optional_in, part, word_of
from cni_hns.simulator.core.documents import Document, new_guid
from cni_hns.simulator.core.errors import (
    ELEMENT_NOT_FOUND,
    HCS_INVALID_JSON,
    HCS_PROCESS_STOPPED,
    HCS_WRONG_STATE,
    Refused,
)
from cni_hns.simulator.core.store import State

__all__ = [
    "Process",
    "begin",
    "create",
    "end",
    "end_all",
    "load",
    "modify",
    "numbered",
    "of_system",
    "signal",
    "status",
    "terminate",
]

# Process ids of Windows are multiples of four.
_STEP = 4

# What a killed process of a container exits with, seen on Windows: ERROR_PROCESS_ABORTED.
_KILLED = 1067
# STATUS_CONTROL_C_EXIT: what a program exits with that does not handle the signal.
_INTERRUPTED = 0xC000013A

_SIGNALS = ("CtrlC", "CtrlBreak", "CtrlClose", "CtrlLogOff", "CtrlShutdown")
_OPERATIONS = ("ConsoleSize", "CloseHandle")
_LARGEST_SIZE = 0xFFFF


class Process(NamedTuple):
    """One process; `key` is what its handles stand for."""

    key: str
    run: str
    pid: int
    image: str
    made_at: float
    exited: bool
    exit_code: int


def begin(state: State, run: str, image: str, key: str = "") -> int:
    """A new process of this image; its id."""
    row = state.row("UPDATE compute SET next_pid = next_pid + ? RETURNING next_pid - ?", _STEP, _STEP)
    pid = int(row[0]) if row else 0
    made_at = clock.now(state)
    state.run(
        "INSERT INTO processes VALUES (?, ?, ?, ?, ?, 0, 0)", key or new_guid(), run, pid, image, made_at
    )
    return pid


def create(state: State, run: str, key: str, text: str | None) -> int:
    """A new process in the system by its ProcessParameters; its id.

    Raises:
        Refused: 0x80370105, the system does not run; 0x80070057, nothing to run; 0x80070002, pipes for what
        is no program here.
    """
    system = systems.living(state, run)
    wanted = programs.parameters_in(text)
    if system.state != systems.RUNNING:
        raise Refused(HCS_WRONG_STATE, f"{system.id} is {system.state}")
    if any(wanted.pipes):
        programs.demand_program(wanted)
    return begin(state, run, programs.image_in(wanted), key)


def load(state: State, key: str) -> Process:
    """The process, ended or not. Raises: Refused: 0x80070490, there is none."""
    return _process(state.row("SELECT * FROM processes WHERE key = ?", key), key)


def numbered(state: State, run: str, pid: int) -> Process:
    """The process of this id in the system. Raises: Refused: 0x80070490, there is none, or it has ended."""
    row = state.row("SELECT * FROM processes WHERE run = ? AND pid = ? AND NOT exited", run, pid)
    return _process(row, str(pid))


def of_system(state: State, run: str) -> list[Process]:
    """Those that run in it."""
    rows = state.rows("SELECT * FROM processes WHERE run = ? AND NOT exited ORDER BY pid", run)
    return [Process(*row) for row in rows]


def status(process: Process) -> Document:
    """Its ProcessStatus."""
    return {
        "ProcessId": process.pid,
        "Exited": bool(process.exited),
        "ExitCode": process.exit_code,
        "LastWaitResult": 0,
    }


def signal(state: State, key: str, text: str | None) -> None:
    """Send it a signal, which ends it. Raises: Refused: 0x8037011F, it has ended."""
    wanted = optional_in(text, "Signal")
    word_of(wanted.get("Signal", _SIGNALS[0]), "Signal", _SIGNALS)
    end(state, _running(state, key), _INTERRUPTED)


def terminate(state: State, key: str, _options: str | None) -> None:
    """End it. Raises: Refused: 0x8037011F, it has ended."""
    end(state, _running(state, key), _KILLED)


def modify(state: State, key: str, text: str | None) -> None:
    """Give its console another size, or close a standard handle of it: neither shows in anything.

    Raises:
        Refused: 0x8037011F, it has ended; 0x8037010D, no such operation or size.
    """
    wanted = document_in(text, "Operation", "ConsoleSize", "CloseHandle")
    operation = word_of(wanted.get("Operation", _OPERATIONS[0]), "Operation", _OPERATIONS)
    if operation == "ConsoleSize":
        size = part(wanted, "ConsoleSize", "Height", "Width")
        for name, value in size.items():
            if not isinstance(value, int) or not 0 <= value <= _LARGEST_SIZE:
                raise Refused(HCS_INVALID_JSON, f"{name} is {value!r}")
    _running(state, key)


def end(state: State, process: Process, exit_code: int) -> None:
    """It has ended."""
    memory.keep_peak(state, process.run)
    state.run("UPDATE processes SET exited = 1, exit_code = ? WHERE key = ?", exit_code, process.key)
    ended = process._replace(exited=True, exit_code=exit_code)
    events.happened(state, events.PROCESS_EXITED, process.key, status(ended))


def end_all(state: State, run: str) -> None:
    """Its container has ended."""
    for process in of_system(state, run):
        end(state, process, _KILLED)


def _running(state: State, key: str) -> Process:
    process = load(state, key)
    if process.exited:
        raise Refused(HCS_PROCESS_STOPPED, f"{process.image} {process.pid}")
    return process


def _process(row: tuple[object, ...] | None, words: str) -> Process:
    if row is None:
        raise Refused(ELEMENT_NOT_FOUND, f"process {words}")
    return Process(*row)  # type: ignore[arg-type]
