"""`cni-hns container events`: what HCS tells of a system on its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cni_hns.cli.containers.options import id_argument, timeout_option
from cni_hns.cli.session import Session, in_this_session, json_option

if TYPE_CHECKING:
    from cni_hns.hcs.events import SystemEvent

__all__ = ["events"]


@click.command()
@id_argument
@timeout_option(60.0, "How long to listen, where nothing ends it before.")
@json_option
@in_this_session
def events(session: Session, *, system_id: str, timeout_s: float, as_json: bool) -> None:
    """Show what becomes of a compute system.

    It listens until the end of the system, or until the time is up. The system is open meanwhile: one that
    ends with its last handle lives at least as long as this command.
    With --json each event is an object on a line of its own.
    """
    with session.systems(timeout_s).open(system_id, listen=True) as system:
        for one in system.events(timeout_s):
            click.echo(_line(one, as_json))


def _line(event: SystemEvent, as_json: bool) -> str:
    document = event.document.to_document()
    if as_json:
        return json.dumps({"event": event.name, "document": document})
    return f"{event.name} {json.dumps(document)}" if document else event.name
