"""What the container runtime says of a pod: how it is asked on the command line, and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.cri.views import Sandbox

__all__ = ["cri_option", "kubernetes_facts", "kubernetes_lines", "kubernetes_words", "told_by"]


def _endpoint_that_is_one(_: click.Context, __: click.Parameter, endpoint: str | None) -> str | None:
    if endpoint is not None:
        from cni_hns.cri.faults import CriFault
        from cni_hns.cri.streams import stream_to

        try:
            stream_to(endpoint)
        except CriFault as fault:
            raise click.BadParameter(str(fault)) from fault
    return endpoint


cri_option = click.option(
    "--cri",
    metavar="ENDPOINT",
    callback=_endpoint_that_is_one,
    help="Ask the container runtime too, for names as Kubernetes has them: npipe:////./pipe/containerd-containerd.",
)


def told_by(cri: str | None, timeout_s: float) -> Callable[[], list[Sandbox]] | None:
    """How to ask the runtime; None where nobody wants it to be asked."""
    if cri is None:
        return None
    from cni_hns.cri.runtime import sandboxes_of

    return lambda: sandboxes_of(cri, timeout_s)


def kubernetes_facts(told: Sandbox | None) -> dict[str, Any] | None:
    """What the runtime says; null where it was not asked, or does not know the sandbox."""
    if told is None:
        return None
    return {
        "namespace": told.namespace,
        "name": told.name,
        "uid": told.uid,
        "attempt": told.attempt,
        "state": told.state,
        "addresses": list(told.addresses),
        "containers": [
            {"id": one.id, "name": one.name, "attempt": one.attempt, "state": one.state}
            for one in told.containers
        ],
    }


def kubernetes_lines(told: Mapping[str, Any] | None) -> list[str]:
    """A pod in the list."""
    if told is None:
        return []
    containers = ", ".join(f"{one['name']} {one['state']}" for one in told["containers"])
    return [
        f"pod {told['namespace']}/{told['name']} {told['state']}",
        f"its containers: {containers}" if containers else "",
    ]


def kubernetes_words(told: Mapping[str, Any] | None) -> list[str]:
    """A pod alone: which container is called what."""
    if told is None:
        return []
    return [
        f"{told['namespace']}/{told['name']}: {told['state']}, attempt {told['attempt']}, UID {told['uid']}",
        *(
            f"{one['name']}: {one['id']}, {one['state']}, attempt {one['attempt']}"
            for one in told["containers"]
        ),
    ]
