"""Whether this program is the single file that `pyinstaller build.spec` makes, which is there for installing.

The single file unpacks itself at each start, for many times the cost of a verb; `cni-hns install` lays down
the same program unpacked. Who copies the file into the folder of the plugins has a plugin that works, slowly.
"""

from __future__ import annotations

import os
import sys

__all__ = ["carries_itself", "remedy", "this_single_file"]

_CARRIED = "carried"


def carries_itself(contents: str) -> bool:
    """Whether the unpacked contents in this folder are those of a single file."""
    return os.path.isdir(os.path.join(contents, _CARRIED))


def this_single_file() -> str | None:
    """The exe that runs, where it is a single file; None where it is not, or Python itself runs."""
    contents = getattr(sys, "_MEIPASS", "") if getattr(sys, "frozen", False) else ""
    return sys.executable if contents and carries_itself(contents) else None


def remedy(path: str) -> str:
    """What is wrong with the single file at this path as a plugin, and the command that mends it."""
    folder, name = os.path.split(os.path.abspath(path))
    bare = name[:-4] if name.lower().endswith(".exe") else name
    also = "" if bare.lower() == "cni-hns" else f" --as {bare}"
    return (
        f'"{path}" is the single file, which unpacks itself at each call and so takes many times as long. '
        f'Lay it down unpacked: {_call(path)} install --bin-dir "{folder}"{also}'
    )


def _call(path: str) -> str:
    """How a shell starts a program whose path may have blanks: PowerShell wants `&` before a quoted one."""
    return f'& "{path}"' if os.name == "nt" else f'"{path}"'
