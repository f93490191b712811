"""Inputs carried out by worker processes, which the run survives whatever happens in them.

Rule 1: a worker that takes longer than any deadline is asked where it is, and killed: that is a hang.
Rule 2: a worker that ends by itself has crashed, unless it said before that the program left its process.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import re
import resource
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple, Self

from tests.fuzz.calls import Outcome, carry_out
from tests.fuzz.inputs import Input
from tests.fuzz.oracle import Fault
from tests.fuzz.scenes import Workshop

__all__ = ["HANG_S", "Done", "Pool"]

HANG_S = 20.0
"""Longer than the deadline of any input, which is five seconds, on a machine that does much else."""

_TELLS_S = 1.0
_MORE_ADDRESS_SPACE = 1_500_000_000
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1

_fork = multiprocessing.get_context("fork")


class Done(NamedTuple):
    """What one input came to."""

    number: int
    one: Input
    faults: list[Fault]
    code: int | None
    stdout: str


class _Worker:
    """One process, and the folder that its successors take over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trace = folder.with_suffix(".trace")
        self.task: tuple[int, Input] | None = None
        self.began = 0.0
        self.start()

    def start(self) -> None:
        self.pipe, theirs = _fork.Pipe()
        self.process = _fork.Process(target=_work, args=(theirs, self.folder, self.trace), daemon=False)
        self.process.start()
        theirs.close()

    def give(self, number: int, one: Input) -> None:
        self.task, self.began = (number, one), time.monotonic()
        self.pipe.send(one)

    def result(self) -> Done:
        """What it has to say; a dead one is replaced."""
        assert self.task is not None
        number, one = self.task
        self.task = None
        try:
            outcome, alive = self.pipe.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            outcome, alive = (
                ([Fault("crashed", f"exit {self.process.exitcode} in {one.verb} ({one.kind})")], None, ""),
                False,
            )
        if not alive:
            self.restart()
        faults, code, stdout = outcome
        return Done(number, one, faults, code, stdout)

    def hung(self) -> Done:
        """Where it hangs; it is killed and replaced."""
        assert self.task is not None
        number, one = self.task
        self.task = None
        self.trace.write_text("")
        os.kill(self.process.pid or 0, signal.SIGUSR1)
        time.sleep(_TELLS_S)
        where = _innermost(self.trace.read_text())
        self.restart()
        return Done(number, one, [Fault("hangs", where or f"{one.verb} ({one.kind})")], None, "")

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _innermost(trace: str) -> str:
    """The innermost line of the program in the stack of the thread that works."""
    found = re.findall(r'File "[^"]*?(cni_hns/[^"]+)", line (\d+) in (\w+)', trace)
    own = [
        f"{file}:{line} in {name}"
        for file, line, name in found
        if "background.py" not in file and "simulator" not in file
    ]
    return own[0] if own else ""


class Pool:
    """Some workers in a temporary folder."""

    def __init__(self, jobs: int, hang_s: float = HANG_S) -> None:
        shared = Path("/dev/shm")  # SQLite's files are quickest in memory
        self._root = Path(tempfile.mkdtemp(prefix="cni-hns-fuzz-", dir=shared if shared.is_dir() else None))
        self._hang_s = hang_s
        self._workers = [_Worker(self._root / f"worker-{number}") for number in range(jobs)]

    def close(self) -> None:
        for worker in self._workers:
            worker.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, inputs: Iterable[tuple[int, Input]]) -> Iterator[Done]:
        """Each input's outcome, in the order in which they end."""
        waiting = iter(inputs)
        idle = deque(self._workers)
        busy: dict[Connection, _Worker] = {}
        while True:
            while idle and (task := next(waiting, None)) is not None:
                worker = idle.popleft()
                worker.give(*task)
                busy[worker.pipe] = worker
            if not busy:
                return
            ready = [pipe for pipe in wait(list(busy), timeout=0.5) if isinstance(pipe, Connection)]
            for pipe in ready:
                worker = busy.pop(pipe)
                yield worker.result()
                idle.append(worker)
            now = time.monotonic()
            for pipe, worker in list(busy.items()):
                if now - worker.began > self._hang_s and not pipe.poll():
                    del busy[pipe]
                    yield worker.hung()
                    idle.append(worker)


def _limit_memory() -> None:
    """What grows without an end fails before the machine does."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + _MORE_ADDRESS_SPACE, now + _MORE_ADDRESS_SPACE))


def _work(pipe: Connection, folder: Path, trace: Path) -> None:
    """The life of a worker: it ends with its parent's end of the pipe."""
    faulthandler.register(signal.SIGUSR1, file=trace.open("w"), all_threads=True)
    # The children of a child that ends become ours, so that they can be counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Forks hold each other's pipes open: a run that is killed would not be seen to end.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _limit_memory()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What is written to stdout past the one who may is kept, and found.
    os.dup2(os.memfd_create("stdout"), 1)
    workshop = Workshop(folder)
    os.chdir(folder)

    def left(outcome: Outcome) -> None:
        pipe.send((outcome, False))
        os._exit(0)

    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while True:
            one = pipe.recv()
            outcome = carry_out(one, workshop, left)
            # What took much memory may still have it: the next one is judged by itself.
            pipe.send((outcome, not any(fault.kind == "memory" for fault in outcome[0])))
