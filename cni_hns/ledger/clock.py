"""The ledger's own clock: seconds that never go back, whatever is done to the clock on the wall.

Its time is `boot number` times a span that no boot lasts, plus the seconds since that boot. So times of one
boot are ordered and their spans are true, and whatever was to last until some time of an earlier boot is
over.

Rule 1: every time in the ledger is of this clock; `wall` is for showing one to people.
Rule 2: a boot gets its number with the first thing that is written in it.
"""

from __future__ import annotations

import json
import time

from cni_hns.binding.processes import uptime_s
from cni_hns.ledger.errors import DamagedRow
from cni_hns.ledger.seal import opened, sealed
from cni_hns.ledger.store import Store
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from cni_hns.deadline import Deadline

__all__ = ["BOOT_S", "Clock"]

BOOT_S = 1e9
"""Longer than any boot lasts: some thirty years."""

_FACT = "boot"
# What SQLite and the clocks round.
_ROUNDING_S = 1.0


class Clock(Store):
    """Reads the time. `boot_id` names the machine's boot; None where who opens the ledger cannot know it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        deadline: Deadline,
        boot_id: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(connection, path, deadline)
        self._boot_id = boot_id
        self._number: int | None = None
        self._is_written = False

    def now(self) -> float:
        """Seconds of this clock."""
        if self._number is None:
            self._number, self._is_written = self._this_boot()
        return self._number * BOOT_S + uptime_s()

    def wall(self, moment: float) -> float:
        """Seconds since the epoch at which the clock on the wall shows, or would have shown, this moment."""
        return time.time() + moment - self.now()

    def _begun(self) -> None:
        """A write transaction has begun: this boot's number is written down, if it is not yet."""
        if self._is_written or self._boot_id is None:
            return
        # Looked at again, now alone: another process may have been the first of this boot.
        self._number, self._is_written = self._this_boot()
        if not self._is_written:
            value = {"id": self._boot_id(), "number": self._number, "uptime_s": uptime_s()}
            self._run(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (_FACT, sealed(json.dumps(value))),
            )
            # That it is there the next transaction sees: this one may come to nothing.

    def _this_boot(self) -> tuple[int, bool]:
        """The number of this boot, and whether it is in the ledger."""
        try:
            row = self._row("SELECT value FROM facts WHERE name = ?", (_FACT,))
        except DamagedRow:
            return self._last_number(), False
        if row is None:
            return 1, False
        try:
            last = json.loads(opened(row[0]))
        except ValueError:
            return self._last_number(), False
        if self._boot_id is None:
            return last["number"], True
        # A Windows that numbers no boots has one name for all: then a smaller uptime tells.
        same = last["id"] == self._boot_id() and uptime_s() >= last["uptime_s"] - _ROUNDING_S
        return (last["number"], True) if same else (last["number"] + 1, False)

    def _last_number(self) -> int:
        """That of the last thing written, where the boot's own row is damaged: time goes on from there."""
        row = self._row("SELECT max(updated_at) AS updated_at FROM attachments WHERE updated_at > 0")
        return max(1, int((row[0] or 0) // BOOT_S)) if row else 1
