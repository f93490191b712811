"""A Windows program run as a child by the binding that ships, in a Windows CPython under Wine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lane import Lane
from tests.windows.build import COMPILER, FLAGS

_HERE = Path(__file__).parent


@pytest.fixture
def program(tmp_path: Path) -> Path:
    target = tmp_path / "child.exe"
    subprocess.run([COMPILER, *FLAGS, "-o", str(target), str(_HERE / "child.c")], check=True)
    return target


@pytest.fixture
def parent(lane: Lane, wine: None, program: Path) -> Iterator[subprocess.Popen[str]]:
    """The script under way. Not below `launch`, whose own job would end its children for it."""
    script, root = lane.windows_path(_HERE / "children_script.py"), lane.windows_path(_HERE.parent.parent)
    with subprocess.Popen(
        lane.wine_command(lane.python, script, lane.windows_path(program)),
        env=lane.wine_environment({"PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def _running(program: Path) -> int:
    """How many processes of the program there are, without the one that got it as an argument."""
    found = 0
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        found += program.name.encode() in words[0] and b"python" not in words[0]
    return found


def test_is_bounded_and_its_tree_ends_with_it_and_with_us(
    parent: subprocess.Popen[str], program: Path
) -> None:
    assert parent.stdout is not None
    lines: list[str] = []
    while (line := parent.stdout.readline().strip()) != "all":
        assert parent.poll() is None, lines
        lines.append(line)
    assert lines == [
        "echo 3 300000 b'no' False False",
        "leave 0 b'yes' b'' False False",
        "flood 1048576 False True",
        "hang True",
    ]
    while _running(program) < 2:
        time.sleep(0.05)
    parent.kill()
    while _running(program):
        time.sleep(0.05)
