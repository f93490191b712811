"""`cni-hns doctor`: what is wrong with the networks of this node, why, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.cri import cri_option
from cni_hns.cli.node_look import look_at_node
from cni_hns.cli.output import print_json, print_notes
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.cli.surroundings import RuntimePlaces, look_beside, runtime_options
from cni_hns.log import one_line

if TYPE_CHECKING:
    from cni_hns.doctor.finding import Finding

__all__ = ["doctor"]


@click.command()
@timeout_option(words="How long a call to HCS may take, and all that the runtime is asked.")
@cri_option
@runtime_options
@ledger_options
@json_option
@in_this_session
def doctor(
    session: Session,
    *,
    cri: str | None,
    timeout_s: float,
    runtime: RuntimePlaces,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Examine this node: each disagreement with its cause, what it does to pods, and what mends it.

    HNS, HCS, the ledger, the machine and what containerd loads are compared; with --cri also what the
    container runtime says.

    Exit code 1 if anything was found that makes pods ill.
    """
    from cni_hns.doctor.examine import examine
    from cni_hns.doctor.picture import Picture

    seen = look_at_node(session, cri, timeout_s, data_dir, config)
    host, configuration = look_beside(session, runtime, session.ledger_path(data_dir, config), timeout_s)
    print_notes(host.notes)
    found = examine(Picture.of(seen, host, configuration))
    if as_json:
        print_json([one._asdict() for one in found])
    else:
        _print(found)
    return 1 if any(one.severity == "ill" for one in found) else 0


def _print(found: list[Finding]) -> None:
    for one in found:
        click.echo(one_line(f"{one.severity}: {one.subject}: {one.cause}"))
        click.echo(one_line(f"  effect: {one.effect}"))
        click.echo(one_line(f"  next:   {one.remedy}"))
    if not found:
        click.echo("nothing is wrong")
