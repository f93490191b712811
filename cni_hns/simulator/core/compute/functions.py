"""The functions of computecore.dll by name: what each does with its texts.

The first text is the ID of the system that the call is about, for faults and journal; the second the GUID of
its run, from its handle, or the key of the process; the last what the caller sent.
"""

from __future__ import annotations

from collections.abc import Callable

from cni_hns.simulator.core.compute import (
    changes,
    creation,
    holders,
    life,
    processes,
    properties,
    service_properties,
    systems,
)
from cni_hns.simulator.core.documents import Document, written
from cni_hns.simulator.core.errors import E_NOTIMPL, HCS_SYSTEM_NOT_FOUND, Refused
from cni_hns.simulator.core.store import State

__all__ = ["WORK"]

Work = Callable[[State, list[str | None]], str]


def _create(state: State, arguments: list[str | None]) -> str:
    system, run, document = arguments
    creation.create(state, system or "", run or "", document)
    return ""


def _open(state: State, arguments: list[str | None]) -> str:
    """The run of the system that has this ID."""
    name, pid = arguments
    system = systems.named(state, name or "")
    if system is None:
        raise Refused(HCS_SYSTEM_NOT_FOUND, name or "")
    holders.took(state, system.run, int(pid or 0))
    return system.run


def _enumerate(state: State, arguments: list[str | None]) -> str:
    return written(properties.enumerate_systems(state, arguments[1]))


def _exit(state: State, arguments: list[str | None]) -> str:
    """The exit document; empty while it has not ended."""
    ended = systems.load(state, arguments[1] or "").exit
    return "" if ended is None else written(ended)


def _create_process(state: State, arguments: list[str | None]) -> str:
    _, run, key, parameters = arguments
    return str(processes.create(state, run or "", key or "", parameters))


def _open_process(state: State, arguments: list[str | None]) -> str:
    """The key of the process that has this id."""
    _, run, pid = arguments
    systems.living(state, run or "")
    return processes.numbered(state, run or "", int(pid or 0)).key


def _process_number(state: State, arguments: list[str | None]) -> str:
    return str(processes.load(state, arguments[1] or "").pid)


def _process_exit(state: State, arguments: list[str | None]) -> str:
    """The exit document; empty while it has not ended."""
    process = processes.load(state, arguments[1] or "")
    return written(processes.status(process)) if process.exited else ""


def _telling(tell: Callable[[State, str, str | None], Document]) -> Work:
    return lambda state, arguments: written(tell(state, arguments[1] or "", arguments[2]))


def _process_status(state: State, key: str, _query: str | None) -> Document:
    return processes.status(processes.load(state, key))


def _doing(do: Callable[[State, str, str | None], None]) -> Work:
    def work(state: State, arguments: list[str | None]) -> str:
        do(state, arguments[1] or "", arguments[2])
        return ""

    return work


def _service_properties(state: State, arguments: list[str | None]) -> str:
    return written(service_properties.service_properties(state, arguments[1]))


def _modify_service(_state: State, _arguments: list[str | None]) -> str:
    raise Refused(E_NOTIMPL, "settings of the service are not simulated")


WORK: dict[str, Work] = {
    "HcsEnumerateComputeSystems": _enumerate,
    "HcsCreateComputeSystem": _create,
    "HcsOpenComputeSystem": _open,
    "HcsStartComputeSystem": _doing(life.start),
    "HcsShutDownComputeSystem": _doing(life.shut_down),
    "HcsTerminateComputeSystem": _doing(life.terminate),
    "HcsCrashComputeSystem": _doing(life.crash),
    "HcsPauseComputeSystem": _doing(life.pause),
    "HcsResumeComputeSystem": _doing(life.resume),
    "HcsSaveComputeSystem": _doing(life.save),
    "HcsGetComputeSystemProperties": _telling(properties.properties),
    "HcsModifyComputeSystem": _doing(changes.modify),
    "HcsWaitForComputeSystemExit": _exit,
    "HcsCreateProcess": _create_process,
    "HcsOpenProcess": _open_process,
    "HcsTerminateProcess": _doing(processes.terminate),
    "HcsSignalProcess": _doing(processes.signal),
    "HcsGetProcessInfo": _process_number,
    "HcsGetProcessProperties": _telling(_process_status),
    "HcsModifyProcess": _doing(processes.modify),
    "HcsWaitForProcessExit": _process_exit,
    "HcsGetServiceProperties": _service_properties,
    "HcsModifyServiceSettings": _modify_service,
}
