"""How this Windows is asked for its routes: on stand-ins for the functions of IP Helper."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.binding._generated_host import ffi
from cni_hns.binding.route_table import (
    HostRoute,
    RouteDenied,
    RouteExists,
    RouteFault,
    RouteMissing,
    RoutesUnsupported,
)
from cni_hns.binding.windows_routes import WindowsRouteTable

V4 = HostRoute("10.244.2.0/24", "192.0.2.2", 12, 5)
V6 = HostRoute("fd00:244:0:2::/64", "2001:db8::2", 12)


class FakeIpHelper:
    """iphlpapi.dll of one node: each table that it hands out has to be freed."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.code = 0
        self.missing: set[str] = set()
        self.forwarding = {(12, 2): 0, (12, 23): 0}
        self.set_row: dict[str, int] = {}
        self._tables: list[Any] = []

    @property
    def table(self) -> WindowsRouteTable:
        return WindowsRouteTable(lambda name, declared: self)

    @property
    def unfreed(self) -> int:
        return len(self._tables)

    def __getattribute__(self, name: str) -> Any:
        if name in object.__getattribute__(self, "__dict__").get("missing", ()):
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def GetIpForwardTable2(self, family: int, table: Any) -> int:  # noqa: N802 - Windows' name
        assert family == 0
        if self.code or not self.rows:
            return self.code or 1168
        start, size = ffi.offsetof("MIB_IPFORWARD_TABLE2", "Table"), ffi.sizeof("MIB_IPFORWARD_ROW2")
        memory = ffi.new("uint64_t[]", (start + size * len(self.rows) + 7) // 8)
        made: Any = ffi.cast("MIB_IPFORWARD_TABLE2 *", memory)
        made.NumEntries = len(self.rows)
        ffi.memmove(ffi.cast("char *", memory) + start, b"".join(self.rows), size * len(self.rows))
        self._tables.append(memory)
        table[0] = made
        return 0

    def FreeMibTable(self, memory: Any) -> None:  # noqa: N802
        (found,) = [one for one in self._tables if ffi.cast("void *", one) == ffi.cast("void *", memory)]
        self._tables.remove(found)

    def InitializeIpForwardEntry(self, row: Any) -> None:  # noqa: N802
        ffi.memmove(row, b"\xff" * ffi.sizeof("MIB_IPFORWARD_ROW2"), ffi.sizeof("MIB_IPFORWARD_ROW2"))
        ffi.memmove(ffi.addressof(row, "DestinationPrefix"), bytes(ffi.sizeof("IP_ADDRESS_PREFIX")), 32)
        ffi.memmove(ffi.addressof(row, "NextHop"), bytes(28), 28)

    def CreateIpForwardEntry2(self, row: Any) -> int:  # noqa: N802
        assert row.Protocol == 3
        assert (row.ValidLifetime, row.PreferredLifetime) == (0xFFFFFFFF, 0xFFFFFFFF)
        assert row.SitePrefixLength == 0
        if not self.code:
            self.rows.append(bytes(ffi.buffer(row)))
        return self.code

    def DeleteIpForwardEntry2(self, row: Any) -> int:  # noqa: N802
        key = _key(row)
        left = [one for one in self.rows if _key(ffi.from_buffer("MIB_IPFORWARD_ROW2 *", one)) != key]
        found, self.rows = len(left) != len(self.rows), left
        return self.code or (0 if found else 1168)

    def GetIpInterfaceEntry(self, row: Any) -> int:  # noqa: N802
        found = self.forwarding.get((row.InterfaceIndex, row.Family))
        row.ForwardingEnabled = found or 0
        row.SitePrefixLength, row.NlMtu = 64, 1450
        return self.code or (2 if found is None else 0)

    def SetIpInterfaceEntry(self, row: Any) -> int:  # noqa: N802
        if row.Family == 2 and row.SitePrefixLength:
            return 87
        self.set_row = {"mtu": row.NlMtu, "site": row.SitePrefixLength}
        self.forwarding[row.InterfaceIndex, row.Family] = row.ForwardingEnabled
        return self.code


def _key(row: Any) -> tuple[bytes, bytes, int]:
    return (
        bytes(ffi.buffer(ffi.addressof(row, "DestinationPrefix"))),
        bytes(ffi.buffer(ffi.addressof(row, "NextHop"))),
        row.InterfaceIndex,
    )


@pytest.fixture
def fake() -> FakeIpHelper:
    return FakeIpHelper()


@pytest.mark.parametrize("route", [V4, V6], ids=["IPv4", "IPv6"])
def test_a_route_is_made_seen_and_taken_away(fake: FakeIpHelper, route: HostRoute) -> None:
    fake.table.add(route)
    assert fake.table.routes() == [route]
    fake.table.remove(route)
    assert fake.table.routes() == []
    assert fake.unfreed == 0


def test_addresses_stand_in_the_order_of_the_network(fake: FakeIpHelper) -> None:
    fake.table.add(V4)
    (row,) = fake.rows
    at = ffi.offsetof("MIB_IPFORWARD_ROW2", "DestinationPrefix")
    assert row[at : at + 8] == b"\x02\x00\x00\x00\x0a\xf4\x02\x00"
    assert row[at + 28] == 24


def test_every_row_of_a_table_is_read(fake: FakeIpHelper) -> None:
    routes = [V4._replace(prefix=f"10.244.{number}.0/24") for number in range(200)]
    for one in [*routes, V6]:
        fake.table.add(one)
    assert fake.table.routes() == [*routes, V6]


def test_a_prefix_with_bits_of_a_host_is_read(fake: FakeIpHelper) -> None:
    """Windows shows what somebody gave it."""
    fake.table.add(V4)
    row = bytearray(fake.rows[0])
    row[ffi.offsetof("MIB_IPFORWARD_ROW2", "DestinationPrefix") + 7] = 9
    fake.rows = [bytes(row)]
    assert fake.table.routes() == [V4]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (5, RouteDenied, "access denied.*run as administrator or SYSTEM"),
        (50, RoutesUnsupported, "does not support"),
        (87, RouteFault, "next hop is not on the interface's link"),
        (1168, RouteMissing, "no such route or interface"),
        (5010, RouteExists, "such a route already"),
        (1450, RouteFault, r"\(Win32 error 1450\).*net helpmsg"),
    ],
)
def test_a_refusal_is_named_with_its_route(
    fake: FakeIpHelper, code: int, kind: type[RouteFault], words: str
) -> None:
    fake.code = code
    with pytest.raises(RouteFault, match=words) as caught:
        fake.table.add(V4)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert "route 10.244.2.0/24 via 192.0.2.2 on interface 12" in str(caught.value)
    with pytest.raises(kind):
        fake.table.remove(V4)


def test_a_table_that_cannot_be_read_is_a_fault_and_nothing_is_freed(fake: FakeIpHelper) -> None:
    fake.code = 5
    with pytest.raises(RouteDenied, match="GetIpForwardTable2 failed on the route table"):
        fake.table.routes()


@pytest.mark.parametrize("version", [4, 6])
def test_forwarding_is_switched_on_and_all_else_left_as_it_is(fake: FakeIpHelper, version: int) -> None:
    assert not fake.table.forwards(12, version)
    fake.table.let_forward(12, version)
    assert fake.table.forwards(12, version)
    assert fake.set_row == {"mtu": 1450, "site": 0 if version == 4 else 64}


def test_an_interface_that_is_not_there_is_told(fake: FakeIpHelper) -> None:
    with pytest.raises(RouteMissing, match=r"GetIpInterfaceEntry failed on interface 99 \(IPv4\)"):
        fake.table.forwards(99, 4)


@pytest.mark.parametrize("name", ["CreateIpForwardEntry2", "InitializeIpForwardEntry"])
def test_a_function_that_this_windows_lacks_is_told(fake: FakeIpHelper, name: str) -> None:
    fake.missing = {name}
    with pytest.raises(RoutesUnsupported, match=f"{name} failed .* does not have the function"):
        fake.table.add(V4)


def test_nothing_is_read_that_could_not_be_freed(fake: FakeIpHelper) -> None:
    fake.missing = {"FreeMibTable"}
    with pytest.raises(RoutesUnsupported, match="FreeMibTable"):
        fake.table.routes()
