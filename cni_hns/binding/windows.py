"""Windows itself: the service's DLLs, and what the machine says of itself.

Rule 1: a DLL comes from System32 by its full path. This program runs with high rights, so neither the PATH,
nor the current directory, nor a variable may choose one.
Rule 2: a DLL is loaded when the first of its functions is asked for: a verb pays for what it uses, and one
that this Windows lacks is an OSError there.
Rule 3: the module can be imported on every system; where there is no Windows its functions are OSErrors.
"""

from __future__ import annotations

import os
import sys
import time

from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.libraries import Libraries
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.binding.host import Host
    from cni_hns.binding.route_table import RouteTable
    from cni_hns.binding.service_manager import ServiceManager

__all__ = ["SystemLibrary", "WindowsMachine", "age_of", "load", "process_start"]

# https://learn.microsoft.com/windows/win32/api/libloaderapi/nf-libloaderapi-loadlibraryexw
# What the DLL itself imports comes from System32 too.
_LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x00000800
# https://learn.microsoft.com/windows/win32/procthread/process-security-and-access-rights
_PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-getexitcodeprocess
_STILL_ACTIVE = 259
# https://learn.microsoft.com/windows/win32/debug/system-error-codes--0-499-
_ERROR_INVALID_PARAMETER = 87
# https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights
_SC_MANAGER_CONNECT = 0x0001
_SERVICE_QUERY_STATUS = 0x0004
_SC_STATUS_PROCESS_INFO = 0
# https://learn.microsoft.com/windows/win32/sysinfo/predefined-keys: a 32-bit number, sign-extended.
_HKEY_LOCAL_MACHINE = 0xFFFFFFFF80000002
_RRF_RT_REG_DWORD = 0x00000010
_MAX_PATH = 260
# https://learn.microsoft.com/windows/win32/api/minwinbase/ns-minwinbase-filetime: counted from 1601.
_EPOCH_S = 11_644_473_600

# Windows counts its boots here. Every account may read it, so that all see the same one.
_BOOT_KEY = "SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\\PrefetchParameters"


class SystemLibrary:
    """A DLL of System32, loaded at the first use of one of its functions.

    `declared` gives the ffi with the functions' declarations, then.
    Raises (on attribute access):
        OSError: this Windows does not have the DLL.
        AttributeError: the DLL does not export the function.
    """

    def __init__(self, name: str, declared: Callable[[], Any] = lambda: ffi) -> None:
        self._name = name
        self._declared = declared
        self._library: Any = None

    def __getattr__(self, function: str) -> Any:
        if self._library is None:
            self._library = self._declared().dlopen(_from_system32(self._name))
        return getattr(self._library, function)


class WindowsMachine:
    """This Windows node."""

    def hns_start(self) -> str:
        """Process id and start of the service's process; empty while it does not run."""
        pid = _service_process("hns")
        return f"{pid}/{process_start(pid) or ''}" if pid else ""

    def is_hns_start(self, start: str) -> bool:
        """Whether the service's process still runs.

        It is asked directly: the service manager is another process, and takes many times as long.
        """
        pid, _, started = start.partition("/")
        return process_start(int(pid)) == started if started else self.hns_start() == start

    def hns_uptime_s(self) -> float:
        """Seconds since the service's process was started; 0 while it does not run, or if it is not known.

        Process starts are dates: no process is older than the boot, whatever the clock was set to since.
        """
        _, _, started = self.hns_start().partition("/")
        return min(age_of(started), time.monotonic()) if started else 0.0

    def windows_build(self) -> int | None:
        """As its files have it: the version functions say what a program's manifest lets them."""
        versions: Any = getattr(sys, "getwindowsversion", None)
        return None if versions is None else int(versions().platform_version[2])

    def is_this_machine(self) -> bool:
        """Always: there is no other."""
        return True

    def boot_id(self) -> str:
        """The number of this boot; empty where Windows keeps none (process starts are dates)."""
        value, size = ffi.new("DWORD *"), ffi.new("DWORD *", ffi.sizeof("DWORD"))
        key = ffi.cast("HANDLE", _HKEY_LOCAL_MACHINE)
        status = SystemLibrary("advapi32.dll").RegGetValueW(
            key, _wide(_BOOT_KEY), _wide("BootId"), _RRF_RT_REG_DWORD, ffi.NULL, value, size
        )
        return str(value[0]) if status == 0 else ""

    def state_folder(self) -> str:
        """%ProgramData%\\cni-hns; on the system's drive for a caller that gives us no such variable."""
        base = os.environ.get("PROGRAMDATA") or _system_directory()[:3] + "ProgramData"
        return f"{base}\\cni-hns"

    def host_local_folder(self) -> str:
        """host-local's own default, relative to the current drive as it is there."""
        return "/var/lib/cni/networks"

    def host(self) -> Host:
        """This machine, of which no verb asks more than the methods above."""
        from cni_hns.binding.windows_host import WindowsHost

        return WindowsHost(SystemLibrary, process_start)

    def service_manager(self) -> ServiceManager:
        """Of this machine."""
        from cni_hns.binding.windows_service_manager import WindowsServiceManager

        return WindowsServiceManager(SystemLibrary)

    def route_table(self) -> RouteTable:
        """The routes of this Windows."""
        from cni_hns.binding.windows_routes import WindowsRouteTable

        return WindowsRouteTable(SystemLibrary)


def load() -> tuple[Libraries, WindowsMachine]:
    """The libraries of this Windows, and what it says of itself; nothing is loaded yet."""
    libraries = Libraries(
        computenetwork=SystemLibrary("computenetwork.dll"),
        vmcompute=SystemLibrary("vmcompute.dll"),
        ole32=SystemLibrary("ole32.dll"),
        computecore=SystemLibrary("computecore.dll", _declared_for_containers),
    )
    return libraries, WindowsMachine()


def _declared_for_containers() -> Any:
    """No verb loads it: two of the DLLs have functions of the same names with other parameters."""
    from cni_hns.binding._generated_computecore import ffi as containers

    return containers


def process_start(pid: int) -> str | None:
    """When the process started (100 ns since 1601), "" if we may not know, None without such a process."""
    kernel32 = _kernel32()
    process = kernel32.OpenProcess(_PROCESS_QUERY_LIMITED_INFORMATION, 0, pid)
    if process == ffi.NULL:
        # Of all refusals only this one says that no process has the id.
        return None if kernel32.GetLastError() == _ERROR_INVALID_PARAMETER else ""
    try:
        code = ffi.new("DWORD *")
        if kernel32.GetExitCodeProcess(process, code) and code[0] != _STILL_ACTIVE:
            return None  # it has ended, and someone still holds a handle of it
        times = ffi.new("FILETIME[4]")
        done = kernel32.GetProcessTimes(process, times, times + 1, times + 2, times + 3)
        return str(times[0].dwHighDateTime << 32 | times[0].dwLowDateTime) if done else ""
    finally:
        kernel32.CloseHandle(process)


def age_of(start: str) -> float:
    """Seconds since this start of a process; zero where the clock was set back behind it."""
    return max(0.0, time.time() + _EPOCH_S - int(start) / 1e7)


def _service_process(name: str) -> int:
    """The process id of a Windows service; 0 while it does not run, or is not known here."""
    advapi32 = SystemLibrary("advapi32.dll")
    manager = advapi32.OpenSCManagerW(ffi.NULL, ffi.NULL, _SC_MANAGER_CONNECT)
    if manager == ffi.NULL:
        return 0
    try:
        service = advapi32.OpenServiceW(manager, _wide(name), _SERVICE_QUERY_STATUS)
        if service == ffi.NULL:
            return 0
        try:
            return _process_of(advapi32, service)
        finally:
            advapi32.CloseServiceHandle(service)
    finally:
        advapi32.CloseServiceHandle(manager)


def _process_of(advapi32: Any, service: Any) -> int:
    status: Any = ffi.new("SERVICE_STATUS_PROCESS *")
    needed = ffi.new("DWORD *")
    size = ffi.sizeof("SERVICE_STATUS_PROCESS")
    done = advapi32.QueryServiceStatusEx(service, _SC_STATUS_PROCESS_INFO, status, size, needed)
    return int(status.dwProcessId) if done else 0


def _wide(text: str) -> Any:
    return ffi.new("char16_t[]", text)


def _kernel32() -> Any:
    # Windows maps it into every process before any program code runs: its name alone cannot lead elsewhere.
    return ffi.dlopen("kernel32.dll")


def _system_directory() -> str:
    buffer = ffi.new("WCHAR[]", _MAX_PATH)
    if not 0 < _kernel32().GetSystemDirectoryW(buffer, _MAX_PATH) < _MAX_PATH:
        raise OSError("Windows does not say where System32 is")
    return str(ffi.string(buffer))


def _from_system32(name: str) -> str:
    """The full path of a DLL that is loaded now. Raises: OSError."""
    path = f"{_system_directory()}\\{name}"
    kernel32 = _kernel32()
    if kernel32.LoadLibraryExW(_wide(path), ffi.NULL, _LOAD_LIBRARY_SEARCH_SYSTEM32) == ffi.NULL:
        raise OSError(f"{path} cannot be loaded (Win32 error {kernel32.GetLastError()})")
    return path
