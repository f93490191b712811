"""Pods: where HNS, HCS, the ledger and the runtime disagree about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.causes import causes
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import name_of
from cni_hns.doctor.restarts import was_before_hns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.survey.pod import Pod

__all__ = ["AREA", "RENAMED", "TOLD_ELSEWHERE"]

_KINDS: dict[str, Kind] = {
    "unfinished": Kind(
        "warning",
        "the pod has no network until the runtime calls again; its address is held",
        "cni-hns gc",
        "gc",
    ),
    "endpoint-missing": Kind(
        "ill",
        "the pod has no network, though it runs and keeps its address",
        "cni-hns doctor --repair",
        "heal",
    ),
    "endpoint-elsewhere": Kind(
        "ill",
        "the pod has no network: its endpoint is not where the pod is",
        "cni-hns doctor --repair",
        "heal",
    ),
    "endpoint-not-listed": Kind(
        "ill",
        "the pod has no network, or loses it when its container starts again",
        "cni-hns doctor --repair",
        "heal",
    ),
    "endpoint-listed-but-gone": Kind(
        "ill",
        "the pod lost one of its interfaces; nobody has a record to make it from",
        "`cni-hns pod show {pod}`; delete the pod, and its runtime makes it anew",
    ),
    "pod-without-endpoint": Kind(
        "ill",
        "the pod runs and has no network at all",
        "`cni-hns pod show {pod}`; delete the pod, and its runtime makes it anew",
    ),
    "pod-gone": Kind(
        "warning",
        "none runs; addresses stay held for a pod that does not exist",
        "cni-hns gc",
        "gc",
    ),
    "address-missing": Kind(
        "ill",
        "others send to an address that the pod does not have",
        "`cni-hns pod show {pod}`; delete the pod, and its runtime makes it anew",
    ),
    "address-without-lease": Kind(
        "warning",
        "a new pod may be given the same address, and then neither is reached",
        "cni-hns doctor --repair",
        "adopt",
    ),
    "container-missing": Kind(
        "warning",
        "nothing runs in the namespace, which keeps its endpoint and address",
        "`cni-hns pod show {pod}`; if no runtime knows it: `cni-hns namespace delete {namespace} --force`, "
        "and a minute later `cni-hns gc`",
    ),
    "container-stopped": Kind(
        "warning",
        "the pod has ended and keeps endpoint and address until the runtime deletes it",
        "`cni-hns pod show {pod}`; delete the pod if its runtime does not",
    ),
    "sandbox-without-container": Kind(
        "ill",
        "the pod is dead, and the runtime counts it as running",
        "`cni-hns pod show {pod}`; delete the pod, and its runtime makes it anew",
    ),
    "sandbox-unknown": Kind(
        "warning",
        "it runs on, unseen by Kubernetes, and holds its address",
        "`cni-hns container show {container}`; if nobody wants it: `cni-hns container kill {container}`, "
        "`cni-hns namespace delete {namespace} --force`, and a minute later `cni-hns gc`",
    ),
    "sandbox-ended-with-endpoint": Kind(
        "warning",
        "its address stays held until the runtime's DEL succeeds",
        "`cni-hns pod show {pod}`; the runtime's log says why its DEL failed",
    ),
    "sandbox-address": Kind(
        "ill",
        "services and probes send to an address that the pod does not have",
        "`cni-hns pod show {pod}`; delete the pod, and its runtime makes it anew",
    ),
}

TOLD_ELSEWHERE = frozenset(
    {
        "address-twice",  # endpoints
        "container-listed-but-gone",  # namespaces
        "endpoint-without-row",  # ledger, endpoints
        "lease-without-row",  # leases
        "network-missing",  # networks that are gone
    }
)
"""Mismatches that are no finding of the pod's own: another file tells of them, with what they share."""

RENAMED = {"namespace-missing": "pod-gone", "container-without-row": "pod-without-endpoint"}


def _mismatches(picture: Picture) -> Iterator[Seen]:
    for pod in picture.pods:
        for one in causes(pod):
            kind = RENAMED.get(one.kind, one.kind)
            if kind in _KINDS and not _is_told_with_others(picture, pod, one.kind):
                name = name_of(pod)
                yield Seen(kind, f"pod {name}", one.words, (name,), _names(pod))


def _is_told_with_others(picture: Picture, pod: Pod, kind: str) -> bool:
    """A restart of HNS or of the machine concerns many pods, and is told once."""
    if kind == "container-without-row":
        # With an endpoint it is some other program's pod, which has all that it needs.
        return bool(pod.endpoints) or not any(_runs(one) for one in pod.containers)
    return kind in {"endpoint-missing", "namespace-missing"} and (
        picture.hns_is_starting or was_before_hns(picture, pod)
    )


def _runs(system: Properties) -> bool:
    return not system.stopped and system.state != "Stopped"


def _names(pod: Pod) -> dict[str, str]:
    container = pod.containers[0].id if pod.containers else pod.id
    return {"pod": pod.id or pod.namespace, "namespace": pod.namespace, "container": container}


AREA = Area(_KINDS, (_mismatches,))
