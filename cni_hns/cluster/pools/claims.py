"""Blocks claimed and given back in the API; what the ledger says of them is `keeper`'s.

Rule 1: a block is claimed by creating its object and by nothing else. "Already exists" means that somebody,
perhaps this node before a crash, has it.
Rule 2: an object is deleted only as the one that was looked at: by uid and resourceVersion.
Rule 3: an outcome that nobody saw is looked up, never guessed.
"""

from __future__ import annotations

import time
from collections import Counter
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cni_hns.cluster.api.faults import Conflict, Missing
from cni_hns.cluster.pools.blocks import BLOCKS, BlockObject, block_document, block_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cni_hns.cluster.api.asked import Resource
    from cni_hns.cluster.pools.blocks import Pool
    from cni_hns.ledger.blocks import Block

__all__ = ["Caller", "Claims", "Full"]

RENEWED = "cni-hns.dev/renewed"

# Whoever meets so many others at once looks again later, at a list that has them.
_CONFLICTS_AT_ONCE = 16


class Caller(Protocol):
    """What is used of `cluster.api.client.Api`."""

    def get(self, resource: Resource, name: str) -> dict[str, Any]: ...
    def create(self, resource: Resource, document: Mapping[str, Any]) -> dict[str, Any]: ...
    def patch(self, resource: Resource, name: str, patch: Mapping[str, Any]) -> dict[str, Any]: ...
    def delete(self, resource: Resource, name: str, *, uid: str = "", resource_version: str = "") -> None: ...


class Full(NamedTuple):
    """No block was claimed; `is_final` where the pool has no free one, else others were faster."""

    is_final: bool


class Claims:
    """This node's. Every method raises ApiFault where the API did not do or say it.

    `counts`: claims, conflicts, adopted, released, freed (of nodes that are gone), lost.
    """

    def __init__(self, api: Caller, node: str) -> None:
        self._api = api
        self.node = node
        self.counts: Counter[str] = Counter()

    def claim(self, pool: Pool, network: str, prefixes: Iterable[Any]) -> BlockObject | Full:
        """One of these free prefixes, the first that nobody has by now."""
        conflicts = 0
        for prefix in prefixes:
            block = BlockObject("", "", "", pool.name, prefix, self.node, network).block
            made = self._create(block)
            if made is not None:
                self.counts["claims"] += 1
                return made
            conflicts += 1
            self.counts["conflicts"] += 1
            if conflicts == _CONFLICTS_AT_ONCE:
                return Full(is_final=False)
        return Full(is_final=conflicts == 0)

    def claim_again(self, block: Block) -> BlockObject | None:
        """The object of a block that the ledger has; made where it is missing. None: another node has it."""
        while True:
            there = self.look(block)
            if there is not None:
                return there if self.is_ours(there, block) else None
            made = self._create(block)
            if made is not None:
                self.counts["claims"] += 1
                return made

    def look(self, block: Block) -> BlockObject | None:
        """Its object as the API has it now; None where nobody has the block."""
        try:
            document = self._api.get(BLOCKS, block_name(block.pool, ip_network(block.prefix)))
        except Missing:
            return None
        return BlockObject.of(document)

    def is_ours(self, there: BlockObject, block: Block) -> bool:
        """Whether this node has the block, for this network."""
        return (there.node, there.block) == (self.node, block._replace(state=there.block.state))

    def renew(self, there: BlockObject) -> BlockObject | None:
        """Write into it that its node lives; None where it was changed or deleted meanwhile.

        Who wanted to delete it as it was finds another version.
        """
        about = {"resourceVersion": there.version, "annotations": {RENEWED: f"{time.time():.6f}"}}
        try:
            return BlockObject.of(self._api.patch(BLOCKS, there.name, {"metadata": about}))
        except (Conflict, Missing):
            return None

    def give_back(self, block: Block) -> bool:
        """Whether it is this node's no more; False where it was changed meanwhile: look again."""
        there = self.look(block)
        if there is None or there.node != self.node:
            return True
        if not self._delete(there):
            return False
        self.counts["released"] += 1
        return True

    def free(self, there: BlockObject) -> bool:
        """Delete a block of a node that is gone, if it is still as it was seen."""
        done = self._delete(there)
        self.counts["freed"] += done
        return done

    def _create(self, block: Block) -> BlockObject | None:
        """None where there is one of this name."""
        try:
            return BlockObject.of(self._api.create(BLOCKS, block_document(block, self.node)))
        except Conflict:
            return None

    def _delete(self, there: BlockObject) -> bool:
        try:
            self._api.delete(BLOCKS, there.name, uid=there.uid, resource_version=there.version)
        except Missing:
            pass
        except Conflict:
            return False
        return True
