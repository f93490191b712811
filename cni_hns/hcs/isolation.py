"""What isolates a container, and what it therefore cannot do: told before HCS is called.

https://learn.microsoft.com/virtualization/api/hcs/Overview: pause, resume, save and restore are for virtual
machines. HCS answers the others late, or with a code that names no reason.
"""

from __future__ import annotations

from enum import StrEnum

from cni_hns.hcs.documents.properties import Properties
from cni_hns.hcs.documents.words import SystemType

__all__ = ["IMPOSSIBLE", "Isolation", "Refused", "isolation_of", "refuse_if_impossible"]


class Isolation(StrEnum):
    """What lies between the system and the host's kernel."""

    PROCESS = "process"
    HYPERV = "hyperv"
    VIRTUAL_MACHINE = "virtual machine"


class Refused(Exception):
    """It was not asked of HCS, which cannot do it: `what` for which system, `reason`, `next_step`."""

    def __init__(self, what: str, system_id: str, reason: str, next_step: str) -> None:
        super().__init__(what, system_id, reason, next_step)
        self.what = what
        self.system_id = system_id
        self.reason = reason
        self.next_step = next_step

    def __str__(self) -> str:
        return f"compute system {self.system_id} cannot {self.what}: {self.reason}. Next: {self.next_step}."


def isolation_of(properties: Properties) -> Isolation:
    """Seen from outside: HCS has no member for it. A container that a virtual machine hosts is Hyper-V's."""
    if properties.system_type == SystemType.VIRTUAL_MACHINE:
        return Isolation.VIRTUAL_MACHINE
    return Isolation.HYPERV if properties.hosting_system_id else Isolation.PROCESS


_SHARES = "it is process-isolated: it shares the host's kernel"
_HYPERV = "use Hyper-V isolation for it (a RuntimeClass), or leave it out"

IMPOSSIBLE = {
    "be paused": (f"{_SHARES}, and HCS pauses virtual machines only", _HYPERV),
    "be resumed": (f"{_SHARES}, and HCS resumes virtual machines only", _HYPERV),
    "tell Memory": (f"{_SHARES} and its memory", "ask for Statistics"),
    "tell GuestConnection": (f"{_SHARES}, and there is no guest", "leave it out"),
    "be given a device of a virtual machine": (
        f"{_SHARES}, and the network comes with its HCN namespace",
        "add an endpoint to the namespace",
    ),
}
"""What a process-isolated container cannot do, in words: why not, and what to do instead."""


def refuse_if_impossible(what: str, properties: Properties) -> None:
    """Raises: Refused if a system with these properties cannot do what is IMPOSSIBLE for some."""
    if isolation_of(properties) is Isolation.PROCESS:
        raise Refused(what, properties.id, *IMPOSSIBLE[what])
