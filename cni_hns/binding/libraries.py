"""What the binding works with: the libraries with the C functions, and what the node says of itself.

Windows (`windows.py`) and the simulated HNS each make one of both. The attributes of a library are C function
pointers with the signatures of `build.py` (of `computecore.py` for that DLL); one that this Windows does not
export is an AttributeError.
"""

from __future__ import annotations

from cni_hns.typed import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cni_hns.binding.host import Host
    from cni_hns.binding.route_table import RouteTable
    from cni_hns.binding.service_manager import ServiceManager

__all__ = ["Libraries", "Machine"]


class Libraries:
    """The libraries of one HNS. `Any`: their attributes are C functions, whose types only cffi knows."""

    def __init__(self, computenetwork: Any, vmcompute: Any, ole32: Any, computecore: Any) -> None:
        self.computenetwork = computenetwork
        self.vmcompute = vmcompute
        self.ole32 = ole32
        self.computecore = computecore

    def close(self) -> None:
        """The last call of a process. Windows unloads by itself; a simulated HNS counts what was left."""


class Machine(Protocol):
    """What the node says of itself; nothing here calls HNS."""

    def hns_start(self) -> str:
        """Names one run of the HNS service: another text means that it was started again since."""

    def is_hns_start(self, start: str) -> bool:
        """Whether the service is still in the run that `hns_start` gave this name; cheap to ask."""

    def hns_uptime_s(self) -> float:
        """Seconds since the service was started; 0 while it does not run, or where nobody knows."""

    def windows_build(self) -> int | None:
        """The build number of this Windows; None where the node does not say."""

    def is_this_machine(self) -> bool:
        """Whether the node is the machine that the program runs on, and what lies there the node's own."""

    def boot_id(self) -> str:
        """Names one boot of the machine: process ids of another boot mean nothing."""

    def state_folder(self) -> str:
        """The absolute folder for this node's ledger, where the configuration names no other."""

    def host_local_folder(self) -> str:
        """Where host-local keeps its reservations on this node, where the configuration names no folder."""

    def host(self) -> Host:
        """The machine besides HNS, for the operator's commands; loaded when it is asked for."""

    def service_manager(self) -> ServiceManager:
        """Makes and deletes services, for `install`; loaded when it is asked for."""

    def route_table(self) -> RouteTable:
        """The host's own routes, for the cluster's agent; loaded when it is asked for."""
