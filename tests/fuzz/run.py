"""A whole run: inputs drawn, carried out, counted; and of each fault the smallest input that shows it."""

from __future__ import annotations

import importlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from cni_hns.plugin import VERBS
from tests.fuzz.inputs import Input
from tests.fuzz.kinds import drawn
from tests.fuzz.shrink import shrunk
from tests.fuzz.workers import HANG_S, Done, Pool

__all__ = ["Failure", "Tally", "fuzz", "try_once"]

# Whatever is found, a run ends: of so many different faults the smallest input is looked for.
_MOST_SHRUNK = 30
# A fault that costs its worker is dear to show again.
_DEAR = ("hangs", "crashed", "memory")
_TRIES_IF_DEAR = 12
_TELL_EVERY = 1_000


@dataclass
class Failure:
    """One fault, however many inputs showed it."""

    signature: str
    kind: str
    number: int
    smallest: Input
    stdout: str
    times: int = 1


@dataclass
class Tally:
    """What a run came to."""

    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many inputs have been counted."""
        return self.kinds.total()

    def count(self, done: Done) -> None:
        """Add one input."""
        self.kinds[done.one.kind] += 1
        self.codes["success" if done.code is None else f"code {done.code}"] += 1
        self.failed += bool(done.faults)
        for fault in done.faults:
            self._note(fault.signature, fault.kind, done)

    def _note(self, signature: str, kind: str, done: Done) -> None:
        for failure in self.failures:
            if failure.signature == signature:
                failure.times += 1
                # A small input is where looking for the smallest begins.
                if len(str(done.one)) < len(str(failure.smallest)):
                    failure.smallest, failure.number, failure.stdout = done.one, done.number, done.stdout
                return
        self.failures.append(Failure(signature, kind, done.number, done.one, done.stdout))


def fuzz(
    seed: str,
    inputs: int,
    jobs: int = 1,
    only: list[str] | None = None,
    *,
    tries: int = 300,
    hang_s: float = HANG_S,
    tell: Callable[[str], object] = print,
) -> Tally:
    """Carry out so many inputs of this seed; `tries` is how often a failing one is tried smaller.

    `tell` gets a line for each fault when it is first seen, and for every thousand inputs.
    """
    _load()
    tally = Tally()
    began = time.monotonic()
    with Pool(jobs, hang_s) as pool:
        for done in pool.run((number, drawn(seed, number, only)) for number in range(inputs)):
            known = len(tally.failures)
            tally.count(done)
            for failure in tally.failures[known:]:
                tell(f"input {done.number}: {failure.signature}")
            if tally.done % _TELL_EVERY == 0:
                tell(f"{tally.done} inputs after {time.monotonic() - began:.0f} s")
        for failure in tally.failures[:_MOST_SHRUNK] if tries else ():
            _make_small(pool, failure, tries)
    tally.seconds = time.monotonic() - began
    return tally


def try_once(one: Input) -> Done:
    """One input alone."""
    _load()
    with Pool(1) as pool:
        (done,) = pool.run([(0, one)])
    return done


def _make_small(pool: Pool, failure: Failure, tries: int) -> None:
    def fails(one: Input) -> bool:
        (done,) = pool.run([(failure.number, one)])
        if failure.signature not in {fault.signature for fault in done.faults}:
            return False
        failure.stdout = done.stdout
        return True

    failure.smallest = shrunk(
        failure.smallest, fails, min(tries, _TRIES_IF_DEAR) if failure.kind in _DEAR else tries
    )


def _load() -> None:
    """What every verb loads, before the workers are made: each of them has it then."""
    for verb in VERBS.values():
        verb.load()
    importlib.import_module("cni_hns.dialects.compile")
