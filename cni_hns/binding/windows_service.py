"""This process as a Windows service: it runs for as long as the service manager wants it to.

Source: https://learn.microsoft.com/windows/win32/services/service-programs
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cni_hns.binding._generated_ffi import ffi as verbs
from cni_hns.binding._generated_services import ffi
from cni_hns.binding.windows import SystemLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NotStartedAsService", "serve"]

# https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_status
_OWN_PROCESS = 0x10
_STOPPED, _STOP_PENDING, _RUNNING = 1, 3, 4
_ACCEPT_STOP, _ACCEPT_PRESHUTDOWN = 0x1, 0x100
# https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lphandler_function_ex
_CONTROL_STOP, _CONTROL_INTERROGATE, _CONTROL_PRESHUTDOWN = 1, 4, 15
_NO_ERROR, _CALL_NOT_IMPLEMENTED = 0, 120
# https://learn.microsoft.com/windows/win32/debug/system-error-codes--1000-1299-
_CANNOT_CONNECT, _SPECIFIC_ERROR = 1063, 1066
# How long it may take until the next report, which is the last.
_STOP_HINT_MS = 30_000


class NotStartedAsService(Exception):
    """Somebody else than the service manager started this process."""


class _Service:
    """One service: what Windows calls on threads of its own, and what is told to it."""

    def __init__(self, name: str, run: Callable[[threading.Event], int]) -> None:
        self._advapi32: Any = SystemLibrary("advapi32.dll", lambda: ffi)
        self.name = ffi.new("char16_t[]", name)
        self._run = run
        self._stop = threading.Event()
        self._handle: Any = ffi.NULL
        # Windows keeps the pointers, so these live as long as the process asks for controls.
        self.main = ffi.callback("SERVICE_MAIN", self._main)
        self._handler = ffi.callback("CONTROL_HANDLER", self._control, error=_CALL_NOT_IMPLEMENTED)

    def dispatch(self) -> bool:
        """Hand this thread to Windows until the service has stopped; whether Windows took it."""
        table = ffi.new("SERVICE_TABLE_ENTRYW[2]")
        table[0].lpServiceName, table[0].lpServiceProc = self.name, self.main
        return bool(self._advapi32.StartServiceCtrlDispatcherW(table))

    def _main(self, _count: int, _arguments: Any) -> None:
        self._handle = self._advapi32.RegisterServiceCtrlHandlerExW(self.name, self._handler, ffi.NULL)
        self._report(_RUNNING)
        code = 1
        try:
            code = self._run(self._stop)
        finally:
            # Whatever became of it: a service that says nothing counts as running.
            self._report(_STOPPED, code)

    def _control(self, control: int, _kind: int, _data: Any, _context: Any) -> int:
        if control in (_CONTROL_STOP, _CONTROL_PRESHUTDOWN):
            self._report(_STOP_PENDING)
            self._stop.set()
            return _NO_ERROR
        return _NO_ERROR if control == _CONTROL_INTERROGATE else _CALL_NOT_IMPLEMENTED

    def _report(self, state: int, exit_code: int = 0) -> None:
        status: Any = ffi.new("SERVICE_STATUS *")
        status.dwServiceType, status.dwCurrentState = _OWN_PROCESS, state
        status.dwControlsAccepted = _ACCEPT_STOP | _ACCEPT_PRESHUTDOWN if state == _RUNNING else 0
        status.dwWaitHint = _STOP_HINT_MS if state == _STOP_PENDING else 0
        if exit_code:
            status.dwWin32ExitCode, status.dwServiceSpecificExitCode = _SPECIFIC_ERROR, exit_code
        self._advapi32.SetServiceStatus(self._handle, status)


def serve(name: str, run: Callable[[threading.Event], int]) -> None:
    """Be the service of this name: `run` is called, on another thread, with an event that says when to end.

    It returns the service's exit code; with one that is not 0 the service manager starts it again, as it does
    where the process dies.

    Raises:
        NotStartedAsService: the service manager does not know of this process.
        OSError: it refuses.
    """
    service = _Service(name, run)
    if service.dispatch():
        return
    kernel32: Any = SystemLibrary("kernel32.dll", lambda: verbs)
    code = int(kernel32.GetLastError())
    if code == _CANNOT_CONNECT:
        raise NotStartedAsService(
            f"only Windows' service manager starts a service: Start-Service {name}, or leave --service out"
        )
    raise OSError(f'service "{name}": StartServiceCtrlDispatcher failed (Win32 error {code})')
