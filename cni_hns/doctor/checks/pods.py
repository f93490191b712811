"""Pods: where HNS, HCS, the ledger and the runtime disagree about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture

__all__ = ["AREA"]

_KINDS: dict[str, Kind] = {
    "unfinished": Kind(
        "warning",
        "the pod has no network until the call is made again; its address is held",
        "cni-hns gc",
        "gc",
    ),
    "endpoint-missing": Kind(
        "ill",
        "the pod has no network, though it runs and keeps its address",
        "cni-hns doctor --repair",
        "heal",
    ),
}


def _mismatches(picture: Picture) -> Iterator[Seen]:
    for pod in picture.pods:
        for one in pod.mismatches:
            if one.kind in _KINDS:
                name = name_of(pod)
                yield Seen(one.kind, f"pod {name}", one.words, (name,), {"pod": name})


AREA = Area(_KINDS, (_mismatches,))
