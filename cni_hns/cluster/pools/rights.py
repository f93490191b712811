"""What is this node's by the API and what by its ledger, brought in agreement.

They differ after a kill between the two, after a ledger was lost, and after an object was deleted by hand or
by an API that was given an older state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.ledger.blocks import HELD

if TYPE_CHECKING:
    from cni_hns.cluster.pools.step import Step
    from cni_hns.ledger.blocks import Block

__all__ = ["Rights"]


class Rights:
    """Remembers when it last said, in which object, that its node lives."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def settle(self, step: Step) -> None:
        """Raises: ApiFault."""
        _adopt(step)
        _stand_up(step)
        self._say_that_we_live(step)

    def _say_that_we_live(self, step: Step) -> None:
        """While our Node object is missing, others would free our blocks after a time."""
        if step.claims.node in step.seen.nodes.objects():
            self._said.clear()
            return
        for there in step.ours:
            last_s = self._said.get(there.name)
            if last_s is None or step.now_s - last_s >= step.wanted.limits.renew_s:
                step.claims.renew(there)
                self._said[there.name] = step.now_s


def _adopt(step: Step) -> None:
    """Objects that are ours and not in the ledger.

    Each is changed first: who is about to free it, as a block of a node that is gone, finds another version.
    """
    known = {one._replace(state=HELD) for one in step.blocks.all()}
    for listed in step.ours:
        there = None if listed.block in known else step.claims.renew(listed)
        if there is None:
            continue  # known, or the list is older than what happened to it
        blocker = step.blocks.hold(there.block)
        if blocker is None:
            step.claims.counts["adopted"] += 1
            step.line(f"{there.words} is this node's already, and was not in its ledger")
        elif blocker.prefix != there.block.prefix:
            step.trouble(
                "BlocksOverlap",
                f"{there.words} is this node's and shares addresses with {blocker.words}, which it has too: "
                f"no pod gets an address of the first. Next: kubectl delete ipblock {there.name}",
            )


def _stand_up(step: Step) -> None:
    """Blocks of the ledger that the list does not show as ours: claimed again, if nobody has them by now."""
    listed = {one.block for one in step.ours}
    for block in step.blocks.all():
        if block.state == HELD and block not in listed and step.claims.claim_again(block) is None:
            _lose(step, block)


def _lose(step: Step, block: Block) -> None:
    step.blocks.lose(block)
    step.claims.counts["lost"] += 1
    step.trouble(
        "BlockLost",
        f"{block.words} ({block.prefix}) is another node's by now, and {step.blocks.leased(block)} addresses "
        "of it are in use on this one: its object was deleted, or the API has an older state. Next: drain "
        "this node (kubectl drain), for its pods may share addresses with others",
    )
