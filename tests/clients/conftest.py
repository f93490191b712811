"""The nodes on which the programs of others run."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.clients.host import Host, LinuxHost, windows_host
from tests.harness import SimulatedNode
from tests.lane import Lane, Missing
from tests.lane.wine import warm


@pytest.fixture(scope="session")
def lane() -> Lane:
    """What the tests need from outside; each asks for its part."""
    return Lane.here()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A part of the lane that was not made skips the test and says so; `--require-lane` lets it fail."""
    missing = call.excinfo is not None and isinstance(call.excinfo.value, Missing)
    report = yield
    if missing and not item.config.getoption("--require-lane", default=False):
        file, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (file, line or 0, f"Skipped: {call.excinfo.value if call.excinfo else ''}")
    return report


@pytest.fixture(scope="session")
def wine(lane: Lane) -> Iterator[None]:
    """Wine is up for all tests that ask."""
    with warm(lane):
        yield


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
