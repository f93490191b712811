"""What the simulated node says of itself, as the binding's `Machine` asks it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cni_hns.simulator.core.store import Store

if TYPE_CHECKING:
    from cni_hns.binding.host import Host
    from cni_hns.binding.route_table import RouteTable
    from cni_hns.binding.service_manager import ServiceManager

__all__ = ["SimulatedMachine"]


class SimulatedMachine:
    """The node of one folder."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store = store
        self._folder = folder

    def hns_start(self) -> str:
        """The run of the service; another text after a restart."""
        ((number,),) = self._store.rows("SELECT generation FROM node")
        return f"simulated {number}"

    def is_hns_start(self, start: str) -> bool:
        """Whether that run still goes on."""
        return self.hns_start() == start

    def hns_uptime_s(self) -> float:
        """For how long the service says that it runs: the option of this name."""
        with self._store.transaction() as state:
            return float(state.options.hns_uptime_s)

    def windows_build(self) -> int:
        """The option of this name."""
        with self._store.transaction() as state:
            return int(state.options.windows_build)

    def is_this_machine(self) -> bool:
        """Never: it may be another machine's node, opened from a bundle."""
        return False

    def boot_id(self) -> str:
        """The boot of the simulated machine, on this boot of the real one: processes die with either."""
        ((number,),) = self._store.rows("SELECT boot FROM node")
        return f"{_real_boot()}/{number}"

    def state_folder(self) -> str:
        """Where the plugin keeps its own state for this node."""
        return os.path.join(self._folder, "cni-hns")

    def host_local_folder(self) -> str:
        """Where host-local would keep its own: not where the real machine's host-local does."""
        return os.path.join(self._folder, "host-local")

    def host(self) -> Host:
        """The machine around the service, as its options have it."""
        from cni_hns.simulator.host import SimulatedHost

        return SimulatedHost(self._store, self._folder)

    def service_manager(self) -> ServiceManager:
        """Of the simulated machine: it writes down what would run, and runs nothing."""
        from cni_hns.simulator.service_manager import SimulatedServiceManager

        return SimulatedServiceManager(self._folder)

    def route_table(self) -> RouteTable:
        """The routes of this node, kept with it."""
        from cni_hns.simulator.route_table import SimulatedRouteTable

        return SimulatedRouteTable(self._store)


def _real_boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "no-boot-id"
