"""Routes of the host to other nodes' pods, as host-gw on l2bridge needs them.

Rule 1: a route that is not in our note is somebody else's. It is neither changed nor removed, and where it
leads elsewhere than we want, ours is not put beside it: it is told.
Rule 2: where a node's address changed, the new route is there before the old one goes.

Source: flannel's host-gw backend for Windows: routes by the node's address on the management interface, and
forwarding on for that interface and for the one of the host's own endpoint in the pods' subnet.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from cni_hns.binding.route_table import (
    BY_MANAGEMENT,
    ON_LINK,
    HostRoute,
    RouteDenied,
    RouteExists,
    RouteFault,
    RouteMissing,
    RoutesUnsupported,
    route_fault,
)
from cni_hns.cluster.routes.removal import NOTHING
from cni_hns.cluster.routes.route import Changes, Refusal, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.binding.route_table import RouteTable
    from cni_hns.cluster.prefixes import Network
    from cni_hns.cluster.routes.note import Key, Note
    from cni_hns.cluster.routes.removal import Gone

__all__ = ["bring", "forward", "on_link"]

_ERROR_NOT_FOUND = 1168
_METRIC = 0


def bring(
    table: RouteTable,
    wanted: Sequence[Route],
    known: Gone = NOTHING,
    *,
    note: Note,
    there: list[HostRoute] | None = None,
) -> Changes:
    """Have these routes on the host, and take off ours whose node is gone.

    `there` is what the table has just answered, if the caller has it.

    Raises:
        RouteFault: the table cannot be read; or (RouteDenied, RoutesUnsupported) nobody lets us change it.
        OSError: the note cannot be written, or (NoteExposed) others can; then no route was changed.
    """
    work = _Work(table, note, table.routes() if there is None else there)
    work.look(wanted)
    work.make()
    work.clear({one.prefix: one.provider for one in wanted}, known)
    return work.changes


def on_link(there: Iterable[HostRoute]) -> list[str]:
    """The prefixes that the host reaches without a router, for `wanted.ways`."""
    networks = (ip_network(one.prefix) for one in there if one.next_hop in ON_LINK)
    return sorted({str(one) for one in networks if one.prefixlen < one.max_prefixlen})


def forward(table: RouteTable, addresses: Iterable[str]) -> list[int]:
    """Have the interfaces with these addresses of the host forward packets; those that did not before.

    Raises: RouteFault; RouteMissing also where no interface has such an address.
    """
    links = _Links(table.routes())
    switched = []
    for text in addresses:
        interface, version = links.interface_to(text), ip_address(text).version
        if interface is None:
            raise route_fault("GetIpForwardTable2", f"address {text} of this host", _ERROR_NOT_FOUND)
        if not table.forwards(interface, version):
            table.let_forward(interface, version)
            switched.append(interface)
    return switched


class _Links:
    """The links of the host's interfaces, the smallest first."""

    def __init__(self, there: Iterable[HostRoute]) -> None:
        found = [(ip_network(one.prefix), one) for one in there if one.next_hop in ON_LINK]
        self._found: list[tuple[Network, HostRoute]] = sorted(
            found, key=lambda one: (-one[0].prefixlen, one[1].metric, one[1].interface)
        )

    def interface_to(self, text: str) -> int | None:
        """The interface on whose link the address is; None where only a router reaches it."""
        address = ip_address(text)
        for network, route in self._found:
            if address.version == network.version and address in network:
                # Everything is on the link of an interface without a router, such as a tunnel's.
                return route.interface if network.prefixlen else None
        return None


class _Work:
    """One run: what is there, what is ours of it, and what was done."""

    def __init__(self, table: RouteTable, note: Note, there: list[HostRoute]) -> None:
        self._table = table
        self._note = note
        self._noted = note.read()
        self._links = _Links(there)
        self._there: dict[str, list[HostRoute]] = {}
        for one in there:
            self._there.setdefault(one.prefix, []).append(one)
        self._present = {_key(one) for one in there}
        self._ours = {_key(one): one for one in there if self._is_ours(one)}
        self._new: list[tuple[Route, HostRoute]] = []
        self._doubtful: set[Key] = set()
        self.changes = Changes([], [], [], [])

    def look(self, wanted: Sequence[Route]) -> None:
        """Which of the wanted routes have to be made."""
        for route in wanted:
            found = self._there.get(route.prefix, [])
            if any(one.next_hop == route.provider for one in found):
                continue
            foreign = next((one for one in found if not self._is_ours(one)), None)
            if foreign is not None:
                self.changes.foreign.append(Refusal(route, _left_alone(route, foreign)))
                continue
            interface = self._links.interface_to(route.provider)
            if interface is None:
                self.changes.refused.append(Refusal(route, _off_link(route)))
                continue
            self._new.append((route, HostRoute(route.prefix, route.provider, interface, _METRIC)))

    def make(self) -> None:
        """Write the new ones down, then make them."""
        made = {_key(row): row for _, row in self._new}
        self._hold(set(self._ours) | set(made))
        for route, row in self._new:
            try:
                self._table.add(row)
            except RouteExists:
                # Somebody made it at this moment, so it is theirs.
                self._present.add(_key(row))
                del made[_key(row)]
            except (RouteDenied, RoutesUnsupported):
                raise
            except RouteFault as fault:
                self.changes.refused.append(Refusal(route, str(fault)))
            else:
                self.changes.added.append(route)
                self._present.add(_key(row))
        # One that was refused stays noted: it may have been made all the same. The next run will see.
        self._doubtful = set(made) - self._present
        self._ours |= {key: row for key, row in made.items() if key in self._present}

    def clear(self, wanted: dict[str, str], known: Gone) -> None:
        """Take off those of ours that another one replaces, and those to nodes that are gone.

        `wanted` has the next hop of each prefix.
        """
        for key, row in list(self._ours.items()):
            hop = wanted.get(row.prefix)
            if hop is None:
                spare = known.has(row.prefix)
            else:
                spare = hop != row.next_hop and (row.prefix, hop) in self._present
            if spare and self._removed(row):
                del self._ours[key]
        self._hold(set(self._ours) | self._doubtful)

    def _removed(self, row: HostRoute) -> bool:
        try:
            self._table.remove(row)
        except RouteMissing:
            return True
        except RouteFault as fault:
            self.changes.refused.append(Refusal(_route(row), str(fault)))
            return False
        self.changes.removed.append(_route(row))
        return True

    def _hold(self, keys: set[Key]) -> None:
        if keys != self._noted:
            self._note.write(keys)
            self._noted = keys

    def _is_ours(self, row: HostRoute) -> bool:
        return row.protocol == BY_MANAGEMENT and _key(row) in self._noted


def _key(row: HostRoute) -> Key:
    return row.prefix, row.next_hop


def _route(row: HostRoute) -> Route:
    return Route(row.prefix, row.next_hop)


def _left_alone(route: Route, foreign: HostRoute) -> str:
    return (
        f"a route to {route.prefix} via {foreign.next_hop} is there that cni-hns did not make, and the pods "
        f"are reached via {route.provider}. Next: if nobody needs it, remove it "
        f"(`Remove-NetRoute -DestinationPrefix {route.prefix}`); cni-hns then makes its own"
    )


def _off_link(route: Route) -> str:
    return (
        f"{route.provider} is on no link of this host. Next: see `Get-NetIPAddress`; host-gw needs all nodes "
        "in one layer-2 segment"
    )
