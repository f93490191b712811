"""Blocks claimed ahead, where the free addresses of a pool have become few."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from cni_hns.cluster.pools.blocks import Pool, Taken, free_prefixes, overlap
from cni_hns.cluster.pools.claims import Full
from cni_hns.cluster.pools.stock import stock_of

if TYPE_CHECKING:
    from cni_hns.cluster.pools.step import Step

__all__ = ["Filling"]

# After others were faster, at a list that has their blocks.
_AT_ONCE_S = 0.2
# A full pool is looked through again after this.
_FULL_S = 10.0


class Filling:
    """Remembers which pools are full."""

    def __init__(self) -> None:
        self._full_until_s: dict[str, float] = {}

    def fill(self, step: Step) -> None:
        """Raises: ApiFault."""
        for name in step.wanted.pools:
            pool = _pool(name, step)
            if pool is not None:
                self._fill(pool, step)

    def _fill(self, pool: Pool, step: Step) -> None:
        while stock_of(step, pool.name, pool.size).is_low:
            if step.now_s < self._full_until_s.get(pool.name, 0.0):
                _say_full(pool, step)
                return
            made = self._claimed(pool, step)
            if not made:
                return
        step.forget_why(pool.name)

    def _claimed(self, pool: Pool, step: Step) -> bool:
        ours = [ip_network(one.prefix) for one in step.blocks.all()]
        taken = Taken([*(one.prefix for one in step.objects), *ours])
        made = step.claims.claim(pool, step.wanted.network, free_prefixes(pool, taken, step.claims.node))
        if not isinstance(made, Full):
            if step.blocks.hold(made.block) is not None:
                return False
            step.line(f"{made.words} is claimed for this node")
            return True
        if made.is_final:
            self._full_until_s[pool.name] = step.now_s + _FULL_S
            _say_full(pool, step)
        else:
            step.next_s = _AT_ONCE_S
        return False


def _say_full(pool: Pool, step: Step) -> None:
    words = f"all {pool.total} blocks of it are claimed by nodes"
    step.keep_why(pool.name, words)
    step.trouble(
        "PoolFull",
        f'IPPool "{pool.name}" is full: {words}, and this one has '
        f"{stock_of(step, pool.name, pool.size).free} free addresses left. Next: add a prefix to its cidrs "
        f"(kubectl edit ippool {pool.name}), or remove pods; a node gives back a block that has become empty",
    )


def _pool(name: str, step: Step) -> Pool | None:
    """The pool, if blocks of it may be claimed."""
    document = step.seen.pools.objects().get(name)
    if document is None:
        _refuse(
            step, name, "PoolMissing", f'the cluster has no IPPool "{name}"', "kubectl get ippools shows them"
        )
        return None
    try:
        pool = Pool.of(document)
    except ValueError as fault:
        _refuse(step, name, "PoolUnreadable", str(fault), f"kubectl edit ippool {name}")
        return None
    other = overlap(pool, _others(name, step), _pod_cidrs(step))
    if other:
        words = (
            f'IPPool "{name}" shares addresses with {other}, and no block of it is claimed until that ends'
        )
        _refuse(step, name, "PoolOverlaps", words, "correct the prefixes of one of the two")
        return None
    return pool


def _refuse(step: Step, pool: str, reason: str, words: str, next_step: str) -> None:
    step.keep_why(pool, words)
    step.trouble(reason, f"{words}. Next: {next_step}")


def _others(name: str, step: Step) -> list[Pool]:
    """Those that can be read: of the rest their own agents tell."""
    found = []
    for other, document in step.seen.pools.objects().items():
        if other != name:
            try:
                found.append(Pool.of(document))
            except ValueError:
                continue
    return found


def _pod_cidrs(step: Step) -> dict[str, list[str]]:
    nodes = step.seen.nodes.objects()
    return {name: list(one.get("spec", {}).get("podCIDRs") or ()) for name, one in nodes.items()}
