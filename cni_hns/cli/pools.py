"""`cni-hns pool`: the blocks of cluster-wide pools that this node has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.output import print_list
from cni_hns.cli.session import Session, in_this_session, ledger_options
from cni_hns.ledger.blocks import Blocks

if TYPE_CHECKING:
    from cni_hns.ledger.blocks import Block

__all__ = ["pool"]

_COLUMNS = {
    "BLOCK": "block",
    "POOL": "pool",
    "NETWORK": "network",
    "STATE": "state",
    "USED": "used",
    "OF": "of",
}


@click.group(cls=Commands)
def pool() -> None:
    """Blocks of cluster-wide pools."""


@pool.command("list")
@click.option("--network", metavar="NAME", help="Only those of this network configuration.")
@ledger_options
@list_options
@in_this_session
@watch_option
def list_(
    session: Session, *, network: str | None, data_dir: str | None, config: str | None, as_json: bool
) -> None:
    """List the blocks that this node has, and how many of their addresses are in use.

    held: pods get addresses of it. draining: empty, and about to be given back to the cluster. lost: another
    node has it by now; no pod gets an address of it any more.
    """
    ledger = session.ledger(data_dir, config)
    if ledger is None:
        session.note_missing_ledger(data_dir, config)
        blocks, used = [], {}
    else:
        found = Blocks(ledger)
        blocks = [one for one in found.all() if network in (None, one.network)]
        used = {one: found.leased(one) for one in blocks}
    rows = [_facts(one, used[one]) for one in blocks]
    print_list(rows, _COLUMNS, as_json, "no blocks: no agent on this node has claimed any", key="block")


def _facts(block: Block, used: int) -> dict[str, Any]:
    return {
        "id": block.prefix,
        "block": block.prefix,
        "pool": block.pool,
        "network": block.network,
        "state": block.state,
        "used": used,
        "of": block.size,
    }
