"""A node with pods as a runtime drives them, and its doctor."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.simulator.core.documents import SHOWN
from tests.behaviour.pod import Pod
from tests.harness import SimulatedNode

OLD_S = 900
"""Older than anything that has just begun, and younger than HNS of the node and the machine's boot."""


class Visit(NamedTuple):
    """What one call of the doctor came to."""

    exit_code: int
    findings: list[dict[str, Any]]
    repaired: list[dict[str, Any]]
    notes: str

    @property
    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.findings]

    def only(self) -> dict[str, Any]:
        (found,) = self.findings
        return found

    @property
    def outcomes(self) -> list[str]:
        return [one["outcome"] for one in self.repaired]


class Patient:
    """A simulated node; `visit()` examines it."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.simulator = node.simulator
        # What containerd of this machine loads is no matter of these tests: another plugin's there.
        folder = node.folder / "containerd"
        folder.mkdir()
        (folder / "bridge").touch()
        (folder / "10-other.conf").write_text('{"cniVersion": "1.0.0", "name": "other", "type": "bridge"}')
        self.places = ("--conf-dir", str(folder), "--bin-dir", str(folder))

    def pod(self, *, old: bool = True, runs: bool = True, **changes: Any) -> Pod:
        """A pod that was added (an hour ago), with its sandbox's container."""
        made = Pod(self.node, **changes).add()
        if runs:
            self.simulator.start_container(made.namespace, made.container)
        if old:
            self.grow_old()
        return made

    def grow_old(self, seconds: float = OLD_S) -> None:
        """All that the ledger has was so much earlier."""
        with contextlib.closing(sqlite3.connect(self.node.ledger_path)) as ledger, ledger:
            ledger.execute("UPDATE attachments SET updated_at = updated_at - ?", [seconds])

    def a_minute_passes(self) -> None:
        with contextlib.closing(sqlite3.connect(self.node.ledger_path)) as ledger, ledger:
            ledger.execute("UPDATE attachments SET look_at = look_at - 61, gone_at = gone_at - 61")

    def file(self, network: str, address: str, container: str, *, old: bool = True) -> Path:
        """A reservation of host-local's in its default folder."""
        file = self.node.host_local_folder / network / address
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{container}\r\neth0")
        if old:
            self.age(file)
        return file

    def age(self, file: Path) -> None:
        """It was written so much earlier."""
        written_s = time.time() - OLD_S
        os.utime(file, (written_s, written_s))

    def shows(self, kind: str, guid: str, **members: Any) -> None:
        """HNS answers about this object with these members, whatever it has: as one that has lost its way."""
        (seen,) = [one for one in self.simulator.dump()[kind] if one["ID"] == guid]
        with self.simulator.store.transaction() as state:
            ((text,),) = state.rows(f"SELECT document FROM {kind} WHERE id = ?", guid)  # noqa: S608 - ours
            kept = json.dumps({**json.loads(text), SHOWN: {**seen, **members}})
            state.run(f"UPDATE {kind} SET document = ? WHERE id = ?", kept, guid)  # noqa: S608 - ours

    def loses_system(self, container: str) -> None:
        """HCS forgets the container, and HNS does not hear of it."""
        with self.simulator.store.transaction() as state:
            assert state.run("DELETE FROM systems WHERE name = ?", container) == 1

    def visit(self, *options: str) -> Visit:
        done = self.node.command("doctor", "--json", *self.places, *options)
        said = json.loads(done.stdout)
        findings = said["findings"] if isinstance(said, dict) else said
        repaired = said["repaired"] if isinstance(said, dict) else []
        return Visit(done.exit_code, findings, repaired, done.stderr)

    def repaired(self) -> Visit:
        """After `--repair`: a dry run says as much and changes nothing."""
        dry = self.visit("--repair", "--dry-run")
        assert self.visit().findings == dry.findings != []
        done = self.visit("--repair")
        assert len(dry.repaired) == len(done.repaired)
        assert all(one.startswith("left") or "would be" in one for one in dry.outcomes)
        return done


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    """A node with nothing wrong, and with nothing left open afterwards."""
    node = SimulatedNode(tmp_path / "node")
    yield Patient(node)
    node.close()
