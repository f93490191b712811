"""The README and the other documents say what is so; tests/documentation holds what all pages share."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from cni_hns.cni import errors
from cni_hns.simulator.core.faults import FIELDS
from cni_hns.simulator.core.options import OPTIONS
from tests import commands

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)

HRESULTS = {name for name in OPTIONS if name.endswith("_hresult")}


def read(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


COMMANDS = {
    " ".join(path): command
    for path, command in commands.COMMANDS.items()
    if not isinstance(command, click.Group)
}
"""Those that do something, by their words."""


class TestTheFirstTwoBlocksOfTheReadme:
    """Two commands, each one line in a fenced block of its own: the demo, then the tests."""

    @pytest.mark.parametrize(
        ("number", "ends_in"), [(0, "cni-hns demo"), (1, "-m pytest")], ids=["demo", "tests"]
    )
    def test_are_one_line_each_that_sets_everything_up(self, number: int, ends_in: str) -> None:
        block = FENCED.findall(read("README.md"))[number]
        assert block.count("\n") == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install -q -e ")
        assert ends_in in block.split("&&")[-1]

    def test_have_their_likes_for_windows_next(self) -> None:
        windows = FENCED.findall(read("README.md"))[2:4]
        assert [block.startswith("py -m venv .venv; ") for block in windows] == [True, True]
        assert [block.count("\n") for block in windows] == [1, 1]


@pytest.mark.skipif(os.name == "nt", reason="the block is written for a POSIX shell")
def test_the_example_by_hand_works_as_it_stands(tmp_path: Path) -> None:
    block = FENCED.findall(read("docs/trying.md").split("## By hand")[1])[0]
    activation, _, script = block.partition("\n")
    assert activation == ". .venv/bin/activate"
    assert "=/tmp/node\n" in script
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", script.replace("/tmp/node", str(tmp_path / "node"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**inherited, "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{inherited['PATH']}"},
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"address": "10.88.0.2/24"' in done.stdout
    assert "10.88.0.2  l2bridge  pod1       eth0" in done.stdout


TEXT_ONLY = ("agent", "completion", "help")
"""What is for people, or for a shell."""


def test_the_readme_says_what_this_is_in_five_lines() -> None:
    paragraphs = read("README.md").split("\n\n")
    assert paragraphs[0] == "# cni-hns"
    assert len(paragraphs[1].splitlines()) == 5


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help(path: str) -> None:
    assert COMMANDS[path].help


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_has_help(path: str) -> None:
    options = [parameter for parameter in COMMANDS[path].params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not (option.help or option.name == "name")] == []
    assert "as_json" in [option.name for option in options] or path in TEXT_ONLY


def test_every_code_of_the_plugin_is_explained() -> None:
    codes = {
        value
        for name, value in vars(errors).items()
        if name.isupper() and isinstance(value, int) and name in errors.__all__
    }
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", read("docs/errors.md"), re.MULTILINE)}
    assert explained == codes


@pytest.mark.parametrize("documented", [OPTIONS, FIELDS], ids=["options", "faults"])
def test_the_simulators_options_and_faults_are_documented_as_they_are(documented: dict[str, Any]) -> None:
    rows = [line.split(" | ") for line in read("docs/simulator.md").splitlines() if line.startswith("| `")]
    told = {cells[0].strip("| `"): (cells[1].strip("`"), cells[2].removesuffix(" |")) for cells in rows}
    shown = {
        name: (f"0x{default:08X}" if name in HRESULTS and default else json.dumps(default), words)
        for name, (default, words) in documented.items()
    }
    assert {name: told.get(name) for name in shown} == shown
    assert set(told) == {*OPTIONS, *FIELDS}


def test_paths_of_the_house_exist() -> None:
    table = read("docs/architecture.md").split("## Where things live")[1].split("##")[0]
    paths = [path for path in re.findall(r"`([\w/.]+)`", table) if "/" in path]
    assert paths
    assert [path for path in paths if not exists(path)] == []


def exists(path: str) -> bool:
    """Paths in that table are from the root, or from the package."""
    return any(os.path.exists(os.path.join(ROOT, base, path)) for base in ("", "cni_hns"))
