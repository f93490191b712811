"""The host's own route table: the routes of its compartment, and which interfaces forward packets.

For the cluster's agent; no verb loads this. Windows (`windows_routes.py`) and the simulated node each make a
`RouteTable`.

    RouteFault             a call failed; its Win32 code
        RouteExists        there is such a route already
        RouteMissing       there is no such route, or no such interface
        RouteDenied        not an administrator
        RoutesUnsupported  this Windows does not have the function

https://learn.microsoft.com/windows/win32/iphlp/ip-helper-start-page
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = [
    "BY_MANAGEMENT",
    "ON_LINK",
    "HostRoute",
    "RouteDenied",
    "RouteExists",
    "RouteFault",
    "RouteMissing",
    "RouteTable",
    "RoutesUnsupported",
    "route_fault",
]

BY_MANAGEMENT = 3
"""NL_ROUTE_PROTOCOL, RouteProtocolNetMgmt: a person or a program made the route, as ours are made.

https://learn.microsoft.com/windows/win32/api/nldef/ne-nldef-nl_route_protocol
"""

ON_LINK = ("0.0.0.0", "::")  # noqa: S104 - a next hop, nothing listens on it
"""The next hops of a route whose destination is on the interface's own link."""


class HostRoute(NamedTuple):
    """A route of the host: `next_hop` is one of `ON_LINK` where no router is needed.

    Windows tells routes apart by prefix, interface (its index) and next hop. `metric` is added to that of
    the interface. `protocol` says who made it.
    """

    prefix: str
    next_hop: str
    interface: int
    metric: int = 0
    protocol: int = BY_MANAGEMENT

    @property
    def words(self) -> str:
        """How errors name it."""
        return f"{self.prefix} via {self.next_hop} on interface {self.interface}"


class RouteFault(OSError):
    """A call to the route table failed with this Win32 code."""

    def __init__(self, function: str, target: str, code: int) -> None:
        meaning, next_step = _CODES.get(code, ("", "look the code up: `net helpmsg` knows it"))
        words = f"Win32 error {code}" + (f", {meaning}" if meaning else "")
        super().__init__(f"{function} failed on {target} ({words}). Next: {next_step}.")
        self.function = function
        self.target = target
        self.code = code


class RouteExists(RouteFault):
    """There is such a route already."""


class RouteMissing(RouteFault):
    """There is no such route, or no such interface."""


class RouteDenied(RouteFault):
    """The caller is not an administrator."""


class RoutesUnsupported(RouteFault):
    """This Windows does not have the function, or no such IP stack."""


class RouteTable(Protocol):
    """The route table of this machine. Each method is one call or two. Raises: RouteFault."""

    def routes(self) -> list[HostRoute]:
        """All routes of both families."""

    def add(self, route: HostRoute) -> None:
        """Make it, until the next boot. Raises: RouteExists; RouteMissing: no such interface."""

    def remove(self, route: HostRoute) -> None:
        """Take it away. Raises: RouteMissing: it is not there."""

    def forwards(self, interface: int, version: int) -> bool:
        """Whether the interface passes on packets of this IP version that are for others."""

    def let_forward(self, interface: int, version: int) -> None:
        """Have it do so."""


# https://learn.microsoft.com/windows/win32/debug/system-error-codes
_CODES = {
    5: ("access denied", "run as administrator or SYSTEM"),
    50: ("this interface or Windows does not support it", "see whether this IP version is installed"),
    87: (
        "a parameter is wrong; often the next hop is not on the interface's link",
        "see `Get-NetRoute` and `Get-NetIPAddress`: the next hop has to be on a link of the interface",
    ),
    127: ("this Windows does not have the function", "update Windows on this node"),
    1168: (
        "no such route or interface",
        "see `Get-NetRoute` and `Get-NetAdapter`: it may have gone",
    ),
    5010: ("there is such a route already", "see `Get-NetRoute` for it"),
}
_CLASSES: dict[int, type[RouteFault]] = {
    2: RouteMissing,
    5: RouteDenied,
    50: RoutesUnsupported,
    127: RoutesUnsupported,
    1168: RouteMissing,
    5010: RouteExists,
}


def route_fault(function: str, target: str, code: int) -> RouteFault:
    """The error of the class that the Win32 code has."""
    return _CLASSES.get(code, RouteFault)(function, target, code)
