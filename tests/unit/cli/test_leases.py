"""`cni-hns ipam list`: whose ledger it reads, and what it shows of it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.deadline import Deadline
from cni_hns.dialects.plan import RangePlan
from cni_hns.ipam.allocate import allocate, quarantine
from cni_hns.ledger import AttachmentKey, open_ledger
from tests.unit.cli.conftest import Node

RANGES = [[RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1")]]
HELD = {
    "id": "l2b/10.1.0.2",
    "network": "l2b",
    "address": "10.1.0.2",
    "containerID": "pod1",
    "ifname": "eth0",
}


def fill(folder: Path) -> None:
    """One lease that is held, and one address that was set aside."""
    ledger = open_ledger(str(folder / "ledger.db"), Deadline(30))
    with ledger.transaction():
        allocate(ledger, AttachmentKey("l2b", "pod1", "eth0"), RANGES)
        quarantine(ledger, AttachmentKey("l2b", "pod2", "eth0"), "10.1.0.9", time.time() + 3600)
    ledger.close()


@pytest.fixture
def folder(node: Node) -> Path:
    """The folder of this node's own ledger."""
    made = node.folder / "cni-hns"
    node("version")
    return made


def test_a_ledger_that_is_not_there_is_an_empty_list_and_is_not_made(node: Node, folder: Path) -> None:
    assert node.make("ipam", "list") == []
    assert node("ipam", "list").out == "no leases\n"
    assert not (folder / "ledger.db").exists()


def test_leases_held_now_are_listed(node: Node, folder: Path) -> None:
    fill(folder)
    assert node.make("ipam", "list") == [HELD]
    assert node("ipam", "list").out.split() == [
        *("ADDRESS", "NETWORK", "CONTAINER", "IFNAME"),
        *("10.1.0.2", "l2b", "pod1", "eth0"),
    ]


def test_all_adds_what_is_set_aside_and_how_long(node: Node, folder: Path) -> None:
    fill(folder)
    held, aside = node.make("ipam", "list", "--all")
    assert HELD.items() <= held.items()
    assert (held["state"], held["until"]) == ("held", None)
    assert (aside["address"], aside["state"]) == ("10.1.0.9", "quarantined")
    assert aside["until"].endswith("Z")
    assert "quarantined" in node("ipam", "list", "--all").out


def test_one_network_can_be_asked_for(node: Node, folder: Path) -> None:
    fill(folder)
    assert node.make("ipam", "list", "--network", "l2b") == [HELD]
    assert node.make("ipam", "list", "--network", "other") == []


def test_data_dir_needs_no_hns(node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cni_hns.__main__ import choose_hns
    from cni_hns.cli import main

    fill(tmp_path / "other")
    assert main(["ipam", "list", "--json", "--data-dir", str(tmp_path / "other")], choose_hns({})) == 0
    assert json.loads(capsys.readouterr().out) == [HELD]


def test_the_folder_can_come_from_a_configuration(node: Node, folder: Path, tmp_path: Path) -> None:
    fill(tmp_path / "other")
    file = tmp_path / "some.conf"
    config = {"cniVersion": "1.0.0", "name": "l2b", "type": "cni-hns", "dataDir": str(tmp_path / "other")}
    file.write_text(json.dumps(config), encoding="utf-8")
    assert node.make("ipam", "list", "--config", str(file)) == [HELD]
    file.write_text(json.dumps({**config, "dataDir": None}), encoding="utf-8")
    assert node.make("ipam", "list", "--config", str(file)) == []


def test_a_relative_folder_in_a_configuration_is_refused(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "some.conf"
    file.write_text('{"name": "n", "type": "cni-hns", "dataDir": "here"}', encoding="utf-8")
    typed = node("ipam", "list", "--config", str(file))
    assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
    assert "dataDir is not an absolute path" in typed.err


def test_a_damaged_ledger_is_an_error_and_no_empty_list(node: Node, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "ledger.db").write_text("this is no database, and long enough to be told from one" * 10)
    typed = node("ipam", "list", "--json")
    assert (typed.exit_code, typed.out, typed.err.count("\n")) == (1, "", 1)
    assert "ledger.db" in typed.err


def test_without_an_hns_a_ledger_that_is_not_there_is_an_empty_list_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert main(["ipam", "list", "--json"], choose_hns({})) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert list(tmp_path.iterdir()) == []
