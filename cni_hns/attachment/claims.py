"""Taking an attachment for one verb: a dead owner is taken over, a live one waited for."""

from __future__ import annotations

import time

from cni_hns.cni.errors import TRY_AGAIN, CniError
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.deadline import Deadline
    from cni_hns.ledger import Claim

__all__ = ["take"]

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5


def take(deadline: Deadline, attempt: Callable[[], Claim]) -> Claim:
    """What `attempt` (one write transaction) claims, tried again while another process works there.

    Raises:
        CniError: code 11, naming the owner that this verb's time was not enough to wait for.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        claim = attempt()
        if claim.kind != "busy":
            return claim
        assert claim.before is not None  # noqa: S101 - a busy claim has the row that makes it busy
        # Half of what is left is kept for the work itself; waiting it all away would help nobody.
        if deadline.left_s() < max(pause_s, deadline.timeout_s / 2):
            before = claim.before
            raise CniError(
                TRY_AGAIN,
                f"{before.words()} is in the hands of process {before.owner.pid} (phase {before.phase})",
                f"waited half of this verb's {deadline.timeout_s:.0f} s; try again",
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
