"""Windows' service manager, through its functions: no sc.exe, whose quoting nobody remembers at night."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from cni_hns.binding._generated_services import ffi
from cni_hns.binding.host import SERVICE_STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.binding.service_manager import ServiceWanted

__all__ = ["WindowsServiceManager"]

# https://learn.microsoft.com/windows/win32/services/service-security-and-access-rights
_CONNECT, _CREATE = 0x0001, 0x0002
_QUERY_CONFIG, _CHANGE_CONFIG, _QUERY_STATUS, _START, _STOP, _DELETE = 0x1, 0x2, 0x4, 0x10, 0x20, 0x10000
# Restarting after a failure asks for the right to start.
_MAKE = _QUERY_CONFIG | _CHANGE_CONFIG | _START
# https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-createservicew
_OWN_PROCESS, _AUTO_START, _ERROR_NORMAL = 0x10, 0x2, 0x1
# https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-changeserviceconfig2w
_DESCRIPTION, _FAILURE_ACTIONS, _DELAYED_AUTO_START, _FAILURE_ACTIONS_FLAG = 1, 2, 3, 4
_RESTART = 1
# The pauses before the first, the second and each further restart; after a day without one it begins anew.
_PAUSES_MS, _FORGOTTEN_S = (5_000, 15_000, 60_000), 86_400
# https://learn.microsoft.com/windows/win32/api/winsvc/nf-winsvc-controlservice
_CONTROL_STOP = 1
_STATUS_OF_PROCESS = 0
# https://learn.microsoft.com/windows/win32/debug/system-error-codes--1000-1299-
_ACCESS_DENIED, _INVALID_LEVEL = 5, 124
_ALREADY_RUNNING, _MISSING, _NOT_ACTIVE, _MARKED_FOR_DELETE, _EXISTS = 1056, 1060, 1062, 1072, 1073
_WORDS = {
    _ACCESS_DENIED: "access is denied: run this as an administrator",
    _MARKED_FOR_DELETE: "it is about to be deleted, and some program still holds it: close the Services "
    "console, Task Manager and Event Viewer, and try again",
}
_POLL_S = 0.1


class WindowsServiceManager:
    """That of this Windows.

    `load` gives a DLL of System32 by its name, and what gives the ffi of its declarations where that is not
    the verbs'.
    """

    def __init__(self, load: Callable[..., Any]) -> None:
        self._verbs, self._verbs_kernel32 = load("advapi32.dll"), load("kernel32.dll")
        self._library = load("advapi32.dll", lambda: ffi)

    def command(self, name: str) -> str | None:
        """By QueryServiceConfig."""
        with self._opened(name, _QUERY_CONFIG) as service:
            return None if service is None else self._command(name, service)

    def state(self, name: str) -> str:
        """By QueryServiceStatusEx."""
        with self._opened(name, _QUERY_STATUS) as service:
            if service is None:
                return "missing"
            status: Any = ffi.new("SERVICE_STATUS_PROCESS *")
            needed, size = ffi.new("DWORD *"), ffi.sizeof("SERVICE_STATUS_PROCESS")
            arguments = (service, _STATUS_OF_PROCESS, status, size, needed)
            self._checked(self._verbs.QueryServiceStatusEx(*arguments), "QueryServiceStatusEx", name)
            return SERVICE_STATES.get(int(status.dwCurrentState), f"in state {int(status.dwCurrentState)}")

    def put(self, wanted: ServiceWanted) -> None:
        """Whoever makes one of the name at the same time makes ours: it is changed then."""
        if not self._create(wanted):
            self._change(wanted)

    def start(self, name: str) -> None:
        """By StartService, which does not wait for it to run."""
        with self._opened(name, _START) as service:
            if service is None:
                raise self._failure("OpenService", name, _MISSING)
            if not self._library.StartServiceW(service, 0, ffi.NULL):
                code = self._last_error()
                if code != _ALREADY_RUNNING:
                    raise self._failure("StartService", name, code)

    def stop(self, name: str, timeout_s: float) -> None:
        """Raises OSError also where it has not stopped in this time."""
        with self._opened(name, _STOP | _QUERY_STATUS) as service:
            if service is None:
                return
            status: Any = ffi.new("SERVICE_STATUS *")
            if not self._library.ControlService(service, _CONTROL_STOP, status):
                code = self._last_error()
                if code != _NOT_ACTIVE and self.state(name) != "stopping":
                    raise self._failure("ControlService", name, code)
        ends = time.monotonic() + timeout_s
        while (state := self.state(name)) not in ("stopped", "missing"):
            if time.monotonic() > ends:
                raise OSError(
                    f'service "{name}" is still {state} after {timeout_s:.0f} s: look at its log, and end '
                    "its process where it hangs"
                )
            time.sleep(_POLL_S)

    def delete(self, name: str) -> None:
        """By DeleteService; it is gone when nobody holds it any more."""
        with self._opened(name, _DELETE) as service:
            if service is not None and not self._library.DeleteService(service):
                raise self._failure("DeleteService", name, self._last_error())

    def _create(self, wanted: ServiceWanted) -> bool:
        """Whether it was made: False where there is one already."""
        with self._manager(_CONNECT | _CREATE) as manager:
            kind = (_MAKE, _OWN_PROCESS, _AUTO_START, _ERROR_NORMAL)
            needs = _several(wanted.needs)
            service = self._library.CreateServiceW(
                *(manager, _wide(wanted.name), _wide(wanted.title), *kind, _wide(wanted.command)),
                *(ffi.NULL, ffi.NULL, needs, ffi.NULL, ffi.NULL),
            )
            if service == ffi.NULL:
                code = self._last_error()
                if code == _EXISTS:
                    return False
                raise self._failure("CreateService", wanted.name, code)
            with self._closing(service):
                self._describe(wanted, service)
        return True

    def _change(self, wanted: ServiceWanted) -> None:
        with self._opened(wanted.name, _MAKE) as service:
            if service is None:
                raise self._failure("OpenService", wanted.name, _MISSING)
            done = self._library.ChangeServiceConfigW(
                *(service, _OWN_PROCESS, _AUTO_START, _ERROR_NORMAL, _wide(wanted.command)),
                *(ffi.NULL, ffi.NULL, _several(wanted.needs), _wide("LocalSystem"), ffi.NULL),
                _wide(wanted.title),
            )
            self._checked(done, "ChangeServiceConfig", wanted.name)
            self._describe(wanted, service)

    def _describe(self, wanted: ServiceWanted, service: Any) -> None:
        """What is not among the arguments of its making."""
        words = _wide(wanted.description)
        actions = ffi.new("SC_ACTION[]", [(_RESTART, pause) for pause in _PAUSES_MS])
        failure = (_FORGOTTEN_S, ffi.NULL, ffi.NULL, len(_PAUSES_MS), actions)
        for level, info in (
            (_DESCRIPTION, ffi.new("SERVICE_DESCRIPTIONW *", (words,))),
            (_FAILURE_ACTIONS, ffi.new("SERVICE_FAILURE_ACTIONSW *", failure)),
            # Also where it ends by itself, with a code.
            (_FAILURE_ACTIONS_FLAG, ffi.new("SERVICE_FAILURE_ACTIONS_FLAG *", (True,))),
            # HNS itself, and the machine's network, have started then.
            (_DELAYED_AUTO_START, ffi.new("SERVICE_DELAYED_AUTO_START_INFO *", (True,))),
        ):
            if not self._library.ChangeServiceConfig2W(service, level, info):
                code = self._last_error()
                # Wine knows two of them: there the service does without.
                if code != _INVALID_LEVEL:
                    raise self._failure(f"ChangeServiceConfig2 ({level})", wanted.name, code)

    def _command(self, name: str, service: Any) -> str:
        needed = ffi.new("DWORD *")
        self._library.QueryServiceConfigW(service, ffi.NULL, 0, needed)
        # Of 64-bit numbers: it begins with pointers.
        buffer = ffi.new("uint64_t[]", (needed[0] + 7) // 8)
        config: Any = ffi.cast("QUERY_SERVICE_CONFIGW *", buffer)
        size = ffi.sizeof(buffer)
        self._checked(
            self._library.QueryServiceConfigW(service, config, size, needed), "QueryServiceConfig", name
        )
        return str(ffi.string(config.lpBinaryPathName))

    @contextlib.contextmanager
    def _opened(self, name: str, rights: int) -> Iterator[Any]:
        """The service's handle; None where there is no such service."""
        with self._manager(_CONNECT) as manager:
            service = self._verbs.OpenServiceW(manager, _wide(name), rights)
            if service == ffi.NULL:
                code = self._last_error()
                if code != _MISSING:
                    raise self._failure("OpenService", name, code)
                yield None
                return
            with self._closing(service):
                yield service

    @contextlib.contextmanager
    def _manager(self, rights: int) -> Iterator[Any]:
        manager = self._verbs.OpenSCManagerW(ffi.NULL, ffi.NULL, rights)
        if manager == ffi.NULL:
            raise self._failure("OpenSCManager", "", self._last_error())
        with self._closing(manager):
            yield manager

    @contextlib.contextmanager
    def _closing(self, handle: Any) -> Iterator[None]:
        try:
            yield
        finally:
            self._verbs.CloseServiceHandle(handle)

    def _checked(self, done: int, function: str, name: str) -> None:
        if not done:
            raise self._failure(function, name, self._last_error())

    def _last_error(self) -> int:
        return int(self._verbs_kernel32.GetLastError())

    @staticmethod
    def _failure(function: str, name: str, code: int) -> OSError:
        what = f'service "{name}"' if name else "the service manager"
        words = "no such service" if code == _MISSING else _WORDS.get(code, "")
        return OSError(f"{what}: {function} failed (Win32 error {code}{': ' if words else ''}{words})")


def _wide(text: str) -> Any:
    return ffi.new("char16_t[]", text)


def _several(names: tuple[str, ...]) -> Any:
    """Each name ends with a zero, and so does their list; with none the list is one zero."""
    text = "".join(f"{name}\0" for name in names)
    return ffi.new("char16_t[]", text + "\0") if names else _wide("")
