"""One flip after another, in processes that are ended where they hang or take too much memory."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tests.damage.places import HEADER, Flip, flips
from tests.damage.scene import VERBS, Scene

__all__ = ["Campaign", "Case"]

# For all verbs of one place, each of which has five seconds; what takes longer hangs.
_PATIENCE_S = 60.0
_MEMORY_BYTES = 300 << 20
# Beyond it a process is refused memory: one that grows without end shall not take the machine's.
_WALL_BYTES = 1 << 30
# A simulated HNS keeps a little of every call: a process is replaced before that shows.
_CASES_OF_A_PROCESS = 150
# So often the verbs are tried on the rebuilt ledger too.
_THOROUGHLY = 10


class Case(NamedTuple):
    """What one flip came to: each verb's code, and what is wrong, by the step that it showed in."""

    codes: dict[str, int]
    wrong: list[tuple[str, str]]


class Campaign:
    """All flips, shared among processes."""

    def __init__(self, places: int, seed: int, processes: int) -> None:
        self.flips: list[Flip] = []
        self.codes: dict[str, Counter[int]] = defaultdict(Counter)
        self.failures: dict[tuple[str, str], list[Flip]] = defaultdict(list)
        self._arguments = places, seed
        self._processes = processes
        self._lock = threading.Lock()

    def run(self, only: Flip | None = None) -> None:
        with tempfile.TemporaryDirectory(prefix="damage-") as folder:
            # The ledgers of all processes' scenes have the same layout: places mean the same in all.
            scene = Scene(Path(folder) / "node")
            self.flips = [only] if only else flips(scene.sound, *self._arguments)
            scene.close()
        turn = iter(enumerate(self.flips))
        threads = [threading.Thread(target=self._share, args=(turn,)) for _ in range(self._processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _share(self, turn: Iterator[tuple[int, Flip]]) -> None:
        worker, cases = _Worker(), 0
        while True:
            with self._lock:
                number, flip = next(turn, (0, None))
            if flip is None:
                break
            if cases == _CASES_OF_A_PROCESS:
                worker.end()
                worker, cases = _Worker(), 0
            cases += 1
            case = worker.case(flip, number < HEADER or number % _THOROUGHLY == 0)
            if case is None:
                worker.end()
                worker, cases = _Worker(), 0
                case = Case({}, [("hang", f"no answer within {_PATIENCE_S:.0f} s, or the process ended")])
            with self._lock:
                self._note(flip, case)
        worker.end()

    def _note(self, flip: Flip, case: Case) -> None:
        for verb, code in case.codes.items():
            self.codes[verb][code] += 1
        for failure in case.wrong:
            self.failures[failure].append(flip)


class _Worker:
    """A process with a scene of its own."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def case(self, flip: Flip, thoroughly: bool) -> Case | None:
        """None where it does not answer any more."""
        try:
            self._ours.send((flip, thoroughly))
            if not self._ours.poll(_PATIENCE_S):
                return None
            answer: Case = self._ours.recv()
        except (EOFError, OSError):
            return None
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(pipe: Connection) -> None:
    """Runs in the worker's process. What it would say when it is out of memory helps nobody."""
    resource.setrlimit(resource.RLIMIT_AS, (_WALL_BYTES, _WALL_BYTES))
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        scene = Scene(Path(folder) / "node")
        while True:
            flip, thoroughly = pipe.recv()
            pipe.send(_tried(scene, flip, thoroughly))


def _tried(scene: Scene, flip: Flip, thoroughly: bool) -> Case:
    codes: dict[str, int] = {}
    wrong: list[tuple[str, str]] = []
    for verb in VERBS:
        codes[verb], found = scene.verb_after(flip.damage, verb)
        wrong += [(verb, words) for words in found]
    sound, found = scene.rebuild_after(flip.damage, thoroughly=thoroughly)
    wrong += [("rebuild", words) for words in found]
    damaged = [verb for verb, code in codes.items() if code in (5, 102, 50)]
    if sound and damaged:
        wrong.append(("rebuild", f"takes a ledger for sound that {damaged[0]} calls damaged"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    if peak > _MEMORY_BYTES:
        wrong.append(("memory", f"more than {_MEMORY_BYTES >> 20} MB"))
    return Case(codes, wrong)
