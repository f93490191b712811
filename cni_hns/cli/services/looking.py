"""What the commands about services look at: the node, and what Kubernetes wants where a file tells."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

import click

from cni_hns.cli.containers.options import timeout_option
from cni_hns.cli.cri import cri_option
from cni_hns.cli.failure import Failure
from cni_hns.cli.node_look import look_at_node
from cni_hns.cli.output import print_notes
from cni_hns.cli.session import ledger_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cni_hns.binding.host import PortRange, Ports
    from cni_hns.cli.session import Session
    from cni_hns.services.explanation import Wanted
    from cni_hns.services.neighbourhood import Neighbourhood

__all__ = ["look_around", "node_options", "objects_options", "wanted_by"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def node_options(command: _Command) -> _Command:
    """What `look_around` takes, as options."""
    timeout = timeout_option(words="How long a call to HCS may take, and all that the runtime is asked.")
    return cri_option(timeout(ledger_options(command)))


def objects_options(command: _Command) -> _Command:
    """`--objects` and `--node`: what Kubernetes wants, and what it calls this node."""
    by_file = click.option(
        "--objects",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="What `kubectl get svc,endpointslices -A -o json` printed.",
    )
    by_name = click.option(
        "--node", "node_name", metavar="NAME", help="This node in Kubernetes (default: told by its pods)."
    )
    return by_file(by_name(command))


def look_around(
    session: Session,
    cri: str | None,
    timeout_s: float,
    data_dir: str | None,
    config: str | None,
    *,
    ports: bool = True,
) -> Neighbourhood:
    """The node as the services' checks need it; without `ports` no program is asked for excluded ones.

    Raises:
        Failure: HNS does not tell its load balancers.
    """
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.survey.index import Index
    from cni_hns.survey.joining import pods_of

    seen = look_at_node(session, cri, timeout_s, data_dir, config)
    if seen.load_balancers is None:
        raise Failure("HNS does not tell its load balancers: nothing can be said about services")
    return Neighbourhood(seen, Index(seen), pods_of(seen), _kept_ports(session, timeout_s) if ports else [])


def _kept_ports(session: Session, timeout_s: float) -> list[PortRange]:
    """What the host keeps from HNS; where it does not tell, a note says so."""
    from cni_hns.binding.children import run
    from cni_hns.survey.questions import Question

    def ask() -> Ports:
        with closing(session.node_apart(None, timeout_s)) as node:
            return node.machine.host().ports(run, timeout_s)

    outcome = Question("netsh, asked for excluded ports,", timeout_s, ask).outcome()
    if outcome.value is None:
        print_notes([outcome.fault])
        return []
    return outcome.value.kept_from_hns


def wanted_by(objects: str | None, node_name: str | None, around: Neighbourhood) -> Wanted | None:
    """What the file asks for; None without one.

    Raises:
        Failure: it is no such file, or nothing tells which of its nodes this is.
    """
    if objects is None:
        return None
    from cni_hns.services.drift import node_name as told_by_pods
    from cni_hns.services.explanation import Wanted
    from cni_hns.services.objects import NotObjects, objects_of

    try:
        # PowerShell's redirection writes a byte order mark.
        with open(objects, encoding="utf-8-sig") as file:
            found = objects_of(file.read())
    except (NotObjects, UnicodeDecodeError) as fault:
        said = str(fault) if isinstance(fault, NotObjects) else "it is not UTF-8"
        raise Failure(
            f'"{objects}": {said}. Next: kubectl get svc,endpointslices -A -o json, saved as UTF-8'
        ) from fault
    return Wanted(found, node_name or told_by_pods(found, around))
