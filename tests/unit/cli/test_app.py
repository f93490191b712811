"""The command line as a whole: help, exit codes, and one line for every failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cni_hns import __version__
from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.cni.protocol import SUPPORTED
from tests.commands import COMMANDS
from tests.unit.cli.conftest import Node


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cni-hns")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_needs_no_hns_and_fits_the_screen(
    path: tuple[str, ...], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*path, option], choose_hns({})) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: {' '.join(('cni-hns', *path))} ")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("network", "lst"), ("network", "show"), ("network", "list", "--xml"), ("demo", "extra")],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_with_nothing_on_stdout(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(arguments), choose_hns({})) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Error: " in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("network", "list"),
        ("endpoint", "show", "x"),
        ("namespace", "create"),
        ("network", "create", "--name", "n", "--mode", "nat"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["table", "json"])
def test_without_an_hns_the_line_names_the_variable_and_the_demo(
    arguments: tuple[str, ...], json_option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *json_option], choose_hns({})) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "CNI_HNS_SIMULATOR" in captured.err
    assert "cni-hns demo" in captured.err


class TestVersion:
    def test_names_the_program_cni_and_the_hns(self, node: Node) -> None:
        facts = node.make("version")
        assert (facts["version"], facts["cniVersions"], facts["hns"]) == (
            __version__,
            list(SUPPORTED),
            "16.0",
        )
        out = node("version").out
        assert __version__ in out
        assert "16.0" in out

    def test_is_no_failure_without_an_hns(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["version"], choose_hns({})) == 0
        assert "not reachable: " in capsys.readouterr().out
        assert main(["version", "--json"], choose_hns({})) == 0
        assert json.loads(capsys.readouterr().out)["hns"] is None


def front_door(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cni_hns", *arguments]


def environment(folder: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    return {**inherited, "CNI_HNS_SIMULATOR": str(folder)}


def test_a_reader_that_has_seen_enough_is_no_traceback(tmp_path: Path) -> None:
    """Like `cni-hns namespace list | head -0`: the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            front_door("namespace", "list"),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_front_door_hands_over_arguments_and_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        front_door("endpoint", "show", "nobody"),
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'cni-hns: there is no endpoint with the name "nobody"\n'
