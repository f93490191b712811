"""What the exe is built from is pinned: every package by a version, and every file of it by its hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
_ENTRY = re.compile(
    r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: +--hash=\S+(?: \\)?\n)+)", re.M
)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")
# What PyInstaller needs of one system only.
_OF_WINDOWS = {"pefile", "pywin32-ctypes"}


def requirements(system: str) -> dict[str, tuple[str, list[str]]]:
    """The lock of this system's exe: name -> version and hashes."""
    text = (ROOT / ".ci" / f"requirements-{system}.txt").read_text(encoding="utf-8")
    return {
        one["name"]: (one["version"], one["hashes"].replace("\\", "").split())
        for one in _ENTRY.finditer(text)
    }


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    in_the_exe = [*extras["build"], *extras["cri"]]
    assert set(in_the_exe) <= set(extras["dev"])
    return [Requirement(one) for one in (*project["dependencies"], *in_the_exe)]


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_every_line_of_a_lock_is_a_package_with_hashes(system: str) -> None:
    text = (ROOT / ".ci" / f"requirements-{system}.txt").read_text(encoding="utf-8")
    left = [line for line in _ENTRY.sub("", text).splitlines() if not line.startswith("#")]
    assert left == []
    for name, (_, hashes) in requirements(system).items():
        assert hashes, name
        assert all(_HASH.match(one) for one in hashes), name


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_a_lock_has_what_the_project_asks_for(system: str) -> None:
    """If not: make it anew, with the command at its top."""
    locked = requirements(system)
    for one in wanted():
        assert one.specifier.contains(locked[canonicalize_name(one.name)][0]), one


def test_both_systems_have_the_same_versions() -> None:
    windows, linux = requirements("windows"), requirements("linux")
    assert {name: windows[name][0] for name in windows.keys() - _OF_WINDOWS} == {
        name: version for name, (version, _) in linux.items()
    }


def test_the_exe_is_built_from_the_lock_alone() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    windows = workflow.partition("\n  windows:")[2].partition("\n  real-hns:")[0]
    assert ".exe/Scripts/pip install -q --require-hashes --no-deps -r .ci/requirements-windows.txt" in windows
    assert (
        windows.count("pyinstaller build.spec") == windows.count(".exe/Scripts/pyinstaller build.spec") == 1
    )
