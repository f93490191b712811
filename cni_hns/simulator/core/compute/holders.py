"""Who has a compute system open: the handles of each process, counted.

Rule: with the last handle goes a system that was made so, and one that has ended. A process that died has
none any more.
"""

from __future__ import annotations

import os

from cni_hns.simulator.core.compute import life, systems
from cni_hns.simulator.core.store import State

__all__ = ["bury_the_dead", "end_if_forsaken", "gave_back", "took"]


def took(state: State, run: str, pid: int) -> None:
    """The process has one more handle of it."""
    state.run(
        "INSERT INTO holders VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET handles = handles + 1", run, pid
    )


def gave_back(state: State, run: str, pid: int) -> None:
    """The process has one handle less of it."""
    state.run("UPDATE holders SET handles = handles - 1 WHERE run = ? AND pid = ?", run, pid)
    state.run("DELETE FROM holders WHERE handles <= 0")
    end_if_forsaken(state, run)


def bury_the_dead(state: State) -> None:
    """What processes held that are no more; on Windows nobody asks, a process id there is soon another's."""
    if os.name == "nt":
        return
    for (pid,) in state.rows("SELECT DISTINCT pid FROM holders"):
        if not _lives(pid):
            runs = state.rows("SELECT run FROM holders WHERE pid = ?", pid)
            state.run("DELETE FROM holders WHERE pid = ?", pid)
            for (run,) in runs:
                end_if_forsaken(state, run)


def end_if_forsaken(state: State, run: str) -> None:
    """What follows where nobody holds it."""
    if state.row("SELECT 1 FROM holders WHERE run = ?", run) is not None:
        return
    if state.row("SELECT 1 FROM systems WHERE run = ?", run) is None:
        return  # its creation had failed
    system = systems.load(state, run)
    if system.closes and system.state not in (systems.STOPPED, systems.UNKNOWN):
        life.end(state, system, life.TERMINATED)
        system = systems.load(state, run)
    if system.state == systems.STOPPED:
        systems.remove(state, run)


def _lives(pid: int, start: str) -> bool:
    """In doubt it does."""
    now = _start_of(pid)
    return now is not None and (not now or not start or now == start)


def _start_of(pid: int) -> str | None:
    """When the process started, in ticks of the machine: "" where nobody says, None if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return "" if _answers(pid) else None
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may hold blanks and parentheses;
    # the third field is the state, the 22nd the start.
    fields = text.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _answers(pid: int) -> bool:
    if os.name == "nt":
        return True  # a signal would end it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
