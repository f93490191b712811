"""`cni-hns install`: options, order, and what is said at the end, whatever became of each step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.built import single_files_in
from cni_hns.cli.install.configuration import (
    NAT_MODES,
    OURS,
    Verdict,
    Wanted,
    hints,
    judged,
    loaded,
    not_loaded,
    write_configuration,
)
from cni_hns.cli.install.containerd import Places, find_places
from cni_hns.cli.install.layout import exe_name, foresee, lay_down
from cni_hns.cli.install.node_agent import agent_for, runs_agent
from cni_hns.cli.install.options import place_options
from cni_hns.cli.install.package import this_program
from cni_hns.cli.install.trial import try_out
from cni_hns.cli.output import print_json, print_paragraph
from cni_hns.cli.programs import PEERS, stands_in_for
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.single_file import remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cni_hns.cli.install.node_agent import NodeAgent

__all__ = ["install"]

_MODES = ("l2bridge", "l2tunnel", "nat", "overlay", "transparent")
_PROGRAM = "cni-hns"
_AGENT_NOTE = (
    "note: the agent writes the configuration once the network is whole. See how far it is: "
    "cni-hns cluster status"
)
_OLD_AGENT = (
    "note: the agent on this node still runs the version before. Have it run this one: "
    "cni-hns install --kubernetes"
)
# Options of the configuration that --subnet writes.
_OF_THE_CONFIGURATION = {
    "mode": "--mode",
    "name": "--name",
    "adapter": "--adapter",
    "gateway": "--gateway",
    "dns": "--dns",
    "nat_except": "--nat-except",
    "log_file": "--log-file",
    "replace_config": "--replace-config",
}


class _Report(NamedTuple):
    """What was done and found so far; it is shown whole, also where a later step fails."""

    version: str
    places: Places
    done: list[str]
    faults: list[str]
    notes: list[str]


@click.command()
@place_options
@click.option(
    "--as", "aliases", metavar="NAME[,NAME...]", help=f"Also under peers' names: {', '.join(PEERS)}."
)
@click.option("--subnet", metavar="PREFIX", help="Write a configuration for the pods' subnet of this node.")
@click.option("--mode", type=click.Choice(_MODES), help="Its network's mode (default: l2bridge).")
@click.option("--name", metavar="NAME", help="Its name (default: the mode).")
@click.option("--adapter", metavar="NAME", help='The host\'s network adapter, as "Ethernet"; not for nat.')
@click.option("--gateway", metavar="ADDRESS", help="The subnet's gateway (default: its first address).")
@click.option("--dns", metavar="ADDRESS", multiple=True, help="A name server for the pods; repeatable.")
@click.option(
    "--nat-except",
    metavar="PREFIX",
    multiple=True,
    help="Destinations that see a pod's own address: the cluster's pods, its services; repeatable.",
)
@click.option("--log-file", metavar="FILE", help="The log of the verbs (default: beside the ledger).")
@click.option("--replace-config", is_flag=True, help="Write the configuration though the folder has one.")
@click.option("--program-only", is_flag=True, help="Look at no configuration: an agent writes it.")
@click.option("--kubernetes", is_flag=True, help="Run the cluster's agent as a Windows service.")
@click.option("--agent-config", metavar="FILE", help="Its settings, as of `cni-hns agent --config`.")
@click.option("--kubeconfig", metavar="FILE", help="How it reaches the cluster's API; used where it is.")
@click.option("--offline", is_flag=True, help="Do not ask the API whether it answers.")
@click.option("--check", "check", is_flag=True, help="Run ADD, CHECK and DEL on a namespace made for it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@in_this_session
def install(session: Session, /, **options: Any) -> int:
    """Lay this program into the folder of the CNI plugins, or replace the version that is there.

    Processes of the old version finish. The ledger is kept. Exit code 1 if the configuration that containerd
    would load has faults, names a program that is missing or is not the one just written, or the check fails.

    With --kubernetes the service cni-hns-agent keeps the node's network as the cluster's API has it, and
    writes the configuration. It is for nodes without DaemonSets.
    """
    _refuse_what_has_no_effect(options)
    names = [exe_name(name) for name in (_PROGRAM, *_aliases(options["aliases"]))]
    package = this_program()
    places = find_places(options["bin_dir"], options["conf_dir"], options["containerd_config"])
    dry_run = options["dry_run"]
    agent = _agent(session, options)
    wanted, said = _to_write(session, places, options)
    lay = foresee if dry_run else lay_down
    laid = lay(package, places.bin_dir, names)
    report = _Report(package.version, places, [*laid, *said], [], [])
    try:
        if agent:
            exe = os.path.join(places.bin_dir, names[0])
            report.done.extend(agent.put(exe, is_new_program=bool(laid), dry_run=dry_run))
            report.notes.append(_AGENT_NOTE)
        elif not options["program_only"]:
            _configure(report, wanted, names, dry_run=dry_run)
            report.notes.extend([_OLD_AGENT] if laid and runs_agent(session) else [])
        if options["check"]:
            _try(session, report)
    except Failure as fault:
        report.faults.append(f"error: {fault}")
    replaced = {os.path.join(places.bin_dir, name) for name in names} if dry_run else set()
    slow = [path for path in single_files_in(places.bin_dirs) if path not in replaced]
    report.faults.extend(f"warning: {remedy(path)}" for path in slow)
    _print(report, _first(places), as_json=options["as_json"])
    return 1 if report.faults else 0


def _agent(session: Session, options: dict[str, Any]) -> NodeAgent | None:
    """What --kubernetes asks for, checked. Raises: Failure."""
    if not options["kubernetes"]:
        return None
    return agent_for(session, options["agent_config"], options["kubeconfig"], offline=options["offline"])


def _configure(report: _Report, wanted: Wanted | None, names: list[str], *, dry_run: bool) -> None:
    """The configuration is written, and what containerd loads is judged. Raises: Failure."""
    path = None
    if wanted:
        path = write_configuration(report.places.conf_dir, wanted, dry_run=dry_run)
        report.done.append(f"{'would write' if dry_run else 'wrote'} {path}")
        report.notes.extend(hints(wanted))
    verdict = _verdict(report.places, path, names, dry_run=dry_run)
    report.faults.extend(verdict.faults)
    report.notes.extend(verdict.notes)


def _try(session: Session, report: _Report) -> None:
    """The program that was laid down is run. Raises: Failure."""
    first = _first(report.places)
    if first is None:
        raise Failure(
            f'there is no configuration in "{report.places.conf_dir}" to check with: write one by --subnet'
        )
    try_out(session, report.places.bin_dir, first, report.done)


def _refuse_what_has_no_effect(options: dict[str, Any]) -> None:
    """Each option is used, or refused before anything is done. Raises: click.UsageError."""
    if options["dry_run"] and options["check"]:
        raise click.UsageError("--check runs the program that --dry-run does not lay down: say one of them")
    _refuse_two_ways(options)
    given = [option for key, option in _OF_THE_CONFIGURATION.items() if options[key]]
    if given and not options["subnet"]:
        verb = "says" if len(given) == 1 else "say"
        raise click.UsageError(
            f"{', '.join(given)} {verb} what to write into a configuration: give --subnet, too"
        )
    mode = options["mode"] or _MODES[0]
    if options["nat_except"] and mode not in NAT_MODES:
        raise click.UsageError(f"--nat-except: with --mode {mode} no outbound NAT is written; leave it out")
    if options["adapter"] and mode == "nat":
        raise click.UsageError("--adapter: HNS chooses the adapter of a nat network; leave it out")


def _refuse_two_ways(options: dict[str, Any]) -> None:
    """Either this command looks after the configuration, or an agent does. Raises: click.UsageError."""
    ways = [name for name in ("--kubernetes", "--program-only") if options[_key(name)]]
    others = [name for name in ("--subnet", "--check", "--replace-config") if options[_key(name)]]
    if len(ways) > 1 or (ways and others):
        raise click.UsageError(
            f"{' and '.join([*ways, *others])}: with an agent it is the agent that writes the configuration; "
            "say one of them"
        )
    of_agent = [name for name in ("--agent-config", "--kubeconfig", "--offline") if options[_key(name)]]
    if of_agent and not options["kubernetes"]:
        raise click.UsageError(f"{', '.join(of_agent)}: of the agent; give --kubernetes, too")


def _key(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _to_write(session: Session, places: Places, options: dict[str, Any]) -> tuple[Wanted | None, list[str]]:
    """(the configuration to write, which is right by itself; what is to be said instead, in lines).

    Raises: Failure, before anything is laid down.
    """
    first = _first(places)
    if options["kubernetes"] or options["program_only"]:
        return None, []
    if options["subnet"] is None:
        return None, [] if first else [f"no configuration in {places.conf_dir}: write one, or give --subnet"]
    if first and not options["replace_config"]:
        return None, [f"{first} is there already: no configuration was written (--replace-config writes one)"]
    log_file = options["log_file"] or os.path.join(
        os.path.dirname(session.ledger_path(None, None)), "cni-hns.log"
    )
    fields = {key: options[key] for key in Wanted._fields}
    wanted = Wanted(**{**fields, "mode": options["mode"] or _MODES[0], "log_file": log_file})
    write_configuration(places.conf_dir, wanted, dry_run=True)
    return wanted, []


def _first(places: Places) -> str | None:
    return next(iter(loaded(places.conf_dir, places.most_files)), None)


def _aliases(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    strange = [name for name in names if not stands_in_for(name)]
    if strange:
        raise click.UsageError(f"--as: {', '.join(strange)}: this program stands in for {', '.join(PEERS)}")
    return names


def _verdict(places: Places, written: str | None, names: list[str], *, dry_run: bool) -> Verdict:
    """On what containerd loads now, or will load when that is done of which a dry run speaks."""
    files = loaded(places.conf_dir, places.most_files, [OURS] if written else [])
    there = [path for path in files if not (dry_run and path == written)]
    verdict = judged(places, there, names if dry_run else [])
    elsewhere = not_loaded(written, files) if written else None
    return verdict._replace(faults=[*([elsewhere] if elsewhere else []), *verdict.faults])


def _print(report: _Report, first: str | None, *, as_json: bool) -> None:
    places = report.places
    if as_json:
        where = {"binDir": places.bin_dir, "confDir": places.conf_dir, "saidBy": places.said_by}
        said = {"faults": report.faults, "notes": report.notes}
        print_json({"version": report.version, **where, "done": report.done, "configuration": first, **said})
        return
    print_paragraph("", f"cni-hns {report.version} in {places.bin_dir} (by {places.said_by})")
    for line in report.done or ["nothing to do"]:
        print_paragraph("", line)
    if first:
        verdict = "" if report.faults else ": nothing is wrong with it"
        print_paragraph("", f"containerd loads {first}{verdict}")
    _print_lines("there are faults:", report.faults)
    _print_lines("worth knowing:", report.notes)


def _print_lines(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(title)
    for line in lines:
        print_paragraph("  ", line)
