"""What is in the built programs, and that a build can be repeated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from cni_hns import __version__
from cni_hns.cli.install.files import damaged
from cni_hns.cli.install.package import LAYOUT
from cni_hns.packed import PackedModules
from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent


def contents(lane: Lane, *, windows: bool) -> Path:
    (folder,) = (path for path in lane.exe(windows=windows).parent.iterdir() if path.is_dir())
    return folder


def modules(folder: Path) -> set[str]:
    with closing(PackedModules(str(folder), "/")) as packed:
        return set(packed.names)


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
def test_the_layout_lists_every_file_of_the_folder(lane: Lane, windows: bool) -> None:
    folder = contents(lane, windows=windows)
    layout = json.loads((folder / LAYOUT).read_text())
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert present == {*layout["files"], LAYOUT}
    assert damaged(str(folder), layout["files"]) == []
    assert (layout["version"], layout["folder"]) == (__version__, folder.name)


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
def test_python_finds_its_beginning_and_nothing_else_outside_of_the_modules(
    lane: Lane, windows: bool
) -> None:
    """Each start reads the whole directory of this file."""
    with ZipFile(contents(lane, windows=windows) / "base_library.zip") as base:
        assert set(base.namelist()) == {f"encodings/{name}.pyc" for name in ("__init__", "aliases", "utf_8")}


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
def test_only_what_is_needed_goes_in(lane: Lane, windows: bool) -> None:
    folder = contents(lane, windows=windows)
    names = modules(folder)
    assert {"cni_hns.verbs.add", "cni_hns.cli.install.layout", "sqlite3.dbapi2", "pydantic.main"} <= names
    tops = {name.partition(".")[0] for name in names}
    assert (
        tops
        & {"asyncio", "bz2", "lzma", "ssl", "tkinter", "unittest", "pycparser", "pygments", "PyInstaller"}
        == set()
    )
    files = " ".join(path.name for path in folder.rglob("*")).lower()
    assert [
        word for word in ("libssl", "libcrypto", "_ssl", "_hashlib", "_bz2", "_lzma", "tcl") if word in files
    ] == []
    assert any(name.startswith("cni_hns.simulator") for name in names) is not windows
    assert (folder / "conf").exists() is not windows


def test_the_windows_exe_tells_its_version_and_has_its_manifest(lane: Lane) -> None:
    for onefile in (True, False):
        exe = lane.exe(windows=True, onefile=onefile).read_bytes()
        assert b">UTF-8</activeCodePage>" in exe
        assert b">true</longPathAware>" in exe
        assert b'level="asInvoker"' in exe
        assert "CNI plugin for the Host Compute Network service".encode("utf-16-le") in exe
        assert f"ProductVersion\0{__version__}".encode("utf-16-le") in exe.replace(b"\0\0\0\0", b"\0\0")


@pytest.mark.timeout(600)
def test_two_builds_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("PyInstaller")
    environment = {**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "1700000000"}
    for number in ("1", "2"):
        made = tmp_path / number
        command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
        command += [
            "--distpath",
            str(made / "dist"),
            "--workpath",
            str(made / "work"),
            str(ROOT / "build.spec"),
        ]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=280)
    first, second = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "1" / "dist", tmp_path / "2" / "dist")
    )
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
