"""What is in the built programs, and that a build can be repeated."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.utils import canonicalize_name

from cni_hns import __version__
from cni_hns.cli.install.files import damaged
from cni_hns.cli.install.package import LAYOUT
from cni_hns.packed import PackedModules
from tests.lane import Lane
from tests.test_supply_chain import requirements

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
    # What the agent speaks to the API with.
    assert {"cni_hns.cluster.api.client", "http.client", "_ssl", "yaml.loader"} <= names
    tops = {name.partition(".")[0] for name in names}
    assert (
        tops
        & {"asyncio", "bz2", "lzma", "_yaml", "tkinter", "unittest", "pycparser", "pygments", "PyInstaller"}
        == set()
    )
    files = " ".join(path.name for path in folder.rglob("*")).lower()
    assert [word for word in ("_hashlib", "_bz2", "_lzma", "_yaml", "tcl") if word in files] == []
    assert any(name.startswith("cni_hns.simulator") for name in names) is not windows
    assert (folder / "conf").exists() is not windows


@pytest.mark.parametrize("windows", [False, True], ids=["linux", "windows"])
class TestTheBillOfMaterials:
    def test_names_exactly_the_files_of_the_folder(self, lane: Lane, windows: bool) -> None:
        folder = contents(lane, windows=windows)
        named = {
            one["name"]: one["hashes"][0]["content"] for one in bill(lane, windows) if one["type"] == "file"
        }
        present = {path for path in folder.rglob("*") if path.is_file() and path.name != LAYOUT}
        assert named == {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in present
        }

    def test_names_exactly_what_others_made_of_the_modules(self, lane: Lane, windows: bool) -> None:
        """Whose they are is asked anew, here."""
        tops = {name.partition(".")[0] for name in modules(contents(lane, windows=windows))}
        owners = packages_distributions()
        made = {
            owner for top in tops - {"cni_hns"} - sys.stdlib_module_names for owner in owners.get(top, [])
        }
        named = {one["name"]: one for one in bill(lane, windows) if one["type"] != "file"}
        with_python = {"python", "sqlite", "openssl", "pyinstaller"}
        assert set(named) == {canonicalize_name(name) for name in made} | with_python
        assert {"click", "pydantic", "pydantic-core", "cffi"} <= set(named)
        assert all(one["version"] and one["purl"] for one in named.values())

    def test_names_the_versions_that_are_locked(self, lane: Lane, windows: bool) -> None:
        if not windows:
            pytest.skip("this one is built with the packages of whoever tests")
        locked = requirements("windows")
        named = {
            one["name"]: one["version"] for one in bill(lane, windows) if one["purl"].startswith("pkg:pypi/")
        }
        assert named == {name: locked[name][0] for name in named}


def bill(lane: Lane, windows: bool) -> list[dict[str, Any]]:
    file = lane.dist(windows=windows) / "cni-hns.cdx.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["bomFormat"], document["metadata"]["component"]["version"]) == ("CycloneDX", __version__)
    components: list[dict[str, Any]] = [{"purl": "", **one} for one in document["components"]]
    return components


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
