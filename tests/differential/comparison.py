"""Two pictures side by side: the places where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.differential.picture import Picture

__all__ = ["ABSENT", "Difference", "compared"]

ABSENT = "absent"


class Difference(NamedTuple):
    """One place of one step, with the two values as JSON text; `absent` stands for none."""

    step: str
    place: str
    peer: str
    ours: str

    def __str__(self) -> str:
        return f"{self.step}: {self.place}\n        peer {self.peer}\n        ours {self.ours}"


def compared(peer: dict[str, Picture], ours: dict[str, Picture]) -> list[Difference]:
    """Every difference, once: at the first step that shows it.

    Where one of the two made no pod and the other did, the steps after it say nothing.
    """
    found: dict[tuple[str, ...], Difference] = {}
    for step, picture in peer.items():
        other = ours[step]
        if picture["works"] != other["works"]:
            works = ("works", _text(picture["works"]), _text(other["works"]))
            found[step, *works] = Difference(step, *works)
            if step == "ADD":
                break
            continue
        for each in _differences("", picture, other):
            found.setdefault(("", *each), Difference(step, *each))
    return [*found.values()]


def _differences(place: str, peer: Any, ours: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(peer, dict) and isinstance(ours, dict):
        for key in dict.fromkeys((*peer, *ours)):
            yield from _differences(
                f"{place}.{key}" if place else key, peer.get(key, _NONE), ours.get(key, _NONE)
            )
    elif isinstance(peer, list) and isinstance(ours, list) and len(peer) == len(ours):
        for number, (one, other) in enumerate(zip(peer, ours, strict=True)):
            yield from _differences(f"{place}.{number}", one, other)
    elif peer != ours:
        yield place, _text(peer), _text(ours)


class _Nothing:
    """No value: unlike any."""


_NONE = _Nothing()


def _text(value: Any) -> str:
    return ABSENT if value is _NONE else json.dumps(value, sort_keys=True)
