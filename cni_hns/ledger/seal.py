"""Texts that are kept behind their checksum: SQLite has none, and one wrong digit would be believed."""

from __future__ import annotations

from binascii import crc32

__all__ = ["opened", "opened_or_older", "sealed"]


def sealed(text: str) -> str:
    """The JSON text as it is kept."""
    return f"{_checksum(text)} {text}"


def opened(kept: str) -> str:
    """The JSON text that was kept.

    Raises: ValueError: it is another text by now.
    """
    checksum, _, text = kept.partition(" ")
    if checksum != _checksum(text):
        raise ValueError("the checksum is that of another text")
    return text


def opened_or_older(kept: str) -> str:
    """The same; an object that an older program wrote has no checksum. Raises: ValueError."""
    return kept if kept.startswith("{") else opened(kept)


def _checksum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
