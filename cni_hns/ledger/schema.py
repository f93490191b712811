"""The tables of the ledger, and how an older file becomes a current one.

Rule 1: what must hold across processes is a constraint here: an address has one row per network.
Rule 2: a migration and the version that records it share one transaction.
Rule 3: a migration that was ever released is never edited; the next one is appended.
"""

from __future__ import annotations

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MIGRATIONS", "VERSION", "migrate"]

# Addresses are 16-byte keys that sort as the addresses do; IPv4 lies at ::ffff:0:0/96, apart from all IPv6.
# `runs` are the maximal runs of consecutive addresses that stand in `leases` or `released`: the first address
# that nobody has, at or after any other, is one look-up in it however many leases there are.
_FIRST = """
CREATE TABLE attachments (
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('adding', 'ready', 'deleting', 'tombstone')),
    endpoint_id TEXT,
    hcn_network_id TEXT,
    namespace_id TEXT,
    fingerprint TEXT,
    request TEXT,
    result TEXT,
    owner_pid INTEGER NOT NULL,
    owner_started TEXT NOT NULL,
    owner_boot_id TEXT NOT NULL,
    token TEXT NOT NULL,
    deadline_at REAL NOT NULL,
    until REAL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (network, container_id, ifname),
    CHECK ((phase = 'tombstone') = (until IS NOT NULL))
) STRICT;
CREATE INDEX attachments_unfinished ON attachments (updated_at, network) WHERE phase <> 'ready';

CREATE TABLE leases (
    network TEXT NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 16),
    text TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    range_set TEXT NOT NULL,
    prefix INTEGER NOT NULL,
    gateway TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('allocated', 'adopted', 'hns')),
    state TEXT NOT NULL CHECK (state IN ('held', 'quarantined', 'entombed')),
    until REAL,
    host_local_file TEXT,
    PRIMARY KEY (network, address),
    CHECK ((state = 'held') = (until IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_by_owner ON leases (network, container_id, ifname);
CREATE INDEX leases_ending ON leases (network, until) WHERE until IS NOT NULL;

CREATE TABLE released (
    sequence INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 16),
    range_set TEXT NOT NULL,
    UNIQUE (network, address)
) STRICT;
CREATE INDEX released_in_order ON released (network, range_set, sequence);

CREATE TABLE runs (
    network TEXT NOT NULL,
    first BLOB NOT NULL CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    PRIMARY KEY (network, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursors (
    network TEXT NOT NULL,
    range_set TEXT NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 16),
    PRIMARY KEY (network, range_set)
) STRICT, WITHOUT ROWID;

CREATE TABLE plans (
    digest TEXT NOT NULL,
    program TEXT NOT NULL,
    document TEXT NOT NULL,
    kept_at REAL NOT NULL,
    PRIMARY KEY (digest, program)
) STRICT;

CREATE TABLE networks (
    name TEXT NOT NULL PRIMARY KEY,
    hcn_id TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""

# Times are of the ledger's own clock from here on; those of an older file were the wall's. A verb that is
# at work is given all the time that it needs, and what was set aside for some minutes is free. The new
# columns are described where rows are handed out (rows.py). An address may be reserved for somebody who is
# no pod. An adopted lease has a file of host-local's: which one follows from its network and address, and a
# path that is kept could be anybody's. The facts named the folders that were read; all are read again.
_OWN_CLOCK = """
ALTER TABLE attachments ADD COLUMN look_at REAL NOT NULL DEFAULT 0;
ALTER TABLE attachments ADD COLUMN gone_at REAL;
ALTER TABLE attachments ADD COLUMN plugin TEXT;
ALTER TABLE attachments ADD COLUMN delete_begun INTEGER NOT NULL DEFAULT 0 CHECK (delete_begun IN (0, 1));
CREATE INDEX attachments_to_look_at ON attachments (network, look_at) WHERE phase = 'ready';
UPDATE attachments SET updated_at = 0, until = CASE WHEN until IS NULL THEN NULL ELSE 0 END,
    deadline_at = CASE WHEN phase IN ('adding', 'deleting') AND deadline_at > 0 THEN 9e18 ELSE 0 END;
UPDATE plans SET kept_at = 0;
ALTER TABLE leases RENAME TO older_leases;
DROP INDEX leases_by_owner;
DROP INDEX leases_ending;
CREATE TABLE leases (
    network TEXT NOT NULL,
    address BLOB NOT NULL CHECK (length(address) = 16),
    text TEXT NOT NULL,
    container_id TEXT NOT NULL,
    ifname TEXT NOT NULL,
    range_set TEXT NOT NULL,
    prefix INTEGER NOT NULL,
    gateway TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('allocated', 'adopted', 'hns', 'reserved')),
    state TEXT NOT NULL CHECK (state IN ('held', 'quarantined', 'entombed')),
    until REAL,
    PRIMARY KEY (network, address),
    CHECK ((state = 'held') = (until IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO leases SELECT network, address, text, container_id, ifname, range_set, prefix, gateway,
    CASE WHEN host_local_file IS NULL THEN origin ELSE 'adopted' END,
    state, CASE WHEN until IS NULL THEN NULL ELSE 0 END FROM older_leases;
DROP TABLE older_leases;
DELETE FROM facts WHERE name LIKE 'host-local %';
CREATE INDEX leases_by_owner ON leases (network, container_id, ifname);
CREATE INDEX leases_ending ON leases (network, until) WHERE until IS NOT NULL;
"""

# What is NULL here was attached through HCN, to a namespace: so was everything before. `none`: the
# container's own endpoint through HNS V1; `container:<id>`: that container's endpoint, shared.
_V1 = """
ALTER TABLE attachments ADD COLUMN v1_netns TEXT
    CHECK (v1_netns IS NULL OR v1_netns = 'none' OR v1_netns LIKE 'container:_%');
"""

# The names that Kubernetes has for the pod, as the runtime told them in CNI_ARGS; NULL where it told none.
_PODS = """
ALTER TABLE attachments ADD COLUMN pod_namespace TEXT;
ALTER TABLE attachments ADD COLUMN pod_name TEXT;
ALTER TABLE attachments ADD COLUMN pod_uid TEXT;
ALTER TABLE attachments ADD COLUMN pod_infra_container_id TEXT;
"""

# Blocks of cluster-wide pools. An address has one block, whatever its pool and network. A node has few: they
# have no index, with which the schema would not fit into the one page that every verb reads first.
_BLOCKS = """
CREATE TABLE blocks (
    network TEXT NOT NULL,
    pool TEXT NOT NULL,
    first BLOB PRIMARY KEY CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    block_state TEXT NOT NULL CHECK (block_state IN ('held', 'draining', 'lost'))
) STRICT, WITHOUT ROWID;
"""

# (program version that brought it, statements): the n-th migration leads to schema version n.
MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("0.1.0", _FIRST),
    ("0.1.0", _OWN_CLOCK),
    ("0.1.0", _V1),
    ("0.1.0", _PODS),
    ("0.1.0", _BLOCKS),
)

VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, migrations: tuple[tuple[str, str], ...] = MIGRATIONS) -> None:
    """Bring the open file to the newest version; harmless where another process did so meanwhile.

    The caller has an open write transaction: a killed migration leaves the file as it was.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for _, statements in migrations[version:]:
        for statement in statements.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(migrations)}")
