"""How many blocks a node should have of a pool: arithmetic over how full those are that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cni_hns.cluster.pools.step import Step
    from cni_hns.ledger.blocks import Block

__all__ = ["Stock", "Stocked", "low_mark", "stock_of"]

# An HCN subnet has a few addresses that no pod gets, and they may all lie in one small block.
_NEVER_GIVEN = 6
_PART_OF_A_BLOCK = 4


class Stocked(NamedTuple):
    """A block that gives addresses, and how many of them are leased or set aside."""

    block: Block
    leased: int

    @property
    def free(self) -> int:
        return self.block.size - self.leased


class Stock(NamedTuple):
    """What a node has of one pool; `low` free addresses are to be there at any time."""

    blocks: Sequence[Stocked]
    low: int

    @property
    def free(self) -> int:
        return sum(one.free for one in self.blocks)

    @property
    def is_low(self) -> bool:
        """Whether one more block is wanted."""
        return self.free < self.low

    def spare(self) -> list[Block]:
        """Empty blocks, the last first, any one of which could go.

        A part of a block more than is needed stays, so that none is given back to be claimed again.
        """
        return [
            one.block
            for one in reversed(self.blocks)
            if not one.leased and self.free - one.free >= self.low + one.block.size // _PART_OF_A_BLOCK
        ]


def low_mark(block_size: int) -> int:
    """So many free addresses are to be there, where nobody says another number: half a block."""
    return max(block_size // 2, _NEVER_GIVEN)


def stock_of(step: Step, pool: str, block_size: int) -> Stock:
    """What this node has of the pool by now."""
    stocked = [Stocked(one, step.blocks.leased(one)) for one in step.held(pool)]
    return Stock(stocked, step.wanted.limits.low or low_mark(block_size))
