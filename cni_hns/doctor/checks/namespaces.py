"""Namespaces that cannot be deleted: HNS refuses while a container is registered in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.causes import causes
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture

__all__ = ["AREA"]

_KEPT = "HNS refuses to delete the namespace (0x803B0015): the pod stays Terminating and keeps its address"

_KINDS: dict[str, Kind] = {
    "namespace-held-by-lost-container": Kind(
        "warning",
        _KEPT,
        "`cni-hns namespace delete {namespace} --force`; if it is refused with 0x803B0015: drain the node "
        "and restart it, for no command of HNS is known that lets go of such a container",
    ),
    "namespace-held-by-stopped-container": Kind(
        "warning",
        _KEPT,
        "`cni-hns container kill {container}`, then `cni-hns namespace delete {namespace} --force`; if it is "
        "still refused: drain the node and restart it",
    ),
}


def _held(picture: Picture) -> Iterator[Seen]:
    """By a container that HCS does not have, or by one that has ended while its pod is none any more."""
    for pod in picture.pods:
        found = causes(pod)
        if pod.room is None or not found:
            continue
        for container in pod.room.containers:
            system = picture.lookup.system(container)
            subject = f"namespace {pod.room.id}"
            names = {"namespace": pod.room.id, "container": container}
            if system is None and any(one.kind == "container-listed-but-gone" for one in found):
                words = f"it lists container {container}, which HCS does not have"
                yield Seen("namespace-held-by-lost-container", subject, words, (name_of(pod),), names)
            elif system is not None and system.stopped and not pod.attachments:
                words = f"container {system.id} in it has stopped, and the ledger has no row for the pod"
                yield Seen("namespace-held-by-stopped-container", subject, words, (name_of(pod),), names)


AREA = Area(_KINDS, (_held,))
