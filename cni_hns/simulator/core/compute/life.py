"""The life of a compute system: Created, Running, Paused, Stopped; there is no way to delete one.

Rule 1: the start is where a container joins its HCN namespace, unless the option says that its making is.
Rule 2: its end takes it out again, and deletes neither the namespace nor an endpoint.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core import containers, endpoint_changes
from cni_hns.simulator.core.compute import clock, events, processes, systems
from cni_hns.simulator.core.compute.reading import optional_in
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document, written
from cni_hns.simulator.core.errors import (
    HCS_UNEXPECTED_EXIT,
    HCS_WRONG_STATE,
    NOT_SUPPORTED,
    Refused,
    signed,
)
from cni_hns.simulator.core.store import State

__all__ = [
    "SHUT_DOWN",
    "TERMINATED",
    "UNEXPECTED",
    "begin_processes",
    "crash",
    "end",
    "join",
    "leak",
    "pause",
    "resume",
    "save",
    "shut_down",
    "start",
    "terminate",
]


class Ending(NamedTuple):
    """How a system ends: the words of its exit document."""

    exit_type: str
    detail: str
    initiator: str
    hresult: int = 0


SHUT_DOWN = Ending("GracefulExit", "Shutdown", "Client")
TERMINATED = Ending("ForcedExit", "Terminate", "Client")
UNEXPECTED = Ending("UnexpectedExit", "UnexpectedExit", "GuestOS", HCS_UNEXPECTED_EXIT)

# The attribution came with schema 2.4.
_ATTRIBUTES_FROM = 20348

# Every Windows container has these; the last one starts the others.
_OWN_PROCESSES = ("smss.exe", "csrss.exe", "wininit.exe", "services.exe", "CExecSvc.exe")


def start(state: State, run: str, _options: str | None) -> None:
    """Let it run.

    Raises:
        Refused: 0x80370105, it was started before; what `join` refuses.
    """
    system = _in_state(state, run, systems.CREATED)
    if not system.joined:
        join(state, system)
    systems.change(state, system, state=systems.RUNNING, started_at=clock.now(state))
    begin_processes(state, system)


def join(state: State, system: System) -> None:
    """A container gets its compartment and endpoints; one without a namespace takes endpoints by hand.

    Raises:
        Refused: 0x80070490, no such namespace; 0x803B002E, an endpoint of it cannot be attached; of a
        container without a namespace what `endpoint_changes.share` refuses.
    """
    if system.type != systems.CONTAINER:
        return
    if system.namespace:
        containers.start(state, system.namespace, system.id)
    else:
        containers.run(state, system.id)
        for endpoint in system.adapters:
            endpoint_changes.share(state, endpoint, system.id)
    systems.change(state, system, joined=1)


def begin_processes(state: State, system: System) -> None:
    """What runs in every container of Windows."""
    if system.type == systems.CONTAINER:
        for image in _OWN_PROCESSES:
            processes.begin(state, system.run, image)


def shut_down(state: State, run: str, options: str | None) -> None:
    """Ask it to end. Raises: Refused: 0x80370105, it does not run."""
    optional_in(options)
    system = _in_state(state, run, systems.RUNNING)
    if state.options.shutdown_obeyed:
        end(state, system, SHUT_DOWN)


def terminate(state: State, run: str, _options: str | None) -> None:
    """End it, whatever it does."""
    end(state, systems.living(state, run), TERMINATED)


def crash(state: State, run: str, options: str | None) -> None:
    """Crash the guest of a virtual machine."""
    optional_in(options)
    end(state, _of_hypervisor(_in_state(state, run, systems.RUNNING)), UNEXPECTED)


def pause(state: State, run: str, options: str | None) -> None:
    """Stop its processors. Raises: Refused: 0x80070032, it is process-isolated."""
    optional_in(options)
    system = _of_hypervisor(systems.living(state, run))
    _demand(system, systems.RUNNING)
    systems.change(state, system, state=systems.PAUSED)


def resume(state: State, run: str, _options: str | None) -> None:
    """Let its processors go on. Raises: Refused: 0x80070032, it is process-isolated."""
    system = _of_hypervisor(systems.living(state, run))
    _demand(system, systems.PAUSED)
    systems.change(state, system, state=systems.RUNNING)


def save(state: State, run: str, options: str | None) -> None:
    """Write its memory down; it stays paused. Raises: Refused: 0x80370105, it is not paused."""
    optional_in(options)
    _demand(_of_hypervisor(systems.living(state, run)), systems.PAUSED)


def end(state: State, system: System, how: Ending, stuck: bool = False) -> None:
    """It has ended: with what it hosts, its processes, and its place in the namespace.

    `stuck` leaves it registered in its namespace.
    """
    for hosted in systems.hosted(state, system.id):
        if hosted.state not in (systems.STOPPED, systems.UNKNOWN):
            end(state, hosted, UNEXPECTED)
    processes.end_all(state, system.run)
    if system.joined:
        containers.stop(state, system.id, stuck)
    document = _exit_document(state, how)
    systems.change(state, system, state=systems.STOPPED, joined=0, exit=written(document))
    events.happened(state, events.SYSTEM_EXITED, system.run, document)


def leak(state: State, system: System) -> None:
    """It has ended, and the service does not let go of it: its ID stays taken, its namespace in use."""
    end(state, system, UNEXPECTED, stuck=True)
    systems.change(state, system, state=systems.UNKNOWN)


def _exit_document(state: State, how: Ending) -> Document:
    document: Document = {"Status": signed(how.hresult), "ExitType": how.exit_type}
    if state.options.windows_build >= _ATTRIBUTES_FROM:
        exit_ = {"Detail": how.detail, "Initiator": how.initiator}
        document["Attribution"] = [{"SystemExit": exit_}]
    return document


def _of_hypervisor(system: System) -> System:
    if system.process_isolated:
        raise Refused(NOT_SUPPORTED, f"{system.id} is process-isolated")
    return system


def _in_state(state: State, run: str, wanted: str) -> System:
    """Raises: Refused: 0x80370105 in another state; an ended one too, where it is to be started again."""
    system = systems.load(state, run) if wanted == systems.CREATED else systems.living(state, run)
    _demand(system, wanted)
    return system


def _demand(system: System, wanted: str) -> None:
    if system.state != wanted:
        raise Refused(HCS_WRONG_STATE, f"{system.id} is {system.state}")
