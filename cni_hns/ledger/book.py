"""The ledger of one node: attachments, leases, and what was learnt, in one SQLite file."""

from __future__ import annotations

import contextlib

from cni_hns.ledger.attachments import Attachments
from cni_hns.ledger.errors import LedgerFault
from cni_hns.ledger.knowledge import Knowledge
from cni_hns.ledger.leases import Leases
from cni_hns.ledger.schema import migrate

__all__ = ["Ledger"]


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


class Ledger(Attachments, Leases, Knowledge):
    """An open ledger. Each reading method sees the newest state; writing ones join an open transaction."""

    def verify(self) -> None:
        """Read everything, and begin to write.

        Raises:
            LedgerFault: something of it is damaged; what was only learnt counts too.
        """
        ((verdict,), *_) = self._rows("PRAGMA integrity_check(1)")
        if verdict != "ok":
            raise LedgerFault(self.path, f"is damaged (SQLite: {verdict})")
        if self._rows(_SCHEMA) != _made_anew():
            raise LedgerFault(self.path, "is damaged: its tables are not those of a ledger")
        for row in self.attachments():
            self.attachment(row.key)  # by itself it is read more thoroughly than among all
        self.leases(all=True)
        self.verify_runs()
        self.verify_what_was_learnt()
        self._rows("SELECT address FROM cursors")
        self._rows("SELECT network, pool, first, last, block_state FROM blocks")
        with self.transaction():
            pass


def _made_anew() -> list[tuple[str, ...]]:
    """The tables and indexes of a ledger that is made now; older ones become the same."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        return connection.execute(_SCHEMA).fetchall()
