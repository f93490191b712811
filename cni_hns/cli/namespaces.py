"""`cni-hns namespace`: HCN namespaces, which a runtime makes for each pod and a test harness by hand."""

from __future__ import annotations

from typing import Any

import click

from cni_hns.cli.deletion import Guard, deletion_options, may_delete
from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options
from cni_hns.cli.lookup import find, look_at_pods, of_pods
from cni_hns.cli.output import print_list, print_object, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.hcn.listing import every
from cni_hns.hcn.views import NamespaceView
from cni_hns.identity import ZERO_GUID, guid

__all__ = ["namespace"]

_WHICH = "ID|POD|ADDRESS"

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
@click.argument("which", metavar=_WHICH)
@ledger_options
@json_option
@in_this_session
def show(session: Session, *, which: str, data_dir: str | None, config: str | None, as_json: bool) -> None:
    """Show one namespace, with HNS's whole document.

    It may be named by the beginning of its id too, and by its pod's container id, address or name.
    """
    document = _find(session, which, data_dir, config)
    print_object({**_facts(document), "document": document}, as_json)


@namespace.command()
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
    """Delete a namespace; endpoints in it survive and are in none then.

    One that a pod uses, by HNS or by the ledger, is left without --force.
    """
    document = _find(session, which, data_dir, config)
    facts = _facts(document)
    against = Guard.of(look_at_pods(session, data_dir, config)).namespace(NamespaceView.of(document))
    if not may_delete("namespace", facts, against, force=force, dry_run=dry_run, as_json=as_json):
        return
    session.hcn.namespaces.delete(facts["id"])
    if as_json:
        print_object({**facts, "deleted": True}, as_json)
        return
    left = facts["endpoints"]
    note = f"; in no namespace now: endpoint {', '.join(left)}" if left else ""
    print_paragraph("", f"deleted namespace {facts['id']}{note}")


def _find(session: Session, which: str, data_dir: str | None, config: str | None) -> dict[str, Any]:
    pods = of_pods(session, data_dir, config)
    return find(
        session.hcn.namespaces, "namespace", which, pods, lambda pod: [pod.namespace] if pod.namespace else []
    )


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    view = NamespaceView.of(document)
    return {
        "id": view.id,
        "compartment": view.compartment,
        "endpoints": sorted(view.endpoints),
        "containers": list(view.containers),
    }
