"""The built programs, of this system and for Windows, each on a simulated node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.simulator.server import serve
from tests.harness import SimulatedNode
from tests.lane import Lane
from tests.packaging import Packaging

__all__ = ["Built", "Done"]


class Done(NamedTuple):
    """How a process of the program ended."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Built:
    """The program as built for one system, and the node on which it runs."""

    def __init__(self, lane: Lane, node: SimulatedNode, *, windows: bool, service: str = "") -> None:
        self.windows = windows
        self.node = node
        self.single_file = lane.exe(windows=windows, onefile=True)
        self.exe = lane.exe(windows=windows)
        self._packaging = Packaging("windows" if windows else "frozen", lane)
        self._environment = self._packaging.environment(node.folder, service)

    @property
    def name(self) -> str:
        return self.exe.name

    @property
    def contents(self) -> Path:
        """The contents folder of the build."""
        (found,) = (path for path in self.exe.parent.iterdir() if path.is_dir())
        return found

    def path(self, path: Path) -> str:
        return self._packaging.path(path)

    def start(self, exe: Path, *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._packaging.command(exe), *arguments],
            env={**self._environment, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, exe: Path, *arguments: str) -> Done:
        """One command of an operator."""
        return ended(self.start(exe, *arguments))

    def verb(self, exe: Path, command: str, config: dict[str, Any], container: str, netns: str) -> Done:
        """One call of a runtime."""
        process = self.start(exe, **variables(command, container, netns))
        return ended(process, json.dumps(config).encode())


def variables(command: str, container: str, netns: str) -> dict[str, str]:
    return {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": container,
        "CNI_NETNS": netns,
        "CNI_IFNAME": "eth0",
        "CNI_PATH": "nowhere",
    }


def ended(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Done:
    out, err = process.communicate(stdin, timeout=110)
    return Done(process.returncode, out.decode(), err.decode(errors="replace"))


@pytest.fixture(params=["linux", "windows"])
def built(request: pytest.FixtureRequest, node: SimulatedNode, lane: Lane) -> Iterator[Built]:
    """The program for each system; both run on Linux."""
    if sys.platform != "linux":
        pytest.skip("both systems' programs are run on Linux, where HNS can be stood in for")
    with ExitStack() as stack:
        service = ""
        if request.param == "windows":
            request.getfixturevalue("wine")
            service = stack.enter_context(serve(str(node.folder)))
        yield Built(lane, node, windows=request.param == "windows", service=service)
