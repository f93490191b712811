"""`cni-hns endpoint`: the endpoints that HNS has, whoever made them."""

from __future__ import annotations

from typing import Any

import click

from cni_hns.cli.deletion import Guard, deletion_options, may_delete
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.lookup import find, look_at_pods, of_pods
from cni_hns.cli.output import print_list, print_object, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import EndpointView, NetworkView
from cni_hns.hns.client import state_words

__all__ = ["endpoint"]

_WHICH = "ID|NAME|ADDRESS|POD"


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
@click.argument("which", metavar=_WHICH)
@ledger_options
@json_option
@in_this_session
def show(session: Session, *, which: str, data_dir: str | None, config: str | None, as_json: bool) -> None:
    """Show one endpoint, with HNS's whole document.

    It may be named by the beginning of its id too, by its address, and by its pod's container id or name.
    """
    document = _find(session, which, data_dir, config)
    print_object({**_facts(document), "document": document}, as_json)


@endpoint.command()
@click.argument("which", metavar=_WHICH)
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
    """Delete an endpoint; a pod that uses it loses its network.

    One that a pod uses, by HNS or by the ledger, is left without --force. Its address stays reserved until
    the runtime deletes the pod, or the next GC of its network.
    """
    document = _find(session, which, data_dir, config)
    facts = _facts(document)
    against = Guard.of(look_at_pods(session, data_dir, config)).endpoint(EndpointView.of(document))
    if not may_delete("endpoint", facts, against, force=force, dry_run=dry_run, as_json=as_json):
        return
    session.hcn.endpoints.delete(facts["id"])
    if as_json:
        print_object({**facts, "deleted": True}, as_json)
        return
    addresses = ", ".join(facts["addresses"]) or "no address"
    place = f"in namespace {facts['namespace']}" if facts["namespace"] else "in no namespace"
    print_paragraph(
        "", f'deleted endpoint "{facts["name"]}" ({facts["id"]}): it had {addresses} and was {place}'
    )


def _find(session: Session, which: str, data_dir: str | None, config: str | None) -> dict[str, Any]:
    pods = of_pods(session, data_dir, config)
    return find(session.hcn.endpoints, "endpoint", which, pods, lambda pod: [one.id for one in pod.endpoints])


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
