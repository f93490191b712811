"""`cni-hns endpoint`: the endpoints that HNS has, whoever made them."""

from __future__ import annotations

from typing import Any

import click

from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.lookup import find
from cni_hns.cli.output import print_list, print_object
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import EndpointView, NetworkView
from cni_hns.hns.client import state_words

__all__ = ["endpoint"]


@click.group(cls=Commands)
def endpoint() -> None:
    """HCN endpoints: the network cards of pods."""


@endpoint.command("list")
@click.option("--network", metavar="ID|NAME", help="Only those of this HCN network.")
@list_options
@in_this_session
@watch_option
def list_(session: Session, network: str | None, as_json: bool) -> None:
    """List the endpoints of this node, those of other programs too."""
    query: dict[str, object] = {}
    if network is not None:
        query["VirtualNetwork"] = NetworkView.of(find(session.hcn.networks, "network", network)).id
    rows = [_facts(document) for document in every(session.hcn.endpoints, **query)]
    columns = {"ID": "id", "NAME": "name", "ADDRESSES": "addresses"}
    wide = {"STATE": "state", "MAC": "mac", "NAMESPACE": "namespace", "NETWORK": "network"}
    print_list(rows, columns, as_json, "no endpoints", wide=wide)


@endpoint.command()
@click.argument("which", metavar="ID|NAME")
@json_option
@in_this_session
def show(session: Session, which: str, as_json: bool) -> None:
    """Show one endpoint, with HNS's whole document."""
    document = find(session.hcn.endpoints, "endpoint", which)
    print_object({**_facts(document), "document": document}, as_json)


@endpoint.command()
@click.argument("which", metavar="ID|NAME")
@json_option
@in_this_session
def delete(session: Session, which: str, as_json: bool) -> None:
    """Delete an endpoint; a pod that uses it loses its network.

    Its address stays reserved until the runtime deletes the pod, or the next GC of its network.
    """
    facts = _facts(find(session.hcn.endpoints, "endpoint", which))
    session.hcn.endpoints.delete(facts["id"])
    if as_json:
        print_object({**facts, "deleted": True}, as_json)
        return
    addresses = ", ".join(facts["addresses"]) or "no address"
    place = f"in namespace {facts['namespace']}" if facts["namespace"] else "in no namespace"
    click.echo(f'deleted endpoint "{facts["name"]}" ({facts["id"]}): it had {addresses} and was {place}')


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    view = EndpointView.of(document)
    return {
        "id": view.id,
        "name": view.name,
        "network": view.network,
        "namespace": view.namespace,
        "state": state_words(view.state),
        "addresses": view.address_texts,
        "mac": view.mac,
        "routes": [f"{destination} via {gateway}" for destination, gateway in view.routes],
    }
