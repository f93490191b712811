"""A ledger as plain values, and back: nothing that another command tells is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, open_ledger
from cni_hns.ledger.records import load, records_of
from tests.harness import SimulatedNode, container_id, l2bridge


@pytest.fixture
def filled(node: SimulatedNode) -> Ledger:
    """Two pods, one of them deleted: leases, a released address, a cursor."""
    config = l2bridge()
    pods = [(container_id(), node.namespace()) for _ in range(2)]
    for sandbox, namespace in pods:
        assert node.call("ADD", config, sandbox, namespace).exit_code == 0
    assert node.call("DEL", config, *pods[0]).exit_code == 0
    return open_ledger(node.ledger_path, Deadline(20))


def loaded(records: Any, tmp_path: Path, boot_id: str = "here") -> Ledger:
    """As it arrives elsewhere: through JSON."""
    path = str(tmp_path / "other" / "ledger.db")
    ledger = open_ledger(path, Deadline(20), boot_id=lambda: boot_id)
    load(ledger, json.loads(json.dumps(records)), boot_id)
    ledger.close()
    return open_ledger(path, Deadline(20), boot_id=lambda: boot_id)


def test_rows_leases_and_what_is_next_are_the_same(filled: Ledger, tmp_path: Path) -> None:
    other = loaded(records_of(filled), tmp_path)
    other.verify()
    assert other.leases(all=True) == filled.leases(all=True)
    ((here,), (there,)) = other.attachments(), filled.attachments()
    assert here._replace(owner=there.owner, updated_at=0, look_at=0, deadline_at=0, result=None) == (
        there._replace(updated_at=0, look_at=0, deadline_at=0, result=None)
    )
    assert json.loads(here.result or "") == json.loads(there.result or "")
    for ledger in (other, filled):
        assert records_of(ledger)["tables"]["cursors"] == records_of(filled)["tables"]["cursors"]
        ledger.close()


def test_moments_are_those_of_the_wall(filled: Ledger, tmp_path: Path) -> None:
    records = records_of(filled)
    other = loaded(records, tmp_path)
    ((here,), (there,)) = other.attachments(), filled.attachments()
    assert other.wall(here.updated_at) == pytest.approx(filled.wall(there.updated_at), abs=0.5)
    filled.close()
    other.close()


def test_a_moment_before_that_boot_is_before_this_one(filled: Ledger, tmp_path: Path) -> None:
    records = records_of(filled)
    (row,) = records["tables"]["attachments"]
    row["updated_at"] = 5.0
    other = loaded(records, tmp_path)
    assert other.attachments()[0].updated_at // 1e9 < other.now() // 1e9
    filled.close()
    other.close()


def test_a_moment_long_before_this_machine_was_started_has_its_time(filled: Ledger, tmp_path: Path) -> None:
    """The other machine had been up for a year."""
    records = records_of(filled)
    records["now"] += 3e7
    other = loaded(records, tmp_path)
    (row,) = other.attachments()
    assert other.wall(row.updated_at) == pytest.approx(time.time() - 3e7, abs=60)
    assert row.updated_at // 1e9 == other.now() // 1e9
    filled.close()
    other.close()


def test_no_owner_lives_here(filled: Ledger, tmp_path: Path) -> None:
    other = loaded(records_of(filled), tmp_path)
    assert other.attachments()[0].owner.boot_id != "here"
    filled.close()
    other.close()


def test_no_plan_is_in_the_records(filled: Ledger) -> None:
    assert "plans" not in records_of(filled)["tables"]
    filled.close()


def test_rows_of_an_older_and_of_a_newer_program_are_taken(filled: Ledger, tmp_path: Path) -> None:
    records = records_of(filled)
    (row,) = records["tables"]["attachments"]
    del row["v1_netns"]
    row["newer"] = 1
    records["tables"]["newer"] = [{"a": 1}]
    other = loaded(records, tmp_path)
    assert [one.key for one in other.attachments()] == [one.key for one in filled.attachments()]
    filled.close()
    other.close()


@pytest.mark.parametrize(
    "harm",
    [
        lambda records: records["tables"].update(leases=[{}]),
        lambda records: records["tables"].update(leases=[{"network": []}]),
        lambda records: records["tables"]["leases"][0].update(address="zz"),
        lambda records: records["tables"]["leases"][0].update(address="00"),
        lambda records: records["tables"]["leases"][0].update(prefix="x"),
        lambda records: records["tables"]["attachments"][0].update(phase="DROP TABLE leases"),
        lambda records: records["tables"]["attachments"][0].update(updated_at="x"),
        lambda records: records["tables"]["leases"].append(records["tables"]["leases"][0]),
    ],
)
def test_what_is_no_record_is_refused_and_leaves_nothing(filled: Ledger, tmp_path: Path, harm: Any) -> None:
    from cni_hns.ledger import LedgerFault

    records = records_of(filled)
    filled.close()
    harm(records)
    ledger = open_ledger(str(tmp_path / "other" / "ledger.db"), Deadline(20), boot_id=lambda: "here")
    with pytest.raises((ValueError, LedgerFault)):
        load(ledger, records, "here")
    assert ledger.attachments() == []
    assert ledger.leases(all=True) == []
    ledger.close()
