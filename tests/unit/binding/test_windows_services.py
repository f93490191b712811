"""How this Windows is asked for services, and is one itself: on stand-ins for its functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from cni_hns.binding import windows_service
from cni_hns.binding._generated_services import ffi
from cni_hns.binding.service_manager import ServiceWanted
from cni_hns.binding.windows_service import NotStartedAsService, serve
from cni_hns.binding.windows_service_manager import WindowsServiceManager

STOPPED, STOPPING, RUNNING = 1, 3, 4
DENIED, MISSING, EXISTS, INVALID_LEVEL = 5, 1060, 1073, 124
WANTED = ServiceWanted(
    "cni-hns-agent", "Agent", "Keeps the pods' network.", r"C:\cni-hns.exe agent", ("hns",)
)


class FakeManager:
    """advapi32 and kernel32 of a machine with one service, or none; what is opened has to be closed."""

    def __init__(self, state: int | None = None) -> None:
        self.state = state
        self.command = "old.exe"
        self.needs = ""
        self.levels: list[int] = []
        self.refuses: dict[str, int] = {}
        self.error = 0
        self.open = 0
        self.stops_at_once = True

    def manager(self) -> WindowsServiceManager:
        return WindowsServiceManager(lambda name, declared=None: self)

    def _refused(self, function: str) -> bool:
        self.error = self.refuses.get(function, 0)
        return bool(self.error)

    def OpenSCManagerW(self, machine: Any, database: Any, rights: int) -> Any:  # noqa: N802
        if self._refused("OpenSCManager"):
            return ffi.NULL
        self.open += 1
        return ffi.cast("HANDLE", 1)

    def OpenServiceW(self, manager: Any, name: Any, rights: int) -> Any:  # noqa: N802
        if self._refused("OpenService"):
            return ffi.NULL
        if self.state is None:
            self.error = MISSING
            return ffi.NULL
        self.open += 1
        return ffi.cast("HANDLE", 2)

    def CloseServiceHandle(self, handle: Any) -> int:  # noqa: N802
        self.open -= 1
        return 1

    def GetLastError(self) -> int:  # noqa: N802
        return self.error

    def CreateServiceW(self, *arguments: Any) -> Any:  # noqa: N802
        if self._refused("CreateService"):
            return ffi.NULL
        if self.state is not None:
            self.error = EXISTS
            return ffi.NULL
        self.state, self.command = STOPPED, str(ffi.string(arguments[7]))
        self.needs = str(ffi.string(arguments[10]))
        self.open += 1
        return ffi.cast("HANDLE", 3)

    def ChangeServiceConfigW(self, *arguments: Any) -> int:  # noqa: N802
        if self._refused("ChangeServiceConfig"):
            return 0
        self.command = str(ffi.string(arguments[4]))
        return 1

    def ChangeServiceConfig2W(self, service: Any, level: int, info: Any) -> int:  # noqa: N802
        if self._refused(f"ChangeServiceConfig2 {level}"):
            return 0
        self.levels.append(level)
        return 1

    def QueryServiceConfigW(self, service: Any, config: Any, size: int, needed: Any) -> int:  # noqa: N802
        needed[0] = ffi.sizeof("QUERY_SERVICE_CONFIGW")
        if config == ffi.NULL or self._refused("QueryServiceConfig"):
            return 0
        self._kept = ffi.new("char16_t[]", self.command)
        config.lpBinaryPathName = self._kept
        return 1

    def QueryServiceStatusEx(self, service: Any, level: int, status: Any, size: int, needed: Any) -> int:  # noqa: N802
        status.dwCurrentState = self.state
        return 1

    def StartServiceW(self, service: Any, count: int, arguments: Any) -> int:  # noqa: N802
        if self._refused("StartService"):
            return 0
        self.state = RUNNING
        return 1

    def ControlService(self, service: Any, control: int, status: Any) -> int:  # noqa: N802
        if self._refused("ControlService"):
            return 0
        self.state = STOPPED if self.stops_at_once else STOPPING
        return 1

    def DeleteService(self, service: Any) -> int:  # noqa: N802
        if self._refused("DeleteService"):
            return 0
        self.state = None
        return 1


class TestTheServiceManager:
    def test_makes_a_service_that_is_started_again(self) -> None:
        windows = FakeManager()
        windows.manager().put(WANTED)
        assert (windows.command, windows.needs) == (WANTED.command, "hns")
        assert windows.levels == [1, 2, 4, 3]
        assert windows.manager().command(WANTED.name) == WANTED.command
        assert windows.open == 0

    def test_changes_the_one_that_is_there(self) -> None:
        windows = FakeManager(RUNNING)
        windows.manager().put(WANTED._replace(needs=()))
        assert (windows.command, windows.state, windows.open) == (WANTED.command, RUNNING, 0)

    def test_does_without_what_this_windows_does_not_know(self) -> None:
        windows = FakeManager()
        windows.refuses["ChangeServiceConfig2 4"] = INVALID_LEVEL
        windows.manager().put(WANTED)
        assert windows.levels == [1, 2, 3]

    def test_starts_and_stops_it(self) -> None:
        windows = FakeManager(STOPPED)
        windows.manager().start(WANTED.name)
        assert windows.manager().state(WANTED.name) == "running"
        windows.manager().stop(WANTED.name, 1.0)
        assert windows.manager().state(WANTED.name) == "stopped"
        windows.manager().delete(WANTED.name)
        assert windows.manager().state(WANTED.name) == "missing"
        assert windows.open == 0

    def test_what_is_as_wanted_is_no_error(self) -> None:
        windows = FakeManager(RUNNING)
        windows.refuses |= {"StartService": 1056, "ControlService": 1062}
        windows.manager().start(WANTED.name)
        windows.state = STOPPED
        windows.manager().stop(WANTED.name, 1.0)
        nothing = FakeManager().manager()
        nothing.stop(WANTED.name, 1.0)
        nothing.delete(WANTED.name)
        assert nothing.command(WANTED.name) is None

    def test_one_that_does_not_stop_is_told(self) -> None:
        windows = FakeManager(RUNNING)
        windows.stops_at_once = False
        with pytest.raises(OSError, match="still stopping after 0 s"):
            windows.manager().stop(WANTED.name, 0.0)
        assert windows.open == 0

    @pytest.mark.parametrize(
        ("function", "act"),
        [
            ("OpenSCManager", lambda manager: manager.state(WANTED.name)),
            ("OpenService", lambda manager: manager.state(WANTED.name)),
            ("CreateService", lambda manager: manager.put(WANTED)),
            ("ChangeServiceConfig", lambda manager: manager.put(WANTED)),
            ("ChangeServiceConfig2 2", lambda manager: manager.put(WANTED)),
            ("QueryServiceConfig", lambda manager: manager.command(WANTED.name)),
            ("StartService", lambda manager: manager.start(WANTED.name)),
            ("ControlService", lambda manager: manager.stop(WANTED.name, 1.0)),
            ("DeleteService", lambda manager: manager.delete(WANTED.name)),
        ],
    )
    def test_a_refusal_says_who_may(
        self, function: str, act: Callable[[WindowsServiceManager], object]
    ) -> None:
        windows = FakeManager(RUNNING)
        windows.refuses[function] = DENIED
        with pytest.raises(OSError, match="run this as an administrator"):
            act(windows.manager())
        assert windows.open == 0

    def test_none_to_start_or_to_change_is_told(self) -> None:
        windows = FakeManager()
        with pytest.raises(OSError, match="no such service"):
            windows.manager().start(WANTED.name)
        # It went between the two calls.
        windows.refuses["CreateService"] = EXISTS
        with pytest.raises(OSError, match="no such service"):
            windows.manager().put(WANTED)


class FakeDispatcher:
    """Windows as a service's process meets it: it calls the main function, and then its handler."""

    def __init__(self, *controls: int, code: int = 0) -> None:
        self.controls = controls
        self.code = code
        self.answers: list[int] = []
        self.reports: list[tuple[int, int]] = []

    def StartServiceCtrlDispatcherW(self, table: Any) -> int:  # noqa: N802
        if self.code:
            return 0
        table[0].lpServiceProc(0, ffi.NULL)
        return 1

    def RegisterServiceCtrlHandlerExW(self, name: Any, handler: Any, context: Any) -> Any:  # noqa: N802
        self.handler = handler
        return ffi.cast("HANDLE", 1)

    def SetServiceStatus(self, handle: Any, status: Any) -> int:  # noqa: N802
        self.reports.append((status.dwCurrentState, status.dwServiceSpecificExitCode))
        return 1

    def GetLastError(self) -> int:  # noqa: N802
        return self.code

    def ask(self) -> None:
        self.answers = [self.handler(control, 0, ffi.NULL, ffi.NULL) for control in self.controls]


class TestBeingAService:
    @staticmethod
    def served(monkeypatch: pytest.MonkeyPatch, windows: FakeDispatcher, exit_code: int = 0) -> list[bool]:
        monkeypatch.setattr(windows_service, "SystemLibrary", lambda name, declared=None: windows)
        stopped: list[bool] = []

        def run(stop: threading.Event) -> int:
            windows.ask()
            stopped.append(stop.is_set())
            return exit_code

        serve(WANTED.name, run)
        return stopped

    @pytest.mark.parametrize("control", [1, 15], ids=["stop", "the machine goes down"])
    def test_it_ends_when_it_is_told(self, monkeypatch: pytest.MonkeyPatch, control: int) -> None:
        windows = FakeDispatcher(control)
        assert self.served(monkeypatch, windows) == [True]
        assert windows.answers == [0]
        assert windows.reports == [(RUNNING, 0), (STOPPING, 0), (STOPPED, 0)]

    def test_it_says_that_it_lives_and_knows_no_other_controls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        windows = FakeDispatcher(4, 2)
        assert self.served(monkeypatch, windows) == [False]
        assert windows.answers == [0, 120]

    def test_a_bad_end_is_told_so_that_it_is_started_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        windows = FakeDispatcher()
        self.served(monkeypatch, windows, exit_code=3)
        assert windows.reports[-1] == (STOPPED, 3)

    def test_started_by_hand_it_says_how_it_is_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(NotStartedAsService, match="Start-Service cni-hns-agent"):
            self.served(monkeypatch, FakeDispatcher(code=1063))

    def test_a_refusal_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(OSError, match="Win32 error 5"):
            self.served(monkeypatch, FakeDispatcher(code=5))
