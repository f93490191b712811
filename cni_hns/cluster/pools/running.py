"""A keeper at work: its mirrors, and a thread in which it takes its steps.

Rule: it ends no agent. What fails is told, and tried again after a growing pause.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from cni_hns.cluster.api.faults import Closed
from cni_hns.cluster.api.mirror import Mirror, Pauses
from cni_hns.cluster.pools.blocks import BLOCKS, POOLS
from cni_hns.cluster.pools.step import Outcome, Seen, Trouble
from cni_hns.ledger import LedgerBusy, LedgerFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.api.client import Api
    from cni_hns.cluster.pools.keeper import Keeper
    from cni_hns.cluster.pools.step import View
    from cni_hns.ledger import Ledger

__all__ = ["Running"]

_PAUSES = Pauses()


class Running:
    """`nodes` is the agent's own mirror of Nodes, which it starts and stops; it wakes this by `look`.

    `open_ledger` gives one with a deadline of its own for each step. `told` is called with what each came to,
    in the thread of the steps. It ends by itself once a step says that all is over.
    """

    def __init__(
        self,
        api: Api,
        keeper: Keeper,
        nodes: View,
        open_ledger: Callable[[], Ledger],
        told: Callable[[Outcome], None],
        *,
        pauses: Pauses = _PAUSES,
    ) -> None:
        self._keeper = keeper
        self._open_ledger = open_ledger
        self._told = told
        self._pauses = pauses
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._pools = Mirror(api, POOLS, self.look, pauses=pauses)
        self._blocks = Mirror(api, BLOCKS, self.look, pauses=pauses)
        self._seen = Seen(self._pools, self._blocks, nodes)
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="pools", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        for one in (self._pools, self._blocks, self._thread):
            one.start()

    def look(self) -> None:
        """Something may have changed; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End all threads; blocks stay as they are. A step that is under way comes to its end first."""
        self._stopping.set()
        self._wake.set()
        with ExitStack() as stack:
            stack.callback(self._thread.join)
            stack.callback(self._blocks.stop)
            stack.callback(self._pools.stop)

    def _run(self) -> None:
        while not self._stopping.is_set():
            outcome = self._step()
            self._told(outcome)
            if outcome.is_over:
                self._blocks.stop()
                self._pools.stop()
                return
            self._wake.wait(self._pause_s(outcome))
            self._wake.clear()

    def _step(self) -> Outcome:
        try:
            with closing(self._open_ledger()) as ledger:
                return self._keeper.step(ledger, self._seen)
        except (LedgerFault, LedgerBusy) as fault:
            return Outcome((), (Trouble("LedgerFault", str(fault)),), None, self._pauses.longest_s)

    def _pause_s(self, outcome: Outcome) -> float:
        if outcome.fault is None or isinstance(outcome.fault, Closed):
            self._failures = 0
            return outcome.next_s
        self._failures += 1
        pause_s = self._pauses.after(self._failures)
        # A mirror that comes back would wake it: an API that fails gets its rest all the same.
        self._stopping.wait(pause_s)
        return 0.0
