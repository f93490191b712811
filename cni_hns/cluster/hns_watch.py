"""Notices what happens to HNS behind the agent's back: networks that go, the service that starts anew.

HNS tells of networks and of its own end (HCN_NOTIFICATIONS). What it tells nobody, or could not tell, is
noticed at the next `look`: whether the service is still in the run that it was in.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.survey.questions import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.node.node import Node

__all__ = ["HnsWatch"]

_HEARD = ("NetworkDelete", "ServiceDisconnect")
_LIMIT_S = 10.0


class HnsWatch:
    """Listens with a node of its own. `changed` is called in any thread when the node has to be looked at."""

    def __init__(self, make_node: Callable[[], Node], changed: Callable[[], None]) -> None:
        self._make_node = make_node
        self._changed = changed
        self._listening: ExitStack | None = None
        self._start = ""
        self._disconnected = threading.Event()
        self._asked: Question[bool] | None = None

    def look(self) -> bool:
        """Whether HNS was started anew since the last look; within seconds, also where HNS hangs.

        It listens again where it does not.
        """
        question = self._asked or Question("HNS", _LIMIT_S, self._look)
        outcome = question.outcome()
        # What hangs is asked no second time: it is waited for at the next look.
        self._asked = question if question.is_late and outcome.value is None else None
        return bool(outcome.value)

    def close(self) -> None:
        """Listen no more. One that hangs is left to itself."""
        if self._asked is None:
            Question("HNS", _LIMIT_S, self._let_go).outcome()

    def _look(self) -> bool:
        restarted = False
        if self._disconnected.is_set():
            self._disconnected.clear()
            self._let_go()
            restarted = True
        if self._listening is None:
            self._listen()
        return self._has_restarted() or restarted

    def _has_restarted(self) -> bool:
        if self._listening is None:
            return False
        machine = self._node.machine
        if self._start and machine.is_hns_start(self._start):
            return False
        first = not self._start
        self._start = machine.hns_start()
        if not first:
            # What was registered with the run before is dead.
            self._let_go()
            self._listen()
        return not first

    def _listen(self) -> None:
        with ExitStack() as stack:
            node = self._make_node()
            stack.callback(node.close)
            try:
                stack.enter_context(node.hcn.watch(self._heard))
            except (ServiceError, CniError):
                return  # the next look tries again; whatever else is done meanwhile says what HNS lacks
            self._node = node
            self._listening = stack.pop_all()

    def _let_go(self) -> None:
        listening, self._listening = self._listening, None
        if listening is None:
            return
        try:
            listening.close()
        except (ServiceError, CniError):
            return  # HNS of before knows the registration no more

    def _heard(self, name: str, _hresult: int, _document: dict[str, Any]) -> None:
        if name == "ServiceDisconnect":
            self._disconnected.set()
        if name in _HEARD:
            self._changed()
