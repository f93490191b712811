"""Reading the service's JSON: it spells the same member in more than one case."""

from __future__ import annotations

from cni_hns.typed import Any

__all__ = ["member"]


def member(document: dict[str, Any], name: str) -> Any:
    """The member of this name in any case, None where there is none."""
    if name in document:
        return document[name]
    lowered = name.lower()
    return next((value for key, value in document.items() if key.lower() == lowered), None)
