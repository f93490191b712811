"""What verbs learnt and need not ask again: compiled plans, HCN networks, facts about this node.

Rule 1: all of it can be learnt again; forgetting any row costs time and nothing else.
Rule 2: so a row that is damaged counts as forgotten. Each document is kept behind its checksum: a plan with
one wrong digit would be a plan of another configuration.
"""

from __future__ import annotations

import json

from cni_hns.ledger.clock import Clock
from cni_hns.ledger.errors import DamagedRow
from cni_hns.ledger.rows import KnownNetwork
from cni_hns.ledger.seal import opened, sealed
from cni_hns.typed import Any

__all__ = ["KEPT_PLANS", "Knowledge"]

# A node has a few configurations; more plans than this are of configurations that were edited since.
KEPT_PLANS = 64


class Knowledge(Clock):
    """The tables `plans`, `networks` and `facts`. Writing methods join the open transaction or make one."""

    def plan(self, digest: str, program: str) -> dict[str, Any] | None:
        """The plan that this program version compiled from the configuration with this digest."""
        query = "SELECT document FROM plans WHERE digest = ? AND program = ?"
        row = self._known(query, (digest, program))
        document: dict[str, Any] | None = None if row is None else row[0]
        return document

    def keep_plan(
        self, digest: str, program: str, document: dict[str, Any], *, now: float | None = None
    ) -> bool:
        """Keep a plan; those kept longest ago go when there are more than `KEPT_PLANS`.

        Whether it was not there before: of several that keep the same plan one hears so.
        """
        kept = sealed(json.dumps(document)), self.now() if now is None else now
        with self.atomic():
            is_new = self._run(
                "INSERT INTO plans VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (digest, program, *kept)
            )
            if not is_new:
                self._run(
                    "UPDATE plans SET document = ?, kept_at = ? WHERE digest = ? AND program = ?",
                    (*kept, digest, program),
                )
            self._run(
                "DELETE FROM plans WHERE rowid IN "
                "(SELECT rowid FROM plans ORDER BY kept_at DESC LIMIT -1 OFFSET ?)",
                (KEPT_PLANS,),
            )
        return bool(is_new)

    def network(self, name: str) -> KnownNetwork | None:
        """The HCN network that had this name when HNS was last asked."""
        row = self._known("SELECT document, hcn_id FROM networks WHERE name = ?", (name,))
        return None if row is None else KnownNetwork(name, row[1], row[0])

    def network_name(self, hcn_id: str) -> str | None:
        """The name of the HCN network that last had this ID; None where another one has its name by now."""
        row = self._row("SELECT name FROM networks WHERE hcn_id = ?", (hcn_id,))
        return None if row is None else str(row[0])

    def remember_network(self, name: str, hcn_id: str, document: dict[str, Any]) -> None:
        self._write(
            "INSERT INTO networks VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET hcn_id = excluded.hcn_id, document = excluded.document",
            (name, hcn_id, sealed(json.dumps(document))),
        )

    def fact(self, name: str) -> Any:
        """The JSON value kept under this name, None where there is none."""
        row = self._known("SELECT value FROM facts WHERE name = ?", (name,))
        return None if row is None else row[0]

    def keep_fact(self, name: str, value: object) -> None:
        """Keep a JSON value under this name."""
        self._write(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, sealed(json.dumps(value))),
        )

    def forget_fact(self, name: str) -> None:
        self._write("DELETE FROM facts WHERE name = ?", (name,))

    def verify_what_was_learnt(self) -> None:
        """Raises: LedgerFault: a row of these tables is damaged."""
        for table, name, document in (
            ("plans", "digest", "document"),
            ("networks", "name", "document"),
            ("facts", "name", "value"),
        ):
            for row_name, kept in self._rows(f"SELECT {name}, {document} FROM {table}"):
                try:
                    json.loads(opened(kept))
                except ValueError as fault:
                    raise DamagedRow(self.path, table, document, row_name) from fault

    def _known(self, query: str, values: tuple[str, ...]) -> tuple[Any, ...] | None:
        """The row with its first column, the document, opened; None where there is none or it is damaged."""
        try:
            row = self._row(query, values)
            return None if row is None else (json.loads(opened(row[0])), *row[1:])
        except (DamagedRow, ValueError):
            return None
