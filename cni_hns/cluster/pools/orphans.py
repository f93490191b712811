"""Blocks of nodes that are gone, which any agent frees, after a long time.

Rule 1: a node is gone where a complete list and then the API itself say so, never while our own Node is
missing too: such an API has lost more than one node.
Rule 2: the time runs from when this agent saw the block as it is now. An agent whose Node object was deleted
lives on with its pods, and writes into its blocks that it does; each time the others' clocks begin again.
Rule 3: agents do not all come at the same moment: each waits a little longer, by its name and the block's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cni_hns.cluster.pools.blocks import BlockObject

__all__ = ["Orphans"]

_SPREAD = 0.25


class _Seen(NamedTuple):
    uid: str
    version: str
    since_s: float


class Orphans:
    """Remembers since when each was seen without its node. `after_s`: so long it is left."""

    def __init__(self, node: str, after_s: float) -> None:
        self._node = node
        self._after_s = after_s
        self._seen: dict[str, _Seen] = {}

    def due(self, blocks: Iterable[BlockObject], nodes: Collection[str], now_s: float) -> list[BlockObject]:
        """Those to free now, the longest seen first. `nodes` are the names of a complete list."""
        if self._node not in nodes:
            self._seen.clear()
            return []
        without = {one.name: one for one in blocks if one.node not in nodes}
        self._seen = {name: self._since(one, now_s) for name, one in without.items()}
        ready = [one for one in without.values() if self._is_due(one.name, now_s)]
        return sorted(ready, key=lambda one: self._seen[one.name].since_s)

    def _since(self, one: BlockObject, now_s: float) -> _Seen:
        before = self._seen.get(one.name)
        if before is not None and (before.uid, before.version) == (one.uid, one.version):
            return before
        return _Seen(one.uid, one.version, now_s)

    def _is_due(self, name: str, now_s: float) -> bool:
        share = int(sha256(f"{self._node} {name}".encode())[:8], 16) / 16**8
        return now_s - self._seen[name].since_s >= self._after_s * (1 + _SPREAD * share)
