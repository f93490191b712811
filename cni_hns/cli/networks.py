"""`cni-hns network`: the HCN networks of this node."""

from __future__ import annotations

from typing import Any

import click

from cni_hns.cli.deletion import Guard, deletion_options, may_delete
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options
from cni_hns.cli.lookup import find, look_at_pods
from cni_hns.cli.network_request import NetworkOptions, network_to_create
from cni_hns.cli.output import print_list, print_object, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import NetworkView

__all__ = ["MODES", "network"]

MODES = ("l2bridge", "l2tunnel", "nat", "overlay", "transparent")


@click.group(cls=Commands)
def network() -> None:
    """HCN networks: the switches that endpoints are on."""


@network.command()
@click.option("--name", help="Its name on this node.")
@click.option("--mode", type=click.Choice(MODES), help="Its kind.")
@click.option("--subnet", "subnets", multiple=True, metavar="CIDR", help="A subnet; may be given again.")
@click.option(
    "--gateway",
    "gateways",
    multiple=True,
    metavar="IP",
    help="Gateway of the subnet it lies in (default: the first address).",
)
@click.option("--adapter", metavar="NAME", help="Physical adapter to put it on (default: chosen by HNS).")
@click.option("--vsid", type=int, metavar="NUMBER", help="Virtual subnet id of an overlay network.")
@click.option("--config", metavar="FILE", help="Take the network of this configuration; options override it.")
@json_option
@in_this_session
def create(
    session: Session,
    *,
    name: str | None,
    mode: str | None,
    subnets: tuple[str, ...],
    gateways: tuple[str, ...],
    adapter: str | None,
    vsid: int | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Create an HCN network.

    On Windows, creating an l2bridge, l2tunnel, overlay or transparent network interrupts the host's own
    network for some seconds.
    """
    options = NetworkOptions(name, mode, subnets, gateways, adapter, vsid)
    with session.hcn.networks.create(network_to_create(options, config)) as created:
        print_object(_shown(_facts(created.query()), as_json), as_json)


@network.command("list")
@list_options
@in_this_session
def list_(session: Session, as_json: bool) -> None:
    """List the HCN networks of this node, those of other programs too."""
    rows = [_facts(document) for document in every(session.hcn.networks)]
    columns = {"ID": "id", "NAME": "name", "TYPE": "type", "SUBNETS": "subnets"}
    wide = {"MANAGEMENT IP": "managementIP"}
    print_list([_shown(row, as_json) for row in rows], columns, as_json, "no networks", wide=wide)


@network.command()
@click.argument("which", metavar="ID|NAME")
@json_option
@in_this_session
def show(session: Session, which: str, as_json: bool) -> None:
    """Show one HCN network, with HNS's whole document."""
    document = find(session.hcn.networks, "network", which)
    print_object({**_shown(_facts(document), as_json), "document": document}, as_json)


@network.command()
@click.argument("which", metavar="ID|NAME")
@deletion_options
@ledger_options
@json_option
@in_this_session
def delete(
    session: Session,
    *,
    which: str,
    force: bool,
    dry_run: bool,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Delete an HCN network and the endpoints on it; pods that use them lose their network.

    One with endpoints on it, or of another program, is left without --force.
    """
    document = find(session.hcn.networks, "network", which)
    facts = _facts(document)
    against = Guard.of(look_at_pods(session, data_dir, config)).network(facts["id"], document)
    if not may_delete("network", facts, against, force=force, dry_run=dry_run, as_json=as_json):
        return
    endpoints = sorted(session.hcn.endpoints.ids(VirtualNetwork=facts["id"]))
    session.hcn.networks.delete(facts["id"])
    if as_json:
        print_object({**facts, "deleted": True, "endpoints": endpoints}, as_json)
        return
    note = f", and with it endpoint {', '.join(endpoints)}" if endpoints else "; no endpoint was on it"
    print_paragraph("", f'deleted network "{facts["name"]}" ({facts["id"]}){note}')


def _shown(facts: dict[str, Any], as_json: bool) -> dict[str, Any]:
    """The facts with subnets in words, for people."""
    if as_json:
        return facts
    subnets = [
        f"{subnet['prefix']} via {subnet['gateway']}" if subnet["gateway"] else subnet["prefix"]
        for subnet in facts["subnets"]
    ]
    return {**facts, "subnets": subnets}


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    view = NetworkView.of(document)
    return {
        "id": view.id,
        "name": view.name,
        "type": view.type,
        "subnets": [{"prefix": subnet.prefix, "gateway": subnet.gateway} for subnet in view.subnets],
        "managementIP": view.management_ip,
    }
