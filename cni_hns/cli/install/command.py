"""`cni-hns install` and `cni-hns uninstall`: options, order, and what is said at the end."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.configuration import (
    OURS,
    Verdict,
    Wanted,
    judged,
    loaded,
    not_loaded,
    write_configuration,
)
from cni_hns.cli.install.containerd import Places, find_places
from cni_hns.cli.install.layout import exe_name, foresee, lay_down, remove
from cni_hns.cli.install.package import this_program
from cni_hns.cli.install.trial import try_out
from cni_hns.cli.output import print_json
from cni_hns.cli.programs import PEERS, stands_in_for
from cni_hns.cli.session import Session, in_this_session, json_option
from cni_hns.cni.errors import CniError
from cni_hns.ipam.held import shared_folders
from cni_hns.ledger import LedgerBusy, LedgerFault

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["install", "uninstall"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_MODES = ("l2bridge", "l2tunnel", "nat", "overlay", "transparent")
_PROGRAM = "cni-hns"


def _place_options(command: _Command) -> _Command:
    command = click.option(
        "--containerd-config", metavar="FILE", help="containerd's config.toml (default: its usual place)."
    )(command)
    return click.option(
        "--bin-dir", metavar="DIR", help="Folder of the CNI plugins (default: containerd's)."
    )(command)


@click.command()
@_place_options
@click.option("--conf-dir", metavar="DIR", help="Folder of the CNI configurations (default: containerd's).")
@click.option(
    "--as", "aliases", metavar="NAME[,NAME...]", help=f"Also under peers' names: {', '.join(PEERS)}."
)
@click.option("--subnet", metavar="PREFIX", help="Write a configuration for the pods' subnet of this node.")
@click.option(
    "--mode", type=click.Choice(_MODES), default="l2bridge", show_default=True, help="Its network's mode."
)
@click.option("--name", metavar="NAME", help="Its name (default: the mode).")
@click.option("--adapter", metavar="NAME", help='The host\'s network adapter, as "Ethernet".')
@click.option("--gateway", metavar="ADDRESS", help="The subnet's gateway (default: its first address).")
@click.option("--dns", metavar="ADDRESS", multiple=True, help="A name server for the pods; repeatable.")
@click.option("--replace-config", is_flag=True, help="Write the configuration though the folder has one.")
@click.option("--check", "check", is_flag=True, help="Run ADD, CHECK and DEL on a namespace made for it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@in_this_session
def install(session: Session, /, **options: Any) -> int:
    """Lay this program into the folder of the CNI plugins, or replace the version that is there.

    Processes of the old version finish. The ledger is kept. Exit code 1 if the configuration that containerd
    would load has faults, names a program that is missing or is not the one just written, or the check fails.
    """
    package = this_program()
    places = find_places(options["bin_dir"], options["conf_dir"], options["containerd_config"])
    names = [exe_name(name) for name in (_PROGRAM, *_aliases(options["aliases"]))]
    lay = foresee if options["dry_run"] else lay_down
    done = lay(package, places.bin_dir, names)
    written, said = _configure(places, options)
    done += said
    verdict = _verdict(places, written, names, dry_run=options["dry_run"])
    first = next(iter(loaded(places.conf_dir, places.most_files)), None)
    if options["check"] and not options["dry_run"]:
        if first is None:
            raise Failure(
                f'there is no configuration in "{places.conf_dir}" to check with: write one by --subnet'
            )
        done += try_out(session, places.bin_dir, first)
    _report(package.version, places, done, first, verdict, as_json=options["as_json"])
    return 1 if verdict.faults else 0


@click.command()
@_place_options
@click.option(
    "--remove-ledger", is_flag=True, help="Delete this node's ledger too: nobody knows its pods then."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@in_this_session
def uninstall(session: Session, /, as_json: bool, dry_run: bool, remove_ledger: bool, **options: Any) -> int:
    """Take out what `install` put into the folder, and put the peers' exes back.

    A file that was changed since is kept and named: exit code 1 then. Ledger and configuration are kept.
    Addresses that host-local knows nothing of are named: another plugin would give them away.
    """
    places = find_places(options["bin_dir"], None, options["containerd_config"])
    done, kept = remove(places.bin_dir, dry_run=dry_run)
    ledger = session.ledger_path(None, None)
    unknown = _unknown_to_host_local(session)
    if remove_ledger:
        done = done + _remove_ledger(ledger, dry_run)
    if as_json:
        facts = {"binDir": places.bin_dir, "done": done, "kept": kept}
        print_json({**facts, "ledger": ledger, "confDir": places.conf_dir, "unknownToHostLocal": unknown})
        return 1 if kept else 0
    for line in (*done, *(f"kept {one}" for one in kept)):
        click.echo(line)
    if not remove_ledger and os.path.exists(ledger):
        click.echo(f"kept the ledger {ledger} (--remove-ledger deletes it)")
    for network, count in unknown.items():
        click.echo(
            f'host-local knows nothing of {count} addresses held on network "{network}": if it is to go on '
            "there, run `cni-hns ipam export --host-local FOLDER` (from the single file) first"
        )
    click.echo(f"configurations in {places.conf_dir} are left as they are")
    return 1 if kept else 0


def _unknown_to_host_local(session: Session) -> dict[str, int]:
    """How many held addresses of each network have no file; {} where no ledger can be read."""
    try:
        ledger = session.ledger(None, None)
    except (LedgerFault, LedgerBusy, CniError):
        return {}
    if ledger is None:
        return {}
    with closing(ledger):  # it may be deleted next
        try:
            leases = ledger.leases()
        except (LedgerFault, LedgerBusy):
            return {}
        networks = [lease.network for lease in leases if lease.origin in {"allocated", "reserved"}]
        return {
            network: networks.count(network)
            for network in dict.fromkeys(networks)
            if not shared_folders(ledger, network)
        }


def _aliases(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    strange = [name for name in names if not stands_in_for(name)]
    if strange:
        raise click.UsageError(f"--as: {', '.join(strange)}: this program stands in for {', '.join(PEERS)}")
    return names


def _configure(places: Places, options: dict[str, Any]) -> tuple[str | None, list[str]]:
    """(the configuration that was written, or would be; what was done, in lines)."""
    first = next(iter(loaded(places.conf_dir, places.most_files)), None)
    if options["subnet"] is None:
        return None, [] if first else [f"no configuration in {places.conf_dir}: write one, or give --subnet"]
    if first and not options["replace_config"]:
        return None, [f"{first} is there already: no configuration was written (--replace-config writes one)"]
    fields = {key: options[key] for key in Wanted._fields}
    path = write_configuration(places.conf_dir, Wanted(**fields), dry_run=options["dry_run"])
    return path, [f"{'would write' if options['dry_run'] else 'wrote'} {path}"]


def _verdict(places: Places, written: str | None, names: list[str], *, dry_run: bool) -> Verdict:
    """On what containerd loads now, or will load when that is done of which a dry run speaks."""
    files = loaded(places.conf_dir, places.most_files, [OURS] if written else [])
    there = [path for path in files if not (dry_run and path == written)]
    verdict = judged(places, there, names if dry_run else [])
    elsewhere = not_loaded(written, files) if written else None
    return verdict._replace(faults=[*([elsewhere] if elsewhere else []), *verdict.faults])


def _remove_ledger(path: str, dry_run: bool) -> list[str]:
    files = [path + suffix for suffix in ("", "-wal", "-shm") if os.path.exists(path + suffix)]
    for file in [] if dry_run else files:
        os.unlink(file)
    return [f"{'would remove' if dry_run else 'removed'} {file}" for file in files]


def _report(
    version: str, places: Places, done: list[str], first: str | None, verdict: Verdict, *, as_json: bool
) -> None:
    if as_json:
        where = {"binDir": places.bin_dir, "confDir": places.conf_dir, "saidBy": places.said_by}
        said = {"faults": verdict.faults, "notes": verdict.notes}
        print_json({"version": version, **where, "done": done, "configuration": first, **said})
        return
    click.echo(f"cni-hns {version} in {places.bin_dir} (by {places.said_by})")
    for line in done or ["nothing to do"]:
        click.echo(line)
    if first:
        words = "there are faults:" if verdict.faults else "nothing is wrong with it"
        click.echo(f"containerd loads {first}: {words}")
    for line in (*verdict.faults, *verdict.notes):
        click.echo(f"  {line}")
