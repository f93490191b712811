"""In what condition a ledger is, as an operator is told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import LedgerFault, condition, open_ledger
from cni_hns.ledger.condition import Condition, condition_of
from cni_hns.ledger.schema import MIGRATIONS


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A ledger that was just made."""
    made = str(tmp_path / "ledger.db")
    open_ledger(made, Deadline(10)).close()
    return made


def look(path: str) -> Condition:
    return condition_of(path, Deadline(10))


def test_a_sound_one_has_the_newest_schema(path: str) -> None:
    found = look(path)
    assert (found.what, found.fault, found.schema) == ("sound", "", len(MIGRATIONS))
    assert found.size_bytes > 0
    assert found.written_s is not None


def test_one_that_is_not_there_is_none_and_is_not_made(tmp_path: Path) -> None:
    found = look(str(tmp_path / "ledger.db"))
    assert (found.what, found.size_bytes, found.written_s) == ("none", 0, None)
    assert not list(tmp_path.iterdir())


def test_one_of_a_newer_program(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    found = look(path)
    assert (found.what, found.schema) == ("newer", len(MIGRATIONS) + 1)
    assert "cni-hns" in found.fault


def test_one_that_others_can_write(path: str) -> None:
    Path(path).chmod(0o666)
    assert look(path).what == "exposed"


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_one_beside_which_lies_what_is_no_file(path: str, suffix: str) -> None:
    Path(path + suffix).mkdir()
    found = look(path)
    assert (found.what, f'{suffix}" is no regular file; take it away' in found.fault) == ("exposed", True)


@pytest.mark.parametrize("content", [b"", b"no database" * 100], ids=["empty", "of something else"])
def test_one_that_is_damaged(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    found = look(path)
    assert (found.what, found.schema) == ("damaged", None)
    assert "cni-hns ledger rebuild" in found.fault


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN])
def test_one_that_cannot_be_written(path: str, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Nobody who may do everything meets it: SQLite's own answer is put in."""

    def refused(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode = code
        raise LedgerFault(path, "cannot be written") from error

    monkeypatch.setattr(condition, "open_ledger", refused)
    assert look(path).what == "unwritable"


def test_one_that_another_process_holds_is_busy(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert condition_of(path, Deadline(0.6)).what == "busy"
    connection.close()
