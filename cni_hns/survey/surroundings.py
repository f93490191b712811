"""Reading the machine around HNS: one look at each thing, side by side, within one limit of time."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cni_hns.binding.children import run
from cni_hns.binding.reading import member
from cni_hns.identity import guid
from cni_hns.survey.questions import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.binding.host import Clock, Disk, Interface, Memory, Ports, Service
    from cni_hns.ledger.condition import Condition
    from cni_hns.node.node import Node

__all__ = ["FULL_BYTES", "LITTLE_BYTES", "SERVICES", "HeldPort", "HostSeen", "look_around"]

_Answer = TypeVar("_Answer")

FULL_BYTES = 1 << 20
"""With less no verb can write what it does."""
LITTLE_BYTES = 1 << 29
"""With less a log, or the image of the next pod, may fill the disk."""
SERVICES = ("hns", "vmcompute")


class HeldPort(NamedTuple):
    """A host port that HNS has reserved: for which of its objects, by GUID in lower case."""

    port: int
    owner: str


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
    windows_build: int | None = None
    held_ports: tuple[HeldPort, ...] | None = None
    notes: tuple[str, ...] = ()


def look_around(
    apart: Callable[[], Node],
    folders: Mapping[str, str],
    ledger: Callable[[], Condition],
    timeout_s: float,
) -> HostSeen:
    """What the machine says now. `apart` makes a node for one thread, `ledger` tells its condition.

    `folders`: what lies there, in words -> the folder's path.
    """

    def ask(what: str, work: Callable[[Node], _Answer]) -> Question[_Answer]:
        return Question(what, timeout_s, lambda: _with(apart(), work))

    services = ask("the service manager", lambda node: tuple(map(node.machine.host().service, SERVICES)))
    interfaces = ask("IP Helper", lambda node: tuple(node.machine.host().interfaces()))
    ports = ask("netsh", lambda node: node.machine.host().ports(run, timeout_s))
    disks = ask("the disk", lambda node: _disks(node, folders))
    memory = ask("the memory", lambda node: node.machine.host().memory())
    clock = ask("the clock", lambda node: node.machine.host().clock())
    build = ask("Windows", lambda node: node.machine.windows_build())
    held = ask("HNS, asked for its ports,", _held_ports)
    condition = Question("the ledger", timeout_s, ledger)
    asked = (services, interfaces, ports, disks, memory, clock, build, held, condition)
    return HostSeen(
        services=services.outcome().value,
        interfaces=interfaces.outcome().value,
        ports=ports.outcome().value,
        disks=disks.outcome().value,
        memory=memory.outcome().value,
        clock=clock.outcome().value,
        ledger=condition.outcome().value,
        windows_build=build.outcome().value,
        held_ports=held.outcome().value,
        notes=tuple(fault for fault in (one.outcome().fault for one in asked) if fault),
    )


def _with(node: Node, work: Callable[[Node], _Answer]) -> _Answer:
    with closing(node):
        return work(node)


def _disks(node: Node, folders: Mapping[str, str]) -> tuple[tuple[str, Disk], ...]:
    host = node.machine.host()
    return tuple((what, host.disk(folder)) for what, folder in folders.items())


def _held_ports(node: Node) -> tuple[HeldPort, ...] | None:
    """None where HNS answers in another shape: Microsoft publishes none."""
    found = [(member(one, "Port"), guid(str(member(one, "Owner")))) for one in node.hns.port_pools()]
    held = [HeldPort(port, owner) for port, owner in found if isinstance(port, int) and owner]
    return tuple(held) if len(held) == len(found) else None
