"""`cni-hns ledger`: mending the record of this node."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.output import print_notes, print_object
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.verbs.rebuild import rebuild as rebuild_from_hns

if TYPE_CHECKING:
    from cni_hns.verbs.rebuild import Rebuilt

__all__ = ["ledger"]

_NAMELESS = (
    "HNS does not know Kubernetes names: until a pod is added again, commands show its container id alone "
    "(`cni-hns pod list --cri ENDPOINT` asks the runtime for the names)"
)


@click.group(cls=Commands)
def ledger() -> None:
    """The record of this node's attachments and addresses."""


@ledger.command("rebuild")
@click.option("--force", is_flag=True, help="Replace a ledger that is sound, too.")
@ledger_options
@json_option
@in_this_session
def rebuild(
    session: Session, *, force: bool, data_dir: str | None, config: str | None, as_json: bool
) -> None:
    """Make a damaged ledger anew from the endpoints that HNS has; the old file is kept beside it.

    HNS does not know the pods' Kubernetes names: they are missing until each pod is added again.
    """
    path = session.ledger_path(data_dir, config)
    if data_dir is not None and not os.path.isdir(data_dir):
        raise Failure(f'there is no folder "{data_dir}": which ledger is meant?')
    done = rebuild_from_hns(session.node, path, force=force)
    print_object(_facts(path, done), as_json)
    if done.attachments:
        print_notes([_NAMELESS])


def _facts(path: str, done: Rebuilt) -> dict[str, object]:
    return {
        "id": path,
        "attachments": len(done.attachments),
        "containers": [key.container_id for key in done.attachments],
        "oldFile": done.old_file,
    }
