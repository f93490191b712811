"""`cni-hns diagnose`: a bundle of everything that says how this node is, and opening one of another node."""

from __future__ import annotations

import os
import shlex
import socket
import tempfile
import time
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.cri import cri_option, told_by
from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.output import print_notes, print_object
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

if TYPE_CHECKING:
    from cni_hns.diagnosis.bundle import Bundle

__all__ = ["diagnose"]

_TIMEOUT_S = 60.0


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--output", metavar="ZIP", help="The file to make (default: here, named by the time).")
@timeout_option(_TIMEOUT_S, words="How long all of it may take.")
@cri_option
@click.option("--conf-dir", metavar="DIR", help="Folder of network configurations (default: containerd's).")
@click.option(
    "--containerd-config", metavar="FILE", help="containerd's configuration (default: the usual one)."
)
@ledger_options
@json_option
@click.pass_context
def diagnose(
    context: click.Context,
    *,
    output: str | None,
    timeout_s: float,
    cri: str | None,
    conf_dir: str | None,
    containerd_config: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Collect everything that says how this node is, in one zip without secrets.

    HNS's objects, compute systems, the ledger, configurations, the log's end, what Windows' own tools print;
    on its first page (index.html, summary.txt) what is wrong, and every pod with all that belongs to it.

    It needs no internet and ends within its time, though HNS, HCS or a program hang: what did not answer is
    a line in it.
    """
    if context.invoked_subcommand is not None:
        return
    session = context.find_object(Session)
    if session is None:
        raise Failure("no node to diagnose")
    path = os.path.abspath(output or _usual_name())
    if os.path.lexists(path):
        raise Failure(f'"{path}" is there already: name another file with --output')
    if not os.path.isdir(os.path.dirname(path)):
        raise Failure(f'there is no folder "{os.path.dirname(path)}" to make the file in: see --output')
    from cni_hns.cli.install.containerd import find_places
    from cni_hns.cli.pods import facts_of
    from cni_hns.diagnosis.bundle import Wanted, collect_bundle, write
    from cni_hns.diagnosis.collectors import Surroundings

    ledger_folder = os.path.dirname(session.ledger_path(data_dir, config))
    bundle = collect_bundle(
        Wanted(
            make_node=lambda: session.node_apart(ledger_folder, timeout_s / 3),
            pod_facts=facts_of,
            containerd=lambda: find_places(None, conf_dir, containerd_config)._asdict(),
            surroundings=Surroundings.of(os.environ),
            timeout_s=timeout_s,
            collected=time.time(),
            configurations=[] if config is None else [config],
            sandboxes=told_by(cri, timeout_s / 4),
        )
    )
    write(bundle, path)
    print_notes(bundle.contents.notes)
    print_object(_facts(bundle, path), as_json)


@diagnose.command("open")
@click.argument("archive", metavar="ZIP")
@click.argument("folder", metavar="[FOLDER]", required=False)
@json_option
@in_this_session
def open_(session: Session, archive: str, folder: str | None, as_json: bool) -> None:  # noqa: ARG001
    """Load a bundle into a simulated node, in FOLDER or a new one.

    `pod list`, `doctor`, `endpoint list`, `ipam list` and the others then answer as on the node it is from.
    """
    from cni_hns.diagnosis.opening import BadBundle, read

    try:
        found = read(archive)
    except BadBundle as fault:
        raise Failure(f'"{archive}" cannot be opened: {fault}') from fault
    except OSError as fault:
        raise Failure(f'"{archive}" cannot be read: {fault.strerror or fault}') from fault
    place = _empty_folder(folder)
    from cni_hns.cli.replaying import replay

    replay(found, place)
    variable = _setting("CNI_HNS_SIMULATOR", place)
    if as_json:
        print_object({"folder": place, "variable": variable, "notes": list(found.notes)}, as_json)
        return
    print_notes(found.notes)
    click.echo(variable)


def _usual_name() -> str:
    host = "".join(one for one in socket.gethostname() if one.isalnum() or one in "-_") or "node"
    return f"cni-hns-{host}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.zip"


def _facts(bundle: Bundle, path: str) -> dict[str, Any]:
    findings = bundle.findings
    return {
        "id": path,
        "pods": len(bundle.contents.pods),
        "ill": sum(one.severity == "ill" for one in findings),
        "warnings": sum(one.severity == "warning" for one in findings),
        "files": len(bundle.contents.files),
        "missing": len(bundle.missing),
    }


def _empty_folder(folder: str | None) -> str:
    if folder is None:
        return tempfile.mkdtemp(prefix="cni-hns-node-")
    place = os.path.abspath(folder)
    os.makedirs(place, 0o755, exist_ok=True)
    if os.listdir(place):
        raise Failure(f'"{place}" is not empty: name a folder that is, or none')
    return place


def _setting(variable: str, value: str) -> str:
    """The line that sets it in the shell that people have here."""
    if os.name == "nt":
        quoted = value.replace("'", "''")
        return f"$env:{variable} = '{quoted}'"
    return f"export {variable}={shlex.quote(value)}"
