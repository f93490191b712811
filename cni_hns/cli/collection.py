"""`cni-hns gc`: what pods left that are gone, taken away by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.configurations import plugin_configuration
from cni_hns.cli.cri import pod_facts
from cni_hns.cli.lookup import network_known
from cni_hns.cli.output import print_json, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.cni.by_hand import requests_with
from cni_hns.verbs.gc_by_hand import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.verbs.gc_by_hand import Found

__all__ = ["gc", "requests_of"]


@click.command()
@click.option("--network", metavar="NAME", help="Only this network configuration's attachments.")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken away.")
@click.option(
    "--cni-path", metavar="DIR", multiple=True, help="Folder of the external IPAM plugin; may be repeated."
)
@ledger_options
@json_option
@in_this_session
def gc(
    session: Session,
    *,
    network: str | None,
    dry_run: bool,
    cni_path: tuple[str, ...],
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Take away what pods left that are gone: endpoints, addresses, half-done work.

    Without a runtime's list only what proves itself is taken: what a killed call left, pods whose namespace
    HNS does not have any more, endpoints of this plugin in no ledger and no namespace. A pod that is
    missing for the first time is named, and taken a minute later.

    Exit code 1 if something is left.
    """
    node = session.node_with_ledger(data_dir, config)
    if network is not None:
        network_known(session, network, data_dir, config)
    if node.ledger_if_any is None:
        found: list[Found] = []
        session.note_missing_ledger(data_dir, config)
    else:
        found = by_hand(node, requests_of(config, list(cni_path)), network, dry_run=dry_run)
    if as_json:
        print_json([_facts(one) for one in found])
    else:
        # A line each and no table: what is read here is why.
        for one in found:
            whose = f"{one.key.words(one.pod)} ({_listed(one.addresses)})"
            print_paragraph("", f"{one.outcome}: {whose}: {one.why}")
        if not found:
            click.echo("nothing to take away")
    return 1 if any(one.is_left for one in found) else 0


def requests_of(config: str | None, path: list[str]) -> Callable[[str], Request]:
    """What a runtime would ask: with the configuration in the file, where it is the network's."""
    return requests_with({} if config is None else plugin_configuration(config), path)


def _listed(addresses: list[str]) -> str:
    return ", ".join(addresses) or "no address in the ledger"


def _facts(found: Found) -> dict[str, Any]:
    return {
        "id": "/".join(found.key),
        "network": found.key.network,
        "containerID": found.key.container_id,
        "ifname": found.key.ifname,
        **pod_facts(found.pod),
        "addresses": found.addresses,
        "why": found.why,
        "outcome": found.outcome,
    }
