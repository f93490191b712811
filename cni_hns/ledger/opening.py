"""Opening the ledger file, and making it where there is none.

Rule 1: a ledger appears complete: it is built under another name and then given its own, so a file of that
name that is empty or foreign is damage, never a beginning.
Rule 2: what is damaged is left alone; only "not there" lets anyone make a new one.
Rule 3: a ledger that others can write, or that a link leads to, says nothing that can be believed.
"""

from __future__ import annotations

import contextlib
import os
import time

from cni_hns import __version__
from cni_hns.binding.access import FILE_MODE, exposed_file, exposed_folder, make_private_folder
from cni_hns.ledger.errors import REBUILD, LedgerFault
from cni_hns.ledger.schema import MIGRATIONS, migrate
from cni_hns.ledger.store import FAILURES, Store, connect, translated
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from cni_hns.deadline import Deadline

__all__ = ["connected", "see_that_one_can_be_made"]

_WINDOWS = os.name == "nt"
_PAUSE_S = 0.01
_TRIAL_MODE = 0o700


def connected(path: str, deadline: Deadline, create: bool) -> sqlite3.Connection | None:
    """A connection to the ledger in its newest version; None where there is none and `create` is false.

    Raises:
        LedgerFault: damaged, made by a newer program, or out of reach.
        LedgerBusy: it was being upgraded for longer than the deadline allows.
    """
    while True:
        connection = _open(path, deadline)
        if connection is not None or not create:
            return connection
        _make(path, deadline)


def see_that_one_can_be_made(path: str) -> None:
    """Where there is no ledger yet: try its place, for who must say beforehand whether `connected` will.

    Raises:
        LedgerFault: no ledger can be made there.
    """
    folder = _nearest(path, os.path.isdir)
    # No system's answer to "may I?" is as good as a try: rights, a full disk and a read-only one all count.
    trial = os.path.join(folder, f"cni-hns.{os.getpid()}-{os.urandom(4).hex()}.trial")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # says whether there can be such a name
        os.mkdir(trial, _TRIAL_MODE)
        os.rmdir(trial)
    except OSError as error:
        raise _cannot_be_made(path, error) from error


def _open(path: str, deadline: Deadline) -> sqlite3.Connection | None:
    _refuse_what_others_can_write(path)
    # Looked for before it is opened: SQLite has one code for "not there" and "out of reach", and a file that
    # another process makes in between would turn the one into the other.
    if not os.path.lexists(path):
        _refuse_orphaned_log(path)
        _refuse_impossible_folder(path)
        return None
    store = None
    try:
        store = Store(connect(path, deadline), path, deadline)
        (version,) = store.connection.execute("PRAGMA user_version").fetchone()
        _bring_up_to_date(store, version)
    except BaseException as error:
        if store is not None:
            store.close()
        if isinstance(error, FAILURES):
            raise translated(path, error) from error
        raise
    return store.connection


def _bring_up_to_date(store: Store, version: int) -> None:
    newest = len(MIGRATIONS)
    if version == newest:
        return
    if version > newest:
        raise LedgerFault(
            store.path,
            f"has schema version {version}; cni-hns {__version__} knows versions up to {newest}",
            "use the newer cni-hns that made it, or take the file away while no pod runs on this node",
        )
    if version <= 0:
        raise LedgerFault(store.path, "is damaged: it is empty, or not a ledger of cni-hns")
    _migrate(store)


def _migrate(store: Store) -> None:
    with store.transaction():
        migrate(store.connection)


def _refuse_what_others_can_write(path: str) -> None:
    folder = exposed_folder(os.path.dirname(path))
    if folder is not None:
        raise LedgerFault(path, f"is not trusted: {folder.what}", folder.next_step)
    for suffix in ("", "-wal", "-shm"):
        file = exposed_file(path + suffix)
        if file is not None:
            raise LedgerFault(path, f"cannot be opened: {file.what}", f"{file.next_step}; then {REBUILD}")


def _refuse_orphaned_log(path: str) -> None:
    """A write-ahead log without its file holds commits that a new file of that name would take as its own."""
    log = path + "-wal"
    # Looked at again because another process may have made both between our two looks.
    if os.path.lexists(log) and not os.path.lexists(path):
        raise LedgerFault(path, f'is gone, but its write-ahead log "{log}" is there')


def _refuse_impossible_folder(path: str) -> None:
    """Where no ledger can ever be, "not there yet" would be no answer to who only reads."""
    folder = _nearest(path, os.path.lexists)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise LedgerFault(
            path,
            f'cannot be made: "{folder}" is no folder',
            "give this program a folder for its state (dataDir)",
        )


def _nearest(path: str, is_there: Callable[[str], bool]) -> str:
    """The lowest of the folders above it that is there; the root, if none is."""
    folder = os.path.dirname(path)
    while folder and not is_there(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _make(path: str, deadline: Deadline) -> None:
    """Build a new ledger beside `path` and give it that name, unless another process was faster."""
    draft = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.new"
    try:
        make_private_folder(os.path.dirname(path))
        # Another account may have made it a moment before us.
        _refuse_what_others_can_write(path)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
        try:
            _build(draft, deadline)
            _publish(draft, path, deadline)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(draft)
    except OSError as error:
        raise _cannot_be_made(path, error) from error
    except FAILURES as error:
        raise translated(path, error) from error


def _cannot_be_made(path: str, error: OSError) -> LedgerFault:
    words = error.strerror or error
    return LedgerFault(path, f"cannot be made: {words}", "give this program write access to its folder")


def _build(draft: str, deadline: Deadline) -> None:
    with contextlib.closing(Store(connect(draft, deadline), draft, deadline)) as store:
        _migrate(store)
        store.connection.execute("PRAGMA journal_mode = WAL")


def _publish(draft: str, path: str, deadline: Deadline) -> None:
    """Name the draft `path` in one step that fails where the name is taken."""
    while True:
        try:
            if _WINDOWS:
                os.rename(draft, path)
            else:
                os.link(draft, path)
        except FileExistsError:
            return
        except PermissionError:
            # Windows: a virus scanner may hold a new file open for a moment.
            if not _WINDOWS or deadline.expired:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
