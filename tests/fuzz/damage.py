"""Damage to a ledger before the call: values that no program writes, and bytes that a disk changed."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

__all__ = ["flip", "set_columns"]


_PARTS = frozenset({"table", "column", "row", "value"})


def set_columns(path: Path, damage: list[dict[str, Any]]) -> None:
    """Set columns; a row or table that is not there is passed over, and so is what SQLite does not take.

    The tables are strict. For the moment of the damage they are not, so that any type gets in, as a bit that
    flips in a record's header would bring it in.
    """
    if not damage or not path.exists():
        return
    _loosen(path, ") STRICT", ") /*ICT*/")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for one in damage:
            with contextlib.suppress(sqlite3.Error, UnicodeEncodeError):
                _set(connection, one)
    _loosen(path, ") /*ICT*/", ") STRICT")


def _set(connection: sqlite3.Connection, one: dict[str, Any]) -> None:
    if not one.keys() >= _PARTS:
        return  # a part was tried to be left out
    table, column = one["table"], one["column"]
    keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
    columns = ", ".join(keys)
    # Names of tables and columns come from the ledger's own schema, and values are to be anything.
    rows = connection.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()  # noqa: S608
    if rows:
        where = " AND ".join(f"{key} IS ?" for key in keys)
        chosen = rows[one["row"] % len(rows)]
        connection.execute(f"UPDATE {table} SET {column} = {one['value']} WHERE {where}", chosen)  # noqa: S608


def _loosen(path: Path, old: str, new: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table'", (old, new)
        )


def flip(path: Path, flips: list[list[int]]) -> None:
    """Change bytes, each at its place as far as the file goes."""
    if not flips or not path.exists():
        return
    data = bytearray(path.read_bytes())
    for place, bits in flips:
        data[place % len(data)] ^= bits
    path.write_bytes(data)
