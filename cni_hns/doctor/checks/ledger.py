"""The ledger: damaged, or without the rows of pods that run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.causes import causes
from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.picture import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.survey.pod import Pod

__all__ = ["AREA"]

_KINDS: dict[str, Kind] = {
    "ledger-damaged": Kind(
        "ill",
        "running pods keep their network; new pods get none, and none can be deleted",
        "cni-hns ledger rebuild",
    ),
    "ledger-lost-pods": Kind(
        "warning",
        "they run and have their network; their addresses may be given to others, and their ADD is refused",
        "cni-hns ledger rebuild --force",
    ),
}


def _damaged(picture: Picture) -> Iterator[Seen]:
    if picture.seen.ledger_damage:
        yield Seen("ledger-damaged", "the ledger", picture.seen.ledger_damage.partition("; ")[0])


def _lost(picture: Picture) -> Iterator[Seen]:
    """Endpoints of ours in living namespaces, and no row: all of them are one finding."""
    pods = [pod for pod in picture.pods if _is_lost(pod)]
    if pods:
        names = tuple(dict.fromkeys(name_of(pod) for pod in pods))
        words = (
            "HNS has endpoints of this plugin in namespaces that exist, and the ledger has no rows for them"
        )
        yield Seen("ledger-lost-pods", f"{len(pods)} {'pod' if len(pods) == 1 else 'pods'}", words, names)


def _is_lost(pod: Pod) -> bool:
    lives = pod.room is not None or any(one.containers for one in pod.endpoints)
    return lives and any(one.kind == "endpoint-without-row" for one in causes(pod))


AREA = Area(_KINDS, (_damaged, _lost))
