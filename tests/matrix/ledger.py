"""Writes to the ledger go wrong: SQLite's connection, as the program gets it."""

from __future__ import annotations

import _sqlite3
import sqlite3
from collections.abc import Callable
from typing import Any, NoReturn

from tests.matrix.steps import Steps

__all__ = ["patch"]

_WRITES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "REPLACE", "COMMIT", "CREATE", "DROP", "ALTER")
_TEXTS = {
    "FULL": "database or disk is full",
    "IOERR": "disk I/O error",
    "READONLY": "attempt to write a readonly database",
    "BUSY": "database is locked",
    "CORRUPT": "database disk image is malformed",
}
# SQLite takes a transaction back by itself after these.
_ROLLS_BACK = ("FULL", "IOERR")


def patch(steps: Steps) -> None:
    """From now on each write to a ledger of this process is a step."""
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            words = sql.split()
            if words[0].upper() not in _WRITES:
                return super().execute(sql, *values)
            work: Callable[[], sqlite3.Cursor] = lambda: super(Watched, self).execute(sql, *values)  # noqa: E731
            cursor: sqlite3.Cursor = steps.take("ledger", _what(words), work, self._fail)
            return cursor

        def _fail(self, name: str) -> NoReturn:
            if name in _ROLLS_BACK and self.in_transaction:
                super().execute("ROLLBACK")
            raise _error(name)

    def connected(path: Any, *arguments: Any, **more: Any) -> sqlite3.Connection:
        if "ledger.db" in str(path):
            more["factory"] = Watched
        connection: sqlite3.Connection = connect(path, *arguments, **more)
        return connection

    # What the ledger uses is the C module alone.
    _sqlite3.connect = connected  # type: ignore[assignment]  # one of its overloads is enough here


def _what(words: list[str]) -> str:
    """The statement and its table."""
    verb = words[0].upper()
    rest = [word for word in words[1:] if word.upper() not in ("INTO", "FROM", "OR", "IGNORE", "REPLACE")]
    return f"{verb} {rest[0].split('(')[0]}" if rest and verb != "BEGIN" else verb


def _error(name: str) -> sqlite3.Error:
    kind = sqlite3.DatabaseError if name == "CORRUPT" else sqlite3.OperationalError
    error = kind(_TEXTS[name])
    error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
    error.sqlite_errorname = f"SQLITE_{name}"
    return error
