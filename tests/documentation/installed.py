"""An exe as `cni-hns install` lays it down, as far as it is read: by the archive at its end."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from cni_hns import __version__

__all__ = ["lay_down"]

_FOLDER = "_cni_hns"
_ENTRY = struct.Struct("!IIIIBc")
_RECORD = struct.Struct("!8sIIII64s")


def lay_down(exe: Path) -> None:
    """This version, beside its contents folder (https://pyinstaller.org/en/stable/advanced-topics.html#carchive)."""
    name = f"pyi-contents-directory {_FOLDER}".encode()
    padded = name + bytes(16 - len(name) % 16)
    listed = _ENTRY.pack(_ENTRY.size + len(padded), 0, 0, 0, False, b"o") + padded
    record = _RECORD.pack(
        b"MEI\014\013\012\013\016", len(listed) + _RECORD.size, 0, len(listed), 311, b"python"
    )
    exe.write_bytes(b"MZ" + listed + record)
    exe.chmod(0o755)
    contents = exe.with_name(_FOLDER)
    contents.mkdir()
    layout = {"version": __version__, "folder": _FOLDER, "files": {}}
    (contents / "layout.json").write_text(json.dumps(layout), encoding="utf-8")
