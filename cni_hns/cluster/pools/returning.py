"""Blocks given back: empty ones that are not needed, and what a killed step had begun to give back.

Rule: the ledger first, where no address is given of a block that is "draining", then the API, then the ledger
forgets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.cluster.pools.stock import stock_of
from cni_hns.ledger.blocks import DRAINING, HELD, LOST

if TYPE_CHECKING:
    from cni_hns.cluster.pools.step import Step
    from cni_hns.ledger.blocks import Block

__all__ = ["Returning"]


class Returning:
    """Remembers since when which block is empty."""

    def __init__(self) -> None:
        self._empty_since_s: dict[Block, float] = {}

    def finish(self, step: Step) -> None:
        """What was begun before. Raises: ApiFault."""
        for block in step.blocks.all():
            if block.state == DRAINING:
                _hand_over(step, block)
            elif block.state == LOST and step.blocks.forget(block):
                step.line(f"no pod has an address of {block.words} any more, which is another node's")

    def give_back(self, step: Step) -> None:
        """Empty blocks: of each pool one at a time, after it was empty for long enough; and all of what is no
        more configured, at once, for no pod will need them again. Raises: ApiFault.
        """
        for block in _left_over(step):
            if step.blocks.drain(block):
                _hand_over(step, block)
        idle = self._idle(step)
        done: set[tuple[str, str]] = set()
        for block in _spare(step):
            key = block.network, block.pool
            if key not in done and block in idle and step.blocks.drain(block):
                done.add(key)
                _hand_over(step, block)

    def _idle(self, step: Step) -> set[Block]:
        empty = [one for one in step.blocks.all() if not step.blocks.has_leases(one)]
        self._empty_since_s = {one: self._empty_since_s.get(one, step.now_s) for one in empty}
        limit_s = step.wanted.limits.idle_s
        return {one for one, since_s in self._empty_since_s.items() if step.now_s - since_s >= limit_s}


def _left_over(step: Step) -> list[Block]:
    """Blocks of what is no more configured."""
    held = [one for one in step.blocks.all() if one.state == HELD]
    wanted = {(step.wanted.network, pool) for pool in step.wanted.pools}
    return [one for one in held if (one.network, one.pool) not in wanted]


def _spare(step: Step) -> list[Block]:
    """Blocks of which the others are enough."""
    found: list[Block] = []
    for pool in step.wanted.pools:
        blocks = step.held(pool)
        if blocks:
            found += stock_of(step, pool, blocks[0].size).spare()
    return found


def _hand_over(step: Step, block: Block) -> None:
    if step.claims.give_back(block) and step.blocks.forget(block):
        step.line(f"{block.words} ({block.prefix}) is given back: it was empty")
