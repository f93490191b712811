"""Attachments and their phases: who works on one now, and what was left half done.

Rule 1: whoever works on an attachment has claimed its row, which names that process, a token and a deadline.
Rule 2: each later write names the token and changes nothing where the row has another one: whoever lost the
row finds out, and undoes its own work.
Rule 3: a row whose owner is dead, or whose deadline is long past, may be taken over by anyone.
"""

from __future__ import annotations

import json

from cni_hns.binding.processes import Owner
from cni_hns.identity import KubernetesPod, endpoint_name, is_endpoint_of
from cni_hns.ledger.clock import Clock
from cni_hns.ledger.columns import POD_COLUMNS
from cni_hns.ledger.errors import DamagedRow
from cni_hns.ledger.rows import TAKEN_OVER, AttachmentKey, AttachmentRow, Claim
from cni_hns.ledger.seal import opened_or_older, sealed
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["GONE_S", "LONG_PAST_S", "LOOK_AGAIN_S", "Attachments"]

# The watchdog ends a verb at its deadline. An owner that still runs this long after it hangs in a call that
# even the watchdog could not end; should it come back, it finds that its token is no longer the row's.
LONG_PAST_S = 60.0

LOOK_AGAIN_S = 300.0
"""So long after a pod was seen it is looked again whether it is there."""

GONE_S = 60.0
"""A pod that was not there is gone if it is not there this much later either."""

_COLUMNS = (
    "network, container_id, ifname, phase, endpoint_id, hcn_network_id, namespace_id, fingerprint, request, "
    "result, owner_pid, owner_started, owner_boot_id, token, deadline_at, until, updated_at, look_at, "
    f"gone_at, plugin, delete_begun, v1_netns, {', '.join(POD_COLUMNS)}"
)
_NOBODY = KubernetesPod()
_OWNER = ("owner_pid", "owner_started", "owner_boot_id")
_THIS = "network = ? AND container_id = ? AND ifname = ?"
_RECORDABLE = frozenset(
    {
        "endpoint_id",
        "hcn_network_id",
        "namespace_id",
        "fingerprint",
        "request",
        "result",
        "deadline_at",
        "plugin",
        "delete_begun",
        "v1_netns",
    }
)


class _Stake(NamedTuple):
    """What a claim writes into the row; None leaves what is there."""

    phase: str
    fingerprint: str | None
    namespace_id: str | None
    v1_netns: str | None
    owner: Owner
    token: str
    deadline_at: float
    now: float
    pod: KubernetesPod = _NOBODY


class Attachments(Clock):
    """The table `attachments`. Writing methods join the open transaction or make their own."""

    def attachment(self, key: AttachmentKey) -> AttachmentRow | None:
        """The attachment's row, None where the ledger knows nothing of it."""
        row = self._row(f"SELECT {_COLUMNS} FROM attachments WHERE {_THIS}", key)
        return self._attachment(row) if row else None

    def attachments(self, network: str | None = None) -> list[AttachmentRow]:
        """All rows, of this network if one is named, ordered by key."""
        where, values = ("WHERE network = ?", (network,)) if network is not None else ("", ())
        query = f"SELECT {_COLUMNS} FROM attachments {where} ORDER BY network, container_id, ifname"
        return [self._attachment(row) for row in self._rows(query, values)]

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
        v1_netns: str | None = None,
        pod: KubernetesPod = _NOBODY,
        replacing: str | None = None,
        now: float | None = None,
    ) -> Claim:
        """Ask for the attachment, to work on it as `phase` ("adding" or "deleting") until `deadline_at`.

        A dead owner's row is taken over, and so is a tombstone. A ready one is taken by a DEL; an ADD gets it
        only if it names, in `replacing`, the token of the ready row it has looked at. `fingerprint`,
        `namespace_id` and `v1_netns` replace those of the row where given, the last two each other too, and
        so does a `pod` of which anything is known; all other columns stay until they are recorded.
        """
        now = self.now() if now is None else now
        stake = _Stake(phase, fingerprint, namespace_id, v1_netns, owner, token, deadline_at, now, pod)
        with self.atomic():
            before = self.attachment(key)
            if before is None:
                self._insert(key, stake)
                return Claim("new", None)
            if before.phase == "ready" and phase == "adding" and before.token != replacing:
                return Claim("ready", before)
            if before.is_unfinished and not abandoned(before, alive, now):
                return Claim("busy", before)
            self._take(key, stake)
            return Claim("taken_over", before)

    def claim_stale(
        self, row: AttachmentRow, owner: Owner, token: str, deadline_at: float, *, now: float | None = None
    ) -> bool:
        """Take over a row that `stale` gave, to repair it; False where someone else has it by now.

        The row becomes "deleting": what is left of it is to go.
        """
        now = self.now() if now is None else now
        with self.atomic():
            current = self.attachment(row.key)
            if current is None or current.token != row.token or current.phase != row.phase:
                return False
            self._take(row.key, _Stake("deleting", None, None, None, owner, token, deadline_at, now))
            return True

    def record(self, key: AttachmentKey, token: str, *, now: float | None = None, **columns: object) -> bool:
        """Write down what is known by now; False, and nothing is written, where the row was lost.

        Columns: endpoint_id, hcn_network_id, namespace_id, fingerprint, request (dict), result,
        deadline_at, plugin, delete_begun, v1_netns.
        """
        return self._update(key, token, _recordable(columns), now)

    def make_ready(
        self, key: AttachmentKey, token: str, result: str, *, now: float | None = None, **columns: object
    ) -> bool:
        """The ADD is done and `result` is what it answers; False where the row was lost meanwhile."""
        now = self.now() if now is None else now
        changes = _recordable({**columns, "result": result})
        seen = {"look_at": now + LOOK_AGAIN_S, "gone_at": None}
        return self._update(key, token, {**changes, **seen}, now, phase="ready")

    def to_look_at(self, network: str, limit: int) -> list[AttachmentRow]:
        """Ready rows of the network at which a look is due, those due for longest first."""
        query = (
            f"SELECT {_COLUMNS} FROM attachments INDEXED BY attachments_to_look_at "
            "WHERE phase = 'ready' AND network = ? AND look_at <= ? ORDER BY look_at LIMIT ?"
        )
        return [self._attachment(row) for row in self._rows(query, (network, self.now(), limit))]

    def looked_at(self, rows: Iterable[tuple[AttachmentRow, bool]]) -> None:
        """Write down which pods were seen (True) and which not, unless another verb has a row by now.

        One that was seen when no look at it was due is left as it is.
        """
        now = self.now()
        news = [
            (row, there) for row, there in rows if not there or row.gone_at is not None or row.look_at <= now
        ]
        if not news:
            return
        with self.atomic():
            for row, there in news:
                self._run(
                    "UPDATE attachments SET look_at = ?, gone_at = CASE WHEN ? THEN NULL "
                    f"ELSE ifnull(gone_at, ?) END WHERE {_THIS} AND token = ? AND phase = 'ready'",
                    (now + (LOOK_AGAIN_S if there else GONE_S), there, now, *row.key, row.token),
                )

    def doubt(self, row: AttachmentRow) -> None:
        """Its address was released by somebody else: it counts as seen gone, and is due for a look."""
        now = self.now()
        self._write(
            f"UPDATE attachments SET look_at = ?, gone_at = ifnull(gone_at, ?) WHERE {_THIS} AND token = ? "
            "AND phase = 'ready'",
            (now, now, *row.key, row.token),
        )

    def name_pod(self, row: AttachmentRow, pod: KubernetesPod) -> bool:
        """Write down whose this ready row is, where nobody told before; False where it is another row by now.

        Nothing else of it changes: this is no work on the attachment.
        """
        changed = self._write(
            f"UPDATE attachments SET {_assignments(POD_COLUMNS)} WHERE {_THIS} AND token = ? "
            "AND phase = 'ready' AND pod_name IS NULL",
            (*_kept(pod), *row.key, row.token),
        )
        return changed == 1

    def pod_of(self, key: AttachmentKey) -> KubernetesPod:
        """The names of the attachment's pod; none where the ledger does not know the attachment."""
        row = self._row(f"SELECT {', '.join(POD_COLUMNS)} FROM attachments WHERE {_THIS}", key)
        return _pod(row or ())

    def pods(self) -> dict[AttachmentKey, KubernetesPod]:
        """The same for each attachment of which they are known."""
        rows = self._rows(
            f"SELECT network, container_id, ifname, {', '.join(POD_COLUMNS)} FROM attachments "
            "WHERE pod_name IS NOT NULL"
        )
        return {AttachmentKey(*row[:3]): _pod(row[3:]) for row in rows}

    def holder_of(self, endpoint_id: str) -> AttachmentKey | None:
        """Whose endpoint this is by the ledger, not who shares it. Reads all rows: for endpoints that no row
        led to.
        """
        query = (
            "SELECT network, container_id, ifname FROM attachments WHERE endpoint_id = ? "
            "AND ifnull(v1_netns, 'none') = 'none'"
        )
        row = self._row(query, (endpoint_id.lower(),))
        return AttachmentKey(*row) if row else None

    def endpoint_ids(self) -> set[str]:
        """The endpoints of all rows, of every network."""
        rows = self._rows("SELECT endpoint_id FROM attachments WHERE endpoint_id IS NOT NULL")
        return {row[0] for row in rows}

    def remove(self, key: AttachmentKey, token: str) -> bool:
        """Forget the attachment; False where the row was lost. Its leases are `ipam`'s to release."""
        return self._write(f"DELETE FROM attachments WHERE {_THIS} AND token = ?", (*key, token)) == 1

    def entomb(
        self,
        key: AttachmentKey,
        token: str,
        until: float,
        *,
        delete_begun: bool = False,
        now: float | None = None,
    ) -> bool:
        """Deleted, but HNS may still create or delete its endpoint until `until` (ledger time)."""
        columns = {"until": until, "delete_begun": delete_begun}
        return self._update(key, token, columns, now, phase="tombstone")

    def stale(
        self,
        network: str | None,
        alive: Callable[[Owner], bool],
        now: float,
        limit: int | None = None,
        exclude: AttachmentKey | None = None,
    ) -> list[AttachmentRow]:
        """Rows to repair, those not looked at for longest first; never that of `exclude`.

        These are abandoned rows, and tombstones: of those that wait for an endpoint which may yet appear
        all, of those that only keep an ID from being used again the ones that are over.
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
            attachment = self._attachment(row)
            if attachment.key != exclude and _to_repair(attachment, alive, now):
                found.append(attachment)
        return found

    def _attachment(self, row: tuple[Any, ...]) -> AttachmentRow:
        network, container_id, ifname, phase, endpoint, hcn_network, namespace, fingerprint = row[:8]
        request, result, pid, started, boot_id, token, deadline_at, until, updated_at = row[8:17]
        look_at, gone_at, plugin, delete_begun, v1_netns = row[17:22]
        key = AttachmentKey(network, container_id, ifname)
        document = None if request is None else self._opened(key, "request", request, json.loads)
        # HNS V1 may choose an ID of its own, and a shared endpoint has that of another attachment.
        if endpoint is not None and v1_netns is None and not _is_its(endpoint, key, document):
            raise DamagedRow(self.path, "attachments", "endpoint_id", "/".join(key))
        return AttachmentRow(
            key=key,
            phase=phase,
            endpoint_id=endpoint,
            hcn_network_id=hcn_network,
            namespace_id=namespace,
            fingerprint=fingerprint,
            request=document,
            result=self._opened(key, "result", result, str) if result else result,
            owner=Owner(pid, started, boot_id),
            token=token,
            deadline_at=deadline_at,
            until=until,
            updated_at=updated_at,
            look_at=look_at,
            gone_at=gone_at,
            plugin=plugin,
            delete_begun=bool(delete_begun),
            v1_netns=v1_netns,
            pod=_pod(row[22:]),
        )

    def _opened(self, key: AttachmentKey, column: str, kept: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(opened_or_older(kept))
        except (ValueError, RecursionError) as fault:
            raise DamagedRow(self.path, "attachments", column, "/".join(key)) from fault

    def _insert(self, key: AttachmentKey, stake: _Stake) -> None:
        phase, fingerprint, namespace_id, v1_netns, owner, token, deadline_at, now, pod = stake
        self._run(
            f"INSERT INTO attachments ({_COLUMNS}) "
            "VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, NULL, NULL, ?, ?, ?, ?, ?, NULL, ?, 0, NULL, NULL, ?, ?, "
            "?, ?, ?, ?)",
            (
                *(*key, phase, namespace_id, fingerprint, *owner, token, deadline_at, now),
                *(phase == "deleting", v1_netns, *_kept(pod)),
            ),
        )

    def _take(self, key: AttachmentKey, stake: _Stake) -> None:
        changes: dict[str, Any] = {
            "phase": stake.phase,
            **dict(zip(_OWNER, stake.owner, strict=True)),
            "token": stake.token,
            "deadline_at": stake.deadline_at,
            "until": None,
            "updated_at": stake.now,
            "delete_begun": stake.phase == "deleting",
        }
        if stake.fingerprint is not None:
            changes["fingerprint"] = stake.fingerprint
        if stake.namespace_id is not None or stake.v1_netns is not None:
            changes |= {"namespace_id": stake.namespace_id, "v1_netns": stake.v1_netns}
        if stake.pod.is_known:
            # All of them: those of two calls are never mixed.
            changes |= zip(POD_COLUMNS, _kept(stake.pod), strict=True)
        self._run(f"UPDATE attachments SET {_assignments(changes)} WHERE {_THIS}", (*changes.values(), *key))

    def _update(
        self,
        key: AttachmentKey,
        token: str,
        columns: dict[str, Any],
        now: float | None,
        phase: str | None = None,
    ) -> bool:
        """The compare-and-set behind every write to a claimed row."""
        changes = {**columns, "updated_at": self.now() if now is None else now}
        if phase is not None:
            changes["phase"] = phase
        if isinstance(changes.get("request"), dict):
            changes["request"] = sealed(json.dumps(changes["request"]))
        if changes.get("result"):
            changes["result"] = sealed(changes["result"])
        changed = self._write(
            f"UPDATE attachments SET {_assignments(changes)} WHERE {_THIS} AND token = ?",
            (*changes.values(), *key, token),
        )
        return changed == 1


def _assignments(columns: Iterable[str]) -> str:
    return ", ".join(f"{column} = ?" for column in columns)


def _kept(pod: KubernetesPod) -> list[str | None]:
    return [word or None for word in pod]


def _pod(columns: Sequence[str | None]) -> KubernetesPod:
    return KubernetesPod(*(word or "" for word in columns))


def abandoned(row: AttachmentRow, alive: Callable[[Owner], bool], now: float) -> bool:
    """Whether nobody works on an "adding" or "deleting" row any more."""
    return now > row.deadline_at + LONG_PAST_S or not alive(row.owner)


def _is_its(endpoint: str, key: AttachmentKey, document: dict[str, Any] | None) -> bool:
    """By its ID, or, of one that was taken over from a peer, by what was written down of it."""
    if is_endpoint_of(endpoint, *key):
        return True
    name = endpoint_name(key.network, key.container_id)
    return document is not None and (document.get(TAKEN_OVER), document.get("Name")) == (endpoint, name)


def _to_repair(row: AttachmentRow, alive: Callable[[Owner], bool], now: float) -> bool:
    if row.phase != "tombstone":
        return abandoned(row, alive, now)
    return row.result is None or row.until is None or row.until <= now


def _recordable(columns: dict[str, object]) -> dict[str, object]:
    unknown = columns.keys() - _RECORDABLE
    if unknown:
        raise ValueError(f"attachments have no column {', '.join(sorted(unknown))} to record")
    return columns
