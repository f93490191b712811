"""All checks over one picture of the node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.checks import (
    configuration,
    endpoints,
    hns,
    leases,
    ledger,
    machine,
    namespaces,
    networks,
    overlay,
    pods,
    policies,
    ports,
    services,
    systems,
)
from cni_hns.doctor.finding import Finding

if TYPE_CHECKING:
    from cni_hns.doctor.finding import Area, Kind
    from cni_hns.doctor.picture import Picture

__all__ = ["AREAS", "examine", "kinds"]

AREAS: dict[str, Area] = {
    "ledger": ledger.AREA,
    "hns": hns.AREA,
    "pods": pods.AREA,
    "endpoints": endpoints.AREA,
    "leases": leases.AREA,
    "namespaces": namespaces.AREA,
    "systems": systems.AREA,
    "services": services.AREA,
    "networks": networks.AREA,
    "overlay": overlay.AREA,
    "policies": policies.AREA,
    "ports": ports.AREA,
    "configuration": configuration.AREA,
    "machine": machine.AREA,
}


def examine(picture: Picture) -> list[Finding]:
    """What disagrees: what makes pods ill first, then in the order of the areas."""
    found = [
        Finding.of(seen, area.kinds[seen.kind])
        for area in AREAS.values()
        for check in area.checks
        for seen in check(picture)
    ]
    return sorted(found, key=lambda one: one.severity != "ill")


def kinds() -> dict[str, Kind]:
    """Every kind of finding there is, in the order of the areas."""
    return {name: kind for area in AREAS.values() for name, kind in area.kinds.items()}
