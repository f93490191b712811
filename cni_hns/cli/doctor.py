"""`cni-hns doctor`: what is wrong with the networks of this node, why, and what mends it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.cri import cri_option
from cni_hns.cli.failure import Failure
from cni_hns.cli.node_look import look_at_node
from cni_hns.cli.output import print_json, print_notes, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.cli.surroundings import RuntimePlaces, look_beside, runtime_options

if TYPE_CHECKING:
    from cni_hns.doctor.examination import Examined
    from cni_hns.doctor.finding import Finding
    from cni_hns.doctor.repair import Step

__all__ = ["doctor"]

# For a hundred pods whose endpoints are made again while HNS takes its time.
_REPAIR_S = 300.0


@click.command()
@click.option("--repair", "mend", is_flag=True, help="Mend what is safe to mend; then examine again.")
@click.option("--dry-run", is_flag=True, help="With --repair: only say what would be done.")
@click.option("--kinds", is_flag=True, help="Only print what can be found, as a page in Markdown.")
@click.option(
    "--cni-path", metavar="DIR", multiple=True, help="Folder of the external IPAM plugin; may be repeated."
)
@timeout_option(
    10.0, words="How long each question to HNS and HCS may take, and all that the runtime is asked."
)
@cri_option
@runtime_options
@ledger_options
@json_option
@in_this_session
def doctor(
    session: Session,
    *,
    mend: bool,
    dry_run: bool,
    kinds: bool,
    cni_path: tuple[str, ...],
    cri: str | None,
    timeout_s: float,
    runtime: RuntimePlaces,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Examine this node: each disagreement with its cause, what it does to pods, and what mends it.

    HNS, HCS, the ledger, host-local's folders, the machine and what containerd loads are compared; with --cri
    also what the container runtime says. A source that does not answer in time is a note, and what needs it
    is left out.

    --repair takes no running pod's network: it makes endpoints again that HNS lost (same ID, addresses, MAC
    and policies), takes away what is nobody's, and brings leases and host-local's files in agreement. It says
    each thing that it did or could not do, and examines the node again.

    Exit code 0: no pod is ill (there may be warnings). 1: something makes pods ill, or nobody answered; with
    --repair, also if something could not be mended.
    """
    if kinds:
        from cni_hns.doctor.reference import page

        click.echo(page(), nl=False)
        return 0
    if dry_run and not mend:
        raise click.UsageError("--dry-run says what --repair would do: give both")

    def look() -> Examined:
        return _examined(session, runtime, cri, timeout_s, data_dir=data_dir, config=config)

    examined, steps = look(), []
    if mend:
        steps = _repaired(session, examined, data_dir, config, list(cni_path), dry_run=dry_run)
        if not dry_run and steps:
            examined = look()
    if as_json:
        print_json(_document(examined, steps, mend=mend))
    else:
        _print(examined, steps, mend=mend, dry_run=dry_run)
    return 1 if examined.is_ill or any(one.is_left for one in steps) else 0


def _examined(
    session: Session,
    runtime: RuntimePlaces,
    cri: str | None,
    timeout_s: float,
    *,
    data_dir: str | None,
    config: str | None,
) -> Examined:
    from cni_hns.doctor.examination import examined

    host, configuration = look_beside(session, runtime, session.ledger_path(data_dir, config), timeout_s)
    print_notes(host.notes)
    return examined(lambda: look_at_node(session, cri, timeout_s, data_dir, config), host, configuration)


def _repaired(
    session: Session,
    examined: Examined,
    data_dir: str | None,
    config: str | None,
    cni_path: list[str],
    *,
    dry_run: bool,
) -> list[Step]:
    from cni_hns.cli.collection import requests_of
    from cni_hns.doctor.examination import mended

    if examined.picture.seen.namespaces is None or examined.picture.seen.endpoints is None:
        raise Failure("HNS did not answer: nothing was repaired; see `Get-Service hns`, and try again")
    folder = os.path.dirname(session.ledger_path(data_dir, config))
    requests = requests_of(config, cni_path)
    return mended(
        examined, lambda: session.node_apart(folder, _REPAIR_S), requests, _REPAIR_S, dry_run=dry_run
    )


def _document(examined: Examined, steps: list[Step], *, mend: bool) -> Any:
    findings = [one._asdict() for one in examined.findings]
    if not mend:
        return findings
    return {"repaired": [one._asdict() for one in steps], "findings": findings}


def _print(examined: Examined, steps: list[Step], *, mend: bool, dry_run: bool) -> None:
    for step in steps:
        print_paragraph("", f"{step.repair}: {step.subject}: {step.outcome}")
    if mend and not steps:
        click.echo("nothing to repair")
    if mend and examined.findings:
        click.echo("\nfound:" if dry_run else "\nleft:")
    for number, one in enumerate(examined.findings):
        _print_finding(one, is_first=number == 0)
    if not examined.findings:
        click.echo("nothing is wrong")


def _print_finding(one: Finding, *, is_first: bool) -> None:
    """A block of lines; an empty one between two."""
    if not is_first:
        click.echo()
    print_paragraph("", f"{one.severity}: {one.subject}")
    print_paragraph("  cause:  ", one.cause)
    if one.pods:
        print_paragraph("  pods:   ", ", ".join(one.pods))
    print_paragraph("  effect: ", one.effect)
    print_paragraph("  next:   ", one.remedy)
