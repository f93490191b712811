"""`cni-hns status`: is this node's network well, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cni_hns.cli.listing import watch_option
from cni_hns.cli.output import print_json, print_list
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options
from cni_hns.cli.surroundings import RuntimePlaces, runtime_options

if TYPE_CHECKING:
    from cni_hns.cli.status.lines import Line

__all__ = ["status"]


@click.command()
@runtime_options
@ledger_options
@json_option
@in_this_session
@watch_option
def status(
    session: Session,
    *,
    runtime: RuntimePlaces,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Show in two seconds whether this node's network is well.

    HNS and HCS, what containerd loads, the plugin, networks, the agent if the node has one, ledger,
    addresses, pods, and the last error. What does not answer in its time says so, and all else is shown.

    Exit code 1 if anything is ill.
    """
    from cni_hns.cli.status.lines import lines_of
    from cni_hns.cli.status.readings import LIMIT_S, Places, read

    places = Places(data_dir, config, runtime)
    lines = lines_of(read(session, places, LIMIT_S))
    is_ill = any(one.state in ("ill", "unknown") for one in lines)
    if as_json:
        print_json({"state": "ill" if is_ill else "ok", "checks": [one._asdict() for one in lines]})
        return int(is_ill)
    rows = [{**one._asdict(), "said": _said(one)} for one in lines]
    print_list(rows, {"WHAT": "id", "STATE": "state", "": "said"}, as_json, "")
    return int(is_ill)


def _said(line: Line) -> str:
    return f"{line.words.rstrip('.')}; next: {line.next}" if line.next else line.words
