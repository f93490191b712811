"""A node's blocks, kept: one ahead of what its pods need, and none that it needs no more.

The agent calls `Keeper.step` after each change of the mirrors and every few seconds. Each step looks at
ledger and API first, so that an agent that was killed anywhere goes on.

Rule: one Keeper for a ledger. The agent sees to that: it is alone on its node.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.faults import ApiFault, Missing
from cni_hns.cluster.pools.blocks import BlockObject
from cni_hns.cluster.pools.claims import Claims
from cni_hns.cluster.pools.filling import Filling
from cni_hns.cluster.pools.orphans import Orphans
from cni_hns.cluster.pools.returning import Returning
from cni_hns.cluster.pools.rights import Rights
from cni_hns.cluster.pools.step import Limits, Outcome, Seen, Step, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cni_hns.cluster.pools.claims import Caller
    from cni_hns.ledger import Ledger

__all__ = ["Keeper"]

_NODES = Resource("v1", "nodes")
_LIMITS = Limits()


class Keeper:
    """Keeps blocks of these pools for one network configuration of this node.

    Without any pool it gives back what an earlier one has, until its outcome says that this is over.
    """

    def __init__(
        self,
        api: Caller,
        node: str,
        network: str,
        pools: Sequence[str],
        *,
        limits: Limits = _LIMITS,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.claims = Claims(api, node)
        self._api = api
        self._wanted = Wanted(network, tuple(pools), limits)
        self._clock_s = clock_s
        self._rights = Rights()
        self._filling = Filling()
        self._returning = Returning()
        self._orphans = Orphans(node, limits.orphan_s)

    def step(self, ledger: Ledger, seen: Seen) -> Outcome:
        """Do what is due now; nothing, before each of the mirrors has had a complete list.

        What the API refuses is in the outcome, and tried again by the next step.

        Raises: LedgerFault, LedgerBusy.
        """
        objects = [one for one in map(BlockObject.of, seen.blocks.objects().values()) if one is not None]
        step = Step(
            claims=self.claims,
            wanted=self._wanted,
            ledger=ledger,
            seen=seen,
            objects=objects,
            now_s=self._clock_s(),
        )
        try:
            if seen.is_whole:
                self._take(step)
        except ApiFault as fault:
            return step.outcome(fault)
        return step.outcome(None)

    def _take(self, step: Step) -> None:
        """In this order: what was begun is finished before anything new is begun."""
        self._returning.finish(step)
        self._rights.settle(step)
        self._filling.fill(step)
        self._returning.give_back(step)
        self._free_orphans(step)

    def _free_orphans(self, step: Step) -> None:
        """While the mirrors may be old nobody is taken for gone."""
        if step.seen.nodes.fault is not None or step.seen.blocks.fault is not None:
            return
        for there in self._orphans.due(step.objects, step.seen.nodes.objects().keys(), step.now_s):
            if self._is_gone(there.node) and self.claims.free(there):
                step.line(f'{there.words} is freed: its Node "{there.node}" is gone')

    def _is_gone(self, node: str) -> bool:
        """The list may be older than the Node."""
        try:
            self._api.get(_NODES, node)
        except Missing:
            return True
        return False
