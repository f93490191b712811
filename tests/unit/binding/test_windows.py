"""How Windows is asked: on stand-ins for its functions, for no part of this needs a Windows to be tested."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from cni_hns.binding import processes, windows
from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.errors import FunctionMissing
from cni_hns.binding.service import NETWORK, Service
from cni_hns.binding.windows import WindowsMachine, process_start
from cni_hns.log import Log

SYSTEM32 = "C:\\Windows\\system32"
SERVICE_HANDLE = ffi.cast("HANDLE", 11)
MANAGER_HANDLE = ffi.cast("HANDLE", 12)
PROCESS_HANDLE = ffi.cast("HANDLE", 13)


class FakeWindows:
    """kernel32 and advapi32 of one node; what is opened has to be closed."""

    def __init__(self) -> None:
        self.system_directory = SYSTEM32
        self.dlls: dict[str, Any] = {}
        self.loaded: list[tuple[str, int]] = []
        self.process: int | None = 0x01DB_0000_0000_1234
        self.exit_code = 259
        self.open_error = 87
        self.times_fail = False
        self.hns_pid = 4242
        self.manager_opens = self.service_opens = self.status_given = True
        self.boot_number: int | None = 17
        self.open: list[Any] = []

    # kernel32
    def GetSystemDirectoryW(self, buffer: Any, size: int) -> int:  # noqa: N802
        if len(self.system_directory) < size:
            buffer[0 : len(self.system_directory)] = self.system_directory
        return len(self.system_directory)

    def LoadLibraryExW(self, path: Any, file: Any, flags: int) -> Any:  # noqa: N802
        name = str(ffi.string(path))
        self.loaded.append((name, flags))
        return ffi.cast("HANDLE", 1) if name in self.dlls else ffi.NULL

    def GetLastError(self) -> int:  # noqa: N802
        return self.open_error

    def OpenProcess(self, access: int, inherit: int, pid: int) -> Any:  # noqa: N802
        assert (access, inherit) == (0x1000, 0)
        return ffi.NULL if self.process is None else self._opened(PROCESS_HANDLE)

    def GetExitCodeProcess(self, process: Any, code: Any) -> int:  # noqa: N802
        code[0] = self.exit_code
        return 1

    def GetProcessTimes(self, process: Any, created: Any, *_: Any) -> int:  # noqa: N802
        assert self.process is not None
        created[0].dwHighDateTime, created[0].dwLowDateTime = divmod(self.process, 2**32)
        return 0 if self.times_fail else 1

    def CloseHandle(self, handle: Any) -> int:  # noqa: N802
        return self._closed(handle)

    # advapi32
    def OpenSCManagerW(self, machine: Any, database: Any, access: int) -> Any:  # noqa: N802
        return self._opened(MANAGER_HANDLE) if self.manager_opens else ffi.NULL

    def OpenServiceW(self, manager: Any, name: Any, access: int) -> Any:  # noqa: N802
        assert (manager, ffi.string(name), access) == (MANAGER_HANDLE, "hns", 4)
        return self._opened(SERVICE_HANDLE) if self.service_opens else ffi.NULL

    def QueryServiceStatusEx(self, service: Any, level: int, status: Any, size: int, needed: Any) -> int:  # noqa: N802
        assert (service, level, size) == (SERVICE_HANDLE, 0, 36)
        status.dwProcessId = self.hns_pid
        return int(self.status_given)

    def CloseServiceHandle(self, handle: Any) -> int:  # noqa: N802
        return self._closed(handle)

    def RegGetValueW(self, key: Any, path: Any, name: Any, flags: int, *out: Any) -> int:  # noqa: N802
        _kind, value, size = out
        assert int(ffi.cast("uintptr_t", key)) == 0xFFFFFFFF80000002
        assert (ffi.string(name), flags, size[0]) == ("BootId", 0x10, 4)
        if self.boot_number is None:
            return 2
        value[0] = self.boot_number
        return 0

    def _opened(self, handle: Any) -> Any:
        self.open.append(handle)
        return handle

    def _closed(self, handle: Any) -> int:
        self.open.remove(handle)
        return 1


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    """A Windows whose advapi32 is there."""
    node = FakeWindows()
    node.dlls[f"{SYSTEM32}\\advapi32.dll"] = node

    def dlopen(name: str) -> Any:
        return node if name == "kernel32.dll" else node.dlls[name]

    known = {name: getattr(ffi, name) for name in ("new", "cast", "string", "sizeof", "NULL")}
    monkeypatch.setattr(windows, "ffi", SimpleNamespace(dlopen=dlopen, **known))
    return node


def test_the_build_is_that_of_windows_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = SimpleNamespace(build=9200, platform_version=(10, 0, 20348))
    monkeypatch.setattr("sys.getwindowsversion", lambda: versions, raising=False)
    assert WindowsMachine().windows_build() == 20348


@pytest.mark.skipif(os.name == "nt", reason="it is about other systems")
def test_elsewhere_there_is_no_build() -> None:
    assert WindowsMachine().windows_build() is None


class TestDlls:
    def test_come_from_system32_by_full_path_at_their_first_use(self, fake: FakeWindows) -> None:
        fake.dlls[f"{SYSTEM32}\\computenetwork.dll"] = SimpleNamespace(HcnOpenNetwork="pointer")
        libraries, machine = windows.load()
        assert fake.loaded == []
        assert libraries.computenetwork.HcnOpenNetwork == "pointer"
        assert libraries.computenetwork.HcnOpenNetwork == "pointer"
        # 0x800: what the DLL imports is looked for in System32 alone.
        assert fake.loaded == [(f"{SYSTEM32}\\computenetwork.dll", 0x800)]
        assert isinstance(machine, WindowsMachine)

    def test_computecore_is_opened_with_declarations_of_its_own(
        self, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """vmcompute.dll has functions of the same names with other parameters."""
        fake.dlls[f"{SYSTEM32}\\computecore.dll"] = fake.dlls[f"{SYSTEM32}\\vmcompute.dll"] = SimpleNamespace(
            HcsOpenComputeSystem="vmcompute's"
        )
        own = SimpleNamespace(dlopen=lambda name: SimpleNamespace(HcsOpenComputeSystem=name))
        monkeypatch.setattr("cni_hns.binding._generated_computecore.ffi", own)
        libraries, _ = windows.load()
        assert fake.loaded == []
        assert libraries.computecore.HcsOpenComputeSystem == f"{SYSTEM32}\\computecore.dll"
        assert libraries.vmcompute.HcsOpenComputeSystem == "vmcompute's"
        assert fake.loaded == [(f"{SYSTEM32}\\{name}.dll", 0x800) for name in ("computecore", "vmcompute")]

    def test_one_that_is_missing_is_a_typed_error_at_the_call(self, fake: FakeWindows) -> None:
        fake.open_error = 126
        libraries, _ = windows.load()
        with pytest.raises(FunctionMissing) as caught:
            Service(libraries, Log(stderr=False)).enumerate(NETWORK, "{}")
        assert caught.value.hresult == 0x8007007E
        assert "computenetwork.dll cannot be loaded (Win32 error 126)" in str(caught.value)

    def test_one_that_lacks_a_function_is_a_typed_error_at_the_call(self, fake: FakeWindows) -> None:
        fake.dlls[f"{SYSTEM32}\\computenetwork.dll"] = SimpleNamespace()
        libraries, _ = windows.load()
        with pytest.raises(FunctionMissing, match="HcnEnumerateNetworks"):
            Service(libraries, Log(stderr=False)).enumerate(NETWORK, "{}")

    @pytest.mark.parametrize("directory", ["", "x" * 300])
    def test_none_is_loaded_where_system32_is_not_known(self, fake: FakeWindows, directory: str) -> None:
        fake.system_directory = directory
        with pytest.raises(OSError, match="does not say where System32 is"):
            windows.SystemLibrary("ole32.dll").CoTaskMemFree  # noqa: B018
        assert fake.loaded == []

    @pytest.mark.skipif(os.name == "nt", reason="it is about other systems")
    def test_off_windows_there_is_none(self) -> None:
        libraries, _ = windows.load()
        with pytest.raises(FunctionMissing):
            Service(libraries, Log(stderr=False)).enumerate(NETWORK, "{}")


class TestProcesses:
    def test_a_living_one_has_a_start(self, fake: FakeWindows) -> None:
        assert process_start(7) == str(0x01DB_0000_0000_1234)
        assert fake.open == []

    def test_one_that_ended_is_none_though_it_can_be_opened(self, fake: FakeWindows) -> None:
        fake.exit_code = 1
        assert process_start(7) is None
        assert fake.open == []

    @pytest.mark.parametrize(
        ("error", "start"),
        [pytest.param(87, None, id="no such process"), pytest.param(5, "", id="it may not be asked")],
    )
    def test_one_that_cannot_be_opened(self, fake: FakeWindows, error: int, start: str | None) -> None:
        fake.process, fake.open_error = None, error
        assert process_start(7) == start

    def test_one_without_times_is_alive(self, fake: FakeWindows) -> None:
        fake.times_fail = True
        assert process_start(7) == ""
        assert fake.open == []

    def test_are_asked_of_windows_on_windows(
        self, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "os", SimpleNamespace(name="nt"))
        assert processes.start_of(7) == str(0x01DB_0000_0000_1234)

    def test_have_an_age(self, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
        """Starts are dates: a date of long ago is an age, one of tomorrow is none."""
        monkeypatch.setattr(processes, "os", SimpleNamespace(name="nt", getpid=lambda: 7))
        assert processes.age_s() > 0.0
        fake.process = 0x02DB_0000_0000_0000
        assert processes.age_s() == 0.0
        fake.times_fail = True
        assert processes.age_s() == 0.0, "nobody knows"


class TestTheMachine:
    def test_a_start_of_hns_is_its_process_and_when_it_started(self, fake: FakeWindows) -> None:
        first = WindowsMachine().hns_start()
        assert first == f"4242/{0x01DB_0000_0000_1234}"
        fake.process = 0x01DB_0000_0000_9999
        assert WindowsMachine().hns_start() != first
        assert fake.open == []

    @pytest.mark.parametrize("fails", ["manager_opens", "service_opens", "status_given", "hns_pid"])
    def test_hns_that_does_not_run_has_no_start(self, fake: FakeWindows, fails: str) -> None:
        setattr(fake, fails, 0)
        assert WindowsMachine().hns_start() == ""
        assert fake.open == []

    def test_a_run_of_hns_goes_on_while_its_process_does(self, fake: FakeWindows) -> None:
        start = WindowsMachine().hns_start()
        assert WindowsMachine().is_hns_start(start)
        fake.process = 0x01DB_0000_0000_9999
        assert not WindowsMachine().is_hns_start(start)
        fake.process = None
        assert not WindowsMachine().is_hns_start(start)
        assert fake.open == []

    def test_the_service_manager_is_not_asked_whether_hns_still_runs(self, fake: FakeWindows) -> None:
        start = WindowsMachine().hns_start()
        fake.manager_opens = False
        assert WindowsMachine().is_hns_start(start)

    @pytest.mark.parametrize("times_fail", [True, False])
    def test_where_the_process_says_nothing_the_service_is_asked_again(
        self, fake: FakeWindows, times_fail: bool
    ) -> None:
        fake.times_fail, fake.manager_opens = times_fail, times_fail
        start = WindowsMachine().hns_start()
        assert start == ("4242/" if times_fail else "")
        assert WindowsMachine().is_hns_start(start)
        fake.hns_pid, fake.manager_opens = 4243, True
        assert not WindowsMachine().is_hns_start(start)

    def test_a_boot_is_numbered(self, fake: FakeWindows) -> None:
        assert WindowsMachine().boot_id() == "17"

    def test_without_boot_numbers_there_is_no_name_for_a_boot(self, fake: FakeWindows) -> None:
        fake.boot_number = None
        assert WindowsMachine().boot_id() == ""

    def test_the_node_is_the_machine_itself(self, fake: FakeWindows) -> None:
        assert WindowsMachine().is_this_machine()

    def test_the_state_folder_is_below_programdata(
        self, fake: FakeWindows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PROGRAMDATA", "D:\\Data")
        assert WindowsMachine().state_folder() == "D:\\Data\\cni-hns"
        monkeypatch.delenv("PROGRAMDATA")
        assert WindowsMachine().state_folder() == "C:\\ProgramData\\cni-hns"
