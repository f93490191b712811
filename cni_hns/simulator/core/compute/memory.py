"""The memory of a container: each process grows with its age up to a size, and all of them up to the limit.

What programs meet at the limit is not simulated: nothing here asks for memory.
"""

from __future__ import annotations

from cni_hns.simulator.core.compute import clock, pauses, systems
from cni_hns.simulator.core.compute.reading import part
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.store import State

__all__ = ["committed", "keep_peak", "private", "shared"]

_FIRST_BYTES = 8 << 20
_GROWTH_BYTES_PER_S = 64 << 10
_LARGEST_BYTES = 64 << 20
_100NS = 10_000_000

# Three quarters of what is committed is in memory and the process's own; an eighth more is shared.
_PRIVATE = (3, 4)
_SHARED = (1, 8)


def committed(state: State, system: System, now: float) -> dict[int, int]:
    """Bytes by the id of the process; at the limit each has its part of it."""
    rows = state.rows("SELECT pid, made_at FROM processes WHERE run = ? AND NOT exited", system.run)
    wanted = {pid: _grown(pauses.active_100ns(state, system, made_at, now)) for pid, made_at in rows}
    limit, total = _limit(system), sum(wanted.values())
    if not limit or total <= limit:
        return wanted
    return {pid: size * limit // total for pid, size in wanted.items()}


def keep_peak(state: State, run: str) -> None:
    """Before something takes memory away: until then it only grew."""
    system = systems.load(state, run)
    now = sum(committed(state, system, clock.now(state)).values())
    if now > system.peak_bytes:
        systems.change(state, system, peak_bytes=now)


def private(size: int) -> int:
    """How much of what is committed is in memory and the process's own."""
    return size * _PRIVATE[0] // _PRIVATE[1]


def shared(size: int) -> int:
    """How much is in memory beside that, and used by others too."""
    return size * _SHARED[0] // _SHARED[1]


def _grown(age_100ns: int) -> int:
    return min(_LARGEST_BYTES, _FIRST_BYTES + age_100ns * _GROWTH_BYTES_PER_S // _100NS)


def _limit(system: System) -> int:
    """In bytes; 0 for none."""
    size = part(system.resources, "Memory", "SizeInMB").get("SizeInMB")
    return size << 20 if isinstance(size, int) and size > 0 else 0
