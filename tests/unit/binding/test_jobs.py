"""Windows' job objects, and a child that lives in one, on stand-ins for the functions of Windows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cni_hns.binding import children, jobs
from cni_hns.binding._generated_ffi import ffi
from cni_hns.binding.jobs import Job

JOB, CHILD = 21, 22
KILL_ON_JOB_CLOSE = 0x2000


class FakeWindows:
    """kernel32 and ntdll: what is called is kept in `calls`, and what is in `failing` fails."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.limits: tuple[int, int, int] | None = None
        self.in_job: list[int] = []

    def CreateJobObjectW(self, security: Any, name: Any) -> Any:  # noqa: N802
        assert (security, name) == (ffi.NULL, ffi.NULL), "the handle is nobody else's"
        return ffi.cast("HANDLE", JOB) if self._done("CreateJobObject") else ffi.NULL

    def SetInformationJobObject(self, job: Any, kind: int, limits: Any, size: int) -> int:  # noqa: N802
        self.limits = (kind, limits.BasicLimitInformation.LimitFlags, size)
        return self._done("SetInformationJobObject", job)

    def AssignProcessToJobObject(self, job: Any, process: Any) -> int:  # noqa: N802
        if self._done("AssignProcessToJobObject", job):
            self.in_job.append(int(ffi.cast("uintptr_t", process)))
            return 1
        return 0

    def NtResumeProcess(self, process: Any) -> int:  # noqa: N802
        assert int(ffi.cast("uintptr_t", process)) in self.in_job, "it runs before it is in the job"
        return 0 if self._done("NtResumeProcess") else -0x3FFFFFDE

    def TerminateJobObject(self, job: Any, status: int) -> int:  # noqa: N802
        return self._done("TerminateJobObject", job)

    def CloseHandle(self, handle: Any) -> int:  # noqa: N802
        return self._done("CloseHandle", handle)

    def GetLastError(self) -> int:  # noqa: N802
        return 5

    def _done(self, name: str, job: Any = None) -> int:
        if job is not None:
            assert int(ffi.cast("uintptr_t", job)) == JOB
        self.calls.append(name)
        return int(name not in self.failing)


class FakeChild:
    """A process that was made suspended."""

    def __init__(self) -> None:
        self._handle = CHILD
        self.calls: list[str] = []

    def kill(self) -> None:
        self.calls.append("kill")

    def wait(self) -> int:
        self.calls.append("wait")
        return 1


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    fake = FakeWindows()
    monkeypatch.setattr(jobs, "_kernel32", fake)
    monkeypatch.setattr(jobs, "_ntdll", fake)
    return fake


@pytest.fixture
def child(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> FakeChild:
    """The child that is started next, on a Windows."""
    made = FakeChild()

    def started(words: list[str], environment: Any, *, creationflags: int) -> FakeChild:
        assert (words, environment, creationflags) == (["C:\\ipam.exe"], {"A": "b"}, 0x4), "made suspended"
        return made

    monkeypatch.setattr(children, "_WINDOWS", True)
    monkeypatch.setattr(children, "_started", started)
    return made


class TestAJob:
    def test_ends_its_processes_when_its_handle_is_closed(self, windows: FakeWindows) -> None:
        Job()
        size = ffi.sizeof("JOBOBJECT_EXTENDED_LIMIT_INFORMATION")
        assert windows.limits == (9, KILL_ON_JOB_CLOSE, size)

    def test_that_windows_does_not_give_is_an_error(self, windows: FakeWindows) -> None:
        windows.failing = {"CreateJobObject"}
        with pytest.raises(OSError, match="CreateJobObject failed with Win32 error 5"):
            Job()
        assert windows.calls == ["CreateJobObject"]

    def test_without_its_limit_is_closed_at_once(self, windows: FakeWindows) -> None:
        windows.failing = {"SetInformationJobObject"}
        with pytest.raises(OSError, match="SetInformationJobObject failed with Win32 error 5"):
            Job()
        assert windows.calls[-1] == "CloseHandle"

    def test_takes_a_process_in_before_it_runs(self, windows: FakeWindows) -> None:
        Job().adopt(CHILD)
        assert windows.in_job == [CHILD]
        assert windows.calls[-2:] == ["AssignProcessToJobObject", "NtResumeProcess"]

    def test_that_cannot_take_a_process_in_does_not_let_it_run(self, windows: FakeWindows) -> None:
        windows.failing = {"AssignProcessToJobObject"}
        with pytest.raises(OSError, match="AssignProcessToJobObject failed with Win32 error 5"):
            Job().adopt(CHILD)
        assert "NtResumeProcess" not in windows.calls


class TestAChildOfOurs:
    def test_is_in_the_job_before_it_runs_and_ends_with_it(
        self, windows: FakeWindows, child: FakeChild
    ) -> None:
        tree = children._tree()
        assert tree.start(["C:\\ipam.exe"], {"A": "b"}) is child
        tree.kill()
        tree.close()
        assert windows.in_job == [CHILD]
        assert windows.calls[-2:] == ["TerminateJobObject", "CloseHandle"]
        assert child.calls == []

    @pytest.mark.parametrize(
        ("failing", "said"),
        [
            ("AssignProcessToJobObject", "AssignProcessToJobObject failed with Win32 error 5"),
            ("NtResumeProcess", "NtResumeProcess failed with status 0xC0000022"),
        ],
    )
    def test_that_cannot_be_in_the_job_does_not_live(
        self, windows: FakeWindows, child: FakeChild, failing: str, said: str
    ) -> None:
        windows.failing = {failing}
        with pytest.raises(OSError, match=said):
            children._tree().start(["C:\\ipam.exe"], {"A": "b"})
        assert child.calls == ["kill", "wait"]

    def test_is_waited_for(self, child: FakeChild, windows: FakeWindows) -> None:
        happened = children._Event()
        children._wait(child, happened)
        assert happened.wait(0.0)
        assert child.calls == ["wait"]


def test_a_group_without_a_leader_leaves_no_pipe_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(11, "no more processes")

    closed: list[int] = []
    monkeypatch.setattr(children, "_WINDOWS", False)
    monkeypatch.setattr(
        children,
        "os",
        SimpleNamespace(
            pipe=lambda: (3, 4),
            close=closed.append,
            posix_spawn=refuse,
            POSIX_SPAWN_DUP2=0,
            POSIX_SPAWN_CLOSE=1,
        ),
    )
    with pytest.raises(OSError, match="no more processes"):
        children._tree()
    assert sorted(closed) == [3, 4]
