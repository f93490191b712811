"""A program run as a child: bounded in what it prints, how long it lives and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cni_hns.binding import children
from cni_hns.binding.children import STDERR_BYTES, STDOUT_BYTES, Ended, run
from tests.unit import processes

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs here are scripts")

Run = Callable[..., Ended]

# Runs the program that it is given until it is killed.
PARENT = """
import os, sys
from cni_hns.binding.children import run
run(sys.argv[1], os.environ, b"", 600.0)
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """A program of these lines of shell, which works in the test's folder."""

    def made(lines: str) -> str:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ncd '{tmp_path}'\n{lines}\n")
        program.chmod(0o755)
        return str(program)

    return made


@pytest.fixture
def ran(script: Callable[[str], str], tmp_path: Path) -> Iterator[Run]:
    """Runs these lines; afterwards no process of theirs is left, and none that was not waited for."""
    before = processes.children()

    def made(lines: str, given: bytes = b"", timeout_s: float = 60.0) -> Ended:
        return run(script(lines), os.environ, given, timeout_s)

    yield made
    processes.wait_for_none_in(tmp_path)
    assert processes.children() <= before


class TestAChild:
    def test_gets_bytes_and_gives_bytes_and_a_status(self, ran: Run) -> None:
        given = os.urandom(300_000)
        ended = ran("echo no >&2; cat; exit 3", given)
        assert ended == Ended(3, given, b"no\n", late=False, overflowed=False)

    @pytest.mark.parametrize("lines", ["exit 0", "exec <&-\nsleep 0.05"])
    def test_need_not_read(self, ran: Run, lines: str) -> None:
        assert ran(lines, b" " * 1_000_000) == Ended(0, b"", b"", late=False, overflowed=False)

    def test_that_is_killed_has_its_signal_as_status(self, ran: Run) -> None:
        assert ran("echo yes; kill -9 $$") == Ended(-9, b"yes\n", b"", late=False, overflowed=False)

    def test_that_cannot_be_started_is_an_error(self, ran: Run, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            run(str(tmp_path / "none"), {}, b"", 60.0)


def _traced(work: Callable[[], Ended]) -> tuple[Ended, int]:
    """How it ended, and the most memory (bytes) that Python had meanwhile."""
    tracemalloc.start()
    try:
        ended = work()
        return ended, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class TestOutput:
    def test_up_to_the_limit_is_kept(self, ran: Run) -> None:
        ended = ran(f"head -c {STDOUT_BYTES} /dev/zero")
        assert (len(ended.stdout), ended.status, ended.overflowed) == (STDOUT_BYTES, 0, False)

    def test_without_end_ends_the_child(self, ran: Run) -> None:
        ended, highest = _traced(lambda: ran("cat /dev/zero"))
        assert (ended.overflowed, ended.late, len(ended.stdout)) == (True, False, STDOUT_BYTES)
        assert highest < 4 * STDOUT_BYTES

    def test_of_errors_only_the_beginning_is_kept(self, ran: Run) -> None:
        lines = "echo first >&2; head -c 100000000 /dev/zero >&2; echo done"
        ended, highest = _traced(lambda: ran(lines))
        assert (ended.status, ended.stdout, len(ended.stderr)) == (0, b"done\n", STDERR_BYTES)
        assert ended.stderr.startswith(b"first\n")
        assert highest < 4 * STDOUT_BYTES


class TestTheTree:
    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param("exec sleep 600", id="the child"),
            pytest.param("sleep 600", id="its child"),
            pytest.param("(sleep 600 | sleep 600) & sleep 600", id="many"),
            pytest.param("trap '' TERM INT HUP; sleep 600", id="one that ignores signals"),
            pytest.param("exec <&- >&- 2>&-; sleep 600", id="one that closes its pipes"),
        ],
    )
    def test_ends_when_the_time_is_over(self, ran: Run, lines: str) -> None:
        assert ran(lines, timeout_s=0.3).late

    @pytest.mark.parametrize("pipes", ["", "</dev/null >/dev/null 2>&1"], ids=["with its pipes", "without"])
    def test_ends_with_the_child(self, ran: Run, pipes: str) -> None:
        assert ran(f"sleep 600 {pipes} &\necho yes") == Ended(0, b"yes\n", b"", late=False, overflowed=False)

    def test_that_left_the_group_with_the_pipes_is_not_waited_for(
        self, ran: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(children, "_GRACE_S", 0.3)
        ended = ran("setsid sh -c 'echo $$ > pid; exec sleep 600' &\nuntil [ -s pid ]; do :; done; echo yes")
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        assert (ended.status, ended.stdout) == (0, b"yes\n")
        processes.wait_for_none_in(tmp_path)

    def test_ends_when_this_process_is_killed(self, script: Callable[[str], str], tmp_path: Path) -> None:
        begun, begins = os.pipe()
        program = script(f"sleep 600 &\necho > /proc/{os.getpid()}/fd/{begins}\nsleep 600")
        with subprocess.Popen([sys.executable, "-c", PARENT, program]) as parent:
            os.read(begun, 1)
            assert len(processes.at_work_in(tmp_path)) > 1
            parent.kill()
        os.close(begun)
        os.close(begins)
        processes.wait_for_none_in(tmp_path)
