"""The nodes on which the programs of others run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.host import Host, LinuxHost, windows_host
from tests.harness import SimulatedNode
from tests.lane import Lane


@pytest.fixture(params=["linux", "windows"])
def system(request: pytest.FixtureRequest) -> str:
    """The system whose programs the test runs; both run on Linux."""
    if sys.platform != "linux":
        pytest.skip("released programs of both systems are run on Linux, where HNS can be stood in for")
    name: str = request.param
    return name


@pytest.fixture
def host(
    system: str, request: pytest.FixtureRequest, tmp_path: Path, node: SimulatedNode, lane: Lane
) -> Iterator[Host]:
    """A node of that system with our plugin on it."""
    if system == "linux":
        yield LinuxHost(tmp_path, node, lane)
        return
    request.getfixturevalue("wine")
    with windows_host(tmp_path, node, lane) as there:
        yield there
