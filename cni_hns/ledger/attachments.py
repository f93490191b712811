"""Attachments and their phases: who works on one now, and what was left half done.

Rule 1: whoever works on an attachment has claimed its row, which names that process, a token and a deadline.
Rule 2: each later write names the token and changes nothing where the row has another one: whoever lost the
row finds out, and undoes its own work.
Rule 3: a row whose owner is dead, or whose deadline is long past, may be taken over by anyone.
"""

from __future__ import annotations

import json
import time

from cni_hns.binding.processes import Owner
from cni_hns.ledger.rows import AttachmentKey, AttachmentRow, Claim
from cni_hns.ledger.store import Store
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONG_PAST_S", "Attachments"]

# The watchdog ends a verb at its deadline. An owner that still runs this long after it hangs in a call that
# even the watchdog could not end; should it come back, it finds that its token is no longer the row's.
LONG_PAST_S = 60.0

_COLUMNS = (
    "network, container_id, ifname, phase, endpoint_id, hcn_network_id, namespace_id, fingerprint, request, "
    "result, owner_pid, owner_started, owner_boot_id, token, deadline_at, until, updated_at"
)
_THIS = "network = ? AND container_id = ? AND ifname = ?"
_RECORDABLE = frozenset(
    {"endpoint_id", "hcn_network_id", "namespace_id", "fingerprint", "request", "result", "deadline_at"}
)


class _Stake(NamedTuple):
    """What a claim writes into the row; None leaves what is there."""

    phase: str
    fingerprint: str | None
    namespace_id: str | None
    owner: Owner
    token: str
    deadline_at: float
    now: float


class Attachments(Store):
    """The table `attachments`. Writing methods join the open transaction or make their own."""

    def attachment(self, key: AttachmentKey) -> AttachmentRow | None:
        """The attachment's row, None where the ledger knows nothing of it."""
        row = self._row(f"SELECT {_COLUMNS} FROM attachments WHERE {_THIS}", key)
        return _attachment(row) if row else None

    def attachments(self, network: str | None = None) -> list[AttachmentRow]:
        """All rows, of this network if one is named, ordered by key."""
        where, values = ("WHERE network = ?", (network,)) if network is not None else ("", ())
        query = f"SELECT {_COLUMNS} FROM attachments {where} ORDER BY network, container_id, ifname"
        return [_attachment(row) for row in self._rows(query, values)]

    def claim(
        self,
        key: AttachmentKey,
        phase: str,
        *,
        fingerprint: str | None,
        namespace_id: str | None,
        owner: Owner,
        token: str,
        deadline_at: float,
        alive: Callable[[Owner], bool],
        replacing: str | None = None,
        now: float | None = None,
    ) -> Claim:
        """Ask for the attachment, to work on it as `phase` ("adding" or "deleting") until `deadline_at`.

        A dead owner's row is taken over, and so is a tombstone. A ready one is taken by a DEL; an ADD gets it
        only if it names, in `replacing`, the token of the ready row it has looked at. `fingerprint` and
        `namespace_id` replace those of the row where given; all other columns stay until they are recorded.
        """
        now = time.time() if now is None else now
        stake = _Stake(phase, fingerprint, namespace_id, owner, token, deadline_at, now)
        with self.atomic():
            before = self.attachment(key)
            if before is None:
                self._insert(key, stake)
                return Claim("new", None)
            if before.phase == "ready" and phase == "adding" and before.token != replacing:
                return Claim("ready", before)
            if before.phase in {"adding", "deleting"} and not abandoned(before, alive, now):
                return Claim("busy", before)
            self._take(key, stake)
            return Claim("taken_over", before)

    def claim_stale(
        self, row: AttachmentRow, owner: Owner, token: str, deadline_at: float, *, now: float | None = None
    ) -> bool:
        """Take over a row that `stale` gave, to repair it; False where someone else has it by now.

        The row becomes "deleting": what is left of it is to go.
        """
        now = time.time() if now is None else now
        with self.atomic():
            current = self.attachment(row.key)
            if current is None or current.token != row.token or current.phase != row.phase:
                return False
            self._take(row.key, _Stake("deleting", None, None, owner, token, deadline_at, now))
            return True

    def record(self, key: AttachmentKey, token: str, *, now: float | None = None, **columns: object) -> bool:
        """Write down what is known by now; False, and nothing is written, where the row was lost.

        Columns: endpoint_id, hcn_network_id, namespace_id, fingerprint, request (dict), result, deadline_at.
        """
        return self._update(key, token, _recordable(columns), now)

    def make_ready(
        self, key: AttachmentKey, token: str, result: str, *, now: float | None = None, **columns: object
    ) -> bool:
        """The ADD is done and `result` is what it answers; False where the row was lost meanwhile."""
        return self._update(key, token, _recordable({**columns, "result": result}), now, phase="ready")

    def remove(self, key: AttachmentKey, token: str) -> bool:
        """Forget the attachment; False where the row was lost. Its leases are `ipam`'s to release."""
        return self._write(f"DELETE FROM attachments WHERE {_THIS} AND token = ?", (*key, token)) == 1

    def entomb(self, key: AttachmentKey, token: str, until: float, *, now: float | None = None) -> bool:
        """Deleted, but a late arrival in HNS is possible until `until` (seconds since the epoch)."""
        return self._update(key, token, {"until": until}, now, phase="tombstone")

    def stale(
        self,
        network: str | None,
        alive: Callable[[Owner], bool],
        now: float,
        limit: int | None = None,
        exclude: AttachmentKey | None = None,
    ) -> list[AttachmentRow]:
        """Rows to repair, those not looked at for longest first; never that of `exclude`.

        These are abandoned rows and all tombstones: an endpoint may have appeared since the last look.
        """
        where, values = (" AND network = ?", (network,)) if network is not None else ("", ())
        # Without the hint SQLite reads all rows of the network, ready ones too.
        query = (
            f"SELECT {_COLUMNS} FROM attachments INDEXED BY attachments_unfinished "
            f"WHERE phase <> 'ready'{where} ORDER BY updated_at, network"
        )
        found: list[AttachmentRow] = []
        for row in self._rows(query, values):
            if limit is not None and len(found) >= limit:
                break
            attachment = _attachment(row)
            if attachment.key != exclude and (
                attachment.phase == "tombstone" or abandoned(attachment, alive, now)
            ):
                found.append(attachment)
        return found

    def _insert(self, key: AttachmentKey, stake: _Stake) -> None:
        phase, fingerprint, namespace_id, owner, token, deadline_at, now = stake
        self._run(
            f"INSERT INTO attachments ({_COLUMNS}) "
            "VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, NULL, ?)",
            (*key, phase, namespace_id, fingerprint, *owner, token, deadline_at, now),
        )

    def _take(self, key: AttachmentKey, stake: _Stake) -> None:
        phase, fingerprint, namespace_id, owner, token, deadline_at, now = stake
        self._run(
            "UPDATE attachments SET phase = ?, fingerprint = ifnull(?, fingerprint), "
            "namespace_id = ifnull(?, namespace_id), owner_pid = ?, owner_started = ?, owner_boot_id = ?, "
            f"token = ?, deadline_at = ?, until = NULL, updated_at = ? WHERE {_THIS}",
            (phase, fingerprint, namespace_id, *owner, token, deadline_at, now, *key),
        )

    def _update(
        self,
        key: AttachmentKey,
        token: str,
        columns: dict[str, Any],
        now: float | None,
        phase: str | None = None,
    ) -> bool:
        """The compare-and-set behind every write to a claimed row."""
        changes = {**columns, "updated_at": time.time() if now is None else now}
        if phase is not None:
            changes["phase"] = phase
        if isinstance(changes.get("request"), dict):
            changes["request"] = json.dumps(changes["request"])
        assignments = ", ".join(f"{column} = ?" for column in changes)
        changed = self._write(
            f"UPDATE attachments SET {assignments} WHERE {_THIS} AND token = ?",
            (*changes.values(), *key, token),
        )
        return changed == 1


def abandoned(row: AttachmentRow, alive: Callable[[Owner], bool], now: float) -> bool:
    """Whether nobody works on an "adding" or "deleting" row any more."""
    return now > row.deadline_at + LONG_PAST_S or not alive(row.owner)


def _recordable(columns: dict[str, object]) -> dict[str, object]:
    unknown = columns.keys() - _RECORDABLE
    if unknown:
        raise ValueError(f"attachments have no column {', '.join(sorted(unknown))} to record")
    return columns


def _attachment(row: tuple[Any, ...]) -> AttachmentRow:
    network, container_id, ifname, phase, endpoint, hcn_network, namespace, fingerprint, request, result = (
        row[:10]
    )
    pid, started, boot_id, token, deadline_at, until, updated_at = row[10:]
    return AttachmentRow(
        key=AttachmentKey(network, container_id, ifname),
        phase=phase,
        endpoint_id=endpoint,
        hcn_network_id=hcn_network,
        namespace_id=namespace,
        fingerprint=fingerprint,
        request=None if request is None else json.loads(request),
        result=result,
        owner=Owner(pid, started, boot_id),
        token=token,
        deadline_at=deadline_at,
        until=until,
        updated_at=updated_at,
    )
