"""`cni-hns cluster`: how this node stands in its cluster, also while the API is away."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.failure import Failure
from cni_hns.cli.groups import Commands
from cni_hns.cli.listing import list_options
from cni_hns.cli.output import print_json, print_list, print_notes, utc
from cni_hns.cli.session import Session, in_this_session, json_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.cluster.state import NodeState, State

__all__ = ["cluster"]

_LIMIT_S = 15.0


@click.group(cls=Commands)
def cluster() -> None:
    """This node in its cluster."""


def _data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    words = "Data folder of the agent (default: this node's)."
    return click.option("--data-dir", metavar="DIR", help=words)(command)


@cluster.command()
@_data_option
@json_option
@in_this_session
def status(session: Session, *, data_dir: str | None, as_json: bool) -> int:
    """Show where the agent of this node stands: each step, the API, the routes.

    It is what the agent wrote last; nothing is asked of the API.

    Exit code 1 if no agent runs, or no pod could be added.
    """
    folder, state = _state(session, data_dir)
    from cni_hns.cluster.only_one import is_running

    runs = is_running(folder)
    is_ill = not (runs and state.ready)
    rows = list(_lines(state, runs=runs))
    if as_json:
        print_json({"state": "ill" if is_ill else "ok", "running": runs, "checks": rows})
        return int(is_ill)
    print_list(rows, {"WHAT": "id", "STATE": "state", "": "words"}, as_json, "")
    return int(is_ill)


def _lines(state: State, *, runs: bool) -> Iterator[dict[str, Any]]:
    since = f"of Node {state.node}, process {state.pid}, since {utc(state.started)}"
    ended = f"of Node {state.node}, which said its last at {utc(state.written)}"
    yield _line("agent", "running" if runs else "ended", since if runs else ended)
    yield _line("pods", "ok" if state.ready else "ill", "can be added" if state.ready else "cannot be added")
    for one in state.steps:
        yield _line(one.name, one.state, one.words)
    yield _line("API", "ill" if state.api_fault else "ok", state.api_fault or "it answers")
    for name, why in state.waiting:
        yield _line(f"node {name}", "waiting", why)
    if state.last_fault and not state.ready:
        yield _line("last fault", utc(state.last_fault_at), state.last_fault)


def _line(what: str, state: str, words: str) -> dict[str, Any]:
    return {"id": what, "state": state, "words": words}


@cluster.command()
@_data_option
@click.option("--kubeconfig", metavar="FILE", help="Ask the API for the Nodes, and not the agent's memory.")
@click.option("--context", default="", metavar="NAME", help="Which context of that file.")
@list_options
@in_this_session
def nodes(
    session: Session, *, data_dir: str | None, kubeconfig: str | None, context: str, as_json: bool
) -> int:
    """List the nodes of the cluster, and whether this one has the route to their pods.

    The nodes are those that the API last told the agent; with --kubeconfig the API is asked now.

    Exit code 1 if a route is missing, leads elsewhere, or is of no node.
    """
    from cni_hns.cluster.reached import routes_there, ways_of

    folder, state = _state(session, data_dir)
    known = state.nodes if kubeconfig is None else _asked(kubeconfig, context)
    with closing(session.node_apart(folder, _LIMIT_S)) as node:
        there = routes_there(node, state.mode, state.network_name, folder)
    ways = list(ways_of(known, there, state.node, state.mode, dict(state.waiting)))
    rows = [{"id": one.node or one.prefix, **one._asdict()} for one in ways]
    columns = {"NODE": "node", "PODS": "prefix", "ADDRESS": "address", "ROUTE": "route", "": "words"}
    print_list(rows, columns, as_json, "no node is known: the agent has not heard of the API yet")
    if kubeconfig is None and state.api_fault and not as_json:
        print_notes([f"the API is away, and this is what it told before: {state.api_fault}"])
    return int(any(one.route not in ("here", "there") for one in ways))


@cluster.command()
@list_options
def settings(*, as_json: bool) -> None:
    """List what the settings file of an agent may have.

    A point stands between an object and its member: network.name is the name in network.
    """
    from cni_hns.cluster.settings import template

    rows = [{"id": path, "words": words} for path, words in template()]
    print_list(rows, {"SETTING": "id", "": "words"}, as_json, "")


def _asked(kubeconfig: str, context: str) -> tuple[NodeState, ...]:
    from cni_hns.cluster.api.access import AccessFault, from_kubeconfig
    from cni_hns.cluster.api.client import Api
    from cni_hns.cluster.api.faults import ApiFault
    from cni_hns.cluster.known import NODES, Known, nodes_of

    try:
        with Api(from_kubeconfig(os.path.abspath(kubeconfig), context)) as api:
            return nodes_of(Known.of(api.list(NODES).items, "", whole=True, fault=None))
    except AccessFault as fault:
        raise Failure("; ".join(fault.faults)) from fault
    except ApiFault as fault:
        raise Failure(str(fault)) from fault


def _state(session: Session, data_dir: str | None) -> tuple[str, State]:
    from cni_hns.cluster.state import read_state, state_file

    folder = os.path.dirname(session.ledger_path(data_dir, None))
    state = read_state(folder)
    if state is None:
        raise Failure(
            f'no agent has run on this node: there is no "{state_file(folder)}". Start one: cni-hns agent'
        )
    return folder, state
