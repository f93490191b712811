"""The agent of one node: all its steps once, or its loop until it is told to stop."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from cni_hns.cluster import only_one
from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import ApiFault
from cni_hns.cluster.board import Board
from cni_hns.cluster.known import NODES, Known
from cni_hns.cluster.loop import Loop, Timing, run_steps
from cni_hns.cluster.pool_keeping import has_pool, keep_pool_once
from cni_hns.ledger import LedgerBusy, LedgerFault

if TYPE_CHECKING:
    import threading

    from cni_hns.cluster.world import World

__all__ = ["once", "run"]

_COMPONENT = "cni-hns-agent"


def once(world: World) -> int:
    """All steps once, with what the API says now; 0 if an ADD would work.

    Raises: AnotherAgent; OSError: the data folder cannot be written.
    """
    with only_one.alone(world.folder), closing(_events(world)) as events:
        board = Board(world, events)
        known = _asked(world)
        board.api(known.fault)
        if known.fault is None and has_pool(world):
            _keep_pool(world, board)
        steps = run_steps(world, known, board.state.memory, Timing().limit_s, lambda: False)
        board.round(steps, every=True)
        events.flush(world.api.timeout_s)
        return 0 if steps.ready else 1


def run(world: World, stop: threading.Event, timing: Timing = Timing()) -> int:  # noqa: B008 - only numbers
    """Until `stop` is set, which is also set at any other end; the exit code.

    Raises: AnotherAgent; OSError: the data folder cannot be written, or the health port not be had.
    """
    with only_one.alone(world.folder), ExitStack() as stack:
        stack.callback(stop.set)
        events = stack.enter_context(closing(_events(world)))
        return Loop(world, Board(world, events), stop, timing, stack).run()


def _events(world: World) -> Events:
    return Events(world.api, _COMPONENT, world.settings.node_name, log=world.log)


def _keep_pool(world: World, board: Board) -> None:
    try:
        board.pool(keep_pool_once(world))
    except (ApiFault, LedgerFault, LedgerBusy) as fault:
        board.fault(f"the pool: {fault}")


def _asked(world: World) -> Known:
    """What the API says, asked once."""
    name = world.settings.node_name
    try:
        return Known.of(world.api.list(NODES).items, name, whole=True, fault=None)
    except ApiFault as fault:
        return Known(fault=fault)
