"""What the service tells those who registered a callback ("HCN_NOTIFICATIONS")."""

from __future__ import annotations

from cni_hns.simulator.core.store import State

__all__ = [
    "NAMESPACE_CREATE",
    "NAMESPACE_DELETE",
    "NETWORK_CREATE",
    "NETWORK_DELETE",
    "NETWORK_PRE_CREATE",
    "NETWORK_PRE_DELETE",
    "SERVICE_DISCONNECT",
    "happened",
]

NETWORK_PRE_CREATE = 1
NETWORK_CREATE = 2
NETWORK_PRE_DELETE = 3
NETWORK_DELETE = 4
NAMESPACE_CREATE = 5
NAMESPACE_DELETE = 6
SERVICE_DISCONNECT = 0x0100_0000

# Who listens reads within milliseconds; a bound keeps the node's file small.
_KEPT = 1000


def happened(state: State, code: int, guid: str) -> None:
    """Tell every process's listeners, once this call is through."""
    state.run("INSERT INTO events (code, object) VALUES (?, ?)", code, guid)
    state.run("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", _KEPT)
