"""What is on the demo's node at one moment, read from its HCS, HNS and ledger past all commands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.deadline import Deadline
from cni_hns.hcn.views import EndpointView, NamespaceView
from cni_hns.ledger import open_ledger

if TYPE_CHECKING:
    from cni_hns.cli.demo.node import DemoNode

__all__ = ["Inventory", "look"]

_Rows = list[dict[str, Any]]

_TIMEOUT_S = 30.0


class Inventory(NamedTuple):
    """Each kind of object with its facts. `handles` are what processes left open in HCS and HNS."""

    containers: _Rows
    endpoints: _Rows
    leases: _Rows
    namespaces: _Rows
    attachments: _Rows
    handles: _Rows

    def counts(self) -> dict[str, int]:
        return {kind: len(rows) for kind, rows in self._asdict().items()}

    def beyond(self, before: Inventory) -> list[str]:
        """In words, what is here that was not there `before`."""
        return [
            f"{kind}: {row['id']}"
            for kind, rows in self._asdict().items()
            for row in rows
            if row not in getattr(before, kind)
        ]


def look(node: DemoNode) -> Inventory:
    """The node as it is now."""
    # Imported here because the Windows executable has every command, and no simulator.
    from cni_hns.simulator import open_simulator

    simulator = open_simulator(node.folder, node.profile)
    try:
        objects, leaks = simulator.dump(), simulator.leaks()
    finally:
        simulator.close()
    leases, attachments = _ledger(node)
    return Inventory(
        containers=[_container(one) for one in objects["systems"]],
        endpoints=[_endpoint(one) for one in objects["endpoints"]],
        leases=leases,
        namespaces=[_namespace(one) for one in objects["namespaces"]],
        attachments=attachments,
        handles=[{"id": " ".join(map(str, leak))} for leak in leaks],
    )


def _container(system: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": system["id"],
        "owner": system["owner"],
        "state": system["state"],
        "limits": system["resources"],
    }


def _endpoint(document: dict[str, Any]) -> dict[str, Any]:
    view = EndpointView.of(document)
    return {
        "id": view.id,
        "name": view.name,
        "addresses": view.address_texts,
        "namespace": view.namespace,
    }


def _namespace(document: dict[str, Any]) -> dict[str, Any]:
    view = NamespaceView.of(document)
    return {"id": view.id, "endpoints": sorted(view.endpoints)}


def _ledger(node: DemoNode) -> tuple[_Rows, _Rows]:
    """Leases of every state, and attachments of every phase."""
    ledger = open_ledger(os.path.join(node.data_dir, "ledger.db"), Deadline(_TIMEOUT_S), create=False)
    if ledger is None:
        return [], []
    try:
        leases = [
            {
                "id": lease.id,
                "address": lease.address,
                "network": lease.network,
                "containerID": lease.container_id,
                "state": lease.state,
            }
            for lease in ledger.leases(all=True)
        ]
        attachments = [{"id": "/".join(row.key), "phase": row.phase} for row in ledger.attachments()]
    finally:
        ledger.close()
    return leases, attachments
