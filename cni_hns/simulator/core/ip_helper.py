"""IP Helper's route table: functions of another DLL than HNS's, which run while HNS does not.

Sources: the pages of CreateIpForwardEntry2, DeleteIpForwardEntry2, GetIpForwardTable2, SetIpInterfaceEntry.
Windows tells routes apart by prefix, interface and next hop; those that were made so are gone after a boot,
and with their interface. An argument is the JSON of a row; its first member names it for faults and journal.

The node's interfaces are its adapters, and the endpoints in the host's own compartment. (On Windows an
external network moves the adapter's addresses to an interface of another index; here they stay.)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from typing import NamedTuple

from cni_hns.simulator.core.documents import Document
from cni_hns.simulator.core.errors import (
    ACCESS_DENIED,
    ELEMENT_NOT_FOUND,
    OBJECT_ALREADY_EXISTS,
    PARAMETER_INCORRECT,
    Refused,
    refuse_unless_zero,
)
from cni_hns.simulator.core.store import State

__all__ = ["WORK", "forget_routes", "plant"]

_LOOPBACK, _FIRST_ADAPTER, _FIRST_ENDPOINT = 1, 10, 1000
_USUAL_PREFIX = 24
# NL_ROUTE_PROTOCOL: https://learn.microsoft.com/windows/win32/api/nldef/ne-nldef-nl_route_protocol
_LOCAL, _BY_MANAGEMENT = 2, 3
_ON_LINK = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - next hops, nothing listens on them
_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}


class _Interface(NamedTuple):
    number: int
    addresses: list[IPv4Interface | IPv6Interface]
    gateway: str


def plant(state: State, row: Document) -> None:
    """Somebody else's route is there, without a call."""
    _insert(state, _read(row), int(row.get("protocol", _BY_MANAGEMENT)))


def forget_routes(state: State) -> None:
    """The machine boots: routes that are not stored are gone, and no interface forwards."""
    state.run("DELETE FROM forwards")
    state.run("DELETE FROM forwarding")


def _table(state: State, _arguments: list[str | None]) -> str:
    interfaces = list(_interfaces(state))
    known = {one.number for one in interfaces}
    rows = [row for one in interfaces for row in _own_rows(one)]
    made = state.rows("SELECT prefix, next_hop, interface, metric, protocol FROM forwards ORDER BY rowid")
    return json.dumps(rows + [list(row) for row in made if row[2] in known])


def _create(state: State, arguments: list[str | None]) -> str:
    _demand_administrator(state)
    row = _read(json.loads(arguments[0] or "{}"))
    interface = _interface(state, row.interface)
    hop = ip_address(row.next_hop)
    if ip_network(row.prefix).version != hop.version:
        raise Refused(PARAMETER_INCORRECT, "prefix and next hop are of two families")
    if row.next_hop != _ON_LINK[hop.version] and not any(hop in one.network for one in interface.addresses):
        refuse_unless_zero(state.options.next_hop_off_link_hresult, f"{hop} is on no link of it")
    table = json.loads(_table(state, []))
    if [row.prefix, row.next_hop, row.interface] in [one[:3] for one in table]:
        raise Refused(OBJECT_ALREADY_EXISTS, row.prefix)
    _insert(state, row, _BY_MANAGEMENT)
    return ""


def _delete(state: State, arguments: list[str | None]) -> str:
    _demand_administrator(state)
    row = _read(json.loads(arguments[0] or "{}"))
    gone = state.run(
        "DELETE FROM forwards WHERE prefix = ? AND next_hop = ? AND interface = ?",
        *(row.prefix, row.next_hop, row.interface),
    )
    if not gone:
        raise Refused(ELEMENT_NOT_FOUND, row.prefix)
    return ""


def _get_interface(state: State, arguments: list[str | None]) -> str:
    index, version = _asked(state, arguments)
    found = state.row("SELECT 1 FROM forwarding WHERE interface = ? AND version = ?", index, version)
    return json.dumps({"forwards": found is not None})


def _set_interface(state: State, arguments: list[str | None]) -> str:
    _demand_administrator(state)
    state.run("INSERT OR IGNORE INTO forwarding VALUES (?, ?)", *_asked(state, arguments))
    return ""


class _Row(NamedTuple):
    prefix: str
    next_hop: str
    interface: int
    metric: int


def _read(given: Document) -> _Row:
    """The row in one spelling. Raises: Refused: 0x80070057, it is none."""
    try:
        prefix, hop = ip_network(str(given["prefix"])), ip_address(str(given["next_hop"]))
        return _Row(str(prefix), str(hop), int(given["interface"]), int(given.get("metric", 0)))
    except (KeyError, ValueError) as fault:
        raise Refused(PARAMETER_INCORRECT, str(fault)) from fault


def _insert(state: State, row: _Row, protocol: int) -> None:
    state.run("INSERT INTO forwards VALUES (?, ?, ?, ?, ?)", *row, protocol)


def _demand_administrator(state: State) -> None:
    if not state.options.elevated:
        raise Refused(ACCESS_DENIED)


def _asked(state: State, arguments: list[str | None]) -> tuple[int, int]:
    given = json.loads(arguments[0] or "{}")
    found = _interface(state, int(given["interface"]))
    return found.number, int(given["version"])


def _interface(state: State, index: int) -> _Interface:
    for one in _interfaces(state):
        if one.number == index:
            return one
    raise Refused(ELEMENT_NOT_FOUND, f"interface {index}")


def _interfaces(state: State) -> Iterator[_Interface]:
    yield _Interface(_LOOPBACK, [ip_interface("127.0.0.1/8"), ip_interface("::1/128")], "")
    for number, adapter in enumerate(state.options.adapters):
        texts = (
            [f"{adapter['address']}/{adapter.get('prefix', _USUAL_PREFIX)}"] if adapter.get("address") else []
        )
        addresses = [ip_interface(text) for text in (*texts, *adapter.get("also", ()))]
        yield _Interface(_FIRST_ADAPTER + number, addresses, str(adapter.get("gateway") or ""))
    for number, document in _at_host(state):
        configurations = document.get("IpConfigurations", [])
        addresses = [ip_interface(f"{one['IpAddress']}/{one['PrefixLength']}") for one in configurations]
        yield _Interface(_FIRST_ENDPOINT + number, addresses, "")


def _at_host(state: State) -> Iterator[tuple[int, Document]]:
    """The endpoints in the host's own namespace (V2), or attached to the host (V1), each with a number."""
    found = state.rows(
        "SELECT rowid, document FROM endpoints"
        " WHERE namespace IN (SELECT id FROM namespaces WHERE type = 'HostDefault')"
    )
    attached = state.rows("SELECT rowid, document FROM endpoints WHERE state = 2 AND namespace IS NULL")
    documents = {number: json.loads(text) for number, text in attached}
    by_v1 = {number: one for number, one in documents.items() if str(one.get("user")).lower() == "host"}
    yield from sorted({**{number: json.loads(text) for number, text in found}, **by_v1}.items())


def _own_rows(one: _Interface) -> Iterator[list[object]]:
    """What Windows itself has for an interface: its link, its own address, and the way out."""
    for address in one.addresses:
        version = address.version
        for network in dict.fromkeys((str(address.network), f"{address.ip}/{address.max_prefixlen}")):
            yield [network, _ON_LINK[version], one.number, 0, _LOCAL]
    if one.gateway:
        version = ip_address(one.gateway).version
        yield [_EVERYWHERE[version], one.gateway, one.number, 0, _BY_MANAGEMENT]


WORK: dict[str, Callable[[State, list[str | None]], str]] = {
    "GetIpForwardTable2": _table,
    "CreateIpForwardEntry2": _create,
    "DeleteIpForwardEntry2": _delete,
    "GetIpInterfaceEntry": _get_interface,
    "SetIpInterfaceEntry": _set_interface,
}
