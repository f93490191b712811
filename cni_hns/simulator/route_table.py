"""The simulated node's route table, as the binding's `RouteTable` asks for it.

Its calls are calls of the node like those of HNS: the journal has them, and faults are for them by the name
of the C function, an `hresult` being a Win32 code, wrapped (0x80070005) or plain (5).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cni_hns.binding.route_table import HostRoute, route_fault
from cni_hns.simulator.core.service import IP_HELPER, Service

if TYPE_CHECKING:
    from cni_hns.simulator.core.store import Store

__all__ = ["SimulatedRouteTable"]

_PROC_NOT_FOUND = 127


class SimulatedRouteTable:
    """The routes of one node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._service = Service(store)

    def routes(self) -> list[HostRoute]:
        """Those of its interfaces, and those that were made."""
        rows = json.loads(self._call("GetIpForwardTable2", "the route table"))
        return [HostRoute(*row) for row in rows]

    def add(self, route: HostRoute) -> None:
        """The next hop has to be on a link of the interface."""
        self._call("CreateIpForwardEntry2", f"route {route.words}", _row(route))

    def remove(self, route: HostRoute) -> None:
        """Only one that was made."""
        self._call("DeleteIpForwardEntry2", f"route {route.words}", _row(route))

    def forwards(self, interface: int, version: int) -> bool:
        """Off until it is switched on."""
        given = {"interface": interface, "version": version}
        target = f"interface {interface} (IPv{version})"
        return bool(json.loads(self._call("GetIpInterfaceEntry", target, given))["forwards"])

    def let_forward(self, interface: int, version: int) -> None:
        """Until the next boot."""
        given = {"interface": interface, "version": version}
        self._call("SetIpInterfaceEntry", f"interface {interface}", given)

    def _call(self, function: str, target: str, row: dict[str, Any] | None = None) -> str:
        if function in self._store.options().missing_functions:
            raise route_fault(function, "the route table", _PROC_NOT_FOUND)
        arguments: list[str | None] = [] if row is None else [json.dumps(row)]
        answer = self._service.call(IP_HELPER + function, arguments)
        if answer.hresult:
            raise route_fault(function, target, answer.hresult & 0xFFFF)
        return answer.text


def _row(route: HostRoute) -> dict[str, Any]:
    """`Name` is what faults and journal call it by."""
    return {"Name": route.prefix, **route._asdict()}
