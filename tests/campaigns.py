"""What the campaigns have in common: which cases of a table one run tries, and a Wine for each worker."""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.context import BaseContext
from typing import Protocol, TypeVar
from unittest import mock

from tests.lane import Lane
from tests.lane.wine import apart, warm

__all__ = ["Numbers", "chosen", "parser_of", "sample", "wine_for_each"]


class _Case(Protocol):
    @property
    def name(self) -> str: ...


_AnyCase = TypeVar("_AnyCase", bound=_Case)
_Any = TypeVar("_Any")


def parser_of(campaign: str, description: str | None) -> argparse.ArgumentParser:
    """The options of `python -m tests.<campaign>` that choose among cases."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.{campaign}", description=description)
    parser.add_argument("--sample", type=int, metavar="N", help="so many cases, drawn; default all")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which ones are drawn")
    parser.add_argument("--list", action="store_true", help="name the cases and try none")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name has this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="so many at a time")
    return parser


@contextmanager
def wine_for_each(lane: Lane, jobs: int) -> Iterator[None]:
    """A Wine is up for each worker of a pool, whoever of them ends all that it has started."""
    with ExitStack() as running, mock.patch.dict(os.environ):
        for number in range(jobs):
            apart(number)
            running.enter_context(warm(lane))
        yield


class Numbers:
    """Given to each worker of a pool, which takes its own at its beginning."""

    def __init__(self, context: BaseContext, jobs: int) -> None:
        self._taken, self._jobs = context.Value("i", 0), jobs

    def take(self) -> None:
        """From here on this worker's Windows programs run in the Wine of its number."""
        with self._taken.get_lock():
            apart(self._taken.value % self._jobs)
            self._taken.value += 1


def chosen(cases: Sequence[_AnyCase], asked: argparse.Namespace) -> list[_AnyCase]:
    """Those that the options name, in the table's order."""
    named = [case for case in cases if asked.only in case.name]
    return sample(named, asked.sample or len(named), asked.seed)


def sample(cases: list[_Any], count: int, seed: int) -> list[_Any]:
    """Some of the cases, in the table's order; the same ones for the same seed."""
    if count >= len(cases):
        return cases
    drawn = sorted(random.Random(seed).sample(range(len(cases)), count))  # noqa: S311 - no secret
    return [cases[index] for index in drawn]
