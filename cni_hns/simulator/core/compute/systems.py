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
    "SAVED_AS_TEMPLATE",
    "STOPPED",
    "UNKNOWN",
    "VIRTUAL_MACHINE",
    "System",
    "add",
    "change",
    "hosted",
    "insertion",
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
SAVED_AS_TEMPLATE = "SavedAsTemplate"
# Of one that leaked: it has ended, and the service holds on to it.
UNKNOWN = "Unknown"

_COLUMNS = (
    "run, name, owner, type, hosted_by, joined, state, closes, made_at, started_at, peak_bytes, exit, "
    "document, resources, networking"
)


class System(NamedTuple):
    """One run of a compute system.

    `networking` names the network that it asks for; `joined`: it has it, and HNS knows it as a container.
    `closes`: it ends with its last handle. `peak_bytes`: its most memory before some was taken away.
    """

    run: str
    id: str
    owner: str
    type: str
    hosted_by: str
    joined: bool
    state: str
    closes: bool
    made_at: float
    started_at: float
    peak_bytes: int
    exit: Document | None
    document: Document
    resources: Document
    networking: Document

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

    @property
    def has_ended(self) -> bool:
        """Whether only its end can be asked for; a leaked one has ended too."""
        return self.state in (STOPPED, UNKNOWN)


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
    if found.has_ended:
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
    sql, values = insertion(system)
    state.run(sql, *values)


def insertion(system: System) -> tuple[str, tuple[Any, ...]]:
    """The statement that keeps a new one, and its values."""
    documents = (system.document, system.resources, system.networking)
    values = (*system[:11], None, *(json.dumps(one) for one in documents))
    return f"INSERT INTO systems ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values  # noqa: S608


def change(state: State, system: System, /, **columns: Any) -> None:
    """Change what it is."""
    assignments = ", ".join(f"{column} = ?" for column in columns)
    state.run(f"UPDATE systems SET {assignments} WHERE run = ?", *columns.values(), system.run)  # noqa: S608


def keep_resources(state: State, system: System, resources: Document) -> None:
    """What it may use now."""
    change(state, system, resources=json.dumps(resources))


def remove(state: State, run: str) -> None:
    """Forget it, with its processes and pauses."""
    for table in ("processes", "pauses", "systems"):
        state.run(f"DELETE FROM {table} WHERE run = ?", run)  # noqa: S608 - our own names


def _where(state: State, condition: str, *values: Any) -> list[System]:
    sql = f"SELECT {_COLUMNS} FROM systems WHERE {condition} ORDER BY rowid"  # noqa: S608 - our own names
    return [_system(row) for row in state.rows(sql, *values)]


def _system(row: tuple[Any, ...]) -> System:
    *columns, ended, document, resources, networking = row
    documents = (json.loads(one) for one in (document, resources, networking))
    read = System(*columns, None, *documents)  # type: ignore[call-arg]
    return read._replace(
        joined=bool(read.joined),
        closes=bool(read.closes),
        exit=None if ended is None else json.loads(ended),
    )
