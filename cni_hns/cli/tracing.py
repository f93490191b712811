"""`cni-hns trace`: the packets of one pod, as a file for Wireshark."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from cni_hns.cli.cri import cri_option, told_by
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import print_json, print_notes, print_object
from cni_hns.cli.pods import find_pod
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

if TYPE_CHECKING:
    from cni_hns.diagnosis.tracing import Programs, Target
    from cni_hns.node.node import Node
    from cni_hns.survey.pod import Pod
    from cni_hns.survey.seen import Seen

__all__ = ["trace"]

_MOST_SECONDS = 3600
_MOST_MEGABYTES = 4096
_LOOK_S = 30.0


@click.command()
@click.argument("which", metavar="POD")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, max=_MOST_SECONDS, min_open=True),
    default=30.0,
    show_default=True,
    help="How long it goes on; Ctrl-C ends it earlier, and keeps what there is.",
)
@click.option(
    "--output", metavar="FILE", help="The file to make (default: here, named by the pod and the time)."
)
@click.option(
    "--max-size",
    "megabytes",
    type=click.IntRange(min=1, max=_MOST_MEGABYTES),
    default=250,
    show_default=True,
    metavar="MB",
    help="How large it may become; the newest packets are kept.",
)
@click.option(
    "--packet-bytes",
    type=click.IntRange(min=64, max=65_535),
    default=256,
    show_default=True,
    help="How much of each packet is kept.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
@cri_option
@ledger_options
@json_option
@in_this_session
def trace(
    session: Session,
    *,
    which: str,
    seconds: float,
    output: str | None,
    megabytes: int,
    packet_bytes: int,
    dry_run: bool,
    cri: str | None,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Trace the packets of one pod.

    By pktmon, or by netsh where pktmon is missing or cannot convert to pcapng. POD is what `pod show` takes.

    The capture is ended whatever happens: when the time is over, at Ctrl-C, when a step fails. Nothing is
    begun while another capture runs.
    """
    from cni_hns.diagnosis import tracing
    from cni_hns.diagnosis.collectors import Surroundings

    seen = _look(session, cri, data_dir, config)
    target = _target(find_pod(seen, which), seen)
    path = os.path.abspath(output or _usual_name(which))
    limits = tracing.Limits(seconds, megabytes, packet_bytes)
    programs = tracing.Programs(Surroundings.of(os.environ))
    try:
        if dry_run:
            _say(tracing.commands_of(_tool_or_usual(programs), target, limits, path), as_json)
            return
        tool = tracing.tool_of(programs)
        print_notes([f"tracing for {seconds:g} s by {tool}; Ctrl-C ends it"])
        done = tracing.trace(tool, target, limits, path, programs)
    except tracing.TraceFault as fault:
        raise Failure(str(fault)) from fault
    print_notes(done.notes)
    print_object({"id": done.path, "bytes": os.path.getsize(done.path), "tool": tool}, as_json)


def _look(session: Session, cri: str | None, data_dir: str | None, config: str | None) -> Seen:
    """What says which addresses the pod has, also while some of it hangs. Raises: Failure: nobody answers."""
    from cni_hns.diagnosis.sources import read_sources, seen_in

    folder = os.path.dirname(session.ledger_path(data_dir, config))

    def make_node() -> Node:
        return session.node_apart(folder, _LOOK_S / 3)

    asked = ("networks", "endpoints", "namespaces", "systems")
    sources = read_sources(make_node, _LOOK_S, told_by(cri, _LOOK_S / 3), only=asked)
    seen = seen_in(sources, make_node)
    if seen.is_blind:
        raise Failure(seen.notes[0])
    print_notes(seen.notes)
    return seen


def _target(pod: Pod, seen: Seen) -> Target:
    from cni_hns.diagnosis.tracing import Target

    types = {one.id: one.type for one in seen.networks or ()}
    return Target(
        addresses=tuple(dict.fromkeys(text.partition("/")[0] for text in pod.addresses)),
        macs=tuple(dict.fromkeys(one.mac for one in pod.endpoints if one.mac)),
        overlay=any(types.get(one.network, "").lower() == "overlay" for one in pod.endpoints),
    )


def _tool_or_usual(programs: Programs) -> str:
    """Where neither is there, what a Windows node would run."""
    from cni_hns.diagnosis import tracing

    try:
        return tracing.tool_of(programs)
    except tracing.TraceFault as fault:
        print_notes([str(fault)])
        return tracing.PKTMON


def _say(commands: list[str], as_json: bool) -> None:
    if as_json:
        print_json(commands)
    else:
        click.echo("\n".join(commands))


def _usual_name(which: str) -> str:
    name = "".join(one if one.isalnum() or one in "-_" else "-" for one in which)[:60]
    return f"{name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.pcapng"
