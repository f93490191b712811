"""Our plugin in a bin folder: the built program of the lane, or this checkout where none was built of it."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from tests.harness import ROOT
from tests.lane import Lane, Missing
from tests.lane.parts import PARTS

__all__ = ["lay_out"]

_WRAPPER = """\
#!/bin/sh
PYTHONPATH={root} exec {python} -m cni_hns "$@"
"""


def lay_out(lane: Lane, folder: Path, name: str, *, windows: bool) -> None:
    """Make the plugin a program of this name in the folder, with its contents folder beside it.

    Raises: Missing, on Windows, where the lane has no built program.
    """
    if windows:
        _link(lane.exe(windows=True), folder, f"{name}.exe")
    elif (exe := _built_from_this(lane)) is not None:
        _link(exe, folder, name)
    else:
        wrapper = folder / name
        wrapper.write_text(_WRAPPER.format(root=ROOT, python=sys.executable))
        wrapper.chmod(0o755)


def _link(exe: Path, folder: Path, name: str) -> None:
    for beside in exe.parent.iterdir():
        target = folder / (name if beside == exe else beside.name)
        if not target.is_symlink():
            target.symlink_to(beside)


@functools.cache
def _built_from_this(lane: Lane) -> Path | None:
    """The built program, as long as its sources are as they were."""
    (part,) = [part for part in PARTS if part.name == "dist-linux"]
    try:
        return lane.exe() if part.is_current(lane) else None
    except Missing:
        return None
