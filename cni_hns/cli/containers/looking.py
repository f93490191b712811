"""`cni-hns container list`, `show`, `ps` and `stats`: they change nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from cni_hns.cli.containers.facts import (
    counted,
    facts_of,
    lines_of,
    print_blocks,
    process_facts,
    statistics_facts,
    uptime_words,
    usage_lines,
)
from cni_hns.cli.containers.options import id_argument, system_named, timeout_option
from cni_hns.cli.containers.surroundings import Surroundings
from cni_hns.cli.failure import Failure
from cni_hns.cli.listing import list_options, watch_option
from cni_hns.cli.output import print_json, print_list, print_object
from cni_hns.cli.session import Session, in_this_session, json_option, ledger_options

if TYPE_CHECKING:
    from cni_hns.hcs.client import ComputeSystems
    from cni_hns.hcs.documents.properties import Properties, Statistics

__all__ = ["list_", "ps", "show", "stats"]

_COLUMNS = {
    "ID": "id",
    "POD": "podName",
    "ISOLATION": "isolation",
    "STATE": "state",
    "UP": "up",
    "ADDRESSES": "addresses",
}
_WIDE = {"OWNER": "owner", "SANDBOX": "pod", "NAMESPACE": "namespace"}


@click.command("list")
@click.option("--owner", metavar="NAME", help="Only those of this owner: the program that made them.")
@click.option("--state", metavar="STATE", help="Only those in this state, such as Running or Created.")
@click.option(
    "--leaked", is_flag=True, help="Only those that have ended while something still holds their ID."
)
@timeout_option()
@ledger_options
@list_options
@in_this_session
@watch_option
def list_(
    session: Session,
    *,
    owner: str | None,
    state: str | None,
    leaked: bool,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """List the compute systems of this node.

    Each with its isolation, state, owner, pod, namespace, addresses and uptime, in JSON too.
    """
    from cni_hns.hcs.documents.properties import SystemQuery

    systems = session.systems(timeout_s)
    query = None if owner is None else SystemQuery(owners=(owner,))
    found = systems.enumerate(query, timeout_s)
    found = [
        one
        for one in found
        if (state is None or one.state.lower() == state.lower()) and (not leaked or _has_leaked(one))
    ]
    around = Surroundings.of(session, data_dir, config)
    rows = [facts_of(one, around.place(one.id), _statistics(systems, one, timeout_s)) for one in found]
    shown = rows if as_json else [{**one, "up": uptime_words(one["uptimeSeconds"])} for one in rows]
    print_list(shown, _COLUMNS, as_json, "no compute systems", wide=_WIDE, block=lines_of)


@click.command()
@id_argument
@timeout_option()
@ledger_options
@json_option
@in_this_session
def show(
    session: Session,
    *,
    system_id: str,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Show one compute system, with HCS's whole document.

    Its pod, its network and its use stand above the document.
    """
    from cni_hns.hcs.documents.words import SystemPropertyType

    systems = session.systems(timeout_s)
    found = systems.properties(system_id, timeout_s=timeout_s)
    statistics = _statistics(systems, found, timeout_s)
    if found.state == "Running":
        wanted = (SystemPropertyType.PROCESS_LIST, SystemPropertyType.TERMINATE_ON_LAST_HANDLE_CLOSED)
        found = systems.properties(system_id, *wanted, timeout_s=timeout_s)
    place = Surroundings.of(session, data_dir, config).place(system_id)
    facts = {
        **facts_of(found, place, statistics),
        "runtimeID": found.runtime_id,
        "hostingSystemID": found.hosting_system_id,
        "exitType": found.exit_type if "exit_type" in found.model_fields_set else "",
        "endpoints": [f"{one.id} {one.name}" for one in place.endpoints],
        "attachments": [f"{row.words()}: {row.phase}" for row in place.attachments],
        **statistics_facts(statistics),
    }
    print_object({**facts, "document": found.to_document()}, as_json)


@click.command()
@id_argument
@timeout_option()
@list_options
@in_this_session
def ps(session: Session, *, system_id: str, timeout_s: float, as_json: bool) -> None:
    """List the processes in a container. Times are of the processor, memory is private to the process."""
    rows = [process_facts(one) for one in session.systems(timeout_s).processes(system_id, timeout_s)]
    columns = {"PID": "pid", "IMAGE": "image", "USER": "user", "KERNEL": "kernel", "MEMORY": "memory"}
    wide = {"CREATED": "created"}
    print_list(rows, columns, as_json, "no processes", wide=wide, key="pid")


@click.command()
@click.argument("system_id", metavar="[ID]", required=False, callback=system_named)
@click.option("--watch", is_flag=True, help="Go on until it is interrupted.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0.01),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks: the processor's use is that between them.",
)
@timeout_option()
@ledger_options
@json_option
@in_this_session
def stats(
    session: Session,
    *,
    system_id: str | None,
    watch: bool,
    interval_s: float,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    as_json: bool,
) -> None:
    """Show what a container uses, or each that runs.

    Processor, memory, storage, and the traffic of its endpoints. 100 % is one processor in full use. With
    --watch and --json each look is an array of its own.
    """
    systems = session.systems(timeout_s)
    before = _looks(systems, system_id, timeout_s)
    if system_id is not None and not before:
        raise Failure(f"compute system {system_id} does not run: HCS counts nothing of it")
    around = Surroundings.of(session, data_dir, config)
    while True:
        time.sleep(interval_s)
        now = _looks(systems, system_id, timeout_s)
        rows = [
            counted(session, one, around.place(one), before.get(one), statistics)
            for one, statistics in now.items()
        ]
        if as_json:
            print_json(rows)
        else:
            print_blocks(rows, usage_lines, "no container runs")
        if not watch:
            return
        before = now


def _has_leaked(one: Properties) -> bool:
    return one.stopped or one.state in ("Stopped", "Unknown")


def _statistics(systems: ComputeSystems, one: Properties, timeout_s: float) -> Statistics | None:
    """Of a container that runs; None for any other, and for one that ends meanwhile."""
    from cni_hns.binding.compute_errors import SystemStopped
    from cni_hns.binding.errors import SystemNotFound

    if one.state != "Running" or one.system_type != "Container":
        return None
    try:
        return systems.statistics(one.id, timeout_s)
    except (SystemNotFound, SystemStopped):
        return None


def _looks(systems: ComputeSystems, system_id: str | None, timeout_s: float) -> dict[str, Statistics]:
    """The statistics of this container, or of each that runs, by its id."""
    if system_id is not None:
        only = systems.statistics(system_id, timeout_s)
        return {} if only is None else {system_id: only}
    found = {one.id: _statistics(systems, one, timeout_s) for one in systems.enumerate(None, timeout_s)}
    return {one: statistics for one, statistics in found.items() if statistics is not None}
