"""Opening the ledger: made once, never made again over a damaged one."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cni_hns
from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, LedgerBusy, LedgerFault, open_ledger, opening, schema, store
from cni_hns.ledger.store import busy_timeout_ms, connect, translated
from tests.unit.ledger.shorthand import KEY, add, dead, living

posix_only = pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")


def opened(path: str) -> Ledger:
    return open_ledger(path, Deadline(20))


def for_reading_only(path: str, _deadline: Deadline) -> sqlite3.Connection:
    """Windows: what SQLite makes of a file that a virus scanner holds while it is opened."""
    return sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True, isolation_level=None)


# A question mark would begin a URI's query; on Windows no name has one.
_NAMES = ["with space", "half#", "100%25", "ünï", *([] if os.name == "nt" else ["what?"])]


class TestALedgerThatIsNotThere:
    def test_is_none_for_a_reader_and_stays_away(self, path: str) -> None:
        assert open_ledger(path, Deadline(5), create=False) is None
        assert not os.path.exists(os.path.dirname(path))

    def test_is_made_where_its_draft_was_opened_for_reading_only(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opening, "connect", for_reading_only)
        ledger = opened(path)
        assert ledger.attachments() == []
        ledger.close()

    def test_is_made_for_a_writer_and_then_there_for_readers(self, path: str) -> None:
        opened(path).close()
        reader = open_ledger(path, Deadline(5), create=False)
        assert reader is not None
        assert reader.attachments() == []
        reader.close()

    def test_leaves_no_draft_and_no_log_behind(self, path: str) -> None:
        opened(path).close()
        assert os.listdir(os.path.dirname(path)) == ["ledger.db"]

    @posix_only
    @pytest.mark.parametrize("umask", [0, 0o022, 0o077])
    def test_is_made_for_its_owner_alone(self, path: str, umask: int) -> None:
        before = os.umask(umask)
        try:
            ledger = opened(path)
            add(ledger)
        finally:
            os.umask(before)
        folder = os.path.dirname(path)
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert {
            name: stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) for name in os.listdir(folder)
        } == {
            "ledger.db": 0o600,
            "ledger.db-wal": 0o600,
            "ledger.db-shm": 0o600,
        }
        ledger.close()

    @posix_only
    def test_keeps_the_access_of_a_folder_that_is_there(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o755)
        opened(str(tmp_path / "ledger.db")).close()
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

    @pytest.mark.parametrize("name", _NAMES)
    def test_may_lie_in_a_folder_of_any_name(self, tmp_path: Path, name: str) -> None:
        path = str(tmp_path / name / "ledger.db")
        opened(path).close()
        assert os.listdir(tmp_path / name) == ["ledger.db"]

    def test_is_made_once_by_all_that_open_it_together(self, path: str) -> None:
        barrier = threading.Barrier(8)
        faults: list[BaseException] = []

        def one(number: int) -> None:
            barrier.wait()
            try:
                ledger = opened(path)
                ledger.keep_fact(f"opener {number}", number)
                ledger.close()
            except BaseException as fault:
                faults.append(fault)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        ledger = opened(path)
        assert [ledger.fact(f"opener {number}") for number in range(8)] == list(range(8))
        ledger.close()

    def test_that_appears_while_it_is_looked_for_is_opened(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process makes it right after it was found missing."""
        really_exists = os.path.lexists

        def missed(looked_for: str) -> bool:
            monkeypatch.setattr(os.path, "lexists", really_exists)
            found = really_exists(looked_for)
            opened(path).close()
            return found

        monkeypatch.setattr(os.path, "lexists", missed)
        opened(path).close()
        monkeypatch.setattr(os.path, "lexists", missed)
        reader = open_ledger(path, Deadline(5), create=False)
        assert reader is not None
        reader.close()

    def test_that_appears_while_sqlite_looks_for_it_is_opened(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def missed(looked_for: str, deadline: Deadline) -> sqlite3.Connection:
            monkeypatch.setattr(opening, "connect", connect)
            try:
                return connect(looked_for, deadline)
            except sqlite3.Error:
                opened(path).close()
                raise

        monkeypatch.setattr(opening, "connect", missed)
        opened(path).close()

    def test_is_a_fault_where_it_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LedgerFault, match=r"file.state.ledger.db\" cannot be made: "):
            opened(str(tmp_path / "file" / "state" / "ledger.db"))

    def test_is_a_fault_where_the_disk_is_full(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        full = (("0.1.0", "PRAGMA max_page_count = 1;\nCREATE TABLE big (a)"),)
        monkeypatch.setattr(schema.migrate, "__defaults__", (full,))
        with pytest.raises(LedgerFault, match="the disk is full"):
            opened(path)
        assert os.listdir(os.path.dirname(path)) == []

    def test_is_a_fault_where_its_folder_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LedgerFault, match="cannot be"):
            opened(str(tmp_path / "file" / "ledger.db"))


def _foreign(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (a)")
    connection.close()


def _numbered(path: str, version: int) -> None:
    opened(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


class TestADamagedLedger:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            pytest.param(b"", "it is empty, or not a ledger", id="empty"),
            pytest.param(bytes(8192), "no SQLite file", id="blanks after a power cut"),
            pytest.param(
                b"SQLite format 3\0" + bytes(4), "no SQLite file|is damaged", id="torn in its header"
            ),
            pytest.param(b"{}" * 600, "no SQLite file", id="something else"),
        ],
    )
    def test_is_named_and_left_alone(self, path: str, content: bytes, words: str) -> None:
        Path(path).parent.mkdir()
        Path(path).write_bytes(content)
        for create in (True, False):
            with pytest.raises(LedgerFault, match=words) as fault:
                open_ledger(path, Deadline(5), create=create)
            assert path in str(fault.value)
            assert "cni-hns ledger rebuild" in str(fault.value)
        assert Path(path).read_bytes() == content

    @pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are told by Linux")
    @pytest.mark.parametrize("content", [b"", b"{}" * 600], ids=["empty", "something else"])
    def test_is_not_held_open_so_that_it_can_be_moved_away(self, path: str, content: bytes) -> None:
        Path(path).parent.mkdir()
        Path(path).write_bytes(content)
        gc.disable()
        try:
            with pytest.raises(LedgerFault):
                opened(path)
            open_files = [
                os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
            ]
        finally:
            gc.enable()
        assert os.path.realpath(path) not in open_files

    def test_that_is_another_programs_file_is_left_alone(self, tmp_path: Path) -> None:
        path = str(tmp_path / "ledger.db")
        _foreign(path)
        with pytest.raises(LedgerFault, match="not a ledger of cni-hns"):
            opened(path)

    def test_of_a_newer_program_says_which_versions_this_one_knows(self, path: str) -> None:
        _numbered(path, schema.VERSION + 1)
        newest = schema.VERSION
        words = rf"schema version {newest + 1}; cni-hns \S+ knows versions up to {newest}; use the newer"
        with pytest.raises(LedgerFault, match=words):
            opened(path)

    def test_with_a_negative_version_is_no_ledger(self, path: str) -> None:
        _numbered(path, -1)
        with pytest.raises(LedgerFault, match="not a ledger"):
            opened(path)

    def test_without_its_tables_is_a_fault_when_they_are_needed(self, path: str) -> None:
        opened(path).close()
        connection = sqlite3.connect(path)
        connection.execute("DROP TABLE attachments")
        connection.close()
        ledger = opened(path)
        with pytest.raises(LedgerFault, match=r"is damaged .*attachments.*rebuild"):
            ledger.attachment(KEY)
        ledger.close()

    def test_with_overwritten_pages_is_a_fault_when_they_are_read(self, path: str) -> None:
        opened(path).close()
        content = bytearray(Path(path).read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        Path(path).write_bytes(content)
        ledger = opened(path)
        with pytest.raises(LedgerFault, match="is damaged"):
            ledger.attachments()
        ledger.close()

    @pytest.mark.parametrize("create", [True, False])
    def test_that_is_gone_while_its_log_remains_is_not_made_anew(self, path: str, create: bool) -> None:
        Path(path).parent.mkdir()
        Path(path + "-wal").write_bytes(b"commits")
        with pytest.raises(LedgerFault, match=r"is gone, but its write-ahead log .* is there"):
            open_ledger(path, Deadline(5), create=create)

    def test_that_is_a_folder_cannot_be_opened(self, path: str) -> None:
        os.makedirs(path)
        with pytest.raises(LedgerFault, match="cannot be opened"):
            opened(path)


class TestMigrations:
    SECOND = ("0.2.0", "CREATE TABLE second (a);\nINSERT INTO second SELECT count(*) FROM attachments")

    def test_bring_an_older_ledger_to_the_newest_version(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger = opened(path)
        add(ledger)
        ledger.close()
        self._with_second(monkeypatch)
        ledger = opened(path)
        assert ledger.attachment(KEY) is not None
        ledger.close()
        assert self._content(path) == (schema.VERSION + 1, [(1,)])

    def test_keep_which_leases_host_local_has_a_file_for(self, path: str) -> None:
        """The first version kept the file's path beside the lease."""
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as first:
            schema.migrate(first, schema.MIGRATIONS[:1])
            for last_byte, (origin, file) in enumerate(
                [("allocated", None), ("allocated", "/x"), ("adopted", "/etc/passwd")], start=2
            ):
                address = bytes(10) + b"\xff\xff\x0a\x58\x00" + bytes([last_byte])
                first.execute(
                    "INSERT INTO leases VALUES ('net', ?, ?, 'pod', 'eth0', '', 9, NULL, ?, 'held', NULL, ?)",
                    (address, f"10.88.0.{last_byte}", origin, file),
                )
            first.commit()
        ledger = opened(path)
        assert {lease.address: lease.origin for lease in ledger.leases("net")} == {
            "10.88.0.2": "allocated",
            "10.88.0.3": "adopted",
            "10.88.0.4": "adopted",
        }
        ledger.close()

    def test_know_whose_work_is_in_progress_and_end_what_was_set_aside(self, path: str) -> None:
        """The first version's times were the wall's, which say nothing on the ledger's own clock."""
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as first:
            schema.migrate(first, schema.MIGRATIONS[:1])
            for container, phase, until in [
                ("worker", "adding", None),
                ("given-up", "deleting", None),
                ("buried", "tombstone", 1.7e9 + 600),
                ("pod", "ready", None),
            ]:
                first.execute(
                    "INSERT INTO attachments VALUES ('net', ?, 'eth0', ?, NULL, NULL, NULL, NULL, NULL, "
                    "NULL, 7, 'start', 'boot', 'token', ?, ?, 1.7e9)",
                    (container, phase, 0.0 if container == "given-up" else 1.7e9, until),
                )
            first.commit()
        ledger = opened(path)
        now = ledger.now()
        while_it_lives = {row.key.container_id for row in ledger.stale("net", living, now)}
        when_it_is_dead = {row.key.container_id for row in ledger.stale("net", dead, now)}
        assert while_it_lives == {"buried", "given-up"}
        assert when_it_is_dead == {"buried", "given-up", "worker"}
        rows = {row.key.container_id: row for row in ledger.attachments()}
        assert rows["buried"].until == 0
        assert [row.key.container_id for row in ledger.to_look_at("net", 9)] == ["pod"]
        assert not any(row.delete_begun for row in rows.values())
        ledger.close()

    def test_run_once_for_all_that_open_it_together(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        opened(path).close()
        # The second opener saw the old version, and finds the new one when it gets the lock.
        late = store.Store(connect(path, Deadline(5)), path, Deadline(5))
        self._with_second(monkeypatch)
        opened(path).close()
        opening._bring_up_to_date(late, schema.VERSION)
        late.close()
        assert self._content(path) == (schema.VERSION + 1, [(0,)])

    def test_that_fail_leave_the_older_ledger_whole(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        opened(path).close()
        broken = (*schema.MIGRATIONS, ("0.2.0", "CREATE TABLE second (a);\nCREATE TABLE attachments (a)"))
        monkeypatch.setattr(schema, "MIGRATIONS", broken)
        monkeypatch.setattr(opening, "MIGRATIONS", broken)
        monkeypatch.setattr(schema.migrate, "__defaults__", (broken,))
        with pytest.raises(LedgerFault, match="already exists"):
            opened(path)
        monkeypatch.undo()
        ledger = opened(path)
        assert ledger._rows("SELECT name FROM sqlite_schema WHERE name = 'second'") == []
        ledger.close()

    def test_go_on_where_the_file_was_opened_for_reading_only(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened(path).close()
        self._with_second(monkeypatch)
        monkeypatch.setattr(opening, "connect", for_reading_only)
        ledger = opened(path)
        assert ledger.attachments() == []
        ledger.close()
        assert self._content(path) == (schema.VERSION + 1, [(0,)])

    def test_that_wait_too_long_are_busy(self, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
        opened(path).close()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        self._with_second(monkeypatch)
        with pytest.raises(LedgerBusy):
            open_ledger(path, Deadline(0))
        other.close()

    def _with_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = (*schema.MIGRATIONS, self.SECOND)
        monkeypatch.setattr(opening, "MIGRATIONS", both)
        monkeypatch.setattr(schema.migrate, "__defaults__", (both,))

    @staticmethod
    def _content(path: str) -> tuple[int, list[tuple[int]]]:
        connection = sqlite3.connect(path)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        rows = connection.execute("SELECT a FROM second").fetchall()
        connection.close()
        return version, rows


def _keep_and_fail(ledger: Ledger, fact: str) -> None:
    ledger.keep_fact(fact, 1)
    raise ZeroDivisionError


class TestTransactions:
    def test_undo_everything_after_a_failure(self, ledger: Ledger) -> None:
        with pytest.raises(ZeroDivisionError), ledger.transaction():
            _keep_and_fail(ledger, "a")
        assert ledger.fact("a") is None
        assert not ledger.in_transaction

    def test_do_not_nest(self, ledger: Ledger) -> None:
        with ledger.transaction(), pytest.raises(RuntimeError), ledger.transaction():
            pass

    def test_undo_only_the_part_that_failed(self, ledger: Ledger) -> None:
        with ledger.transaction():
            ledger.keep_fact("kept", 1)
            with pytest.raises(ZeroDivisionError), ledger.atomic():
                _keep_and_fail(ledger, "undone")
        assert (ledger.fact("kept"), ledger.fact("undone")) == (1, None)

    def test_are_undone_when_the_commit_fails(self, ledger: Ledger) -> None:
        def refuse_commit(action: int, what: str | None, *_: object) -> int:
            refused = action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT"
            return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

        ledger._connection.set_authorizer(refuse_commit)
        with pytest.raises(LedgerFault), ledger.transaction():
            ledger.keep_fact("a", 1)
        ledger._connection.set_authorizer(None)
        assert not ledger.in_transaction
        assert ledger.fact("a") is None

    def test_on_a_full_disk_say_so_and_change_nothing(self, ledger: Ledger) -> None:
        (pages,) = ledger._connection.execute("PRAGMA page_count").fetchone()
        ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LedgerFault, match="the disk is full"), ledger.transaction():
            ledger.keep_fact("a", "x" * 100_000)
        assert not ledger.in_transaction
        assert ledger.fact("a") is None

    def test_wait_no_longer_than_the_deadline(self, path: str) -> None:
        ledger = open_ledger(path, Deadline(0))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusy, match=r"in use by other processes .* try again"), ledger.transaction():
            pass
        with pytest.raises(LedgerBusy):
            ledger.keep_fact("a", 1)
        assert ledger.attachments() == []
        other.execute("COMMIT")
        other.close()
        ledger.keep_fact("a", 1)
        ledger.close()

    def test_begin_on_a_new_connection_where_the_first_one_was_opened_for_reading_only(
        self, path: str
    ) -> None:
        opened(path).close()
        ledger = Ledger(for_reading_only(path, Deadline(5)), path, Deadline(5))
        assert ledger.attachments() == []
        ledger.keep_fact("a", 1)
        assert ledger.fact("a") == 1
        ledger.close()

    def test_say_that_the_file_cannot_be_written_where_a_new_connection_cannot_either(
        self, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened(path).close()
        monkeypatch.setattr(store, "connect", for_reading_only)
        ledger = Ledger(for_reading_only(path, Deadline(5)), path, Deadline(5))
        with pytest.raises(LedgerFault, match=r"cannot be written \(SQLite: .*, SQLITE_READONLY\); give"):
            ledger.keep_fact("a", 1)
        ledger.close()

    def test_are_undone_after_a_fault_of_our_own_statements(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerFault), ledger.transaction():
            ledger._run("SELECT ?", ())
        assert not ledger.in_transaction


@pytest.mark.parametrize(("left_s", "waits_ms"), [(100.0, 90_000), (3.0, 2500), (0.5, 0), (0.2, 0), (0.0, 0)])
def test_a_wait_for_the_lock_leaves_time_to_undo_and_to_answer(left_s: float, waits_ms: int) -> None:
    class Stopped(Deadline):
        def left_s(self) -> float:
            return left_s

    assert busy_timeout_ms(Stopped(100.0)) == waits_ms


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param(sqlite3.SQLITE_READONLY, "cannot be written", id="read-only"),
        pytest.param(sqlite3.SQLITE_PERM, "full access to its folder", id="permission"),
        pytest.param(sqlite3.SQLITE_IOERR | 10 << 8, "check the disk", id="disk, with a detail in the code"),
        pytest.param(sqlite3.SQLITE_CORRUPT, "rebuild", id="damage"),
    ],
)
def test_a_failure_of_sqlite_says_what_to_do_next(code: int, words: str) -> None:
    error = sqlite3.OperationalError("text")
    error.sqlite_errorcode = code
    fault = translated("path", error)
    assert isinstance(fault, LedgerFault)
    assert words in str(fault)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY | 2 << 8, sqlite3.SQLITE_PROTOCOL])
def test_busy_is_told_by_its_code_alone(code: int) -> None:
    error = sqlite3.OperationalError("text")
    error.sqlite_errorcode = code
    assert isinstance(translated("path", error), LedgerBusy)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(sqlite3.IntegrityError("UNIQUE constraint failed"), id="a constraint"),
        pytest.param(sqlite3.OperationalError("Could not decode to UTF-8"), id="undecodable text"),
        pytest.param(sqlite3.DataError("string or blob too big"), id="too large a value"),
        pytest.param(sqlite3.InternalError("?"), id="of SQLite itself"),
    ],
)
def test_any_other_failure_of_sqlite_is_damage_too(error: sqlite3.Error) -> None:
    assert "is damaged" in str(translated("path", error))


def test_a_draft_that_a_scanner_holds_is_published_when_it_lets_go(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows: renaming a file that another program has open without sharing is refused."""
    refusals = [PermissionError("in use"), PermissionError("in use")]

    def rename(source: str, target: str) -> None:
        if refusals:
            raise refusals.pop()
        os.link(source, target)

    monkeypatch.setattr(opening, "_WINDOWS", True)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(opening, "_PAUSE_S", 0)
    opened(path).close()
    assert refusals == []
    refusals.append(PermissionError(13, "in use"))
    with pytest.raises(PermissionError):
        opening._publish("draft", "target", Deadline(0))


def test_catching_the_ledgers_errors_loads_no_sqlite() -> None:
    code = "import sys, cni_hns.ledger; print('_sqlite3' in sys.modules, 'pydantic' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    "module", ["pydantic", "netaddr", "subprocess", "dataclasses", "datetime", "logging", "pathlib", "uuid"]
)
def test_a_verb_that_allocates_loads_only_what_it_needs(module: str) -> None:
    code = (
        "import sys, cni_hns.ledger.book, cni_hns.ledger.opening, cni_hns.ipam.allocate, "
        f"cni_hns.ipam.hostlocal, cni_hns.ipam.delegate; print({module!r} in sys.modules)"
    )
    # Without site: what an environment loads at every start is not what a verb loads.
    root = os.path.dirname(os.path.dirname(cni_hns.__file__))
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "False\n"
