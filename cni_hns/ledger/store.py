"""One connection to the ledger file, its transactions, and SQLite's failures in the ledger's words.

Rule 1: a write transaction is short: no HNS call and no child process runs inside one.
Rule 2: it begins, commits and rolls back in one place; a COMMIT that fails is rolled back too.
Rule 3: "busy" is told by SQLite's code, never by its text.
Rule 4: no failure of SQLite leaves this module as it is, and no value of a row unlooked at.
"""

from __future__ import annotations

import _sqlite3 as sqlite3  # the C half of `sqlite3`: the other one loads `datetime`, for types no column has
import contextlib

from cni_hns.ledger.columns import misfits
from cni_hns.ledger.errors import REBUILD, DamagedRow, LedgerBusy, LedgerFault
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cni_hns.deadline import Deadline

__all__ = ["FAILURES", "Store", "busy_timeout_ms", "connect", "translated"]

# What is left of the budget belongs to the caller: to undo its own work, which may wait here again, and to
# answer. A share of a share is soon nothing, so a second wait ends where this much is left.
_SHARE_OF_THE_DEADLINE = 0.9
_RESERVE_S = 0.5

# Needs the right to write, as BEGIN IMMEDIATE does not, and does nothing in a file without auto-vacuum.
_ASK_TO_WRITE = "PRAGMA incremental_vacuum(1)"

# What names a row in an error, and how much of it is shown.
_KEYS = ("network", "container_id", "ifname", "text", "sequence")
_SHOWN_CHARACTERS = 80

FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""All that SQLite's functions raise: of a damaged file, not even its own words need be UTF-8."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})

_GIVE_ACCESS = "give administrators and SYSTEM full access to its folder, and run this as one of them"
_FAULTS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("is damaged: this is no SQLite file", REBUILD),
    sqlite3.SQLITE_CORRUPT: ("is damaged", REBUILD),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", _GIVE_ACCESS),
    sqlite3.SQLITE_READONLY: ("cannot be written", _GIVE_ACCESS),
    sqlite3.SQLITE_PERM: ("cannot be opened", _GIVE_ACCESS),
    sqlite3.SQLITE_AUTH: ("cannot be opened", _GIVE_ACCESS),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space; nothing in it was changed"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", f"check the disk; if it is sound, {REBUILD}"),
}


def translated(path: str, error: Exception) -> LedgerBusy | LedgerFault:
    """SQLite's failure, whichever it is, as one of ours."""
    code = _code(error)
    if code in _BUSY:
        return LedgerBusy(path)
    if code in _FAULTS:
        what, next_step = _FAULTS[code]
        return LedgerFault(path, f"{what} ({_named(error)})", next_step)
    # Our statements are sound: the file has our version number, but not our tables, columns and constraints.
    return LedgerFault(path, f"is damaged ({_named(error)})")


def _named(error: Exception) -> str:
    """With the name of the code: many share one text."""
    if isinstance(error, UnicodeDecodeError):
        return "SQLite: an error whose text is damaged too"
    name = getattr(error, "sqlite_errorname", "")
    return f"SQLite: {error}, {name}" if name else f"SQLite: {error}"


def _code(error: Exception) -> int:
    """The primary code, without what SQLite adds to it."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def busy_timeout_ms(deadline: Deadline) -> int:
    left_s = deadline.left_s()
    return max(0, int(min(left_s * _SHARE_OF_THE_DEADLINE, left_s - _RESERVE_S) * 1000))


def connect(path: str, deadline: Deadline) -> sqlite3.Connection:
    """A connection to a file that is there; nothing is read yet.

    The journal is a write-ahead log (a property of the file, set when it is made). Measured with four
    transactions per process: alone 1.9 ms against 4.0 to 4.9 with the rollback journals; with 64 processes
    together a transaction waited 0.1 s at worst against 0.3 to 1.0, because a commit waits for no disk.
    https://www.sqlite.org/wal.html
    """
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23").replace("\\", "/")
    separator = "" if name.startswith("/") else "/"
    uri = f"file://{separator}{name}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=busy_timeout_ms(deadline) / 1000, check_same_thread=False
    )
    try:
        # With a write-ahead log, NORMAL survives a kill whole and a power cut without damage. A power cut may
        # take the last commits, but it takes every pod of the node too, and GC finds their endpoints by ID.
        # https://www.sqlite.org/pragma.html#pragma_synchronous
        connection.execute("PRAGMA synchronous = NORMAL")
    except FAILURES:
        # Python would close it some time later, and on Windows nobody can move the file until then.
        connection.close()
        raise
    return connection


class Store:
    """The open file. Statements outside a transaction each see the newest state."""

    def __init__(self, connection: sqlite3.Connection, path: str, deadline: Deadline) -> None:
        self.path = path
        self._connection = connection
        self._deadline = deadline

    def close(self) -> None:
        """Close the file; the last process to do so folds the write-ahead log into it."""
        with contextlib.suppress(*FAILURES):
            self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that is used now: a write transaction may have begun on a new one."""
        return self._connection

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """A write transaction: all of the block or nothing of it. They do not nest.

        Raises:
            LedgerBusy: the file was not free in time.
            LedgerFault: it cannot be written.
        """
        if self.in_transaction:
            raise RuntimeError("a ledger transaction is open already")
        self._begin()
        try:
            self._begun()
            yield
            self._run("COMMIT")
        except BaseException:
            self._take_back("ROLLBACK")
            raise

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """All of the block or nothing of it: part of the open transaction, or one of its own."""
        if not self.in_transaction:
            with self.transaction():
                yield
            return
        self._run("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._take_back("ROLLBACK TO part", "RELEASE part")
            raise
        self._run("RELEASE part")

    def _begun(self) -> None:
        """Called in each write transaction, first; for what a ledger writes by itself."""

    def _take_back(self, *statements: str) -> None:
        """Where even this fails, what went wrong first is the news; closing the file takes all back."""
        with contextlib.suppress(*FAILURES):
            for statement in statements:
                if self.in_transaction:
                    self._connection.execute(statement)

    def _begin(self) -> None:
        """Take the write lock, if need be on a new connection.

        SQLite opens a file for reading only where it cannot for writing at that moment: on Windows, while a
        virus scanner has it. It says nothing until something is written.
        https://www.sqlite.org/c3ref/open.html
        """
        try:
            self._lock()
        except FAILURES as error:
            if _code(error) != sqlite3.SQLITE_READONLY:
                raise translated(self.path, error) from error
            self._open_again()

    def _lock(self) -> None:
        execute = self._connection.execute
        execute(f"PRAGMA busy_timeout = {busy_timeout_ms(self._deadline)}")
        # IMMEDIATE takes the write lock now: a transaction that read first could not wait for it later.
        # https://www.sqlite.org/lang_transaction.html
        execute("BEGIN IMMEDIATE")
        try:
            execute(_ASK_TO_WRITE)
        except FAILURES:
            self._take_back("ROLLBACK")
            raise

    def _open_again(self) -> None:
        """The write lock, on a new connection."""
        try:
            connection = connect(self.path, self._deadline)
            self._connection.close()
            self._connection = connection
            self._lock()
        except FAILURES as error:
            raise translated(self.path, error) from error

    def _run(self, statement: str, values: Sequence[object] = ()) -> int:
        """Execute; the number of rows changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except FAILURES as error:
            raise translated(self.path, error) from error

    def _write(self, statement: str, values: Sequence[object] = ()) -> int:
        """Execute in the open transaction, else in one of its own; the number of rows changed."""
        if self.in_transaction:
            return self._run(statement, values)
        with self.transaction():
            return self._run(statement, values)

    def _rows(
        self, query: str, values: Sequence[object] = (), *, deep: bool = False
    ) -> list[tuple[Any, ...]]:
        """All rows, each value of them one that its column may have (`columns.misfits`)."""
        try:
            names, rows = self._fetched(query, values)
        except FAILURES as error:
            raise self._unreadable(query, values, error) from error
        misfit = misfits(names, deep=deep)
        for row in rows:
            column = misfit(row)
            if column is not None:
                raise self._damaged_row(query, values, names, row, column)
        return rows

    def _row(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        rows = self._rows(query, values, deep=True)
        return rows[0] if rows else None

    def _fetched(self, query: str, values: Sequence[object]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of the columns, and all rows."""
        cursor = self._connection.execute(query, values)
        try:
            return [name for name, *_ in cursor.description], cursor.fetchall()
        finally:
            # Until then a query that failed half-way goes on reading, and the file cannot be closed.
            cursor.close()

    def _unreadable(self, query: str, values: Sequence[object], error: Exception) -> Exception:
        fault = self._undecodable(query, values) if _is_of_text(error) else None
        return fault or translated(self.path, error)

    def _undecodable(self, query: str, values: Sequence[object]) -> DamagedRow | None:
        """Which text is not UTF-8: SQLite's own words would repeat it, whatever it is."""
        self._connection.text_factory = _Undecoded
        try:
            names, rows = self._fetched(query, values)
        except FAILURES:
            return None
        finally:
            self._connection.text_factory = str
        for row in rows:
            for name, value in zip(names, row, strict=True):
                if isinstance(value, _Undecoded) and not value.is_sound:
                    return self._damaged_row(query, values, names, row, name)
        return None

    def _damaged_row(
        self, query: str, values: Sequence[object], names: list[str], row: Sequence[Any], column: str
    ) -> DamagedRow:
        """The row is named by its key, or by what it was looked for with."""
        keyed = [value for name, value in zip(names, row, strict=True) if name in _KEYS and name != column]
        table = query.partition(" FROM ")[2].split(maxsplit=1)[0]
        return DamagedRow(self.path, table, column, "/".join(_shown(one) for one in keyed or values))


class _Undecoded(bytes):
    """A text as it lies in the file."""

    @property
    def is_sound(self) -> bool:
        try:
            self.decode()
        except UnicodeDecodeError:
            return False
        return True


def _is_of_text(error: Exception) -> bool:
    """Python's own complaint: SQLite hands out any bytes as text, and has no code for it."""
    return isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode")


def _shown(value: object) -> str:
    text = value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
    return ascii(text[:_SHOWN_CHARACTERS])[1:-1]
