"""How this Windows is asked for services, interfaces, ports and memory: on stand-ins for its functions."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from cni_hns.binding._generated_host import ffi
from cni_hns.binding.children import Ended
from cni_hns.binding.host import Interface, Memory, PortRange, Ports, Service
from cni_hns.binding.windows_host import WindowsHost

STARTED = 133_000_000_000_000_000
STARTED_S = STARTED / 1e7 - 11_644_473_600
EXCLUDED = """
Protokoll tcp: ausgeschlossene Portbereiche

Startport      Endport
----------    --------
      5357        5357
      8000        8099     *

* - Administrativ verwaltet
"""
DYNAMIC = """
Dynamischer Portbereich tcp
---------------------------------
Startport       : 49152
Anzahl von Ports : 16384
"""


class FakeWindows:
    """advapi32, kernel32 and iphlpapi of one node; what is opened has to be closed."""

    def __init__(self) -> None:
        self.service_state: int | None = 4
        self.error = 1060
        self.adapters: list[Any] = []
        self.grows = 0
        self.open = 0
        self._kept: list[Any] = []

    def host(self) -> WindowsHost:
        return WindowsHost(lambda name, declared=None: self, lambda pid: str(STARTED))

    def OpenSCManagerW(self, machine: Any, database: Any, access: int) -> Any:  # noqa: N802
        self.open += 1
        return ffi.cast("HANDLE", 1)

    def OpenServiceW(self, manager: Any, name: Any, access: int) -> Any:  # noqa: N802
        if self.service_state is None:
            return ffi.NULL
        self.open += 1
        return ffi.cast("HANDLE", 2)

    def QueryServiceStatusEx(self, service: Any, level: int, status: Any, size: int, needed: Any) -> int:  # noqa: N802
        status.dwCurrentState = self.service_state
        status.dwProcessId = 77 if self.service_state == 4 else 0
        return 1

    def CloseServiceHandle(self, handle: Any) -> int:  # noqa: N802
        self.open -= 1
        return 1

    def GetLastError(self) -> int:  # noqa: N802
        return self.error

    def GlobalMemoryStatusEx(self, status: Any) -> int:  # noqa: N802
        assert status.dwLength == ffi.sizeof("MEMORYSTATUSEX") == 64
        status.ullTotalPhys, status.ullAvailPhys = 16, 4
        return 1

    def GetSystemDirectoryW(self, buffer: Any, size: int) -> int:  # noqa: N802
        buffer[0:3] = "S32"
        return 3

    def GetAdaptersAddresses(self, family: int, flags: int, reserved: Any, buffer: Any, size: Any) -> int:  # noqa: N802
        if self.grows:
            self.grows -= 1
            size[0] *= 2
            return 111
        if not self.adapters:
            return 232
        for one, after in zip(self.adapters, [*self.adapters[1:], ffi.NULL], strict=True):
            one.Next = after
        ffi.memmove(buffer, self.adapters[0], ffi.sizeof("IP_ADAPTER_ADDRESSES"))
        return 0

    def adapter(self, name: str, address: str, gateway: str = "", kind: int = 6, mac: bytes = b"") -> None:
        made = self._new("IP_ADAPTER_ADDRESSES *")
        made.FriendlyName = self._keep(ffi.new("WCHAR[]", name))
        made.Mtu, made.IfType, made.OperStatus = 1450, kind, 1
        ffi.memmove(made.PhysicalAddress, mac, len(mac))
        made.PhysicalAddressLength = len(mac)
        unicast = self._new("IP_ADAPTER_UNICAST_ADDRESS *")
        unicast.OnLinkPrefixLength = 24
        self._socket(unicast.Address, address)
        made.FirstUnicastAddress = unicast
        if gateway:
            hop = self._new("IP_ADAPTER_GATEWAY_ADDRESS *")
            self._socket(hop.Address, gateway)
            made.FirstGatewayAddress = hop
        self.adapters.append(made)

    def _socket(self, target: Any, text: str) -> None:
        value = ip_address(text)
        head = b"\x02\0\0\0" if value.version == 4 else b"\x17\0\0\0\0\0\0\0"
        data = self._keep(ffi.new("uint8_t[]", head + value.packed + b"\0" * 8))
        target.lpSockaddr, target.iSockaddrLength = data, len(data)

    def _new(self, kind: str) -> Any:
        return self._keep(ffi.new(kind))

    def _keep(self, made: Any) -> Any:
        self._kept.append(made)
        return made


@pytest.fixture
def fake() -> FakeWindows:
    return FakeWindows()


class Netsh:
    """What stands for the running of netsh; `ran` has the words of each."""

    def __init__(self, late: bool = False, status: int = 0) -> None:
        self.ran: list[tuple[str, ...]] = []
        self._late, self._status = late, status

    def __call__(
        self, program: str, environment: Any, given: bytes, timeout_s: float, arguments: Sequence[str]
    ) -> Ended:
        self.ran.append((program, *arguments))
        text = EXCLUDED if "excludedportrange" in arguments else DYNAMIC
        return Ended(self._status, text.encode("latin-1"), b"", self._late, overflowed=False)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(4, Service("hns", "running", 77, STARTED_S), id="running"),
        pytest.param(1, Service("hns", "stopped"), id="stopped"),
        pytest.param(2, Service("hns", "starting"), id="starting"),
        pytest.param(9, Service("hns", "in state 9"), id="a state without a name"),
        pytest.param(None, Service("hns", "missing"), id="missing"),
    ],
)
def test_a_service_as_the_service_manager_has_it(
    fake: FakeWindows, state: int | None, expected: Service
) -> None:
    fake.service_state = state
    assert fake.host().service("hns") == expected
    assert fake.open == 0


def test_a_service_that_may_not_be_asked_is_no_missing_one(fake: FakeWindows) -> None:
    fake.service_state, fake.error = None, 5
    with pytest.raises(OSError, match=r"OpenService failed \(Win32 error 5\)"):
        fake.host().service("hns")
    assert fake.open == 0


def test_interfaces_have_addresses_of_both_families_and_no_loopback(fake: FakeWindows) -> None:
    fake.adapter("vEthernet (Größe)", "192.0.2.10", "192.0.2.1", mac=bytes.fromhex("00155d0a0b0c"))
    fake.adapter("Loopback", "127.0.0.1", kind=24)
    fake.adapter("tail", "fd00::1")
    fake.grows = 1
    assert fake.host().interfaces() == [
        Interface(
            "vEthernet (Größe)",
            1450,
            ("192.0.2.10/24",),
            ("192.0.2.1",),
            is_up=True,
            mac="00-15-5D-0A-0B-0C",
        ),
        Interface("tail", 1450, ("fd00::1/24",), (), is_up=True),
    ]


def test_a_node_without_interfaces_has_none(fake: FakeWindows) -> None:
    assert fake.host().interfaces() == []


def test_a_list_that_never_stops_growing_is_given_up(fake: FakeWindows) -> None:
    fake.grows = 99
    with pytest.raises(OSError, match=r"GetAdaptersAddresses failed \(Win32 error 111\)"):
        fake.host().interfaces()


def test_ports_are_read_in_any_language_of_windows(fake: FakeWindows) -> None:
    netsh = Netsh()
    assert fake.host().ports(netsh, 5.0) == Ports(
        tuple(
            one
            for protocol in ("tcp", "udp")
            for one in (PortRange(protocol, 5357, 5357), PortRange(protocol, 8000, 8099, by_hand=True))
        ),
        (PortRange("tcp", 49152, 65535), PortRange("udp", 49152, 65535)),
    )
    assert netsh.ran[0] == ("S32\\netsh.exe", "int", "ipv4", "show", "excludedportrange", "protocol=tcp")


@pytest.mark.parametrize("netsh", [Netsh(late=True), Netsh(status=1)], ids=["it hangs", "it fails"])
def test_ports_that_netsh_does_not_tell_are_an_error(fake: FakeWindows, netsh: Netsh) -> None:
    with pytest.raises(OSError, match="netsh int ipv4 show excludedportrange protocol=tcp"):
        fake.host().ports(netsh, 5.0)


def test_memory_clock_and_disk(fake: FakeWindows, tmp_path: Any) -> None:
    host = fake.host()
    assert host.memory() == Memory(16, 4)
    assert host.clock().uptime_s > 0
    assert host.disk(str(tmp_path / "not" / "there")).total_bytes > 0
