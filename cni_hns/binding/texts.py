"""Documents as the texts that Windows is given."""

from __future__ import annotations

import json

from cni_hns.typed import Any

__all__ = ["UnspeakableText", "json_text"]


class UnspeakableText(ValueError):
    """A document has a NUL at this place: HNS would cut the text off there, even where it is escaped."""

    # Whoever asked for the object gave the text: a configuration, a runtime or an IPAM plugin.
    cni_code = 7

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} has a NUL, and cannot be passed to HNS")


def json_text(document: dict[str, Any]) -> str:
    """ASCII JSON. Raises: UnspeakableText."""
    text = json.dumps(document)
    if "\\u0000" in text:
        raise UnspeakableText((_place_of_nul(document) or "a text").lstrip("."))
    return text


def _place_of_nul(value: Any, place: str = "") -> str | None:
    """Where the first NUL is, or what stands for one in JSON within JSON."""
    if isinstance(value, str):
        return place if "\0" in value or "\\u0000" in value else None
    inside: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return place or "a key"
        inside = [(f"{place}.{key}", each) for key, each in value.items()]
    elif isinstance(value, list):
        inside = [(f"{place}[{index}]", each) for index, each in enumerate(value)]
    return next((found for below, each in inside if (found := _place_of_nul(each, below)) is not None), None)
