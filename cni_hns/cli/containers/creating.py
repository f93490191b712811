"""`cni-hns container create`: a compute system by its document, and documents to begin from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.configurations import read_bytes
from cni_hns.cli.containers.facts import print_done
from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_json
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.hcs.templates import TEMPLATES

if TYPE_CHECKING:
    from cni_hns.hcs.documents.system import ComputeSystem

__all__ = ["create"]

_NAMESPACE = "<GUID of the HCN namespace>"


@click.command()
@click.argument("system_id", metavar="ID", required=False)
@click.option("--config", metavar="FILE", help="The ComputeSystem document, as JSON.")
@click.option(
    "--template",
    type=click.Choice(list(TEMPLATES)),
    help="Make nothing: print a document to begin from, of this isolation.",
)
@click.option("--namespace", metavar="GUID", help="The HCN namespace that the printed document names.")
@timeout_option(240.0, "How long the creation may take.")
@json_option
@in_this_session
def create(
    session: Session,
    *,
    system_id: str | None,
    config: str | None,
    template: str | None,
    namespace: str | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Make a compute system by its document.

    `container start` lets it run: it joins the HCN namespace that its document names, with the endpoints
    that are there.
    """
    if template is not None:
        print_json(TEMPLATES[template](namespace or _NAMESPACE))
        return
    if system_id is None or config is None:
        raise click.UsageError("give an ID and --config, or --template")
    document = _document(config)
    session.systems(timeout_s).create(system_id, document, timeout_s).close()
    print_done(system_id, "created", as_json)


def _document(path: str) -> ComputeSystem:
    """Raises: Failure with every fault of the file, or why it is no use here."""
    from pydantic import ValidationError

    from cni_hns.hcs.documents.system import ComputeSystem

    try:
        document = ComputeSystem.of(_object_in(path))
    except ValidationError as fault:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in fault.errors()]
        raise Failure(f'"{path}" is no ComputeSystem document: {"; ".join(faults)}') from fault
    missing = [name for name in ComputeSystem.needed if name not in document.to_document()]
    if missing:
        raise Failure(f'"{path}" is no ComputeSystem document: {", ".join(missing)} missing')
    if document.should_terminate_on_last_handle_closed:
        raise Failure(
            f'"{path}" says ShouldTerminateOnLastHandleClosed: the system would end with this command, which '
            "has its only handle; set it to false"
        )
    return document


def _object_in(path: str) -> dict[str, Any]:
    try:
        document = json.loads(read_bytes(path))
    except ValueError as fault:
        raise Failure(f'"{path}" is no JSON: {fault}') from fault
    if not isinstance(document, dict):
        raise Failure(f'"{path}" is no JSON object')
    return document
