"""`cni-hns metrics`: how this node is, as Prometheus text."""

from __future__ import annotations

import contextlib
import os

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_json, print_notes
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

__all__ = ["metrics"]

_TIMEOUT_S = 15.0
_STATE = "metrics-state.json"
_FILE_MODE = 0o644


def _file_of_the_collector(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    if path is not None and not path.endswith(".prom"):
        raise click.BadParameter("windows_exporter reads files whose names end in .prom only")
    return path


@click.command()
@click.option(
    "--file",
    "output",
    metavar="PROM",
    callback=_file_of_the_collector,
    help="File of windows_exporter's textfile collector to replace (default: print it).",
)
@timeout_option(_TIMEOUT_S, words="How long HNS, HCS and the ledger may take together.")
@click.option("--conf-dir", metavar="DIR", help="Folder of network configurations (default: containerd's).")
@ledger_options
@json_option
@in_this_session
def metrics(
    session: Session,
    *,
    output: str | None,
    timeout_s: float,
    conf_dir: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Print metrics of this node as Prometheus text.

    The plugin's calls and those of HNS are counted from the logs that the configurations name (at level info
    or debug), the rest is read from HNS, HCS and the ledger. Run it every minute or so.
    """
    from cni_hns.diagnosis.exposition import documents_of, text_of
    from cni_hns.diagnosis.files import configurations
    from cni_hns.diagnosis.node_metrics import count_logs, gauge

    ledger = session.ledger_path(data_dir, config)
    folder = os.path.dirname(ledger)
    documents = [one for _, one in configurations(_paths(conf_dir, config)) if isinstance(one, dict)]
    counted = count_logs(documents, os.path.join(folder, _STATE))
    now = gauge(lambda: session.node_apart(folder, timeout_s / 3), documents, ledger, timeout_s)
    families = [*counted.counts.families(), *now.families]
    if output is not None:
        _replace(output, text_of(families))
    elif not as_json:
        click.echo(text_of(families), nl=False)
    if as_json:
        print_json(documents_of(families))
    # The counts last: what nobody was told is counted again the next time.
    print_notes([*counted.notes, *now.notes, *counted.keep()])


def _paths(conf_dir: str | None, config: str | None) -> list[str]:
    from cni_hns.cli.install.containerd import find_places
    from cni_hns.diagnosis.files import in_folder

    if config is not None:
        return [config]
    return in_folder(conf_dir or find_places(None, None, None).conf_dir)


def _replace(output: str, text: str) -> None:
    """In one step: the collector reads the old file or the new one. Raises: Failure."""
    # A name that nobody could have taken: others may write in the collector's folder.
    draft = f"{output}.{os.urandom(8).hex()}.tmp"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
        os.replace(draft, output)
    except OSError as fault:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise Failure(f'"{output}" cannot be written: {fault.strerror or fault}') from fault
