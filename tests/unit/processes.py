"""The machine's processes, as Linux shows them."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["at_work_in", "children", "wait_for_none_in"]


def at_work_in(folder: Path) -> list[str]:
    """The command lines of the processes whose current directory this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # it has ended meanwhile
    return found


def wait_for_none_in(folder: Path) -> None:
    """Until no process has it as its current directory: one that was killed is there for a moment still."""
    while at_work_in(folder):
        time.sleep(0.01)


def children() -> set[int]:
    """The children of this process, with those that have ended and were not waited for."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = process.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(process.parent.name))
    return found
