"""An exe as `cni-hns install` lays it down."""

from __future__ import annotations

from pathlib import Path

from cni_hns import __version__
from tests.exes import CONTENTS, layout, write_exe

__all__ = ["lay_down"]

_FOLDER = "_cni_hns"


def lay_down(exe: Path) -> None:
    """This version, beside its contents folder."""
    write_exe(exe, {f"{CONTENTS}{_FOLDER}": b""})
    contents = exe.with_name(_FOLDER)
    contents.mkdir()
    (contents / "layout.json").write_bytes(layout(__version__, _FOLDER))
