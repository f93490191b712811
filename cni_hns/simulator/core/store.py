"""The node's memory: one SQLite file in the folder, shared by every process that uses the simulated service.

Rule 1: one call of the service is one transaction (`BEGIN IMMEDIATE`), so a killed caller leaves whole
objects, and calls come one after another as inside HNS.
Rule 2: what a call looks up has an index, so that no call grows with the number of endpoints on the node.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

from cni_hns.simulator.core.options import Options
from cni_hns.simulator.core.versions import Version

__all__ = ["Rows", "State", "Store"]

Rows = list[tuple[Any, ...]]

# A process waits for the calls of all the others: 64 of them, each some milliseconds, on a busy machine.
_BUSY_TIMEOUT_S = 300.0
_FOLDER_MODE = 0o755

# Counts up with every change of the tables: a folder is used by one version of this module.
_SHAPE = 6

_SCHEMA = f"""
PRAGMA user_version = {_SHAPE};
CREATE TABLE node(
    one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER, boot INTEGER, seq INTEGER, next_compartment
    INTEGER, options TEXT); CREATE TABLE networks( id TEXT PRIMARY KEY, name TEXT, type TEXT, adapter TEXT,
    flags INTEGER, made_at INTEGER, endpoints_now INTEGER, endpoints_ever INTEGER, endpoints_peak INTEGER,
    document TEXT); CREATE INDEX networks_by_name ON networks(name); CREATE INDEX networks_by_adapter ON
    networks(adapter); CREATE TABLE endpoints( id TEXT PRIMARY KEY, name TEXT, network TEXT, namespace TEXT,
    joined INTEGER, mac TEXT, remote INTEGER, state INTEGER, containers TEXT, document TEXT); CREATE INDEX
    endpoints_by_name ON endpoints(name); CREATE INDEX endpoints_by_network ON endpoints(network); CREATE
    INDEX endpoints_by_namespace ON endpoints(namespace, joined); CREATE INDEX endpoints_by_mac ON
    endpoints(mac, network); CREATE TABLE addresses(network TEXT, packed BLOB, remote INTEGER, endpoint
    TEXT, free_at INTEGER); CREATE INDEX addresses_by_value ON addresses(network, packed); CREATE INDEX
    addresses_by_endpoint ON addresses(endpoint); CREATE TABLE ports(protocol INTEGER, port INTEGER, family
    INTEGER, vip TEXT, endpoint TEXT); CREATE INDEX ports_by_value ON ports(protocol, port); CREATE INDEX
    ports_by_endpoint ON ports(endpoint); CREATE TABLE namespaces( id TEXT PRIMARY KEY, type TEXT, built_in
    INTEGER, compartment INTEGER, state INTEGER, document TEXT); CREATE TABLE containers(namespace TEXT,
    container TEXT, stuck INTEGER); CREATE INDEX containers_by_namespace ON containers(namespace); CREATE
    INDEX containers_by_name ON containers(container); CREATE TABLE loadbalancers(id TEXT PRIMARY KEY,
    reloaded INTEGER, delete_tries INTEGER, document TEXT); CREATE TABLE backends(loadbalancer TEXT,
    endpoint TEXT); CREATE INDEX backends_by_endpoint ON backends(endpoint); CREATE INDEX
    backends_by_loadbalancer ON backends(loadbalancer); CREATE TABLE frontends(loadbalancer TEXT, vip TEXT,
    protocol INTEGER, port INTEGER); CREATE INDEX frontends_by_value ON frontends(protocol, port); CREATE
    INDEX frontends_by_loadbalancer ON frontends(loadbalancer); CREATE TABLE routes(id TEXT PRIMARY KEY,
    document TEXT); CREATE TABLE calls(seq INTEGER PRIMARY KEY, pid INTEGER, function TEXT, object TEXT,
    hresult INTEGER, document TEXT); CREATE TABLE closings(id INTEGER PRIMARY KEY, pid INTEGER, function
    TEXT, object TEXT, hresult INTEGER); CREATE TABLE faults(id INTEGER PRIMARY KEY, document TEXT, matched
    INTEGER, fired INTEGER); CREATE TABLE late(id INTEGER PRIMARY KEY, due INTEGER, function TEXT,
    arguments TEXT); CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, code INTEGER, object TEXT);
CREATE TABLE leaks(id
    INTEGER PRIMARY KEY, pid INTEGER, kind TEXT, text TEXT); CREATE TABLE ghosts(name TEXT PRIMARY KEY);
CREATE TABLE accelnet(mac TEXT);
CREATE TABLE systems(
    run TEXT PRIMARY KEY, name TEXT, owner TEXT, type TEXT, hosted_by TEXT, joined INTEGER, state TEXT,
    closes INTEGER, made_at REAL, started_at REAL, peak_bytes INTEGER, exit TEXT, document TEXT,
    resources TEXT, networking TEXT);
CREATE INDEX systems_by_name ON systems(name);
CREATE TABLE processes(
    key TEXT PRIMARY KEY, run TEXT, pid INTEGER, image TEXT, made_at REAL, exited INTEGER, exit_code INTEGER);
CREATE INDEX processes_by_run ON processes(run);
CREATE TABLE pauses(run TEXT, began REAL, ended REAL);
CREATE INDEX pauses_by_run ON pauses(run);
CREATE TABLE holders(
    run TEXT, pid INTEGER, start TEXT, handles INTEGER, PRIMARY KEY (run, pid, start));
CREATE TABLE compute_events(
    id INTEGER PRIMARY KEY AUTOINCREMENT, code INTEGER, object TEXT, document TEXT);
CREATE TABLE compute(
    one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER, next_pid INTEGER, clock_ahead_s REAL);
CREATE INDEX endpoints_attached ON endpoints(state) WHERE state = 2;
CREATE TABLE forwards(
    prefix TEXT, next_hop TEXT, interface INTEGER, metric INTEGER, protocol INTEGER);
CREATE TABLE forwarding(interface INTEGER, version INTEGER, PRIMARY KEY (interface, version));
CREATE TABLE slots(one INTEGER PRIMARY KEY
    CHECK (one = 1), busy_until REAL);
"""


class State:
    """The node inside one transaction: what every rule reads and writes."""

    __slots__ = ("boot", "db", "generation", "options", "seq", "version")

    def __init__(self, db: sqlite3.Connection, node: tuple[int, int, int], options: Options) -> None:
        self.db = db
        self.generation, self.boot, self.seq = node
        self.options = options
        self.version: Version = options.version

    def rows(self, sql: str, *values: Any) -> Rows:
        """All rows of a query."""
        return self.db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        row: tuple[Any, ...] | None = self.db.execute(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: Any) -> int:
        """Change rows; how many were changed."""
        return self.db.execute(sql, values).rowcount


class Store:
    """The file and this process's connection to it."""

    def __init__(self, folder: str, options: dict[str, Any], first_use: Any) -> None:
        """Open the node in the folder, or make it; `first_use(state)` fills a new one.

        Raises:
            ValueError: the folder's node was made by another version of the simulator.
        """
        # The ledger lies in it, and is not believed where others could put another folder in its place.
        os.makedirs(folder, _FOLDER_MODE, exist_ok=True)
        self.path = os.path.join(folder, "hns.db")
        if not os.path.exists(self.path):
            _make(self.path, options, first_use)
        self._db = _connect(self.path)
        ((shape,),) = self._db.execute("PRAGMA user_version").fetchall()
        if shape != _SHAPE:
            self._db.close()
            raise ValueError(
                f"{folder} holds the node of another version of the simulator: take another folder"
            )
        # The connection is this process's only one; a step of one thread waits for that of another.
        self._lock = threading.RLock()
        self._options_text = ""
        self._options = Options({})

    def close(self) -> None:
        """Give up the connection."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def transaction(self, counts: bool = False) -> Iterator[State]:
        """One whole step of the service; `counts` gives it the next number in the sequence of calls."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._state(1 if counts else 0)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> Rows:
        """What is there now, read without waiting for anybody's step."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def options(self) -> Options:
        """The options as they are now."""
        ((text,),) = self.rows("SELECT options FROM node")
        return Options(json.loads(text))

    def _state(self, step: int) -> State:
        generation, boot, seq, options = self._db.execute(
            "UPDATE node SET seq = seq + ? RETURNING generation, boot, seq, options", (step,)
        ).fetchone()
        if options != self._options_text:
            self._options_text, self._options = options, Options(json.loads(options))
        return State(self._db, (generation, boot, seq), self._options)


def _connect(path: str) -> sqlite3.Connection:
    # Calls may come from several threads of a process; the façade lets one in at a time.
    db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    # Not waiting for the disk loses nothing when a process is killed, only when the machine loses its power;
    # a simulated node need not outlive that. https://www.sqlite.org/pragma.html#pragma_synchronous
    db.execute("PRAGMA synchronous = OFF")
    return db


def _make(path: str, options: dict[str, Any], first_use: Any) -> None:
    """Fill a file beside the real one, then put it in place: one process wins, all see it whole."""
    draft = f"{path}.{os.urandom(8).hex()}"
    db = _connect(draft)
    try:
        # Readers and the one writer do not wait for each other, and a commit is one append.
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(_SCHEMA)
        db.execute("BEGIN")
        db.execute("INSERT INTO node VALUES (1, 1, 1, 0, 2, ?)", (json.dumps(options),))
        db.execute("INSERT INTO slots VALUES (1, 0)")
        db.execute("INSERT INTO compute VALUES (1, 1, 1000, 0)")
        first_use(State(db, (1, 1, 0), Options(options)))
        db.execute("COMMIT")
    finally:
        db.close()
    _put_in_place(draft, path)


def _put_in_place(draft: str, path: str) -> None:
    if os.name == "nt":
        with contextlib.suppress(FileExistsError):
            os.rename(draft, path)  # refuses to replace on Windows
    else:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # refuses to replace, unlike rename
    with contextlib.suppress(FileNotFoundError):
        os.unlink(draft)
