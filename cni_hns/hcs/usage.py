"""What a container uses now: the difference of two of its statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cni_hns.hcs.documents.properties import Statistics

__all__ = ["Usage", "usage"]


class Usage(NamedTuple):
    """`cpu_percent`: 100 is one processor in full use, None where two looks do not tell. The rest: bytes.

    `read` and `written` count since the container's start.
    """

    cpu_percent: float | None
    memory_commit: int
    memory_private: int
    read: int
    written: int


def usage(before: Statistics | None, now: Statistics) -> Usage:
    """What it uses, by these statistics and older ones of the same container."""
    memory, storage = now.memory, now.storage
    return Usage(
        cpu_percent=None if before is None else _cpu_percent(before, now),
        memory_commit=memory.memory_usage_commit_bytes if memory else 0,
        memory_private=memory.memory_usage_private_working_set_bytes if memory else 0,
        read=storage.read_size_bytes if storage else 0,
        written=storage.write_size_bytes if storage else 0,
    )


def _cpu_percent(before: Statistics, now: Statistics) -> float | None:
    """By the container's own uptime: both times are HCS's, and no clock of ours is between."""
    elapsed = now.uptime_100ns - before.uptime_100ns
    if elapsed <= 0 or before.processor is None or now.processor is None:
        return None
    # Less than before: the container was started again meanwhile.
    used = now.processor.total_runtime_100ns - before.processor.total_runtime_100ns
    return None if used < 0 else round(100.0 * used / elapsed, 1)
