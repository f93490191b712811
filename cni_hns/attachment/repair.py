"""Rows that a killed process left: what they name is taken out of HNS, then they go.

Rule 1: only rows whose owner is dead, or whose deadline is long past, are touched.
Rule 2: a repair that fails is logged and left to the next verb; it never fails the verb that tried it.
"""

from __future__ import annotations

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.attachment.attachment import Attachment

__all__ = ["others"]

# ADD and DEL repair in passing: a pod must not wait for the left-overs of fifty others.
_A_FEW = 2


def others(attachment: Attachment) -> None:
    """Repair a few rows of this network that are not the attachment's own."""
    node, key = attachment.node, attachment.key
    left = attachment.ledger.stale(key.network, node.alive, node.now(), limit=_A_FEW, exclude=key)
    if not left:
        return
    from cni_hns.attachment.retirement import take

    for row in left:
        try:
            take(attachment.other(row.key), row)
        except (ServiceError, CniError) as fault:
            node.log.event(f"{row.words()} could not be repaired yet: {fault}", "warning")
