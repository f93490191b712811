"""An HNS whose answers are not what they should be.

The lie is told below the C functions: buffers and handles are real, and it shows whether they are given back.
"""

from __future__ import annotations

import json
from typing import Any

from cni_hns.simulator import Simulator
from cni_hns.simulator.abi.libraries import SimulatedLibraries
from cni_hns.simulator.core.service import Answer, Service
from tests.fuzz.values import places, put, take

__all__ = ["Liar", "lying_libraries"]

_GIVE_HANDLES = ("HcnCreate", "HcnOpen", "HcnRegister")


class Liar(Service):
    """The service of a node; of its answers those that a lie names are changed.

    A lie says `function` (or the number of a `call`, from 0), how `often`, and one of: `text` in place of the
    document; `record` in place of the error record; `hresult`; `cut`, the length left; `at` a place of it
    (a number, taken as far as there are places) another `value`, or `drop` of it.
    """

    def __init__(self, service: Service, lies: list[dict[str, Any]]) -> None:
        super().__init__(service.store)
        self._lies = [dict(lie) for lie in lies]
        self._number = -1

    def call(self, function: str, arguments: list[str | None], generation: int | None = None) -> Answer:
        answer = super().call(function, arguments, generation)
        self._number += 1
        for lie in self._lies:
            if (
                lie.get("often", 1) > 0
                and lie.get("function", function) == function
                and lie.get("call", self._number) == self._number
            ):
                lie["often"] = lie.get("often", 1) - 1
                answer = _told(function, answer, lie)
        return answer


def _told(function: str, answer: Answer, lie: dict[str, Any]) -> Answer:
    if "hresult" in lie:
        return answer._replace(hresult=lie["hresult"], record=lie.get("record", answer.record))
    if "record" in lie:
        return answer._replace(record=lie["record"])
    if function.startswith(_GIVE_HANDLES):
        return answer  # its text is the object behind the handle
    return answer._replace(text=_changed(answer.text, lie))


def _changed(text: str, lie: dict[str, Any]) -> str:
    if "text" in lie:
        return str(lie["text"])
    if "cut" in lie:
        return text[: lie["cut"]]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = places(document)
    if not found:
        return json.dumps(lie.get("value"))
    path = found[lie.get("at", 0) % len(found)]
    if lie.get("drop"):
        del take(document, path[:-1])[path[-1]]
    else:
        document = put(document, path, lie.get("value"))
    return json.dumps(document)


def lying_libraries(simulator: Simulator, lies: list[dict[str, Any]]) -> SimulatedLibraries:
    """The node's libraries, with lies in them."""
    return SimulatedLibraries(Liar(Service(simulator.store), lies))
