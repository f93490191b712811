"""This Windows, as the operator's commands ask for it. No verb loads this.

Rule 1: no PowerShell and no WMI: both take seconds, and hang where a node is ill.
Rule 2: netsh tells the port ranges, which no function does. It runs under a time limit, and from System32:
no variable chooses what is run with our rights.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from cni_hns.binding._generated_host import ffi
from cni_hns.binding.host import SERVICE_STATES, Clock, Disk, Interface, Memory, PortRange, Ports, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.binding.host import Run

__all__ = ["WindowsHost"]

# https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights
_SC_MANAGER_CONNECT = 0x0001
_SERVICE_QUERY_STATUS = 0x0004
_SC_STATUS_PROCESS_INFO = 0
# https://learn.microsoft.com/windows/win32/debug/system-error-codes--1000-1299-
_SERVICE_DOES_NOT_EXIST = 1060
# https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getadaptersaddresses
_ALL_FAMILIES = 0
_SKIP_ANYCAST_MULTICAST_DNS = 0x2 | 0x4 | 0x8
_INCLUDE_GATEWAYS = 0x80
_BUFFER_OVERFLOW = 111
_NO_DATA = 232
_FIRST_BYTES = 1 << 15
_TRIES = 4
# https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh
_LOOPBACK = 24
_UP = 1
# Family, then of IPv4 the port and 4 bytes, of IPv6 port, flow and 16 bytes:
# https://learn.microsoft.com/windows/win32/winsock/sockaddr-2
_OFFSETS = {2: (4, 4), 23: (8, 16)}
# https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime: counted from 1601.
_EPOCH_S = 11_644_473_600

_MAX_PATH = 260

# netsh's words are those of Windows' language; its numbers stand in columns, or behind a colon.
_RANGE = re.compile(r"^\s*(\d+)\s+(\d+)\s*(\*?)\s*$", re.MULTILINE)
_NUMBER = re.compile(r":\s*(\d+)\s*$", re.MULTILINE)


class WindowsHost:
    """This Windows.

    `load` gives a DLL of System32 by its name, and what gives the ffi of its declarations where that is not
    the verbs'. `process_start` gives when a process started (100 ns since 1601), as text.
    """

    def __init__(
        self,
        load: Callable[..., Any],
        process_start: Callable[[int], str | None],
    ) -> None:
        # A function is had from the library of the ffi that declares it: what verbs call too, from theirs.
        self._advapi32, self._kernel32 = load("advapi32.dll"), load("kernel32.dll")
        self._iphlpapi, self._memory = (load(f"{name}.dll", lambda: ffi) for name in ("iphlpapi", "kernel32"))
        self._process_start = process_start

    def service(self, name: str) -> Service:
        """As the service manager has it."""
        manager = self._advapi32.OpenSCManagerW(ffi.NULL, ffi.NULL, _SC_MANAGER_CONNECT)
        if manager == ffi.NULL:
            raise self._failure("OpenSCManager")
        try:
            wide = ffi.new("char16_t[]", name)
            service = self._advapi32.OpenServiceW(manager, wide, _SERVICE_QUERY_STATUS)
            if service == ffi.NULL:
                if self._kernel32.GetLastError() == _SERVICE_DOES_NOT_EXIST:
                    return Service(name, "missing")
                raise self._failure("OpenService")
            try:
                return self._status(name, service)
            finally:
                self._advapi32.CloseServiceHandle(service)
        finally:
            self._advapi32.CloseServiceHandle(manager)

    def interfaces(self) -> list[Interface]:
        """As IP Helper has them."""
        buffer = self._adapters()
        first: Any = ffi.NULL if buffer is None else ffi.cast("IP_ADAPTER_ADDRESSES *", buffer)
        return [_interface(one) for one in _chain(first) if one.IfType != _LOOPBACK]

    def ports(self, run: Run, timeout_s: float) -> Ports:
        """As netsh tells them."""
        ends = time.monotonic() + timeout_s
        excluded: list[PortRange] = []
        dynamic: list[PortRange] = []
        for protocol in ("tcp", "udp"):
            text = self._netsh(run, "excludedportrange", protocol, ends)
            excluded += [
                PortRange(protocol, int(first), int(last), by_hand=bool(star))
                for first, last, star in _RANGE.findall(text)
            ]
            start, count, *_ = [
                *map(int, _NUMBER.findall(self._netsh(run, "dynamicport", protocol, ends))),
                0,
                0,
            ]
            if count:
                dynamic.append(PortRange(protocol, start, start + count - 1))
        return Ports(tuple(excluded), tuple(dynamic))

    def disk(self, folder: str) -> Disk:
        """Of the nearest folder that is there."""
        there = os.path.abspath(folder)
        while not os.path.isdir(there) and os.path.dirname(there) != there:
            there = os.path.dirname(there)
        usage = shutil.disk_usage(there)
        return Disk(folder, usage.total, usage.free)

    def memory(self) -> Memory:
        """As Windows counts it."""
        status: Any = ffi.new("MEMORYSTATUSEX *")
        status.dwLength = ffi.sizeof("MEMORYSTATUSEX")
        if not self._memory.GlobalMemoryStatusEx(status):
            raise self._failure("GlobalMemoryStatusEx")
        return Memory(int(status.ullTotalPhys), int(status.ullAvailPhys))

    def clock(self) -> Clock:
        """GetTickCount64 counts from the boot."""
        return Clock(time.time(), time.monotonic())

    def _status(self, name: str, service: Any) -> Service:
        status: Any = ffi.new("SERVICE_STATUS_PROCESS *")
        needed = ffi.new("DWORD *")
        size = ffi.sizeof("SERVICE_STATUS_PROCESS")
        if not self._advapi32.QueryServiceStatusEx(service, _SC_STATUS_PROCESS_INFO, status, size, needed):
            raise self._failure("QueryServiceStatusEx")
        state = SERVICE_STATES.get(int(status.dwCurrentState), f"in state {int(status.dwCurrentState)}")
        pid = int(status.dwProcessId)
        started = self._process_start(pid) if pid else None
        return Service(name, state, pid, int(started) / 1e7 - _EPOCH_S if started else None)

    def _adapters(self) -> Any:
        """The list in one buffer, None where there is none. It may grow between two calls."""
        size = ffi.new("uint32_t *", _FIRST_BYTES)
        flags = _SKIP_ANYCAST_MULTICAST_DNS | _INCLUDE_GATEWAYS
        code = _BUFFER_OVERFLOW
        for _ in range(_TRIES):
            # Of 64-bit numbers: the structures in it have pointers.
            buffer = ffi.new("uint64_t[]", (size[0] + 7) // 8)
            code = self._iphlpapi.GetAdaptersAddresses(_ALL_FAMILIES, flags, ffi.NULL, buffer, size)
            if code == 0:
                return buffer
            if code != _BUFFER_OVERFLOW:
                break
        if code == _NO_DATA:
            return None
        raise OSError(f"GetAdaptersAddresses failed (Win32 error {code})")

    def _netsh(self, run: Run, what: str, protocol: str, ends: float) -> str:
        words = ("int", "ipv4", "show", what, f"protocol={protocol}")
        left_s = max(0.0, ends - time.monotonic())
        ended = run(f"{self._system_directory()}\\netsh.exe", os.environ, b"", left_s, words)
        if ended.late or ended.status:
            how = "did not end in its time" if ended.late else f"ended with {ended.status}"
            raise OSError(f"netsh {' '.join(words)} {how}")
        return ended.stdout.decode("ascii", "replace")

    def _system_directory(self) -> str:
        buffer: Any = ffi.new("WCHAR[]", _MAX_PATH)
        if not 0 < self._kernel32.GetSystemDirectoryW(buffer, _MAX_PATH) < _MAX_PATH:
            raise self._failure("GetSystemDirectory")
        return str(ffi.string(buffer))

    def _failure(self, function: str) -> OSError:
        return OSError(f"{function} failed (Win32 error {self._kernel32.GetLastError()})")


def _interface(adapter: Any) -> Interface:
    addresses = [
        (_address(one.Address), one.OnLinkPrefixLength) for one in _chain(adapter.FirstUnicastAddress)
    ]
    gateways = [_address(one.Address) for one in _chain(adapter.FirstGatewayAddress)]
    return Interface(
        str(ffi.string(adapter.FriendlyName)),
        int(adapter.Mtu),
        tuple(f"{address}/{prefix}" for address, prefix in addresses if address),
        tuple(one for one in gateways if one),
        adapter.OperStatus == _UP,
        ffi.buffer(adapter.PhysicalAddress)[: int(adapter.PhysicalAddressLength)].hex("-").upper(),
    )


def _chain(first: Any) -> Iterator[Any]:
    while first != ffi.NULL:
        yield first
        first = first.Next


def _address(socket: Any) -> str:
    """ "" for a family that is neither IPv4 nor IPv6."""
    data = ffi.buffer(socket.lpSockaddr, socket.iSockaddrLength)[:]
    at, length = _OFFSETS.get(int.from_bytes(data[:2], "little"), (0, 0))
    return str(ip_address(data[at : at + length])) if length else ""
