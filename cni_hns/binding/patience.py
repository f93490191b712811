"""How long somebody waits for a call of the service that does not come back."""

from __future__ import annotations

from cni_hns.background import Alarm
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience"]

# How much longer than its time a call may take: one that ends by itself has to tell that its time was up.
_GRACE_S = 5.0


class Patience(NamedTuple):
    """What is done about a call that does not come back: `give_up(call, seconds)`, in a thread of its own.

    Calls without a deadline are given `timeout_s`.
    """

    timeout_s: float
    give_up: Callable[[str, float], object]

    def watch(self, what: str, call: Callable[[], Any], limit_s: float | None = None) -> Any:
        """What the call gives. `limit_s` is how long the call itself may wait, where it waits."""
        seconds = (self.timeout_s if limit_s is None else limit_s) + _GRACE_S
        alarm = Alarm(lambda: self.give_up(what, seconds), lambda: seconds)
        alarm.set()
        try:
            return call()
        finally:
            alarm.cancel()
