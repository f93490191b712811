"""Whether an exe is a build of this program, which version, and which kind: told from its file alone.

PyInstaller puts an archive at the end of an exe, and behind it a record of where the archive's list begins:
https://pyinstaller.org/en/stable/advanced-topics.html#carchive. The single file has the program's files in
its archive, `layout.json` among them; the installed exe names its contents folder there, where they lie.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cli.install.package import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Build", "build_of", "is_single_file", "single_files_in"]

_MAGIC = b"MEI\014\013\012\013\016"
# Magic, length of the archive, place and length of its list, version of Python, library of Python.
_RECORD = struct.Struct("!8sIIII64s")
# Length of the entry, place and length of the data, unpacked length, is it compressed, kind; then the name.
_ENTRY = struct.Struct("!IIIIBc")
_FOLDER = "pyi-contents-directory "
_LARGEST_LIST = 1 << 24


class Build(NamedTuple):
    """A build of this program; `is_single`: the single file, which unpacks itself at each start."""

    version: str
    is_single: bool


class _Entry(NamedTuple):
    name: str
    start: int
    length: int
    is_compressed: bool


def build_of(path: str) -> Build | None:
    """What the exe is; None where it is another program's, or cannot be read."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _build_in(data, os.path.dirname(os.path.abspath(path)))
    except (OSError, ValueError, struct.error, zlib.error, KeyError, TypeError):
        return None


def is_single_file(path: str) -> bool:
    """Whether the exe is a single file of this program; False where it cannot be read."""
    build = build_of(path)
    return build is not None and build.is_single


def single_files_in(folders: Iterable[str]) -> list[str]:
    """The single files among the programs of these folders: paths, in the order of folders and names."""
    return [path for folder in folders for path in _programs(folder) if is_single_file(path)]


def _programs(folder: str) -> list[str]:
    suffix = ".exe" if os.name == "nt" else ""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in names if os.path.splitext(name)[1].lower() == suffix]
    return [path for path in paths if os.path.isfile(path)]


def _build_in(data: mmap.mmap, folder: str) -> Build | None:
    entries = list(_entries(data))
    for entry in entries:
        if entry.name == LAYOUT:
            text = data[entry.start : entry.start + entry.length]
            return _read(zlib.decompress(text) if entry.is_compressed else text, is_single=True)
    # The single file names such a folder too, and does not use it.
    for entry in entries:
        if entry.name.startswith(_FOLDER):
            with open(os.path.join(folder, entry.name.removeprefix(_FOLDER), LAYOUT), "rb") as file:
                return _read(file.read(), is_single=False)
    return None


def _read(text: bytes, *, is_single: bool) -> Build:
    document: dict[str, Any] = json.loads(text)
    return Build(str(document["version"]), is_single)


def _entries(data: mmap.mmap) -> Iterator[_Entry]:
    at = data.rfind(_MAGIC)
    if at < 0:
        return
    _, length, list_at, list_length, _, _ = _RECORD.unpack_from(data, at)
    begin = at + _RECORD.size - length
    position, end = begin + list_at, begin + list_at + min(list_length, _LARGEST_LIST)
    while position < end:
        size, start, packed, _, compressed, _ = _ENTRY.unpack_from(data, position)
        if size <= _ENTRY.size:
            return
        name = data[position + _ENTRY.size : position + size].rstrip(b"\0").decode(errors="replace")
        yield _Entry(name, begin + start, packed, bool(compressed))
        position += size
