"""Reading the machine around HNS: one look at each thing, side by side, within one limit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.children import run
from cni_hns.survey.questions import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.binding.host import Clock, Disk, Host, Interface, Memory, Ports, Service
    from cni_hns.ledger.condition import Condition

__all__ = ["SERVICES", "HostSeen", "look_around"]

SERVICES = ("hns", "vmcompute")


class HostSeen(NamedTuple):
    """Each None where it was not read, or could not be; `notes` have the reasons.

    `disks`: what lies there, in words, and the volume that it lies on.
    """

    services: tuple[Service, ...] | None = None
    interfaces: tuple[Interface, ...] | None = None
    ports: Ports | None = None
    disks: tuple[tuple[str, Disk], ...] | None = None
    memory: Memory | None = None
    clock: Clock | None = None
    ledger: Condition | None = None
    notes: tuple[str, ...] = ()


def look_around(
    host: Host, folders: Mapping[str, str], ledger: Callable[[], Condition], timeout_s: float
) -> HostSeen:
    """What the machine says now. `folders`: what lies there, in words -> the folder's path."""
    services = Question("the service manager", timeout_s, lambda: tuple(map(host.service, SERVICES)))
    interfaces = Question("IP Helper", timeout_s, lambda: tuple(host.interfaces()))
    ports = Question("netsh", timeout_s, lambda: host.ports(run, timeout_s))
    disks = Question(
        "the disk", timeout_s, lambda: tuple((what, host.disk(folder)) for what, folder in folders.items())
    )
    memory = Question("the memory", timeout_s, host.memory)
    clock = Question("the clock", timeout_s, host.clock)
    condition = Question("the ledger", timeout_s, ledger)
    asked = (services, interfaces, ports, disks, memory, clock, condition)
    return HostSeen(
        services.outcome().value,
        interfaces.outcome().value,
        ports.outcome().value,
        disks.outcome().value,
        memory.outcome().value,
        clock.outcome().value,
        condition.outcome().value,
        tuple(fault for fault in (one.outcome().fault for one in asked) if fault),
    )
