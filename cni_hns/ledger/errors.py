"""What can go wrong with the ledger itself.

LedgerFault   it is damaged, foreign, or out of reach: no verb works on, and none starts a fresh one
    DamagedRow    one row holds what no program of ours wrote; `str()` names table, column and row
LedgerBusy    others are writing and the verb's time is up: the same call may succeed a moment later

An attachment whose state does not allow what was asked is not a fault: methods answer with a value there.
"""

from __future__ import annotations

__all__ = ["DamagedRow", "LedgerBusy", "LedgerFault"]

REBUILD = "rebuild it from HNS with `cni-hns ledger rebuild`; running pods keep their network meanwhile"


class LedgerFault(Exception):
    """The ledger at `path` cannot be used; `str()` says what is wrong, where, and what to do."""

    def __init__(self, path: str, what: str, next_step: str = REBUILD) -> None:
        super().__init__(f'the ledger "{path}" {what}; {next_step}')
        self.path = path
        self.next_step = next_step

    @property
    def is_damage(self) -> bool:
        """Whether the file holds what cannot be read, and nothing but a new one helps."""
        return self.next_step == REBUILD


class DamagedRow(LedgerFault):
    """A row of `table` cannot be used; the rest of the ledger may be sound."""

    def __init__(self, path: str, table: str, column: str, row: str) -> None:
        super().__init__(
            path, f"is damaged: in the table {table}, row {row}, the column {column} cannot be read"
        )


class LedgerBusy(Exception):
    """The ledger at `path` stayed locked by other processes for as long as this verb could wait."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f'the ledger "{path}" is in use by other processes and was not free in time; try again. '
            "Writers hold it for milliseconds: if this lasts, look for a process that was suspended"
        )
        self.path = path
