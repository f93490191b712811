"""Reading the service's JSON: it spells the same member in more than one case, and may say anything."""

from __future__ import annotations

from ipaddress import ip_address

from cni_hns.typed import Any

__all__ = ["is_address", "member"]


def member(document: dict[str, Any], name: str) -> Any:
    """The member of this name in any case, None where there is none."""
    if name in document:
        return document[name]
    lowered = name.lower()
    return next((value for key, value in document.items() if key.lower() == lowered), None)


def is_address(text: str) -> bool:
    """Whether this is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
