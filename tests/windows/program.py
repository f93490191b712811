"""Starts a small Windows program on a served node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.lane import Lane

__all__ = ["Ended", "Program"]


class Ended(NamedTuple):
    """How it ended, and the lines that it printed."""

    exit_code: int
    lines: list[str]


class Program:
    """caller.exe, and where its HNS is."""

    def __init__(self, lane: Lane, path: Path, address: str) -> None:
        self.lane, self.path, self.address = lane, path, address

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        environment = self.lane.launch_environment({"CNI_HNS_STANDIN": self.address})
        command = self.lane.launch_command(self.path, *(_escaped(word) for word in words))
        return subprocess.Popen(command, env=environment, stdin=-3, stdout=-1, stderr=subprocess.STDOUT)

    def run(self, *words: str) -> Ended:
        return ended(self.start(*words))

    def lines(self, *words: str) -> list[str]:
        """What it printed; it must have come to its end."""
        exit_code, lines = self.run(*words)
        assert exit_code == 0, lines
        assert lines.pop() == "done"
        return lines


def ended(process: subprocess.Popen[bytes]) -> Ended:
    """Wait for the end."""
    output, _ = process.communicate(timeout=60)
    return Ended(process.returncode, [_unescaped(line) for line in output.decode("ascii").splitlines()])


def _escaped(text: str) -> str:
    """Not ASCII becomes backslash, u and four digits, for each unit of UTF-16."""
    encoded = text.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]
    return "".join(chr(unit) if 0x20 <= unit < 0x7F else f"\\u{unit:04x}" for unit in units)


def _unescaped(line: str) -> str:
    pieces = re.split(r"\\u([0-9a-f]{4})", line)
    units = "".join(chr(int(piece, 16)) if at % 2 else piece for at, piece in enumerate(pieces))
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
