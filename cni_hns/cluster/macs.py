"""MAC addresses in one spelling: HNS writes hyphens, flannel colons."""

from __future__ import annotations

import re

__all__ = ["mac"]

_SPELLINGS = re.compile(
    r"[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}"
)


def mac(text: object) -> str:
    """ "0e:2a:00:00:00:01" for any spelling of it; empty for what is no MAC address, or all zeros."""
    if not isinstance(text, str) or not _SPELLINGS.fullmatch(text.lower()):
        return ""
    digits = re.sub(r"[^0-9a-f]", "", text.lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if digits.strip("0") else ""
