"""The verb that something befalls, in a process of its own: it can be killed as any process can."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from cni_hns.log import Log
from cni_hns.plugin import run
from cni_hns.simulator import Simulator
from cni_hns.stdio import Outlet, write_stdout
from tests.matrix import children, files, ledger
from tests.matrix.faults import Point, Way
from tests.matrix.steps import Steps

__all__ = ["Ended", "adopt_orphans", "run_verb", "wait_for_orphans"]

_PR_SET_CHILD_SUBREAPER = 36
# Far above every deadline of a case: who is later than this hangs.
_PATIENCE_S = 30.0
_FIRED = b"\0fired\0"


class Ended(NamedTuple):
    """How the process ended: what it wrote, its exit code (None: it hung), and what it saw of the fault."""

    stdout: str
    exit_code: int | None
    fired: bool
    points: list[Point]

    @property
    def killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL


def run_verb(
    folder: Path,
    variables: dict[str, str],
    config: dict[str, Any],
    reservations: Path | None,
    point: Point | None = None,
    way: Way | None = None,
) -> Ended:
    """Run one verb in a new process, through the front door's function."""
    stdout, answer = os.pipe()
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(stdout)
        os.close(told)
        _verb(folder, variables, config, reservations, answer, tell, point, way)
    os.close(answer)
    os.close(tell)
    texts = _read({stdout: b"", told: b""}, pid)
    _, status = os.waitpid(pid, 0)
    os.close(stdout)
    os.close(told)
    code = os.waitstatus_to_exitcode(status)
    report = texts[told].replace(_FIRED, b"")
    points = [Point(*one) for one in json.loads(report)] if report else []
    hung = texts.get(-1) is not None
    return Ended(texts[stdout].decode(), None if hung else code, _FIRED in texts[told], points)


def _read(texts: dict[int, bytes], pid: int) -> dict[int, bytes]:
    """Everything until the process ends; with an entry -1, and the process killed, if it did not."""
    ends = time.monotonic() + _PATIENCE_S
    waiting = list(texts)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            os.kill(pid, signal.SIGKILL)
            texts[-1] = b""
            break
        for descriptor in ready:
            text = os.read(descriptor, 1 << 16)
            texts[descriptor] += text
            if not text:
                waiting.remove(descriptor)
    return texts


def _verb(
    folder: Path,
    variables: dict[str, str],
    config: dict[str, Any],
    reservations: Path | None,
    answer: int,
    tell: int,
    point: Point | None,
    way: Way | None,
) -> NoReturn:
    """The whole life of the new process."""
    try:
        steps = Steps(folder, point, way, lambda: os.write(tell, _FIRED))
        ledger.patch(steps)
        children.patch(steps)
        if reservations is not None:
            files.patch(steps, reservations)
        os.environ.update(variables)

        def leave(code: int) -> NoReturn:
            os.write(tell, json.dumps(steps.seen).encode())
            os._exit(code)

        simulator = Simulator(str(folder / "node"))
        outlet = Outlet(partial(write_stdout, answer), leave)
        given = run(
            variables,
            lambda _: json.dumps(config).encode(),
            lambda: (simulator.libraries(), simulator.machine()),
            Log(stderr=False),
            outlet=outlet,
        )
        delivered = outlet.deliver(given.stdout)
        leave(given.exit_code if delivered else 1)
    finally:
        os._exit(70)


def adopt_orphans() -> None:
    """Children of a verb's process become this one's when it ends: so they are found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans(patience_s: float) -> list[int]:
    """Children that outlive the verb that started them, after so many seconds; they are ended then."""
    ends = time.monotonic() + patience_s
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if pid == 0 and time.monotonic() > ends:
            return _end_all()
        if pid == 0:
            time.sleep(0.005)


def _end_all() -> list[int]:
    ended = []
    for name in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = name.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            ended.append(int(name.parent.name))
            os.kill(ended[-1], signal.SIGKILL)
    for pid in ended:
        os.waitpid(pid, 0)
    return ended
