"""Damage of single values: whatever a column holds, reading it ends in an answer or a fault that names it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, LedgerFault, open_ledger
from cni_hns.ledger.addresses import address_key
from cni_hns.ledger.columns import KINDS
from cni_hns.ledger.errors import DamagedRow
from tests.unit.ledger.shorthand import ENDPOINT, KEY, NAMESPACE, add, lease, ready

FIRST = address_key("10.0.0.2")


@contextlib.contextmanager
def by_hand(path: str) -> Iterator[sqlite3.Connection]:
    """Another program's connection, which no type and no constraint holds back."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        yield connection


def put(path: str, table: str, column: str, value: str) -> None:
    with by_hand(path) as connection:
        connection.execute(f"UPDATE {table} SET {column} = {value}")  # noqa: S608 - a test's own words


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """One row of each table."""
    ready(ledger)
    ledger.record(KEY, "first", endpoint_id=ENDPOINT, hcn_network_id=NAMESPACE, request={"ID": ENDPOINT})
    ledger.hold(lease(FIRST, gateway="10.0.0.1"))
    ledger.hold(lease(FIRST + 8))
    ledger.free("net", FIRST + 8)
    ledger.keep_cursor("net", "set", FIRST)
    ledger.keep_plan("digest", "1.0", {"a": 1})
    ledger.remember_network("pods", NAMESPACE, {"Type": "L2Bridge"})
    ledger.keep_fact("fact", [1])
    return ledger


UNDECODABLE = "CAST(x'ff41' AS TEXT)"
READERS: dict[str, Callable[[Ledger], object]] = {
    "attachments": lambda ledger: (ledger.attachments(), ledger.attachment(KEY)),
    "leases": lambda ledger: (ledger.leases(all=True), ledger.leases_of(KEY)),
}


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *[
            ("attachments", name, UNDECODABLE)
            for name in ("endpoint_id", "namespace_id", "request", "result")
        ],
        *[("attachments", name, UNDECODABLE) for name in ("fingerprint", "owner_boot_id", "token")],
        *[("leases", name, UNDECODABLE) for name in ("text", "gateway", "range_set")],
        *[("attachments", name, "'no GUID'") for name in ("endpoint_id", "hcn_network_id", "namespace_id")],
        *[("attachments", name, "'{'") for name in ("request", "result", "fingerprint")],
        *[("attachments", name, "'[]'") for name in ("request", "result", "fingerprint")],
        ("attachments", "endpoint_id", f"'{NAMESPACE}'"),
        ("attachments", "request", "'" + "[" * 100_000 + "'"),
        ("attachments", "request", "'{\"Routes\": [{}]}'"),
        ("attachments", "request", "'{\"Dns\": 5}'"),
        ("attachments", "result", "'{\"ips\": 5}'"),
        ("attachments", "phase", "'reedy'"),
        ("attachments", "owner_pid", "-1"),
        ("attachments", "pod_name", "'a b'"),
        ("attachments", "pod_uid", "''"),
        ("attachments", "owner_pid", "9223372036854775807"),
        ("leases", "text", "'10.0.0.x'"),
        ("leases", "text", "'10.0.0.3'"),
        ("leases", "gateway", "'10.0.0'"),
        ("leases", "prefix", "129"),
        ("leases", "state", "'lent'"),
        ("leases", "origin", "'found'"),
        ("leases", "address", "x'00'"),
    ],
)
def test_a_value_that_cannot_be_is_a_fault_that_names_its_place(
    filled: Ledger, path: str, table: str, column: str, value: str
) -> None:
    put(path, table, column, value)
    with pytest.raises(LedgerFault, match=r"is damaged.*cni-hns ledger rebuild") as caught:
        READERS[table](filled)
    if isinstance(caught.value, DamagedRow):
        assert f"table {table}, row net/" in str(caught.value)
        assert f"column {column} " in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_row_whose_key_is_another_does_not_have_its_endpoint(filled: Ledger, path: str) -> None:
    put(path, "attachments", "container_id", "'another'")
    with pytest.raises(DamagedRow, match="row net/another/eth0, the column endpoint_id"):
        filled.attachments()


def test_a_fault_does_not_repeat_the_value(filled: Ledger, path: str) -> None:
    put(path, "attachments", "request", "CAST(x'ff' || 'hunter2' AS TEXT)")
    with pytest.raises(DamagedRow) as caught:
        filled.attachment(KEY)
    assert "hunter2" not in str(caught.value)


def test_a_file_with_a_fault_is_closed_like_any_other(filled: Ledger, path: str) -> None:
    """The last to close it folds the log into it: nobody reads any more, though the fault is remembered."""
    put(path, "leases", "range_set", UNDECODABLE)
    with pytest.raises(DamagedRow) as caught:
        filled.leases()
    filled.close()
    assert not Path(f"{path}-wal").exists()
    assert caught.value.path == path


def test_texts_are_read_as_before_after_a_fault(filled: Ledger, path: str) -> None:
    put(path, "leases", "range_set", UNDECODABLE)
    with pytest.raises(DamagedRow):
        filled.leases()
    assert filled.attachment(KEY) is not None


@pytest.mark.parametrize(
    ("table", "column", "look"),
    [
        pytest.param("runs", "last", lambda ledger: ledger.first_unused("net", FIRST, FIRST + 1), id="runs"),
        pytest.param(
            "released", "address", lambda ledger: ledger.longest_released("net", "set", 1), id="line"
        ),
        pytest.param("cursors", "address", lambda ledger: ledger.cursor("net", "set"), id="cursors"),
    ],
)
def test_a_number_that_is_no_address_is_a_fault(
    filled: Ledger, path: str, table: str, column: str, look: Callable[[Ledger], object]
) -> None:
    put(path, table, column, "x'ffff'")
    with pytest.raises(DamagedRow, match=f"table {table}"):
        look(filled)


@pytest.mark.parametrize(
    "value", [UNDECODABLE, "'{'", "'5'", "'00000000 {}'", "''", "'" + "[" * 100_000 + "'"]
)
@pytest.mark.parametrize(
    ("table", "column", "look"),
    [
        pytest.param("plans", "document", lambda ledger: ledger.plan("digest", "1.0"), id="plan"),
        pytest.param("networks", "document", lambda ledger: ledger.network("pods"), id="network"),
        pytest.param("networks", "hcn_id", lambda ledger: ledger.network("pods"), id="network's ID"),
        pytest.param("facts", "value", lambda ledger: ledger.fact("fact"), id="fact"),
    ],
)
def test_what_can_be_learnt_again_is_forgotten(
    filled: Ledger, path: str, table: str, column: str, look: Callable[[Ledger], object], value: str
) -> None:
    assert look(filled) is not None
    put(path, table, column, value)
    assert look(filled) is None
    filled.keep_plan("digest", "1.0", {"a": 1})
    filled.remember_network("pods", NAMESPACE, {"Type": "L2Bridge"})
    filled.keep_fact("fact", [1])
    assert look(filled) is not None


def test_a_plan_with_one_other_digit_is_forgotten(filled: Ledger, path: str) -> None:
    put(path, "plans", "document", "replace(document, '1}', '2}')")
    assert filled.plan("digest", "1.0") is None


def test_a_transaction_that_cannot_even_be_taken_back_says_what_went_wrong_first(path: str) -> None:
    ledger = open_ledger(path, Deadline(20))

    def fail() -> None:
        with ledger.transaction():
            add(ledger)
            ledger.connection.close()
            raise LedgerFault(path, "first")

    with pytest.raises(LedgerFault, match="first"):
        fail()


def test_every_column_has_its_kind(ledger: Ledger) -> None:
    """A new column is looked at too: `ledger.columns` says what it may hold."""
    columns = ledger.connection.execute(
        "SELECT DISTINCT c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c "
        "WHERE t.type = 'table'"
    )
    assert {name for (name,) in columns} - KINDS.keys() == set()
