"""One step under way: what it looks at, and what it has to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cni_hns.ipam.pools import full_pool_fact
from cni_hns.ledger.blocks import HELD, Blocks

if TYPE_CHECKING:
    from cni_hns.cluster.api.faults import ApiFault
    from cni_hns.cluster.pools.blocks import BlockObject
    from cni_hns.cluster.pools.claims import Claims
    from cni_hns.ledger import Ledger
    from cni_hns.ledger.blocks import Block

__all__ = ["Limits", "Outcome", "Seen", "Step", "Trouble", "View", "Wanted"]

LOOK_AGAIN_S = 2.0
"""Pods come and go without a word to the agent: so often it looks how full the blocks are."""


class View(Protocol):
    """What is used of `cluster.api.mirror.Mirror`."""

    @property
    def whole(self) -> bool: ...
    @property
    def fault(self) -> ApiFault | None: ...
    def objects(self) -> dict[str, dict[str, Any]]: ...


class Seen(NamedTuple):
    """The mirrors of IPPools, of IPBlocks (all of them) and of Nodes."""

    pools: View
    blocks: View
    nodes: View

    @property
    def is_whole(self) -> bool:
        return self.pools.whole and self.blocks.whole and self.nodes.whole


class Limits(NamedTuple):
    """How many addresses are kept ready, and what has its time, in seconds.

    `low`: so many free addresses are to be there; 0: half a block. `idle_s`: so long a block of a wanted pool
    is empty before it is given back; longer than an address is set aside after HNS refused it. `orphan_s`: so
    long the blocks of a node that is gone are left. `renew_s`: so often a node that lives without its Node
    object says so.
    """

    low: int = 0
    idle_s: float = 600.0
    orphan_s: float = 3600.0
    renew_s: float = 600.0


class Wanted(NamedTuple):
    """Of which pools this node is to have blocks, and for which network configuration."""

    network: str
    pools: tuple[str, ...]
    limits: Limits


class Trouble(NamedTuple):
    """What an operator must know: one word for an Event, and a sentence."""

    reason: str
    message: str


class Outcome(NamedTuple):
    """What a step did, a line each, and what stands in the way.

    `fault`: the API ended the step early. `next_s`: so soon the next one is due, at the latest. `is_over`:
    there will be nothing more to do, for no pool is wanted and this node has no block.
    """

    lines: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    fault: ApiFault | None
    next_s: float
    is_over: bool = False


class Step:
    """What the parts of one step share; `objects` are the blocks of the whole cluster, `ours` this node's."""

    def __init__(
        self,
        *,
        claims: Claims,
        wanted: Wanted,
        ledger: Ledger,
        seen: Seen,
        objects: list[BlockObject],
        now_s: float,
    ) -> None:
        self.claims = claims
        self.wanted = wanted
        self.blocks = Blocks(ledger)
        self.seen = seen
        self.objects = objects
        self.ours = [one for one in objects if one.node == claims.node]
        self.now_s = now_s
        self.next_s = LOOK_AGAIN_S
        self._ledger = ledger
        self._lines: list[str] = []
        self._troubles: list[Trouble] = []

    def held(self, pool: str) -> list[Block]:
        """The blocks of this pool that give addresses to pods of the network."""
        return self.blocks.of(self.wanted.network, pool, HELD)

    def line(self, text: str) -> None:
        """Something was done."""
        self._lines.append(text)

    def trouble(self, reason: str, message: str) -> None:
        self._troubles.append(Trouble(reason, message))

    def keep_why(self, pool: str, words: str) -> None:
        """For ADDs that find no address: another block will not come by itself."""
        if self._ledger.fact(full_pool_fact(pool)) != words:
            self._ledger.keep_fact(full_pool_fact(pool), words)

    def forget_why(self, pool: str) -> None:
        if self._ledger.fact(full_pool_fact(pool)) is not None:
            self._ledger.forget_fact(full_pool_fact(pool))

    def outcome(self, fault: ApiFault | None) -> Outcome:
        is_over = not (self.wanted.pools or self.ours or self.blocks.all())
        return Outcome(tuple(self._lines), tuple(self._troubles), fault, self.next_s, is_over)
