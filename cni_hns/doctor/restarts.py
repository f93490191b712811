"""Which pods were there before HNS, or the machine, was started last."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.doctor.picture import Picture
    from cni_hns.survey.pod import Pod

__all__ = ["was_before_boot", "was_before_hns"]


def was_before_hns(picture: Picture, pod: Pod) -> bool:
    """Whether HNS was started after all that the ledger has of the pod; False where nobody knows."""
    uptime_s = picture.seen.hns_uptime_s
    return uptime_s > 0.0 and bool(pod.attachments) and _age_s(picture, pod) > uptime_s


def was_before_boot(picture: Picture, pod: Pod) -> bool:
    """Whether the machine was booted after all that the ledger has of the pod."""
    return bool(pod.attachments) and _age_s(picture, pod) == float("inf")


def _age_s(picture: Picture, pod: Pod) -> float:
    """Since the last change of any attachment of the pod."""
    time = picture.seen.time
    return 0.0 if time is None else min(time.age_s(row.updated_at) for row in pod.attachments)
