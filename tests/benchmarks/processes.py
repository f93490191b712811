"""Programs started as a runtime starts a plugin, one alone on the stopwatch or many together."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.lane import Lane
from tests.lane.wine import end_server, warm
from tests.packaging import give

__all__ = ["Ran", "Start", "timed", "together", "wine_is_up"]

_STOPWATCH = Path(__file__).with_name("stopwatch.py")
_TIMEOUT_S = 300
# Wine's own services start with its server, and are busy with that for so long.
_SETTLED_AFTER_S = 3.0


class Start(NamedTuple):
    """What is started: the command line, its variables, and the configuration for its stdin."""

    command: list[str]
    environment: dict[str, str]
    stdin: bytes


class Ran(NamedTuple):
    """What a program answered, and what it cost with all that it started."""

    exit_code: int
    stdout: str
    stderr: str
    wall_s: float = 0.0
    user_s: float = 0.0
    system_s: float = 0.0
    peak_kib: int = 0
    processes: int = 1

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on stdout; empty where there is none."""
        try:
            document = json.loads(self.stdout)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def never_began(self) -> bool:
        """With this, and no word, Wine ends a start before the program begins (docs/testing.md)."""
        return self.exit_code == 1 and not self.stdout and not self.stderr

    @property
    def words(self) -> str:
        """The answer in one line."""
        error = self.document
        if self.exit_code == 0:
            return "succeeds" + (", prints nothing" if not self.stdout.strip() else "")
        said = str(error.get("msg") or self.stdout.strip() or self.stderr.strip())[:200]
        if not said:
            return f"fails, exit code {self.exit_code}, no word"
        return f"fails, code {error.get('code', '-')}: {said}"


@contextlib.contextmanager
def wine_is_up(lane: Lane, *, on_one_core: bool = False) -> Iterator[None]:
    """Wine's server runs, a new one, and has nothing else to do.

    With `on_one_core` it, what is started meanwhile, and this process with the simulated HNS share a core.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)} if on_one_core else cores)
    end_server(lane)
    try:
        with warm(lane):
            time.sleep(_SETTLED_AFTER_S)
            yield
    finally:
        os.sched_setaffinity(0, cores)


def timed(start: Start) -> Ran:
    """One program alone, on the stopwatch; once more where Wine did not begin it."""
    ran = _timed(start)
    return _timed(start) if ran.never_began else ran


def _timed(start: Start) -> Ran:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as report:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_STOPWATCH), str(writer), *start.command],
                env=start.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[writer],
            )
        finally:
            os.close(writer)
        stdout, stderr = process.communicate(start.stdin, timeout=_TIMEOUT_S)
        measured = json.loads(report.read())
    measured.pop("outlived")
    return Ran(stdout=stdout.decode(), stderr=stderr.decode(errors="replace"), **measured)


def together(starts: Sequence[Start]) -> tuple[float, list[Ran]]:
    """All of them started at once: the seconds from the first start to the last answer, and the answers."""
    started = time.perf_counter()
    processes = [_begun(start) for start in starts]
    answers = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=_TIMEOUT_S)
        answers.append(Ran(process.returncode, stdout.decode(), stderr.decode(errors="replace")))
    return time.perf_counter() - started, answers


def _begun(start: Start) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        start.command,
        env=start.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    give(process, start.stdin)  # less than a pipe holds: nobody waits here
    return process
