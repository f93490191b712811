"""Which build an exe is, told from the end of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cni_hns import __version__
from cni_hns.cli.install.built import Build, build_of
from tests.exes import layout, write_exe
from tests.lane import Lane

LAYOUT = layout("1.2.3", "_inside")


@pytest.mark.parametrize("compressed", [False, True], ids=["as it is", "compressed"])
def test_the_single_file_carries_its_layout(tmp_path: Path, compressed: bool) -> None:
    entries = {"pyi-contents-directory _internal": b"", "other": b"o" * 9, "layout.json": LAYOUT}
    exe = write_exe(tmp_path / "one.exe", entries, is_compressed=compressed)
    assert build_of(str(exe)) == Build("1.2.3", is_single=True)


def test_the_installed_exe_names_its_folder(tmp_path: Path) -> None:
    exe = write_exe(tmp_path / "cni-hns.exe", {"main": b"", "pyi-contents-directory _inside": b""})
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
