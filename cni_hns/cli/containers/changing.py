"""`cni-hns container start`, `stop`, `kill`, `pause`, `resume` and `set`.

Rule: what cannot be done is said before HCS is called. A system of a runtime is not ended behind its back.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from cni_hns.cli.containers.facts import print_done
from cni_hns.cli.containers.options import id_argument, timeout_option
from cni_hns.cli.failure import Failure
from cni_hns.cli.session import Session, in_this_session, json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.hcs.client import ComputeSystems

__all__ = ["kill", "pause", "resume", "set_", "start", "stop"]

# Programs that keep account of what they made: their name as an owner in HCS begins so.
_RUNTIMES = ("containerd-shim", "docker", "runhcs", "vmms", "wsl")

_force_option = click.option("--force", is_flag=True, help="Also if it belongs to a container runtime.")


@click.command()
@id_argument
@timeout_option(240.0, "How long the start may take.")
@json_option
@in_this_session
def start(session: Session, *, system_id: str, timeout_s: float, as_json: bool) -> None:
    """Start a compute system that was created."""
    session.systems(timeout_s).start(system_id, timeout_s)
    print_done(system_id, "started", as_json)


@click.command()
@id_argument
@timeout_option(
    30.0, "How long the shutdown may take before it is ended by force, and how long that may take."
)
@_force_option
@json_option
@in_this_session
def stop(session: Session, *, system_id: str, timeout_s: float, force: bool, as_json: bool) -> None:
    """Shut a compute system down.

    One that does not end in time is ended by force; one that is not there is no failure. One that a container
    runtime made is left to it without --force.
    """
    systems = session.systems(timeout_s)
    if not force:
        _leave_to_its_runtime(systems, system_id, timeout_s)
    stopped = systems.stop(system_id, timeout_s, timeout_s)
    ended = "" if stopped.exit is None else str(stopped.exit.exit_type)
    print_done(system_id, stopped.how, as_json, exitType=ended)


@click.command()
@id_argument
@timeout_option(30.0, "How long the end may take.")
@_force_option
@json_option
@in_this_session
def kill(session: Session, *, system_id: str, timeout_s: float, force: bool, as_json: bool) -> None:
    """End a compute system by force.

    One that a container runtime made is left to it without --force.
    """
    systems = session.systems(timeout_s)
    if not force:
        _leave_to_its_runtime(systems, system_id, timeout_s)
    ended = systems.terminate(system_id, timeout_s)
    print_done(system_id, "terminated", as_json, exitType="" if ended is None else str(ended.exit_type))


@click.command()
@id_argument
@timeout_option(240.0, "How long it may take.")
@json_option
@in_this_session
def pause(session: Session, *, system_id: str, timeout_s: float, as_json: bool) -> None:
    """Pause a virtual machine or what it isolates.

    A process-isolated container cannot be paused, and is refused with the reason.
    """
    with _refusals():
        session.systems(timeout_s).pause(system_id, timeout_s)
    print_done(system_id, "paused", as_json)


@click.command()
@id_argument
@timeout_option(240.0, "How long it may take.")
@json_option
@in_this_session
def resume(session: Session, *, system_id: str, timeout_s: float, as_json: bool) -> None:
    """Let go on what was paused.

    A process-isolated container cannot be paused, and is refused with the reason.
    """
    with _refusals():
        session.systems(timeout_s).resume(system_id, timeout_s)
    print_done(system_id, "resumed", as_json)


@click.command("set")
@id_argument
@click.option("--cpus", type=int, metavar="N", help="So many processors.")
@click.option(
    "--cpu-max", type=int, metavar="1-10000", help="At most so many ten-thousandths of the machine."
)
@click.option("--cpu-weight", type=int, metavar="0-10000", help="Its weight against other containers.")
@click.option("--memory", "memory_mb", type=int, metavar="MB", help="At most so much memory; HCS rounds up.")
@timeout_option()
@json_option
@in_this_session
def set_(
    session: Session,
    *,
    system_id: str,
    cpus: int | None,
    cpu_max: int | None,
    cpu_weight: int | None,
    memory_mb: int | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Change what a running container may use.

    Of the three processor options one can be given. Kubernetes does not learn of it: a container that is made
    again has the limits of its pod.
    """
    from cni_hns.hcs.resources import memory_request, processor_request

    share = {"count": cpus, "maximum": cpu_max, "weight": cpu_weight}
    with _refusals():
        # All of them are right before the first is sent.
        requests = []
        if any(value is not None for value in share.values()):
            requests.append(processor_request(**share))
        if memory_mb is not None:
            requests.append(memory_request(memory_mb))
        if not requests:
            raise click.UsageError("give one of --cpus, --cpu-max, --cpu-weight, or --memory")
        with session.systems(timeout_s).open(system_id) as system:
            for request in requests:
                system.change(request, timeout_s)
    print_done(system_id, "changed", as_json)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What is refused before HCS is called, and numbers that are none, become the command's one line."""
    from cni_hns.hcs.isolation import Refused

    try:
        yield
    except (Refused, ValueError) as fault:
        raise Failure(str(fault)) from fault


def _leave_to_its_runtime(systems: ComputeSystems, system_id: str, timeout_s: float) -> None:
    """Raises: Failure for a system that a runtime made."""
    from cni_hns.binding.compute_errors import SystemStopped
    from cni_hns.binding.errors import SystemNotFound

    try:
        owner = systems.properties(system_id, timeout_s=timeout_s).owner
    except (SystemNotFound, SystemStopped):
        return
    if owner.lower().startswith(_RUNTIMES):
        raise Failure(
            f"compute system {system_id} belongs to {owner}, which keeps account of it: end it there "
            "(for a pod `crictl stopp`), or repeat with --force"
        )
