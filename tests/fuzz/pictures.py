"""What is on a node: HNS's objects, the ledger's rows, host-local's files; taken before a call and after it.

The ledger is read as raw SQLite and not by the program's own code, which may not be able to.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from tests.harness import SimulatedNode

__all__ = ["Picture", "taken"]

# Who works on a row, when it was touched and when its pod was seen is no part of what an attachment is.
_PASSING = {"owner_pid", "owner_started", "owner_boot_id", "token", "deadline_at", "updated_at"}
_PASSING |= {"look_at", "gone_at"}

# HNS itself adds to a network while it is set up: what was asked for is compared.
_OF_A_NETWORK = ("Name", "Type", "Ipams")

Row = dict[str, Any]


class Picture(NamedTuple):
    """One node at one moment."""

    objects: dict[str, dict[str, Any]]
    """By family and then by ID."""
    rows: list[Row] | None
    """The attachments of the ledger; None where the file cannot be read."""
    leases: list[Row] | None
    files: list[str]
    """host-local's reservations."""

    @property
    def things(self) -> dict[str, Any]:
        """What no refused call may change. What is set aside for a while is not held by anybody."""
        return {
            **self.objects,
            "networks": {
                guid: [network.get(member) for member in _OF_A_NETWORK]
                for guid, network in self.objects["networks"].items()
            },
            "attachments": _unfinished_left_out(self.rows),
            "leases": [row for row in self.leases or () if row.get("state") == b"held"],
            "reservations": self.files,
        }


def taken(node: SimulatedNode) -> Picture:
    """The node as it is now."""
    objects = {
        family: {str(one.get("ID", number)): one for number, one in enumerate(found)}
        for family, found in node.simulator.dump().items()
    }
    path = Path(node.ledger_path)
    folder = node.folder / "host-local"
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*")) if folder.is_dir() else []
    return Picture(
        objects,
        _table(path, "attachments"),
        _table(path, "leases"),
        [file for file in files if "lock" not in file],
    )


def _unfinished_left_out(rows: list[Row] | None) -> list[Row]:
    return [row for row in rows or () if row.get("phase") != b"tombstone"]


def _table(path: Path, table: str) -> list[Row] | None:
    if not path.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1)) as connection:
            connection.text_factory = bytes
            found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of two names
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found]
    except (sqlite3.Error, ValueError):  # text that is not UTF-8 too
        return None
    return [{name: value for name, value in row.items() if name not in _PASSING} for row in rows]
