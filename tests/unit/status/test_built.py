"""Which build an exe is, told from the end of its file."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import pytest

from cni_hns import __version__
from cni_hns.cli.install.built import Build, build_of
from tests.lane import Lane


def _exe(path: Path, entries: dict[str, bytes], compressed: bool = False) -> Path:
    """An exe with such an archive at its end, as PyInstaller's own source writes it."""
    data, listed = b"", b""
    for name, content in entries.items():
        packed = zlib.compress(content) if compressed else content
        padded = name.encode() + b"\0" * (16 - len(name) % 16)
        head = (len(padded) + 18, len(data), len(packed), len(content), compressed, b"x")
        listed += struct.pack("!IIIIBc", *head) + padded
        data += packed
    record = (
        b"MEI\014\013\012\013\016",
        len(data) + len(listed) + 88,
        len(data),
        len(listed),
        311,
        b"python",
    )
    path.write_bytes(b"MZ program MEI" + data + listed + struct.pack("!8sIIII64s", *record) + b"signature")
    return path


LAYOUT = json.dumps({"version": "1.2.3", "folder": "_inside", "files": {}}).encode()


@pytest.mark.parametrize("compressed", [False, True], ids=["as it is", "compressed"])
def test_the_single_file_carries_its_layout(tmp_path: Path, compressed: bool) -> None:
    entries = {"pyi-contents-directory _internal": b"", "other": b"o" * 9, "layout.json": LAYOUT}
    assert build_of(str(_exe(tmp_path / "one.exe", entries, compressed))) == Build("1.2.3", is_single=True)


def test_the_installed_exe_names_its_folder(tmp_path: Path) -> None:
    exe = _exe(tmp_path / "cni-hns.exe", {"main": b"", "pyi-contents-directory _inside": b""})
    assert build_of(str(exe)) is None, "its folder is missing"
    (tmp_path / "_inside").mkdir()
    (tmp_path / "_inside" / "layout.json").write_bytes(LAYOUT)
    assert build_of(str(exe)) == Build("1.2.3", is_single=False)


@pytest.mark.parametrize(
    "content",
    [b"", b"#!/bin/sh", b"MEI\014\013\012\013\016", b"MEI\014\013\012\013\016" + b"\xff" * 200],
    ids=["empty", "another program", "a record cut short", "a record of nonsense"],
)
def test_anything_else_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "exe").write_bytes(content)
    assert build_of(str(tmp_path / "exe")) is None


def test_an_exe_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert build_of(str(tmp_path / "nothing")) is None


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
def test_the_built_programs_are_told_apart(lane: Lane, windows: bool) -> None:
    name = "cni-hns.exe" if windows else "cni-hns"
    dist = lane.dist(windows=windows)
    assert build_of(str(dist / name)) == Build(__version__, is_single=True)
    assert build_of(str(dist / "cni-hns-folder" / name)) == Build(__version__, is_single=False)
