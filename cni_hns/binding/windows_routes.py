"""The route table of this Windows, through IP Helper. No verb loads this.

Rule 1: no netsh, no PowerShell: a route takes a microsecond here and a second there.
Rule 2: a table that Windows allocates is copied and freed.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from cni_hns.binding._generated_host import ffi
from cni_hns.binding.route_table import BY_MANAGEMENT, HostRoute, route_fault

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WindowsRouteTable"]

# https://learn.microsoft.com/windows/win32/api/netioapi/nf-netioapi-getipforwardtable2
_ALL_FAMILIES = 0
_IPV4 = 4
_FAMILIES = {_IPV4: 2, 6: 23}
_NO_ROUTES = 1168
_PROC_NOT_FOUND = 127
_FOR_EVER_S = 0xFFFFFFFF


class WindowsRouteTable:
    """The routes of the compartment of the calling thread, which is the host's.

    `load` gives a DLL of System32 by its name, and what gives the ffi of its declarations.
    """

    def __init__(self, load: Callable[..., Any]) -> None:
        self._iphlpapi = load("iphlpapi.dll", lambda: ffi)

    def routes(self) -> list[HostRoute]:
        """As GetIpForwardTable2 has them."""
        free, table = self._function("FreeMibTable"), ffi.new("MIB_IPFORWARD_TABLE2 **")
        code = self._function("GetIpForwardTable2")(_ALL_FAMILIES, table)
        if code == _NO_ROUTES:
            return []
        if code:
            raise route_fault("GetIpForwardTable2", "the route table", code)
        try:
            # The structure ends with the first row: the others lie behind it.
            rows: Any = ffi.cast("MIB_IPFORWARD_ROW2 *", ffi.addressof(table[0], "Table"))
            return [_route(rows[number]) for number in range(int(table[0].NumEntries))]
        finally:
            free(table[0])

    def add(self, route: HostRoute) -> None:
        """By CreateIpForwardEntry2."""
        self._change("CreateIpForwardEntry2", route)

    def remove(self, route: HostRoute) -> None:
        """By DeleteIpForwardEntry2, which asks for prefix, next hop and interface."""
        self._change("DeleteIpForwardEntry2", route)

    def forwards(self, interface: int, version: int) -> bool:
        """As GetIpInterfaceEntry has it."""
        return bool(self._interface(interface, version).ForwardingEnabled)

    def let_forward(self, interface: int, version: int) -> None:
        """By SetIpInterfaceEntry, which leaves all else of the interface as it is."""
        row = self._interface(interface, version)
        row.ForwardingEnabled = 1
        if version == _IPV4:
            # It is of IPv6; Windows gives it for IPv4 too, and takes nothing but 0 back.
            row.SitePrefixLength = 0
        self._call("SetIpInterfaceEntry", f"interface {interface}", row)

    def _change(self, function: str, route: HostRoute) -> None:
        # What no field is set to here would otherwise say that Windows is to choose it.
        row: Any = ffi.new("MIB_IPFORWARD_ROW2 *")
        self._function("InitializeIpForwardEntry")(row)
        row.InterfaceIndex = route.interface
        prefix = ip_network(route.prefix)
        _put(row.DestinationPrefix.Prefix, str(prefix.network_address))
        row.DestinationPrefix.PrefixLength = prefix.prefixlen
        _put(row.NextHop, route.next_hop)
        row.SitePrefixLength = 0
        row.ValidLifetime = row.PreferredLifetime = _FOR_EVER_S
        row.Metric = route.metric
        row.Protocol = BY_MANAGEMENT
        self._call(function, f"route {route.words}", row)

    def _interface(self, interface: int, version: int) -> Any:
        row: Any = ffi.new("MIB_IPINTERFACE_ROW *")
        row.Family, row.InterfaceIndex = _FAMILIES[version], interface
        self._call("GetIpInterfaceEntry", f"interface {interface} (IPv{version})", row)
        return row

    def _call(self, function: str, target: str, row: Any) -> None:
        code = self._function(function)(row)
        if code:
            raise route_fault(function, target, int(code))

    def _function(self, name: str) -> Any:
        try:
            return getattr(self._iphlpapi, name)
        except (AttributeError, OSError, ffi.error) as fault:
            raise route_fault(name, "the route table", _PROC_NOT_FOUND) from fault


def _route(row: Any) -> HostRoute:
    prefix = f"{_address(row.DestinationPrefix.Prefix)}/{int(row.DestinationPrefix.PrefixLength)}"
    return HostRoute(
        str(ip_network(prefix, strict=False)),
        _address(row.NextHop),
        int(row.InterfaceIndex),
        int(row.Metric),
        int(row.Protocol),
    )


def _address(socket: Any) -> str:
    if int(socket.si_family) == _FAMILIES[6]:
        return str(ip_address(bytes(socket.sin6_addr)))
    return str(IPv4Address(int(socket.sin_addr_or_flow).to_bytes(4, "little")))


def _put(socket: Any, text: str) -> None:
    address = ip_address(text)
    socket.si_family = _FAMILIES[address.version]
    if address.version == _IPV4:
        # Four bytes in the order of the network, in a number of a machine that counts the other way.
        socket.sin_addr_or_flow = int.from_bytes(address.packed, "little")
    else:
        socket.sin6_addr = list(address.packed)
