"""Exes as PyInstaller writes them, as far as they are read: an archive at their end.

Source: https://pyinstaller.org/en/stable/advanced-topics.html#carchive
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

__all__ = ["CONTENTS", "layout", "write_exe"]

CONTENTS = "pyi-contents-directory "
"""Begins the name of the entry that says where the program's files lie."""

_ENTRY = struct.Struct("!IIIIBc")
_RECORD = struct.Struct("!8sIIII64s")


def write_exe(path: Path, entries: Mapping[str, bytes], *, is_compressed: bool = False) -> Path:
    """An exe with such an archive."""
    data, listed = b"", b""
    for name, content in entries.items():
        packed = zlib.compress(content) if is_compressed else content
        padded = name.encode() + b"\0" * (16 - len(name) % 16)
        size = _ENTRY.size + len(padded)
        listed += _ENTRY.pack(size, len(data), len(packed), len(content), is_compressed, b"x") + padded
        data += packed
    whole = len(data) + len(listed) + _RECORD.size
    record = _RECORD.pack(b"MEI\014\013\012\013\016", whole, len(data), len(listed), 311, b"python")
    path.write_bytes(b"MZ program MEI" + data + listed + record + b"signature")
    path.chmod(0o755)
    return path


def layout(version: str, folder: str) -> bytes:
    """What the build writes of itself."""
    return json.dumps({"version": version, "folder": folder, "files": {}}).encode()
