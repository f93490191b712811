"""The published versions of the CNI specification and what each can do."""

from __future__ import annotations

__all__ = ["KNOWN", "NEWEST", "at_least", "order"]

KNOWN = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
NEWEST = KNOWN[-1]


def order(version: str) -> int:
    """Where it stands among the known versions; an unknown one stands before all."""
    return KNOWN.index(version) if version in KNOWN else -1


def at_least(version: str, wanted: str) -> bool:
    return order(version) >= order(wanted)
