"""Reading the JSON that callers send, as HNS reads it.

Member names are compared without regard to case, unknown members are ignored, a missing member is its
default, an enum may be its name or its number (Microsoft's own samples send numbers), and GUIDs come in
either case, with or without braces.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from cni_hns.simulator.core.errors import GUID_CONVERSION, INVALID_JSON, PARAMETER_INCORRECT, Refused

__all__ = [
    "SHOWN",
    "SHOWN_V1",
    "ZERO_GUID",
    "Document",
    "enum_name",
    "folded",
    "guid_of",
    "list_of",
    "new_guid",
    "number_of",
    "object_of",
    "parse",
    "shown",
    "text_member",
    "written",
]

Document = dict[str, Any]

ZERO_GUID = "00000000-0000-0000-0000-000000000000"

SHOWN, SHOWN_V1 = "shown", "shown V1"
"""Members of what is kept of an object that another HNS had: its answers about it, word for word."""

_GUID = re.compile(r"\{?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\}?")


def shown(kept: Document, *, v1: bool = False) -> Document:
    """What the HNS that it is from said of it."""
    return dict(kept[SHOWN_V1 if v1 else SHOWN])


def parse(text: str | None) -> Document:
    """The object that the text holds.

    Raises:
        Refused: 0x803B001B, not JSON or not an object.
    """
    text = text or ""
    try:
        document = json.loads(text)
        if "\\u" in text or not text.isascii():
            # Half of a surrogate pair is no text that anything could keep.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as fault:
        raise Refused(INVALID_JSON, f"{fault}") from fault
    if not isinstance(document, dict):
        raise Refused(INVALID_JSON, "not an object")
    return document


def written(document: object) -> str:
    """The JSON of an answer, without a blank: clients compare the bytes of a policy with those they sent."""
    return json.dumps(document, separators=(",", ":"))


def folded(document: Document, names: Iterable[str], aliases: dict[str, str] | None = None) -> Document:
    """The known members under their usual spelling; null counts as missing."""
    known = {name.lower(): name for name in names}
    if aliases:
        known.update(aliases)
    found: Document = {}
    for name, value in document.items():
        usual = known.get(name.lower())
        if usual is not None and value is not None:
            found[usual] = value
    return found


def new_guid() -> str:
    """A random (version 4) GUID, lower-case."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def guid_of(value: Any) -> str:
    """The GUID, lower-case, without braces.

    Raises:
        Refused: 0x803B0019, the text is not a GUID.
    """
    match = _GUID.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Refused(GUID_CONVERSION, f"{value!r}")
    return match[1].lower()


def _wrong_type(name: str, value: Any) -> Refused:
    return Refused(PARAMETER_INCORRECT, f"{name} is {value!r}")


def text_member(document: Document, name: str, default: str = "") -> str:
    """A member that is a string."""
    value = document.get(name, default)
    if not isinstance(value, str):
        raise _wrong_type(name, value)
    return value


def number_of(value: Any, name: str, bits: int = 32) -> int:
    """An unsigned number of at most so many bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise _wrong_type(name, value)
    return value


def list_of(document: Document, name: str, kind: type = dict) -> list[Any]:
    """A member that is an array of objects (or of strings)."""
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise _wrong_type(name, value)
    return value


def object_of(document: Document, name: str) -> Document:
    """A member that is an object."""
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise _wrong_type(name, value)
    return value


def enum_name(value: Any, names: Sequence[str], hresult: int) -> str:
    """The usual spelling of an enum's value, given by name in any case or by position."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return names[value]
    if isinstance(value, str):
        for name in names:
            if name.lower() == value.lower():
                return name
    raise Refused(hresult, f"{value!r} is none of {', '.join(names)}")
