"""How Kubernetes names a pod, by the container runtime or by the ledger: how it is asked for, and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cni_hns.cri.views import Sandbox
    from cni_hns.identity import KubernetesPod

__all__ = ["cri_option", "kubernetes_facts", "kubernetes_lines", "kubernetes_words", "pod_facts", "told_by"]


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


def pod_facts(pod: KubernetesPod) -> dict[str, str | None]:
    """Whose something is, as `pod show` takes it; null where nobody told."""
    return {"podName": pod.full_name or None, "podUID": pod.uid or None}


def kubernetes_facts(told: Sandbox | None, pod: KubernetesPod) -> dict[str, Any] | None:
    """What the runtime says; where it was not asked, or does not know the sandbox, the names that the ledger
    has. Null where neither knows the pod.
    """
    if told is None:
        return _of_the_ledger(pod) if pod.full_name else None
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


def _of_the_ledger(pod: KubernetesPod) -> dict[str, Any]:
    unknown: dict[str, Any] = {"attempt": None, "state": None, "addresses": [], "containers": []}
    return {"namespace": pod.namespace, "name": pod.name, "uid": pod.uid, **unknown}


def kubernetes_lines(told: Mapping[str, Any] | None) -> list[str]:
    """A pod in the list."""
    if told is None:
        return []
    containers = ", ".join(f"{one['name']} {one['state']}" for one in told["containers"])
    return [
        f"pod {_name(told)} {told['state'] or ''}".rstrip(),
        f"its containers: {containers}" if containers else "",
    ]


def kubernetes_words(told: Mapping[str, Any] | None) -> list[str]:
    """A pod alone: which container is called what."""
    if told is None:
        return []
    facts = [
        told["state"],
        None if told["attempt"] is None else f"attempt {told['attempt']}",
        f"UID {told['uid']}" if told["uid"] else None,
    ]
    return [
        f"{_name(told)}: {', '.join(one for one in facts if one)}".removesuffix(": "),
        *(
            f"{one['name']}: {one['id']}, {one['state']}, attempt {one['attempt']}"
            for one in told["containers"]
        ),
    ]


def _name(told: Mapping[str, Any]) -> str:
    return "/".join(part for part in (told["namespace"], told["name"]) if part)
