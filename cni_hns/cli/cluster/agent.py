"""`cni-hns agent`: keep this node's pod network as the cluster's API has it."""

from __future__ import annotations

import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cni_hns.cli.cluster.options import api_of, settings_from, settings_options
from cni_hns.cli.failure import Failure
from cni_hns.cli.output import utc
from cni_hns.cli.session import Session, in_this_session
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.cluster.settings import AgentSettings

__all__ = ["agent", "run_agent"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")


@click.command()
@click.option("--once", is_flag=True, help="Do each step once, say what it came to, and end.")
@settings_options
@in_this_session
def agent(session: Session, *, once: bool, given: tuple[str | None, str | None, Mapping[str, Any]]) -> int:
    """Keep this node's pod network as the cluster's API has it.

    Makes the HCN network for this Node's podCIDRs, keeps the routes to the pods of all other nodes, and
    writes the network configuration that the container runtime loads, last: the node is Ready once pods can
    be added. In between it examines and mends the node, as `cni-hns doctor --repair` does.

    While the API is away nothing is removed. It ends with Ctrl-C or SIGTERM, and leaves all as it is.

    Exit code with --once: 0 if a pod could be added now, 1 if not.
    """
    settings = settings_from(given)
    stop = threading.Event()
    if once:
        return run_agent(settings, stop, session, click.echo, once=True)
    # Whoever ends a process sends a signal once; the steps end at the next one of them.
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in _known_signals()}
    try:
        return run_agent(settings, stop, session, _say)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def run_agent(
    settings: AgentSettings,
    stop: threading.Event,
    session: Session,
    say: Callable[[str], None],
    *,
    once: bool = False,
) -> int:
    """An agent with these settings, until `stop` is set; the exit code. It sets `stop` at any other end.

    Raises: Failure: it cannot begin; what may heal by waiting is waited for.
    """
    from cni_hns.cli.runtime import look_at_runtime
    from cni_hns.cluster import agent as of_cluster
    from cni_hns.cluster.health import HealthFault
    from cni_hns.cluster.only_one import AnotherAgent
    from cni_hns.cluster.world import World

    with api_of(settings) as api:
        runtime = partial(look_at_runtime, None, settings.conf_dir, None)
        world = World.of(settings, session.connect, api, say, runtime)
        try:
            return of_cluster.once(world) if once else of_cluster.run(world, stop)
        except (AnotherAgent, HealthFault) as fault:
            raise Failure(str(fault)) from fault


def _say(words: str) -> None:
    click.echo(f"{utc(time.time())} {one_line(words)}")


def _known_signals() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
