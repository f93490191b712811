"""The smallest input that still shows a fault.

Rule: an input counts as smaller only if its text is, so shrinking ends.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.fuzz.inputs import Input, printed
from tests.fuzz.seeds import BASES
from tests.fuzz.values import places, put, take

__all__ = ["shrunk"]


def shrunk(one: Input, fails: Callable[[Input], bool], tries: int = 300) -> Input:
    """A smaller input that fails too, after so many tries at most."""
    while True:
        for smaller in _smaller(one):
            if tries <= 0:
                return one
            if len(printed(smaller)) >= len(printed(one)):
                continue
            tries -= 1
            if fails(smaller):
                one = smaller
                break
        else:
            return one


def _smaller(one: Input) -> Iterator[Input]:
    """Simpler inputs, the boldest steps first."""
    usual = Input(one.kind, one.verb)
    for name in ("environ", "ipam", "hns", "ledger", "flips", "config", "pods", "pod", "base", "process"):
        if getattr(one, name) != getattr(usual, name):
            yield one._replace(**{name: getattr(usual, name)})
    if one.config is None and one.raw is None and one.base != "dhcp":
        yield one._replace(config=copy.deepcopy(BASES[one.base].config))
    if one.raw is not None:
        for text in _shorter_text(one.raw):
            yield one._replace(raw=text)
    for name in ("config", "environ", "ipam", "hns", "ledger", "flips"):
        value = getattr(one, name)
        for smaller in _smaller_value(value):
            yield one._replace(**{name: smaller})


def _smaller_value(value: Any) -> Iterator[Any]:
    found = places(value)
    for path in found:
        smaller = copy.deepcopy(value)
        holder = take(smaller, path[:-1])
        del holder[path[-1]]
        yield smaller
    for path in found:
        for simple in _simpler(take(value, path)):
            yield put(copy.deepcopy(value), path, simple)


def _simpler(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield from _shorter_text(value)
    elif isinstance(value, list) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
    elif isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1):
        yield from (0, 1)


def _shorter_text(text: str) -> Iterator[str]:
    size = len(text)
    step = size
    while step >= 1:
        for start in range(0, size, step):
            yield text[:start] + text[start + step :]
            if step < size // 64:
                break
        step //= 2
