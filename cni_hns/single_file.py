"""Whether a program is the single file that `pyinstaller build.spec` makes, which is there for installing.

The single file unpacks itself at each start, for many times the cost of a verb; `cni-hns install` lays down
the same program unpacked. Who copies the file into the folder of the plugins has a plugin that works, slowly.
"""

from __future__ import annotations

import os
import sys

from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["carries_itself", "is_single_file", "remedy", "single_files_in", "this_single_file"]

# PyInstaller's archive at the end of an exe: a cookie of 88 bytes (magic, lengths and offsets in big-endian
# order, the name of Python's library), before it the table of contents; a signature may follow.
# Source: https://pyinstaller.org/en/stable/advanced-topics.html#carchive
_MAGIC = b"MEI\x0c\x0b\x0a\x0b\x0e"
_COOKIE_BYTES, _SEARCHED_BYTES = 88, 64 * 1024
_CARRIED = "carried"
# Only the single file has the list of the contents folder inside.
_MEMBER = b"layout.json"


def carries_itself(contents: str) -> bool:
    """Whether the unpacked contents in this folder are those of a single file."""
    return os.path.isdir(os.path.join(contents, _CARRIED))


def this_single_file() -> str | None:
    """The exe that runs, where it is a single file; None where it is not, or Python itself runs."""
    contents = getattr(sys, "_MEIPASS", "") if getattr(sys, "frozen", False) else ""
    return sys.executable if contents and carries_itself(contents) else None


def is_single_file(path: str) -> bool:
    """Whether the exe at this path is a single file of this program; False where it cannot be read."""
    try:
        return _MEMBER in _table_of_contents(path)
    except OSError:
        return False


def single_files_in(folders: Iterable[str]) -> list[str]:
    """The single files among the programs of these folders: paths, in the order of folders and names."""
    return [path for folder in folders for path in _programs(folder) if is_single_file(path)]


def remedy(path: str) -> str:
    """What is wrong with the single file at this path as a plugin, and the command that mends it."""
    folder, name = os.path.split(os.path.abspath(path))
    bare = name[:-4] if name.lower().endswith(".exe") else name
    also = "" if bare.lower() == "cni-hns" else f" --as {bare}"
    return (
        f'"{path}" is the single file, which unpacks itself at each call and so takes many times as long. '
        f'Lay it down unpacked: {_call(path)} install --bin-dir "{folder}"{also}'
    )


def _programs(folder: str) -> list[str]:
    suffix = ".exe" if os.name == "nt" else ""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in names if os.path.splitext(name)[1].lower() == suffix]
    return [path for path in paths if os.path.isfile(path)]


def _table_of_contents(path: str) -> bytes:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _SEARCHED_BYTES)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(_MAGIC)
        if at < 0 or len(tail) - at < _COOKIE_BYTES:
            return b""
        package, offset, length = (
            int.from_bytes(tail[at + place : at + place + 4], "big") for place in (8, 12, 16)
        )
        begin = start + at + _COOKIE_BYTES - package + offset
        if begin < 0 or length > size:
            return b""
        file.seek(begin)
        return file.read(length)


def _call(path: str) -> str:
    """How a shell starts a program whose path may have blanks: PowerShell wants `&` before a quoted one."""
    return f'& "{path}"' if os.name == "nt" else f'"{path}"'
