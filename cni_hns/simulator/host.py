"""The simulated machine around the service, as the binding's `Host` asks it: what the node's options say."""

from __future__ import annotations

import os
import shutil
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cni_hns.binding.host import Clock, Disk, Interface, Memory, PortRange, Ports, Service
from cni_hns.simulator.service_manager import SimulatedServiceManager

if TYPE_CHECKING:
    from cni_hns.binding.host import Run
    from cni_hns.simulator.core.options import Options
    from cni_hns.simulator.core.store import Store

__all__ = ["SimulatedHost"]

_PROTOCOLS = {6: "tcp", 17: "udp"}
_PIDS = {"hns": 1204, "vmcompute": 1388}
_MTU, _PREFIX = 1500, 24


class SimulatedHost:
    """The machine of one node."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._made = SimulatedServiceManager(folder)

    def service(self, name: str) -> Service:
        """HNS and HCS run unless their calls fail; another service is missing unless it was given."""
        options = self._store.options()
        stopped = {"hns": options.service_stopped_hresult, "vmcompute": options.hcs_stopped_hresult}
        given: dict[str, Any] | None = options.services.get(name)
        if given is not None:
            return Service(**{"name": name, "state": "running", **given})
        if name not in stopped:
            return Service(name, self._made.state(name))
        if stopped[name]:
            return Service(name, "stopped")
        # Of the older one no start is known: it is as old as the other.
        started_s = _wall_s(options) - float(options.hns_uptime_s)
        return Service(name, "running", _PIDS[name], started_s)

    def interfaces(self) -> list[Interface]:
        """The node's adapters."""
        return [_interface(one) for one in self._store.options().adapters]

    def ports(self, run: Run, timeout_s: float) -> Ports:  # noqa: ARG002 - no program is needed
        """The options of these names."""
        options = self._store.options()
        if options.netsh_hangs:
            raise OSError(f"netsh has not ended within {timeout_s:.1f} s")
        return Ports(_ranges(options.excluded_ports), _ranges(options.dynamic_ports))

    def disk(self, folder: str) -> Disk:
        """The option of this name, else the disk below the folder."""
        options = self._store.options()
        if options.disk_bytes:
            return Disk(folder, *options.disk_bytes)
        there = os.path.abspath(folder)
        while not os.path.isdir(there):
            there = os.path.dirname(there)
        usage = shutil.disk_usage(there)
        return Disk(folder, usage.total, usage.free)

    def memory(self) -> Memory:
        """The option of this name."""
        options = self._store.options()
        return Memory(*options.memory_bytes)

    def clock(self) -> Clock:
        """The machine's below, its wall clock moved as the option says."""
        return Clock(_wall_s(self._store.options()), time.monotonic())


def _wall_s(options: Options) -> float:
    return time.time() + float(options.clock_ahead_s)


def _interface(adapter: dict[str, Any]) -> Interface:
    address = adapter.get("address")
    own = (f"{address}/{adapter.get('prefix', _PREFIX)}",) if address else ()
    gateway = adapter.get("gateway")
    return Interface(
        str(adapter["name"]),
        int(adapter.get("mtu", _MTU)),
        (*own, *adapter.get("also", ())),
        (gateway,) if gateway else (),
        is_up=True,
        mac=str(adapter.get("mac", _mac(address) if address else "")),
    )


def _mac(address: str) -> str:
    """Of an adapter for which the options have none: a private one that follows from its address."""
    return "-".join(["02", "00", *(f"{one:02X}" for one in ip_address(address).packed[-4:])])


def _ranges(given: list[list[int]]) -> tuple[PortRange, ...]:
    return tuple(PortRange(_PROTOCOLS[protocol], first, last) for protocol, first, last in given)
