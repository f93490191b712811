"""`cni-hns namespace`: HCN namespaces, which a runtime makes for each pod and a test harness by hand."""

from __future__ import annotations

from typing import Any

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options
from cni_hns.cli.lookup import find
from cni_hns.cli.output import print_list, print_object
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import NamespaceView
from cni_hns.identity import ZERO_GUID, guid

__all__ = ["namespace"]

# All that HNS needs to be told: it makes an ordinary namespace for a container (type "Host").
_NEW = {"SchemaVersion": {"Major": 2, "Minor": 0}}


@click.group(cls=Commands)
def namespace() -> None:
    """HCN namespaces: what CNI_NETNS names on Windows."""


@namespace.command()
@click.option("--id", "identifier", metavar="GUID", help="Its id (default: chosen by HNS).")
@json_option
@in_this_session
def create(session: Session, identifier: str | None, as_json: bool) -> None:
    """Create a namespace, as a runtime does before ADD."""
    wanted = ZERO_GUID if identifier is None else guid(identifier)
    if wanted is None:
        raise Failure(f'"{identifier}" is not a GUID')
    with session.hcn.namespaces.create(_NEW, wanted) as created:
        print_object(_facts(created.query()), as_json)


@namespace.command("list")
@list_options
@in_this_session
def list_(session: Session, as_json: bool) -> None:
    """List the namespaces of this node."""
    rows = [_facts(document) for document in every(session.hcn.namespaces)]
    columns = {"ID": "id", "COMPARTMENT": "compartment", "ENDPOINTS": "endpoints"}
    print_list(rows, columns, as_json, "no namespaces", wide={"CONTAINERS": "containers"})


@namespace.command()
@click.argument("identifier", metavar="ID")
@json_option
@in_this_session
def show(session: Session, identifier: str, as_json: bool) -> None:
    """Show one namespace, with HNS's whole document."""
    document = find(session.hcn.namespaces, "namespace", _id(identifier))
    print_object({**_facts(document), "document": document}, as_json)


@namespace.command()
@click.argument("identifier", metavar="ID")
@json_option
@in_this_session
def delete(session: Session, identifier: str, as_json: bool) -> None:
    """Delete a namespace; endpoints in it survive and are in none then."""
    facts = _facts(find(session.hcn.namespaces, "namespace", _id(identifier)))
    session.hcn.namespaces.delete(facts["id"])
    if as_json:
        print_object({**facts, "deleted": True}, as_json)
        return
    left = facts["endpoints"]
    note = f"; in no namespace now: endpoint {', '.join(left)}" if left else ""
    click.echo(f"deleted namespace {facts['id']}{note}")


def _id(text: str) -> str:
    """Namespaces have no names."""
    identifier = guid(text)
    if identifier is None:
        raise Failure(
            f'"{text}" is not a GUID; namespaces have no names, "cni-hns namespace list" shows their ids'
        )
    return identifier


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    view = NamespaceView.of(document)
    return {
        "id": view.id,
        "compartment": view.compartment,
        "endpoints": sorted(view.endpoints),
        "containers": list(view.containers),
    }
