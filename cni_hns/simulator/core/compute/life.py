"""The life of a compute system: Created, Running, Paused, Stopped; there is no way to delete one.

A paused one may become a template instead (SavedAsTemplate).

Rule 1: the start is where a container joins its HCN namespace, unless the option says that its making is.
Rule 2: its end takes it out again, and deletes neither the namespace nor an endpoint.
"""

from __future__ import annotations

from typing import NamedTuple

from cni_hns.simulator.core import containers
from cni_hns.simulator.core.compute import clock, crashes, events, network, pauses, processes, systems
from cni_hns.simulator.core.compute.reading import chosen_in
from cni_hns.simulator.core.compute.systems import System
from cni_hns.simulator.core.documents import Document, written
from cni_hns.simulator.core.errors import (
    E_NOTIMPL,
    HCS_UNEXPECTED_EXIT,
    HCS_WRONG_STATE,
    NOT_SUPPORTED,
    PARAMETER_INCORRECT,
    Refused,
    signed,
)
from cni_hns.simulator.core.store import State

__all__ = [
    "SERVICE_STOPPED",
    "SHUT_DOWN",
    "TERMINATED",
    "begin_processes",
    "crash",
    "end",
    "fail",
    "leak",
    "pause",
    "resume",
    "save",
    "shut_down",
    "start",
    "terminate",
]


class Ending(NamedTuple):
    """How a system ends: what its exit document says."""

    exit_type: str
    attribution: Document
    hresult: int = 0


def _system_exit(detail: str, initiator: str) -> Document:
    return {"SystemExit": {"Detail": detail, "Initiator": initiator}}


SHUT_DOWN = Ending("GracefulExit", _system_exit("Shutdown", "Client"))
TERMINATED = Ending("ForcedExit", _system_exit("Terminate", "Client"))
SERVICE_STOPPED = Ending("ForcedExit", _system_exit("ServiceStop", "Internal"))
UNEXPECTED = Ending("UnexpectedExit", _system_exit("UnexpectedExit", "GuestOS"), HCS_UNEXPECTED_EXIT)
CRASHED = Ending(
    "UnexpectedExit", {"GuestCrash": {"CrashParameters": crashes.PARAMETERS}}, HCS_UNEXPECTED_EXIT
)

# The attribution came with schema 2.4.
_ATTRIBUTES_FROM = 20348

# What callers choose; the first is what HCS does where nothing is said.
_CRASH_TYPES = ("CrashGuest",)
_SHUTDOWN_TYPES = ("Shutdown", "Hibernate", "Reboot")
_SHUTDOWN_MECHANISMS = ("GuestConnection", "IntegrationService")
_SUSPENSION_LEVELS = ("Suspend", "MemoryLow", "MemoryMedium", "MemoryHigh")
_AS_TEMPLATE = "AsTemplate"
_SAVE_TYPES = ("ToFile", _AS_TEMPLATE)

# Every Windows container has these; the last one starts the others.
_OWN_PROCESSES = ("smss.exe", "csrss.exe", "wininit.exe", "services.exe", "CExecSvc.exe")


def start(state: State, run: str, options: str | None) -> None:
    """Let it run.

    Raises:
        Refused: 0x80070057, options; 0x80370105, it was started before; what `network.join` refuses.
    """
    _demand_none(options)
    system = _in_state(state, run, systems.CREATED)
    if not system.joined:
        network.join(state, system)
    systems.change(state, system, state=systems.RUNNING, started_at=clock.now(state))
    begin_processes(state, system)


def begin_processes(state: State, system: System) -> None:
    """What runs in every container of Windows."""
    if system.type == systems.CONTAINER:
        for image in _OWN_PROCESSES:
            processes.begin(state, system.run, image)


def shut_down(state: State, run: str, options: str | None) -> None:
    """Ask it to end.

    Raises:
        Refused: 0x80370105, it does not run; 0x80070032, options for a process-isolated one; 0x80004001, to
        hibernate or to boot again.
    """
    chosen = chosen_in(options, Type=_SHUTDOWN_TYPES, Mechanism=_SHUTDOWN_MECHANISMS)
    system = _in_state(state, run, systems.RUNNING)
    if options and system.process_isolated:
        raise Refused(NOT_SUPPORTED, "options of a shutdown are for virtual machines")
    if chosen["Type"] != _SHUTDOWN_TYPES[0]:
        raise Refused(E_NOTIMPL, chosen["Type"])
    if state.options.shutdown_obeyed:
        end(state, system, SHUT_DOWN)


def terminate(state: State, run: str, options: str | None) -> None:
    """End it, whatever it does. Raises: Refused: 0x80070057, options."""
    _demand_none(options)
    end(state, systems.living(state, run), TERMINATED)


def crash(state: State, run: str, options: str | None) -> None:
    """Crash the guest of a virtual machine.

    Raises:
        Refused: 0x80070032, it is process-isolated; 0x80370105, it does not run.
    """
    chosen_in(options, Type=_CRASH_TYPES)
    fail(state, _of_hypervisor(_in_state(state, run, systems.RUNNING)))


def fail(state: State, system: System) -> None:
    """It crashes: that is told before its end."""
    crashes.tell(state, system)
    end(state, system, CRASHED)


def pause(state: State, run: str, options: str | None) -> None:
    """Stop its processors. Raises: Refused: 0x80070032, it is process-isolated."""
    chosen_in(options, SuspensionLevel=_SUSPENSION_LEVELS)
    system = _of_hypervisor(systems.living(state, run))
    _demand(system, systems.RUNNING)
    pauses.begin(state, run)
    systems.change(state, system, state=systems.PAUSED)


def resume(state: State, run: str, options: str | None) -> None:
    """Let its processors go on. Raises: Refused: 0x80070032, it is process-isolated; 0x80070057, options."""
    _demand_none(options)
    system = _of_hypervisor(systems.living(state, run))
    _demand(system, systems.PAUSED)
    pauses.finish(state, run)
    systems.change(state, system, state=systems.RUNNING)


def save(state: State, run: str, options: str | None) -> None:
    """Write its memory down: it stays paused, or is a template from now on, which only can be ended.

    Raises:
        Refused: 0x80370105, it is not paused; 0x80070032, it is process-isolated.
    """
    chosen = chosen_in(options, SaveType=_SAVE_TYPES)
    system = _of_hypervisor(systems.living(state, run))
    _demand(system, systems.PAUSED)
    if chosen["SaveType"] == _AS_TEMPLATE:
        systems.change(state, system, state=systems.SAVED_AS_TEMPLATE)


def end(state: State, system: System, how: Ending, stuck: bool = False) -> None:
    """It has ended: with what it hosts, its processes, and its place in the namespace.

    `stuck` leaves it registered in its namespace.
    """
    for hosted in systems.hosted(state, system.id):
        if not hosted.has_ended:
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
        document["Attribution"] = [how.attribution]
    return document


def _demand_none(options: str | None) -> None:
    """Reserved, say the pages; some clients send an empty text for none."""
    if options:
        raise Refused(PARAMETER_INCORRECT, "options are reserved")


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
