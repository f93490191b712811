"""A ledger as plain JSON values, and back: for who takes it to another machine.

Rule 1: plans are left out: they can be compiled again, and nobody but a verb reads them.
Rule 2: a time of the boot in which it was taken stays the same moment on the clock of the wall; one before
that stays before this boot.
Rule 3: what another machine's processes do is not known here: every owner is one that is gone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cni_hns.binding.processes import uptime_s
from cni_hns.ledger.clock import BOOT_S
from cni_hns.ledger.columns import KINDS
from cni_hns.ledger.seal import opened_or_older, sealed
from cni_hns.ledger.store import FAILURES, translated

if TYPE_CHECKING:
    from cni_hns.ledger.book import Ledger

__all__ = ["TABLES", "load", "records_of"]

TABLES = ("attachments", "leases", "released", "runs", "cursors", "networks", "facts", "blocks")

# Kept as JSON texts behind a checksum.
_DOCUMENTS = ("request", "result", "document", "value")
_MOMENTS = ("deadline_at", "until", "updated_at", "look_at", "gone_at")
_BOOT = "boot"

# Half a span between the boots: so long before this machine's own boot a moment still is of this one.
_BEFORE_THE_BOOT = 0.5


def records_of(ledger: Ledger) -> dict[str, Any]:
    """All rows by table, with the time: `now` of the ledger's clock, and `wall` in seconds of the epoch.

    A document that is damaged is null. Bytes are hexadecimal texts.

    Raises: LedgerFault, LedgerBusy.
    """
    try:
        tables = {table: _rows(ledger, table) for table in TABLES}
    except FAILURES as fault:
        raise translated(ledger.path, fault) from fault
    tables["facts"] = [row for row in tables["facts"] if row["name"] != _BOOT]
    now = ledger.now()
    return {"now": now, "wall": ledger.wall(now), "tables": tables}


def load(ledger: Ledger, records: dict[str, Any], boot_id: str) -> None:
    """Fill an empty ledger with what `records_of` gave, on a machine whose boot has this id.

    Its clock is another one afterwards: who goes on with it opens it again.

    Raises: LedgerFault, LedgerBusy, ValueError: these are no such records.
    """
    shift = _Shift(records["now"], records["wall"], ledger.wall(ledger.now()))
    try:
        with ledger.transaction():
            ledger.connection.execute("DELETE FROM facts")
            for table in TABLES:
                for row in records["tables"].get(table, []):
                    _insert(ledger, table, row, shift)
            fact = {"id": boot_id, "number": shift.boot, "uptime_s": uptime_s()}
            ledger.connection.execute("INSERT INTO facts VALUES (?, ?)", (_BOOT, sealed(json.dumps(fact))))
    except FAILURES as fault:
        raise translated(ledger.path, fault) from fault
    except (KeyError, TypeError, AttributeError, OverflowError) as fault:
        raise ValueError(f"no records of a ledger: {type(fault).__name__} {fault}") from fault


class _Shift:
    """From the clock of a ledger on one machine to that of another."""

    def __init__(self, now: float, wall: float, wall_here: float) -> None:
        self._boot = now // BOOT_S
        self._wall_minus_clock = wall - now
        self.boot = self._boot + _BEFORE_THE_BOOT
        self._clock_minus_wall = self.boot * BOOT_S + uptime_s() - wall_here

    def __call__(self, moment: float) -> float:
        if moment // BOOT_S != self._boot:
            return moment
        return moment + self._wall_minus_clock + self._clock_minus_wall


def _rows(ledger: Ledger, table: str) -> list[dict[str, Any]]:
    cursor = ledger.connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return [{name: _plain(name, value) for name, value in zip(names, row, strict=True)} for row in cursor]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if name in _DOCUMENTS and isinstance(value, str) and value:
        try:
            return json.loads(opened_or_older(value))
        except (ValueError, RecursionError):
            return None
    return value


def _insert(ledger: Ledger, table: str, row: dict[str, Any], shift: _Shift) -> None:
    known = [one[1] for one in ledger.connection.execute(f"PRAGMA table_info({table})")]
    # An older program's rows lack columns that have defaults; a newer one's may have some that are not known.
    columns = [name for name in known if name in row]
    values = [_kept(name, row[name], shift) for name in columns]
    places = ", ".join("?" * len(columns))
    ledger.connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", values)


def _kept(name: str, value: Any, shift: _Shift) -> Any:
    if name == "owner_boot_id":
        return "another machine"
    if name in _DOCUMENTS:
        return value if value is None or value == "" else sealed(json.dumps(value))
    if value is not None and name in _MOMENTS:
        return shift(value)
    return bytes.fromhex(value) if KINDS[name] is bytes else value
