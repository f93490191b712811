"""`cni-hns status`: is this node's network well, on one screen."""

from __future__ import annotations

import click

from cni_hns.cli.output import print_json, print_list
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

__all__ = ["status"]


@click.command()
@click.option("--bin-dir", metavar="DIR", help="Folder of the CNI plugins (default: containerd's).")
@click.option("--conf-dir", metavar="DIR", help="Folder of the CNI configurations (default: containerd's).")
@click.option(
    "--containerd-config", metavar="FILE", help="containerd's config.toml (default: its usual place)."
)
@ledger_options
@json_option
@in_this_session
def status(
    session: Session,
    *,
    bin_dir: str | None,
    conf_dir: str | None,
    containerd_config: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> int:
    """Show in two seconds whether this node's network is well.

    HNS and HCS, what containerd loads, the plugin, networks, ledger, addresses, pods, and the last error.
    What does not answer in its time says so, and all else is shown.

    Exit code 1 if anything is ill.
    """
    from cni_hns.cli.status.lines import lines_of
    from cni_hns.cli.status.readings import LIMIT_S, Places, read

    places = Places(data_dir, config, bin_dir, conf_dir, containerd_config)
    lines = lines_of(read(session, places, LIMIT_S))
    is_ill = any(one.state in ("ill", "unknown") for one in lines)
    if as_json:
        print_json({"state": "ill" if is_ill else "ok", "checks": [one._asdict() for one in lines]})
        return int(is_ill)
    rows = [
        {**one._asdict(), "said": [one.words, *([f"next: {one.next}"] if one.next else [])]} for one in lines
    ]
    print_list(rows, {"WHAT": "id", "STATE": "state", "": "said"}, as_json, "")
    return int(is_ill)
