"""Where what lies in a bundle, and which version of that a program knows."""

from __future__ import annotations

__all__ = ["FORMAT", "LEDGER", "MANIFEST", "OBJECTS", "V1", "VERSIONS"]

FORMAT = 1
"""Counts up when a program of the older format could not load a newer bundle."""

MANIFEST = "manifest.json"
LEDGER = "ledger/records.json"
VERSIONS = "versions.json"

OBJECTS = {
    "networks": "hns/networks.json",
    "endpoints": "hns/endpoints.json",
    "namespaces": "hns/namespaces.json",
    "loadBalancers": "hns/load-balancers.json",
    "sdnRoutes": "hns/sdn-routes.json",
    "systems": "hcs/systems.json",
}
"""By kind; null in a file says that nobody could read them."""

V1 = {"v1Networks": "hns/v1-networks.json", "v1Endpoints": "hns/v1-endpoints.json"}
