"""Which process owns something that outlives it, and whether that process still lives.

A process id alone is used again sooner or later; with the start time it names one process of one boot.
"""

from __future__ import annotations

import os
import time

from cni_hns.typed import NamedTuple

__all__ = ["Owner", "age_s", "is_alive", "start_of", "this_process", "uptime_s"]


class Owner(NamedTuple):
    """One process. `started` is the system's own notation of its start; empty where the system tells none."""

    pid: int
    started: str
    boot_id: str


def this_process(boot_id: str) -> Owner:
    """The process that asks, in this boot."""
    pid = os.getpid()
    return Owner(pid, start_of(pid) or "", boot_id)


def uptime_s() -> float:
    """Seconds since the machine's boot, the same for all processes; sleep counts where the system says."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    # On Windows GetTickCount64: since the boot, and for all processes.
    return time.monotonic()


def age_s() -> float:
    """Seconds since this process was started; up to a tick of the system's clock less than it is."""
    started = start_of(os.getpid())
    if not started:
        return 0.0
    if os.name == "nt":
        from cni_hns.binding.windows import age_of

        return age_of(started)
    # The start is the number of its tick, which ended one tick later.
    return max(0.0, uptime_s() - (int(started) + 1) / os.sysconf("SC_CLK_TCK"))


def is_alive(owner: Owner, boot_id: str) -> bool:
    """Whether the owner still runs in this boot. In doubt it does: then its deadline decides."""
    if owner.boot_id != boot_id:
        return False
    started = start_of(owner.pid)
    if started is None:
        return False
    # "" on either side: only the process id is known.
    return not started or not owner.started or started == owner.started


def start_of(pid: int) -> str | None:
    """When the process started, "" if it runs and the system does not say; None if there is none."""
    if os.name == "nt":
        from cni_hns.binding.windows import process_start

        return process_start(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return "" if _answers(pid) else None
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the second field, the name, is in
    # parentheses and may itself contain any; then follow the state (field 3) and the start time (field 22).
    fields = text.rpartition(b")")[2].split()
    ended = fields[0] in (b"Z", b"X", b"x")
    return None if ended else fields[19].decode()


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
