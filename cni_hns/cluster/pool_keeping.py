"""The agent's pools: a keeper of its blocks beside the loop, or one step of it.

Rule: a node that never had a pool asks the API for none.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.known import NODES
from cni_hns.cluster.pools.blocks import BLOCKS, POOLS
from cni_hns.cluster.pools.keeper import Keeper
from cni_hns.cluster.pools.running import Running
from cni_hns.cluster.pools.step import Seen
from cni_hns.deadline import Deadline
from cni_hns.ledger import LedgerBusy, LedgerFault, open_ledger
from cni_hns.ledger.blocks import Blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cluster.api.asked import Resource
    from cni_hns.cluster.pools.step import Outcome, View
    from cni_hns.cluster.world import World
    from cni_hns.ledger import Ledger

__all__ = ["has_pool", "keep_pool", "keep_pool_once"]

_LEDGER_S = 30.0
_LOOK_S = 2.0


class _Listed(NamedTuple):
    """A complete list, as a mirror shows it."""

    found: dict[str, dict[str, Any]]
    whole: bool = True
    fault: None = None

    def objects(self) -> dict[str, dict[str, Any]]:
        return self.found


def has_pool(world: World) -> bool:
    """Whether blocks are to be kept, or given back: those of a pool that the settings had before.

    A ledger that cannot be read may have some; each step of a keeper says what is wrong with it.
    """
    if world.settings.pools:
        return True
    try:
        ledger = open_ledger(_path(world), Deadline(_LOOK_S), create=False)
        if ledger is None:
            return False
        with closing(ledger):
            return bool(Blocks(ledger).all())
    except (LedgerFault, LedgerBusy):
        return True


def keep_pool(world: World, nodes: View, told: Callable[[Outcome], None]) -> Running:
    """What keeps this node's blocks from its `start` to its `stop`. `nodes` is the mirror of the Nodes."""
    return Running(world.api, _keeper(world), nodes, _ledgers(world), told)


def keep_pool_once(world: World) -> Outcome:
    """One step of it: a block is claimed where this node has none, and empty ones of other pools go.

    Raises: ApiFault, LedgerFault, LedgerBusy.
    """
    seen = Seen(_listed(world, POOLS), _listed(world, BLOCKS), _listed(world, NODES))
    with closing(_ledgers(world)()) as ledger:
        return _keeper(world).step(ledger, seen)


def _keeper(world: World) -> Keeper:
    settings = world.settings
    return Keeper(world.api, settings.node_name, settings.network, settings.pools)


def _ledgers(world: World) -> Callable[[], Ledger]:
    with closing(world.node(_LEDGER_S)) as node:
        boot_id = node.machine.boot_id()
    path = _path(world)
    return lambda: open_ledger(path, Deadline(_LEDGER_S), boot_id=lambda: boot_id)


def _path(world: World) -> str:
    return os.path.join(world.folder, "ledger.db")


def _listed(world: World, resource: Resource) -> _Listed:
    return _Listed({one["metadata"]["name"]: one for one in world.api.list(resource).items})
