"""In what condition a ledger is, for the operator's commands: it is read whole, and begun to be written."""

from __future__ import annotations

import _sqlite3 as sqlite3
import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.access import exposed_file, exposed_folder
from cni_hns.ledger import LedgerBusy, LedgerFault, open_ledger
from cni_hns.ledger.schema import MIGRATIONS
from cni_hns.ledger.store import FAILURES, connect

if TYPE_CHECKING:
    from cni_hns.deadline import Deadline

__all__ = ["Condition", "condition_of"]

_SUFFIXES = ("", "-wal")
# The ledger, and what SQLite has beside it.
_FILES = (*_SUFFIXES, "-shm")
_NOT_TO_BE_WRITTEN = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
    }
)


class Condition(NamedTuple):
    """A ledger from outside.

    `what`: "none", "sound", "busy", "newer" (another program's schema), "unwritable", "exposed" (others can
    write it, or it is no regular file) or "damaged"; `fault` says it in words, with the next step. `schema`
    is the file's version, None where it cannot be read; `newest` the newest that this program knows.
    `written_s`: when the file was written last, in seconds since the epoch.
    """

    path: str
    what: str
    fault: str = ""
    size_bytes: int = 0
    schema: int | None = None
    newest: int = len(MIGRATIONS)
    written_s: float | None = None


def condition_of(path: str, deadline: Deadline) -> Condition:
    """Its condition now; where none is there, `what` is "none"."""
    found = _measured(path)
    schema = _schema_of(path, deadline) if found.size_bytes else None
    found = found._replace(schema=schema)
    try:
        ledger = open_ledger(path, deadline, create=False)
        if ledger is None:
            return found._replace(what="none")
        with contextlib.closing(ledger):
            ledger.verify()
    except LedgerBusy as fault:
        return found._replace(what="busy", fault=str(fault))
    except LedgerFault as fault:
        return found._replace(what=_kind_of(fault, found), fault=str(fault))
    return found


def _measured(path: str) -> Condition:
    found = []
    for suffix in _SUFFIXES:
        with contextlib.suppress(OSError):
            found.append(os.stat(path + suffix))
    written_s = max((one.st_mtime for one in found), default=None)
    return Condition(path, "sound", size_bytes=sum(one.st_size for one in found), written_s=written_s)


def _schema_of(path: str, deadline: Deadline) -> int | None:
    try:
        with contextlib.closing(connect(path, deadline)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except FAILURES:
        return None


def _kind_of(fault: LedgerFault, found: Condition) -> str:
    if found.schema is not None and found.schema > found.newest:
        return "newer"
    code = getattr(fault.__cause__, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _NOT_TO_BE_WRITTEN:
        return "unwritable"
    files = (found.path + suffix for suffix in _FILES)
    is_exposed = exposed_folder(os.path.dirname(found.path)) or any(map(exposed_file, files))
    return "exposed" if is_exposed else "damaged"
