"""Addresses that are not free: leases, recently released addresses, and the runs they form.

Rule 1: an address is in `leases`, in `released` or in neither, never in both; `runs` covers just the two.
Rule 2: `runs` is kept by the statements that change the others, in the same transaction.
Rule 3: a released address waits in line behind all that were never used; the line has an end (`KEPT`).
"""

from __future__ import annotations

from cni_hns.identity import KubernetesPod
from cni_hns.ledger.addresses import address_key, address_text, as_blob, from_blob
from cni_hns.ledger.clock import Clock
from cni_hns.ledger.errors import LedgerFault
from cni_hns.ledger.rows import AttachmentKey, Lease
from cni_hns.typed import Any

__all__ = ["KEPT", "Leases"]

# How many releases later an address counts as never used again. Without an end, an IPv6 range set, which
# never runs out, would keep each address it ever gave; the range of an IPv4 node is reused long before.
KEPT = 4096

# Of the leases that are held, "gone" are those of pods that were missing at the last look, and "reserved"
# those that no attachment has.
_KIND = (
    "CASE WHEN state <> 'held' THEN state WHEN phase IS NULL THEN 'reserved' "
    "WHEN gone_at IS NOT NULL THEN 'gone' ELSE 'held' END"
)
_IN_USE = (
    "FROM leases LEFT JOIN attachments USING (network, container_id, ifname) "
    "WHERE network = ? AND address BETWEEN ? AND ? AND (leases.until IS NULL OR leases.until > ?)"
)
_COLUMNS = "network, text, container_id, ifname, range_set, prefix, gateway, origin, state, until, address"
# One release pushes one address out of the line; a few more catch up where the limit was lowered.
_FORGOTTEN_AT_ONCE = 4


class Leases(Clock):
    """The tables `leases`, `released`, `runs` and `cursors`; addresses are `ledger.addresses` numbers."""

    def leases(
        self,
        network: str | None = None,
        all: bool = False,  # noqa: A002 - the word of the command that lists them
        *,
        now: float | None = None,
    ) -> list[Lease]:
        """Leases held now, of this network if one is named; with `all` those set aside too. By address."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM leases WHERE (state = 'held' OR (? AND until > ?)) "
            "AND (? IS NULL OR network = ?) ORDER BY network, address",
            (all, self.now() if now is None else now, network, network),
        )
        return [self._lease(row) for row in rows]

    def leases_of(self, key: AttachmentKey) -> list[Lease]:
        """What this attachment holds or has entombed, by address; not what is quarantined in its name.

        Reservations of host-local's first versions name no interface: they are the container's only ones.
        An operator's have none either, and are no container's.
        """
        nameless = key._replace(ifname="")
        owned = self._owned(key)
        return owned or [one for one in self._owned(nameless) if key == nameless or one.origin != "reserved"]

    def lease_at(self, network: str, address: int) -> Lease | None:
        """Who has the address, or why it is set aside; None where it has no lease."""
        query = f"SELECT {_COLUMNS} FROM leases WHERE network = ? AND address = ?"
        row = self._row(query, (network, as_blob(address)))
        return self._lease(row) if row else None

    def first_unused(self, network: str, first: int, last: int) -> int | None:
        """The lowest address of first..last that is neither leased nor recently released."""
        run = self._run_at_or_below(network, first)
        candidate = run[1] + 1 if run is not None and run[1] >= first else first
        return candidate if candidate <= last else None

    def longest_released(self, network: str, range_set: str, count: int) -> list[int]:
        """The addresses of this range set that were released first, at most `count` of them."""
        rows = self._rows(
            "SELECT address FROM released WHERE network = ? AND range_set = ? ORDER BY sequence LIMIT ?",
            (network, range_set, count),
        )
        return [from_blob(row[0]) for row in rows]

    def relabel_released(self, network: str, first: int, last: int, range_set: str) -> int:
        """Count the released addresses of first..last as released by this range set; how many changed."""
        return self._write(
            "UPDATE released SET range_set = ? "
            "WHERE network = ? AND address BETWEEN ? AND ? AND range_set <> ?",
            (range_set, network, as_blob(first), as_blob(last), range_set),
        )

    def hold(self, lease: Lease) -> None:
        """Write a lease on an address that has none.

        Raises:
            LedgerFault: it has one; whoever calls looks first, in the same transaction.
        """
        address = address_key(lease.address)
        network, text, *rest = lease
        with self.atomic():
            waiting = self._run(
                "DELETE FROM released WHERE network = ? AND address = ?", (network, as_blob(address))
            )
            if not waiting:
                self._occupy(network, address)
            self._run(
                "INSERT INTO leases (network, address, text, container_id, ifname, range_set, prefix, "
                "gateway, origin, state, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (network, as_blob(address), text, *rest),
            )

    def change_lease(self, lease: Lease) -> None:
        """Write this over the lease that the address has."""
        self._write(
            "UPDATE leases SET container_id = ?, ifname = ?, range_set = ?, prefix = ?, gateway = ?, "
            "origin = ?, state = ?, until = ? WHERE network = ? AND address = ?",
            (*lease[2:], lease.network, as_blob(address_key(lease.address))),
        )

    def free(self, network: str, address: int) -> bool:
        """End the lease; the address goes to the end of the line. False where it had none."""
        with self.atomic():
            blob = as_blob(address)
            moved = self._run(
                "INSERT INTO released (network, address, range_set) "
                "SELECT network, address, range_set FROM leases WHERE network = ? AND address = ?",
                (network, blob),
            )
            self._run("DELETE FROM leases WHERE network = ? AND address = ?", (network, blob))
            self._forget_the_oldest()
            return moved == 1

    def free_ended(self, network: str, now: float, limit: int) -> int:
        """Free addresses whose quarantine or tombstone is over, at most `limit`; how many were."""
        rows = self._rows(
            "SELECT address FROM leases WHERE network = ? AND until <= ? ORDER BY until LIMIT ?",
            (network, now, limit),
        )
        for (blob,) in rows:
            self.free(network, from_blob(blob))
        return len(rows)

    def count_leases(self, network: str, first: int, last: int, now: float) -> dict[str, int]:
        """How many addresses of first..last are of each kind: held, gone, reserved, quarantined, entombed.

        Counts them: for errors and listings.
        """
        rows = self._rows(
            f"SELECT {_KIND} AS kind, count(*) {_IN_USE} GROUP BY kind",
            (network, as_blob(first), as_blob(last), now),
        )
        return dict(rows)

    def some_pods(self, network: str, first: int, last: int, now: float, limit: int) -> dict[str, list[str]]:
        """Of each kind the names of at most `limit` pods, those with the lowest addresses: for errors."""
        rows = self._rows(
            "SELECT kind, pod_namespace, pod_name FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY kind ORDER BY address) AS place FROM (SELECT {_KIND} AS kind, address, "
            f"pod_namespace, pod_name {_IN_USE} AND pod_name IS NOT NULL)) WHERE place <= ? "
            "ORDER BY kind, place",
            (network, as_blob(first), as_blob(last), now, limit),
        )
        found: dict[str, list[str]] = {}
        for kind, namespace, name in rows:
            found.setdefault(kind, []).append(KubernetesPod(namespace or "", name).full_name)
        return found

    def cursor(self, network: str, range_set: str) -> int | None:
        """The address that this range set gave last."""
        row = self._row(
            "SELECT address FROM cursors WHERE network = ? AND range_set = ?", (network, range_set)
        )
        return None if row is None else from_blob(row[0])

    def keep_cursor(self, network: str, range_set: str, address: int) -> None:
        self._write(
            "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET address = excluded.address",
            (network, range_set, as_blob(address)),
        )

    def verify_runs(self) -> None:
        """Raises: LedgerFault: the runs do not cover just the addresses that are leased or were released."""
        taken = self._rows(
            "SELECT network, address FROM leases UNION ALL SELECT network, address FROM released"
        )
        addresses = {(network, from_blob(blob)) for network, blob in taken}
        if len(addresses) < len(taken):
            raise LedgerFault(self.path, "is damaged: an address is leased and released")
        covered = 0
        for network, first, last in self._rows("SELECT network, first, last FROM runs"):
            low, high = from_blob(first), from_blob(last)
            covered += high - low + 1
            if (network, low) not in addresses or (network, high) not in addresses:
                raise self._damaged(low)
        if covered != len(addresses):
            raise LedgerFault(self.path, "is damaged: its runs are not those of its addresses")

    def _owned(self, key: AttachmentKey) -> list[Lease]:
        # Without the hint SQLite reads all leases of the network, because that gives the order for nothing.
        query = (
            f"SELECT {_COLUMNS} FROM leases INDEXED BY leases_by_owner "
            "WHERE network = ? AND container_id = ? AND ifname = ? AND state <> 'quarantined' "
            "ORDER BY address"
        )
        return [self._lease(row) for row in self._rows(query, key)]

    def _lease(self, row: tuple[Any, ...]) -> Lease:
        *columns, number = row
        lease = Lease(*columns)
        if address_key(lease.address) != from_blob(number):
            raise self._damaged(from_blob(number))
        return lease

    def _forget_the_oldest(self) -> None:
        rows = self._rows(
            "SELECT sequence, network, address FROM released "
            "WHERE sequence <= (SELECT max(sequence) FROM released) - ? ORDER BY sequence LIMIT ?",
            (KEPT, _FORGOTTEN_AT_ONCE),
        )
        for sequence, network, blob in rows:
            self._run("DELETE FROM released WHERE sequence = ?", (sequence,))
            self._vacate(network, from_blob(blob))

    def _run_at_or_below(self, network: str, address: int) -> tuple[int, int] | None:
        row = self._row(
            "SELECT first, last FROM runs WHERE network = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (network, as_blob(address)),
        )
        return (from_blob(row[0]), from_blob(row[1])) if row else None

    def _occupy(self, network: str, address: int) -> None:
        """Put a free address into the runs: it may join the one before it, the one after it, or both."""
        below = self._run_at_or_below(network, address)
        if below is not None and below[1] >= address:
            raise self._damaged(address)
        first = below[0] if below is not None and below[1] == address - 1 else address
        last = address
        above = self._run_at_or_below(network, address + 1)
        if above is not None and above[0] == address + 1:
            last = above[1]
            self._drop_run(network, above[0])
        self._put_run(network, first, last)

    def _vacate(self, network: str, address: int) -> None:
        """Take an address out of its run, of which a piece may remain on either side."""
        run = self._run_at_or_below(network, address)
        if run is None or run[1] < address:
            raise self._damaged(address)
        first, last = run
        self._drop_run(network, first)
        if first < address:
            self._put_run(network, first, address - 1)
        if address < last:
            self._put_run(network, address + 1, last)

    def _damaged(self, address: int) -> LedgerFault:
        return LedgerFault(
            self.path, f"is damaged: its columns or tables disagree about {address_text(address)}"
        )

    def _put_run(self, network: str, first: int, last: int) -> None:
        self._run(
            "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
            (network, as_blob(first), as_blob(last)),
        )

    def _drop_run(self, network: str, first: int) -> None:
        self._run("DELETE FROM runs WHERE network = ? AND first = ?", (network, as_blob(first)))
