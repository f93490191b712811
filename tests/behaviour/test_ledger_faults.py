"""A ledger that cannot be used: an error that says so, and nothing is changed, in HNS or in the ledger."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Answer, SimulatedNode, container_id, finished, l2bridge
from tests.packaging import current

_VERBS = ["ADD", "repeated ADD", "CHECK", "DEL", "GC", "STATUS"]
_WRITERS = ["ADD", "repeated ADD after a loss", "DEL", "GC"]
_READERS = ["repeated ADD", "CHECK", "STATUS"]


class Attached:
    """A node with one pod on it."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.ledger = node.folder / "cni-hns" / "ledger.db"
        self.pod = container_id(), node.namespace()
        self.newcomer = container_id(), node.namespace()
        self.result = node.call("ADD", l2bridge(), *self.pod).document

    def call(self, verb: str, **changes: Any) -> Answer:
        command = verb.removeprefix("repeated ")[:6].split(" ", maxsplit=1)[0]
        pod = self.newcomer if verb == "ADD" else self.pod if command in {"ADD", "CHECK", "DEL"} else ("", "")
        config = l2bridge(**changes)
        if command == "CHECK":
            config["prevResult"] = self.result
        return self.node.call(command, config, *pod)

    def bytes(self) -> bytes | None:
        return self.ledger.read_bytes() if self.ledger.is_file() else None


@pytest.fixture
def attached(node: SimulatedNode) -> Attached:
    return Attached(node)


def _no_sqlite(ledger: Path) -> None:
    ledger.write_bytes(b"\xfe\xed" * 5000)


def _empty(ledger: Path) -> None:
    ledger.write_bytes(b"")


def _garbled(ledger: Path) -> None:
    """The header is sound, and every page behind it is not."""
    sound = ledger.read_bytes()
    ledger.write_bytes(sound[:4096] + b"\xaa" * (len(sound) - 4096))


def _cut_off(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes()[:5000])


def _without_tables(ledger: Path) -> None:
    _execute(ledger, "DROP TABLE attachments", "DROP TABLE leases", "DROP TABLE plans")


def _another_programs(ledger: Path) -> None:
    ledger.unlink()
    _execute(ledger, "CREATE TABLE notes (text TEXT)")


def _newer(ledger: Path) -> None:
    _execute(ledger, "PRAGMA user_version = 99")


def _a_folder(ledger: Path) -> None:
    ledger.unlink()
    ledger.mkdir()


def _forbidden(ledger: Path) -> None:
    ledger.chmod(0)


def _folder_is_a_file(ledger: Path) -> None:
    shutil.rmtree(ledger.parent)
    ledger.parent.write_text("")


def _execute(ledger: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(ledger)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


_may_read_all = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="this user may read everything"
)


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(_no_sqlite, "is damaged", id="no SQLite file"),
        pytest.param(_empty, "is damaged", id="empty"),
        pytest.param(_garbled, "is damaged", id="garbled"),
        pytest.param(_cut_off, "is damaged", id="cut off"),
        pytest.param(_without_tables, "is damaged", id="without tables"),
        pytest.param(_another_programs, "is damaged", id="another program's"),
        pytest.param(_newer, "schema version 99", id="a newer program's"),
        pytest.param(_a_folder, "cannot be opened", id="a folder"),
        pytest.param(_forbidden, "cannot be opened", id="unreadable", marks=_may_read_all),
        pytest.param(_folder_is_a_file, "cannot be made", id="below a file"),
    ],
)
def test_an_unusable_ledger_is_an_error_and_nothing_is_changed(
    attached: Attached, harm: Callable[[Path], None], words: str, verb: str
) -> None:
    harm(attached.ledger)
    before, ledger_before = attached.node.simulator.dump(), attached.bytes()
    answer = attached.call(verb)
    assert (answer.exit_code, answer.document["code"]) == (1, 50 if verb == "STATUS" else 102), answer.words
    assert words in answer.words
    assert current().path(attached.ledger) in answer.words
    if words == "is damaged":
        assert "cni-hns ledger rebuild" in answer.words
    assert "not found" not in answer.words.lower()
    assert "no such file" not in answer.words.lower()
    assert attached.node.simulator.dump() == before
    assert attached.bytes() == ledger_before


_DAMAGED_ROWS = [
    *[f"attachments SET {column} = CAST(x'ff41' AS TEXT)" for column in ("namespace_id", "request", "token")],
    "attachments SET request = '{'",
    "attachments SET phase = 'reedy'",
    "attachments SET endpoint_id = 'no GUID'",
    "attachments SET owner_pid = 9223372036854775807",
]


@pytest.mark.parametrize("verb", [verb for verb in _VERBS if verb not in {"ADD", "STATUS"}])
@pytest.mark.parametrize(
    "damage",
    [pytest.param(one, id=one, marks=pytest.mark.in_process("a row more")) for one in _DAMAGED_ROWS[1:]]
    + [_DAMAGED_ROWS[0]],
)
def test_a_damaged_row_is_an_error_that_names_it_and_nothing_is_changed(
    attached: Attached, damage: str, verb: str
) -> None:
    _execute(attached.ledger, "PRAGMA ignore_check_constraints = ON", f"UPDATE {damage}")
    before = attached.node.simulator.dump()
    answer = attached.call(verb, timeout=20)
    assert (answer.exit_code, answer.document["code"]) == (1, 102), answer.words
    column = damage.split()[2]
    assert f"in the table attachments, row pods/{attached.pod[0]}/eth0, the column {column}" in answer.words
    assert "cni-hns ledger rebuild" in answer.words
    assert attached.node.simulator.dump() == before


@pytest.mark.parametrize("verb", ["CHECK", "DEL"])
@pytest.mark.parametrize("column", ["text", "range_set", "gateway"])
def test_a_damaged_lease_is_one_too(attached: Attached, column: str, verb: str) -> None:
    _execute(attached.ledger, f"UPDATE leases SET {column} = CAST(x'ff41' AS TEXT)")  # noqa: S608 - a test's own words
    answer = attached.call(verb, timeout=20)
    assert (answer.exit_code, answer.document["code"]) == (1, 102), answer.words
    assert "table leases, row pods" in answer.words


@pytest.mark.parametrize("damage", ["CAST(x'ff41' AS TEXT)", "'{'", "'{}'", "replace(COLUMN, '1', '2')"])
@pytest.mark.parametrize("column", ["plans.document", "networks.document", "networks.hcn_id", "facts.value"])
def test_what_was_only_learnt_is_learnt_again(attached: Attached, column: str, damage: str) -> None:
    table, _, name = column.partition(".")
    _execute(attached.ledger, f"UPDATE {table} SET {name} = {damage.replace('COLUMN', name)}")  # noqa: S608 - a test's own words
    for verb in ["STATUS", "ADD", "repeated ADD", "CHECK", "DEL", "GC"]:
        answer = attached.call(verb)
        assert answer.exit_code == 0, (verb, answer.words)


@pytest.mark.in_process("damage is the same wherever it is read")
@pytest.mark.parametrize("count", [2, 8, 64])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_bytes_are_wrong_each_verb_answers(attached: Attached, seed: int, count: int) -> None:
    """Some bytes make another value that may be: then any answer will do but that of a broken program."""
    chance = random.Random(f"{seed} {count}")  # noqa: S311 - the same each time
    _execute(attached.ledger, "PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = bytearray(attached.ledger.read_bytes())
    for _ in range(count):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    attached.ledger.write_bytes(damaged)
    for verb in ["STATUS", "CHECK", "repeated ADD", "ADD", "GC", "DEL"]:
        answer = attached.call(verb, timeout=2)
        assert answer.exit_code == 0 or answer.document["code"] not in {103, 999}, answer.words


@contextlib.contextmanager
def _lock(ledger: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


# Waiting for a lock is bounded by the time that the verb has.
_HASTY = {"timeout": 0.2 if current().is_in_process else 2.0}
# The same, with room for the calls before it.
_SHORT_S = 4 * current().slowness


@pytest.mark.parametrize("verb", _WRITERS)
def test_a_locked_ledger_is_an_error_to_try_again_and_nothing_is_changed(
    attached: Attached, verb: str
) -> None:
    if verb.endswith("loss"):
        attached.node.hcn.endpoints.delete(attached.node.endpoints()[0].id)
    before, rows = attached.node.simulator.dump(), attached.node.rows()
    with _lock(attached.ledger):
        answer = attached.call(verb, **_HASTY)
    assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
    assert "in use by other processes" in answer.words
    assert (attached.node.simulator.dump(), attached.node.rows()) == (before, rows)


@pytest.mark.parametrize("verb", _READERS)
def test_who_only_reads_does_not_wait_for_a_lock(attached: Attached, verb: str) -> None:
    with _lock(attached.ledger):
        answer = attached.call(verb, **_HASTY)
    assert answer.exit_code == 0, answer.words


def test_an_add_that_cannot_write_its_end_takes_its_endpoint_back(attached: Attached) -> None:
    """The row cannot be written either: it stays, and tells the next verb what is to be repaired."""
    simulator = attached.node.simulator
    fault = simulator.inject(function="HcnQueryEndpointProperties", held="after")
    adding = attached.node.start("ADD", l2bridge(timeout=_SHORT_S), *attached.newcomer)
    while not simulator.fired(fault) and adding.poll() is None:
        time.sleep(0.01)
    with _lock(attached.ledger):
        simulator.clear_faults()
        answer = finished(adding)
    assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
    assert [view.name for view in attached.node.endpoints()] == [f"{attached.pod[0]}_pods"]
    assert sorted(row.phase for row in attached.node.rows()) == ["adding", "ready"]
    # As if the process that owns the row had ended.
    _execute(attached.ledger, "UPDATE attachments SET deadline_at = 0")
    assert attached.node.call("DEL", l2bridge(), *attached.newcomer).exit_code == 0
    assert sorted(row.phase for row in attached.node.rows()) == ["ready", "tombstone"]
    assert [lease.container_id for lease in attached.node.leases()] == [attached.pod[0]]


_ONE_FOLDER = pytest.mark.in_process("of the wrong folders two run elsewhere, with each verb")


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("state", id="relative"),
        pytest.param("./state", id="here", marks=_ONE_FOLDER),
        pytest.param("../state", id="above", marks=_ONE_FOLDER),
        pytest.param("", id="empty", marks=_ONE_FOLDER),
        pytest.param("C:state", id="of a drive's folder"),
        pytest.param(5, id="a number", marks=_ONE_FOLDER),
        pytest.param(["/state"], id="a list", marks=_ONE_FOLDER),
    ],
)
def test_a_data_dir_that_is_no_absolute_path_is_refused_by_every_verb(
    attached: Attached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, folder: object
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    before, ledger_before = attached.node.simulator.dump(), attached.bytes()
    answer = attached.call(verb, dataDir=folder)
    assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words
    assert "dataDir" in answer.words
    assert (attached.node.simulator.dump(), attached.bytes()) == (before, ledger_before)
    assert list(here.iterdir()) == []


def test_each_data_dir_is_a_ledger_of_its_own(attached: Attached, tmp_path: Path) -> None:
    """And the verbs that read none make none."""
    elsewhere = tmp_path / "elsewhere" / "state"
    assert attached.call("STATUS", dataDir=current().path(elsewhere)).exit_code == 0
    assert not elsewhere.exists()
    assert attached.call("ADD", dataDir=current().path(elsewhere)).exit_code == 0
    assert (elsewhere / "ledger.db").is_file()
    assert [row.key.container_id for row in attached.node.rows()] == [attached.pod[0]]
    assert (
        attached.node.call("DEL", l2bridge(dataDir=current().path(elsewhere)), *attached.newcomer).exit_code
        == 0
    )
    assert len(attached.node.endpoints()) == 1
