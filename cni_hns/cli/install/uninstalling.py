"""`cni-hns uninstall`: who still needs the program is asked before anything is touched."""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.install.containerd import find_places
from cni_hns.cli.install.dependents import held, naming, reasons
from cni_hns.cli.install.layout import remove, vanishing
from cni_hns.cli.install.node_agent import SERVICE, remove_agent, runs_agent
from cni_hns.cli.install.options import place_options
from cni_hns.cli.output import print_json, print_paragraph
from cni_hns.cli.session import Session, in_this_session, json_option

__all__ = ["uninstall"]


class _Outcome(NamedTuple):
    bin_dir: str
    conf_dir: str
    ledger: str
    done: list[str]
    kept: list[str]
    needed_by: list[str]
    unknown_to_host_local: dict[str, int]
    is_refused: bool


@click.command()
@place_options
@click.option("--force", is_flag=True, help="Also where attachments or a configuration need it.")
@click.option(
    "--remove-ledger", is_flag=True, help="Delete this node's ledger too: nobody knows its pods then."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
@in_this_session
def uninstall(
    session: Session, /, as_json: bool, dry_run: bool, remove_ledger: bool, force: bool, **options: Any
) -> int:
    """Take out what `install` put into the folder, and put the peers' exes back.

    The agent's service goes first, where there is one. Refused, with exit code 1, while attachments are alive
    or a configuration in containerd's folder names a program that would be missing: --force does it all the
    same. A file that was changed since is kept and named: exit code 1, too. Ledger and configuration stay.
    Addresses that host-local knows nothing of are named: another plugin would give them away.
    """
    places = find_places(options["bin_dir"], options["conf_dir"], options["containerd_config"])
    _see_that_it_can_go(places.bin_dir, remove_ledger)
    # All of it before the first file goes: the program that runs may be one of them.
    there = held(session, places.conf_dir)
    needed_by = reasons(there, naming(places.conf_dir, vanishing(places.bin_dir)))
    ledger = session.ledger_path(None, None)
    if needed_by and runs_agent(session):
        needed_by.append(f"the agent writes its configuration again: Stop-Service {SERVICE} first")
    is_refused = bool(needed_by) and not force
    done, kept = ([], []) if is_refused and not dry_run else _remove(session, places.bin_dir, dry_run)
    if remove_ledger and not (is_refused and not dry_run):
        done = done + _remove_ledger(ledger, dry_run)
    unknown = {} if remove_ledger else there.unknown_to_host_local
    outcome = _Outcome(places.bin_dir, places.conf_dir, ledger, done, kept, needed_by, unknown, is_refused)
    if as_json:
        _print_json(outcome)
    else:
        _print(outcome, keeps_ledger=not remove_ledger and os.path.exists(ledger))
    return 1 if kept or is_refused else 0


def _remove(session: Session, bin_dir: str, dry_run: bool) -> tuple[list[str], list[str]]:
    """The agent first: its process uses the program."""
    before = remove_agent(session, dry_run=dry_run)
    done, kept = remove(bin_dir, dry_run=dry_run)
    return [*before, *done], kept


def _see_that_it_can_go(bin_dir: str, remove_ledger: bool) -> None:
    """Windows neither deletes the exe that runs nor the libraries that it has loaded.

    Raises: Failure, with commands that run a copy.
    """
    contents = _contents_in_use()
    if not contents or not _is_in(contents, bin_dir):
        return
    copy = os.path.join("$env:TEMP", "cni-hns-uninstall")
    more = " --remove-ledger" if remove_ledger else ""
    raise Failure(
        "nothing was removed: this program runs from the folder that it would have to delete. Run the single "
        f'file, or a copy, in PowerShell: New-Item -ItemType Directory -Force "{copy}"; '
        f'Copy-Item -Recurse -Force "{sys.executable}","{contents}" "{copy}"; '
        f'& "{os.path.join(copy, os.path.basename(sys.executable))}" uninstall --bin-dir "{bin_dir}"{more}'
    )


def _contents_in_use() -> str:
    """The folder of this program's files, where they cannot be deleted as long as it runs."""
    is_locked = os.name == "nt" and getattr(sys, "frozen", False)
    return str(getattr(sys, "_MEIPASS", "")) if is_locked else ""


def _is_in(path: str, folder: str) -> bool:
    parent = os.path.dirname(os.path.abspath(path))
    try:
        return os.path.samefile(parent, folder)
    except OSError:
        return os.path.normcase(parent) == os.path.normcase(os.path.abspath(folder))


def _remove_ledger(path: str, dry_run: bool) -> list[str]:
    files = [path + suffix for suffix in ("", "-wal", "-shm") if os.path.exists(path + suffix)]
    for file in [] if dry_run else files:
        try:
            os.unlink(file)
        except OSError as fault:
            raise Failure(f'"{file}" cannot be deleted: {fault.strerror or fault}') from fault
    return [f"{'would remove' if dry_run else 'removed'} {file}" for file in files]


def _print_json(outcome: _Outcome) -> None:
    print_json(
        {
            "binDir": outcome.bin_dir,
            "done": outcome.done,
            "kept": outcome.kept,
            "ledger": outcome.ledger,
            "confDir": outcome.conf_dir,
            "unknownToHostLocal": outcome.unknown_to_host_local,
            "neededBy": outcome.needed_by,
            "refused": outcome.is_refused,
        }
    )


def _print(outcome: _Outcome, *, keeps_ledger: bool) -> None:
    for line in (*outcome.done, *(f"kept {one}" for one in outcome.kept)):
        print_paragraph("", line)
    for line in outcome.needed_by:
        print_paragraph("still needed: ", line)
    if outcome.is_refused:
        print_paragraph("", "nothing was removed: do what is said above, or say --force")
        return
    if keeps_ledger:
        print_paragraph("", f"kept the ledger {outcome.ledger} (--remove-ledger deletes it)")
    for network, count in outcome.unknown_to_host_local.items():
        print_paragraph(
            "",
            f'host-local knows nothing of {count} addresses held on network "{network}": if it is to go on '
            "there, run `cni-hns ipam export --host-local FOLDER` (from the single file) first",
        )
    print_paragraph("", f"configurations in {outcome.conf_dir} are left as they are")
