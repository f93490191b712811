"""What one verb has made so far, and how to take it back.

Rule 1: a step is written down before it is tried, because a step that failed may have happened all the same.
Rule 2: steps are taken back last first, and the first that cannot be taken back ends it: what lies below (the
lease, the row that names the endpoint) must outlive what stands on it.
"""

from __future__ import annotations

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.log import Log

__all__ = ["Undo"]


class Undo:
    """A stack of steps to take back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._steps: list[tuple[str, Callable[[], object]]] = []

    def push(self, what: str, step: Callable[[], object]) -> None:
        """Remember how to take back `what`."""
        self._steps.append((what, step))

    def run(self, cause: BaseException) -> bool:
        """Take back every step; False where one failed, which is noted on `cause` and left to a repair."""
        while self._steps:
            what, step = self._steps.pop()
            try:
                step()
            except Exception as fault:
                self._log.event(f"{what} was not taken back: {fault}", "warning")
                cause.add_note(f"{what} was not taken back and is left to the next DEL or GC: {fault}")
                return False
        return True
