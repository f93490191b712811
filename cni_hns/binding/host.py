"""What the machine says of itself besides HNS: services, interfaces, ports, disks, memory, clock.

For the operator's commands; no verb loads this. Windows (`windows_host.py`) and the simulated node each make
a `Host`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "SERVICE_STATES",
    "Clock",
    "Disk",
    "Host",
    "Interface",
    "Memory",
    "PortRange",
    "Ports",
    "Run",
    "Service",
]

# https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status_process
SERVICE_STATES = {
    1: "stopped",
    2: "starting",
    3: "stopping",
    4: "running",
    5: "continuing",
    6: "pausing",
    7: "paused",
}
"""What `Service.state` says of Windows' numbers."""


class Service(NamedTuple):
    """A service: `state` is "running", "stopped", "missing" or what it is changing to, such as "starting".

    `pid` is 0 while it has no process; `started_s`, seconds since the epoch, is None where nobody knows.
    """

    name: str
    state: str
    pid: int = 0
    started_s: float | None = None


class Interface(NamedTuple):
    """An interface of the host: its addresses as "10.0.0.2/24", its gateways, its MTU in bytes.

    `mac` is spelled as HNS spells it ("00-15-5D-01-02-03"), "" where the interface has none.
    """

    name: str
    mtu: int
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    is_up: bool
    mac: str = ""


class PortRange(NamedTuple):
    """Ports from `first` to `last`, both included; `protocol` is "tcp" or "udp".

    `by_hand`: an administrator excluded them; else a program reserved them.
    """

    protocol: str
    first: int
    last: int
    by_hand: bool = False


class Ports(NamedTuple):
    """Ports that nobody gets without asking for just these, and those that Windows gives out itself."""

    excluded: tuple[PortRange, ...]
    dynamic: tuple[PortRange, ...]

    @property
    def kept_from_hns(self) -> list[PortRange]:
        """The excluded ones that HNS does not get; a single port may be its own reservation for a pod."""
        return [one for one in self.excluded if one.by_hand or one.first < one.last]


class Disk(NamedTuple):
    """The volume that a folder lies on, or would lie on."""

    folder: str
    total_bytes: int
    free_bytes: int


class Memory(NamedTuple):
    """The machine's memory."""

    total_bytes: int
    free_bytes: int


class Clock(NamedTuple):
    """The clock on the wall, in seconds since the epoch, and how long the machine has been up."""

    wall_s: float
    uptime_s: float


class Ended(Protocol):
    """How a program ended, as `binding.children` has it."""

    @property
    def status(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def late(self) -> bool: ...


class Run(Protocol):
    """Runs a program to its end, or for so many seconds."""

    def __call__(
        self,
        program: str,
        environment: Mapping[str, str],
        given: bytes,
        timeout_s: float,
        arguments: Sequence[str],
    ) -> Ended: ...


class Host(Protocol):
    """This machine. Each method reads one thing now. Raises: OSError, where it cannot be read."""

    def service(self, name: str) -> Service:
        """The service of this name."""

    def interfaces(self) -> list[Interface]:
        """Those of the host's own compartment, without loopback."""

    def ports(self, run: Run, timeout_s: float) -> Ports:
        """Excluded and dynamic ports. A program tells them; `run` is `binding.children.run`, or a stand-in.

        Raises: OSError also where that program has not ended in this time.
        """

    def disk(self, folder: str) -> Disk:
        """The volume of the folder, or of the nearest one above it that is there."""

    def memory(self) -> Memory:
        """Of the whole machine."""

    def clock(self) -> Clock:
        """What the clock on the wall shows, and the time since the boot, which nobody can set."""
