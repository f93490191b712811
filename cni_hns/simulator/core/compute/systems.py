"""The compute systems of the node, as the store has them.

A system is known by its ID while it lives. A handle stands for one run of it, which has a GUID of its own:
the ID may be taken by the next one while somebody still holds the one that ended.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cni_hns.simulator.core.documents import Document, folded
from cni_hns.simulator.core.errors import HCS_ALREADY_STOPPED, HCS_SYSTEM_NOT_FOUND, Refused
from cni_hns.simulator.core.store import State

__all__ = [
    "CONTAINER",
    "CREATED",
    "PAUSED",
    "RUNNING",
    "STOPPED",
    "UNKNOWN",
    "VIRTUAL_MACHINE",
    "System",
    "add",
    "change",
    "hosted",
    "keep_resources",
    "live",
    "living",
    "load",
    "named",
    "remove",
]

CONTAINER = "Container"
VIRTUAL_MACHINE = "VirtualMachine"

CREATED, RUNNING, PAUSED, STOPPED = "Created", "Running", "Paused", "Stopped"
# Of one that leaked: it has ended, and the service holds on to it.
UNKNOWN = "Unknown"

_COLUMNS = (
    "run, name, owner, type, hosted_by, namespace, joined, state, closes, made_at, started_at, exit, "
    "document, resources"
)


class System(NamedTuple):
    """One run of a compute system.

    `namespace` is the HCN namespace that it asks for, empty for none; `joined` whether it is in it (or,
    without one, in HNS's account of containers). `closes`: it ends with its last handle.
    """

    run: str
    id: str
    owner: str
    type: str
    hosted_by: str
    namespace: str
    joined: bool
    state: str
    closes: bool
    made_at: float
    started_at: float
    exit: Document | None
    document: Document
    resources: Document

    @property
    def process_isolated(self) -> bool:
        """A container that no virtual machine hosts: neither somebody's nor one that HCS makes for it."""
        return self.type == CONTAINER and not self.hosted_by and not self.document.get("HvPartition")

    @property
    def of_schema_1(self) -> bool:
        """Only its documents have this member."""
        return "HvPartition" in self.document

    @property
    def adapters(self) -> list[str]:
        """The endpoints that its document names: of schema 1, without a namespace."""
        networking = folded(self.document.get("Container", {}), ("Networking",)).get("Networking", {})
        return [
            str(one).lower() for one in folded(networking, ("NetworkAdapters",)).get("NetworkAdapters", [])
        ]


def load(state: State, run: str) -> System:
    """The system of this run, ended or not.

    Raises:
        Refused: 0x8037010E, there is none.
    """
    found = _where(state, "run = ?", run)
    if not found:
        raise Refused(HCS_SYSTEM_NOT_FOUND)
    return found[0]


def living(state: State, run: str) -> System:
    """The system of this run, which has not ended.

    Raises:
        Refused: 0x80370110, it has; 0x8037010E, there is none.
    """
    found = load(state, run)
    if found.state in (STOPPED, UNKNOWN):
        raise Refused(HCS_ALREADY_STOPPED, f"{found.id} has ended")
    return found


def named(state: State, system: str) -> System | None:
    """The system that has this ID now; a leaked one has it too."""
    found = _where(state, "name = ? AND state != ?", system, STOPPED)
    return found[0] if found else None


def live(state: State) -> list[System]:
    """All systems that have an ID now, in the order of their making."""
    return _where(state, "state != ?", STOPPED)


def hosted(state: State, system: str) -> list[System]:
    """Those of them that this one hosts."""
    return _where(state, "state != ? AND hosted_by = ?", STOPPED, system)


def add(state: State, system: System) -> None:
    """Keep a new one."""
    values = (*system[:11], None, json.dumps(system.document), json.dumps(system.resources))
    state.run(f"INSERT INTO systems ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608


def change(state: State, system: System, /, **columns: Any) -> None:
    """Change what it is."""
    assignments = ", ".join(f"{column} = ?" for column in columns)
    state.run(f"UPDATE systems SET {assignments} WHERE run = ?", *columns.values(), system.run)  # noqa: S608


def keep_resources(state: State, system: System, resources: Document) -> None:
    """What it may use now."""
    change(state, system, resources=json.dumps(resources))


def remove(state: State, run: str) -> None:
    """Forget it, and its processes."""
    state.run("DELETE FROM processes WHERE run = ?", run)
    state.run("DELETE FROM systems WHERE run = ?", run)


def _where(state: State, condition: str, *values: Any) -> list[System]:
    sql = f"SELECT {_COLUMNS} FROM systems WHERE {condition} ORDER BY rowid"  # noqa: S608 - our own names
    return [_system(row) for row in state.rows(sql, *values)]


def _system(row: tuple[Any, ...]) -> System:
    *columns, ended, document, resources = row
    read = System(*columns, None, json.loads(document), json.loads(resources))  # type: ignore[call-arg]
    return read._replace(
        joined=bool(read.joined),
        closes=bool(read.closes),
        exit=None if ended is None else json.loads(ended),
    )
