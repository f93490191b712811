"""What verbs learnt and need not ask again: compiled plans, HCN networks, facts about this node.

Rule: all of it can be learnt again; forgetting any row costs time and nothing else.
"""

from __future__ import annotations

import json
import time

from cni_hns.ledger.rows import KnownNetwork
from cni_hns.ledger.store import Store
from cni_hns.typed import Any

__all__ = ["KEPT_PLANS", "Knowledge"]

# A node has a few configurations; more plans than this are of configurations that were edited since.
KEPT_PLANS = 64


class Knowledge(Store):
    """The tables `plans`, `networks` and `facts`. Writing methods join the open transaction or make one."""

    def plan(self, digest: str, program: str) -> dict[str, Any] | None:
        """The plan that this program version compiled from the configuration with this digest."""
        query = "SELECT document FROM plans WHERE digest = ? AND program = ?"
        document: dict[str, Any] | None = self._document(query, (digest, program))
        return document

    def keep_plan(
        self, digest: str, program: str, document: dict[str, Any], *, now: float | None = None
    ) -> None:
        """Keep a plan; those kept longest ago go when there are more than `KEPT_PLANS`."""
        with self.atomic():
            self._run(
                "INSERT INTO plans VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET document = excluded.document, kept_at = excluded.kept_at",
                (digest, program, json.dumps(document), time.time() if now is None else now),
            )
            self._run(
                "DELETE FROM plans WHERE rowid IN "
                "(SELECT rowid FROM plans ORDER BY kept_at DESC LIMIT -1 OFFSET ?)",
                (KEPT_PLANS,),
            )

    def network(self, name: str) -> KnownNetwork | None:
        """The HCN network that had this name when HNS was last asked."""
        row = self._row("SELECT name, hcn_id, document FROM networks WHERE name = ?", (name,))
        return KnownNetwork(row[0], row[1], json.loads(row[2])) if row else None

    def remember_network(self, name: str, hcn_id: str, document: dict[str, Any]) -> None:
        self._write(
            "INSERT INTO networks VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET hcn_id = excluded.hcn_id, document = excluded.document",
            (name, hcn_id, json.dumps(document)),
        )

    def fact(self, name: str) -> Any:
        """The JSON value kept under this name, None where there is none."""
        return self._document("SELECT value FROM facts WHERE name = ?", (name,))

    def keep_fact(self, name: str, value: object) -> None:
        """Keep a JSON value under this name."""
        self._write(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def forget_fact(self, name: str) -> None:
        self._write("DELETE FROM facts WHERE name = ?", (name,))

    def _document(self, query: str, values: tuple[str, ...]) -> Any:
        row = self._row(query, values)
        return None if row is None else json.loads(row[0])
