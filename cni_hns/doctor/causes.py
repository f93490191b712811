"""The mismatches of a pod without those that follow from another one: a cause is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.survey.pod import Mismatch, Pod

__all__ = ["causes"]

_OF_A_LOST_ENDPOINT = frozenset(
    {"endpoint-listed-but-gone", "endpoint-not-listed", "address-missing", "sandbox-address"}
)
_OF_A_LOST_POD = _OF_A_LOST_ENDPOINT | {
    "container-listed-but-gone",
    "container-missing",
    "container-stopped",
    "endpoint-elsewhere",
    "endpoint-missing",
    "network-missing",
    "sandbox-without-container",
}

# What is there because of what. Two that share an address are told of by their addresses alone.
_FOLLOWS: dict[str, frozenset[str]] = {
    "unfinished": _OF_A_LOST_POD | {"address-without-lease", "endpoint-without-row", "lease-without-row"},
    "namespace-missing": _OF_A_LOST_POD,
    "network-missing": _OF_A_LOST_ENDPOINT | {"endpoint-missing", "endpoint-elsewhere"},
    "endpoint-missing": _OF_A_LOST_ENDPOINT,
    "endpoint-elsewhere": frozenset({"endpoint-not-listed"}),
    "endpoint-without-row": frozenset({"container-without-row", "lease-without-row"}),
    "sandbox-ended-with-endpoint": frozenset({"container-listed-but-gone", "container-missing"}),
    "sandbox-without-container": frozenset({"container-missing", "container-listed-but-gone"}),
    "container-listed-but-gone": frozenset({"container-missing", "container-without-row"}),
    "address-missing": frozenset({"address-without-lease", "sandbox-address"}),
}


def causes(pod: Pod) -> list[Mismatch]:
    """Those that follow from no other mismatch of this pod."""
    kinds = {one.kind for one in pod.mismatches}
    following: frozenset[str] = frozenset().union(*(_FOLLOWS.get(kind, frozenset()) for kind in kinds))
    return [one for one in pod.mismatches if one.kind not in following]
