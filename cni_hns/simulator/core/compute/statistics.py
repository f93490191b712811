"""What a container used. Nothing runs in it: the numbers grow with the node's clock, at steady rates.

All is told or nothing, and there is no network in it. A container that does not run counts nothing, and one
that is paused its uptime alone.
"""

from __future__ import annotations

from cni_hns.simulator.core.compute import clock, memory, pauses, processes
from cni_hns.simulator.core.compute.processes import Process
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.store import State

__all__ = ["process_list", "statistics_of"]

# One process keeps a fiftieth of a processor busy, three parts of five in user mode.
_BUSY = 50
_IN_USER_MODE = (3, 5)

_READ_BYTES_PER_S = 64 << 10
_WRITTEN_BYTES_PER_S = 16 << 10
_OPERATION_BYTES = 8 << 10
_100NS = 10_000_000


def statistics_of(state: State, system: System) -> Document:
    """Its Statistics, by what runs in it now."""
    now = clock.now(state)
    active = pauses.active_100ns(state, system, system.started_at, now)
    running = processes.of_system(state, system.run)
    used = sum(_processor_100ns(state, system, one, now) for one in running)
    committed = memory.committed(state, system, now).values()
    read, written = (active * rate // _100NS for rate in (_READ_BYTES_PER_S, _WRITTEN_BYTES_PER_S))
    return {
        "Timestamp": clock.timestamp(now),
        "ContainerStartTime": clock.timestamp(system.started_at),
        "Uptime100ns": clock.elapsed_100ns(system.started_at, now),
        "Processor": {
            "TotalRuntime100ns": used,
            "RuntimeUser100ns": _in_user_mode(used),
            "RuntimeKernel100ns": used - _in_user_mode(used),
        },
        "Memory": {
            "MemoryUsageCommitBytes": sum(committed),
            "MemoryUsageCommitPeakBytes": max(system.peak_bytes, sum(committed)),
            "MemoryUsagePrivateWorkingSetBytes": sum(memory.private(size) for size in committed),
        },
        "Storage": {
            "ReadCountNormalized": read // _OPERATION_BYTES,
            "ReadSizeBytes": read,
            "WriteCountNormalized": written // _OPERATION_BYTES,
            "WriteSizeBytes": written,
        },
    }


def process_list(state: State, system: System) -> list[Document]:
    """Its ProcessDetails, in the order of their ids."""
    now = clock.now(state)
    committed = memory.committed(state, system, now)
    return [
        _details(one, _processor_100ns(state, system, one, now), committed[one.pid])
        for one in processes.of_system(state, system.run)
    ]


def _details(process: Process, used: int, committed: int) -> Document:
    return {
        "ProcessId": process.pid,
        "ImageName": process.image,
        "CreateTimestamp": clock.timestamp(process.made_at),
        "UserTime100ns": _in_user_mode(used),
        "KernelTime100ns": used - _in_user_mode(used),
        "MemoryCommitBytes": committed,
        "MemoryWorkingSetPrivateBytes": memory.private(committed),
        "MemoryWorkingSetSharedBytes": memory.shared(committed),
    }


def _processor_100ns(state: State, system: System, process: Process, now: float) -> int:
    return pauses.active_100ns(state, system, process.made_at, now) // _BUSY


def _in_user_mode(used: int) -> int:
    return used * _IN_USER_MODE[0] // _IN_USER_MODE[1]
