"""A process is known by its id and its start, and counts as living only in its own boot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace

import pytest

from cni_hns.binding import processes
from cni_hns.binding.processes import Owner, is_alive, start_of, this_process

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has its own source, see test_windows")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until it is killed, and then stays a zombie until it is waited for."""
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    yield process
    process.kill()
    process.communicate()


def test_this_process_is_alive() -> None:
    assert is_alive(this_process("boot"), "boot")


def test_a_process_of_another_boot_is_dead() -> None:
    assert not is_alive(this_process("boot"), "next boot")


def test_a_process_that_got_a_dead_ones_id_is_another() -> None:
    owner = this_process("boot")
    assert not is_alive(owner._replace(started="1"), "boot")


def test_without_a_start_only_the_id_decides() -> None:
    assert is_alive(this_process("boot")._replace(started=""), "boot")


def test_another_process_is_alive_until_it_ends(child: subprocess.Popen[bytes]) -> None:
    owner = Owner(child.pid, start_of(child.pid) or "", "boot")
    assert is_alive(owner, "boot")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    # A zombie: killed, and its parent has not looked yet.
    assert not is_alive(owner, "boot")
    child.wait()
    assert not is_alive(owner, "boot")


def test_a_name_with_blanks_and_parentheses_does_not_shift_the_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stat = b"7 (a) b (c) S " + b" ".join(b"%d" % field for field in range(4, 53))

    monkeypatch.setattr("builtins.open", lambda *_: BytesIO(stat))
    assert start_of(7) == "22"


class TestWithoutProc:
    """Systems without /proc tell only whether a process answers."""

    @pytest.fixture(autouse=True)
    def _no_proc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr("builtins.open", fails)

    def test_a_process_that_answers_is_alive(self) -> None:
        assert start_of(os.getpid()) == ""

    @pytest.mark.parametrize(
        ("fault", "started"),
        [
            pytest.param(PermissionError, "", id="it is someone else's"),
            pytest.param(ProcessLookupError, None, id="there is none"),
        ],
    )
    def test_how_it_refuses_says_the_rest(
        self, monkeypatch: pytest.MonkeyPatch, fault: type[Exception], started: str | None
    ) -> None:
        def kill(*_: object) -> None:
            raise fault

        monkeypatch.setattr(processes, "os", SimpleNamespace(name="posix", kill=kill))
        assert start_of(1) == started
