"""`cni-hns ipam`: the addresses that the ledger has given out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.output import print_list
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

if TYPE_CHECKING:
    from cni_hns.ledger import Lease

__all__ = ["ipam"]

_HELD = {"ADDRESS": "address", "NETWORK": "network", "CONTAINER": "containerID", "IFNAME": "ifname"}
_ALL = {**_HELD, "STATE": "state", "UNTIL": "until"}


@click.group()
def ipam() -> None:
    """Addresses and who holds them."""


@ipam.command("list")
@click.option("--all", "everything", is_flag=True, help="Addresses that are set aside for a time, too.")
@click.option("--network", metavar="NAME", help="Only those of this network configuration.")
@ledger_options
@json_option
@in_this_session
def list_(
    session: Session,
    *,
    everything: bool,
    network: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """List the leases held now."""
    ledger = session.ledger(data_dir, config)
    leases = [] if ledger is None else ledger.leases(network, all=everything)
    rows = [_facts(lease, everything) for lease in leases]
    print_list(rows, _ALL if everything else _HELD, as_json, "no leases")


def _facts(lease: Lease, everything: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": lease.id,
        "network": lease.network,
        "address": lease.address,
        "containerID": lease.container_id,
        "ifname": lease.ifname,
    }
    if not everything:
        return facts
    return {
        **facts,
        "state": lease.state,
        "until": None if lease.until is None else _utc(lease.until),
        "prefix": lease.prefix,
        "gateway": lease.gateway,
        "origin": lease.origin,
    }


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
