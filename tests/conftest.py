"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import profile, selection
from tests.harness import SimulatedNode
from tests.lane import Lane, Missing
from tests.lane.wine import apart, warm
from tests.packaging import NAMES, choose, current
from tests.threads import Threads

# How fast a machine draws examples decides no test: the first run in a fresh clone builds Unicode tables.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Where a group may write what its user makes, the program would believe none of the folders of a test.
os.umask(0o022)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--packaging", choices=NAMES, default=NAMES[0], help="what tests/behaviour drives (docs/testing.md)"
    )
    parser.addoption(
        "--profile",
        choices=profile.NAMES,
        default="",
        help="the Windows whose simulated nodes are driven (docs/simulator.md)",
    )
    parser.addoption(
        "--require-lane", action="store_true", help="a test fails, instead of being skipped, without its part"
    )


def pytest_configure(config: pytest.Config) -> None:
    if number := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
        apart(int(number))
    for marker in selection.MARKERS:
        config.addinivalue_line("markers", marker)
    choose(config.getoption("--packaging"))
    profile.choose(config.getoption("--profile"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    selection.give_wine_a_second_try(items, current())
    left_out = selection.select(items, current(), config.option.markexpr)
    if left_out:
        config.hook.pytest_deselected(items=[item for item, _ in left_out])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A part of the lane that was not made skips the test and says so; `--require-lane` lets it fail."""
    missing = call.excinfo is not None and isinstance(call.excinfo.value, Missing)
    report = yield
    if missing and not item.config.getoption("--require-lane"):
        file, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (file, line or 0, f"Skipped: {call.excinfo.value if call.excinfo else ''}")
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    selection.finish(session.config, current())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """pytest-xdist: a worker has ended."""
    selection.gather(getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in selection.summary(current()):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def windows_is_up() -> Iterator[None]:
    """Where Windows programs are driven under Wine, one of them runs all the time."""
    with current().up():
        yield


@pytest.fixture(scope="session", autouse=True)
def threads() -> Iterator[Threads]:
    """The program's threads are shown to coverage in every test."""
    started = Threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cni_hns.background.start_new_thread", started.start)
        yield started


@pytest.fixture
def join_threads(threads: Threads) -> Iterator[Callable[[], None]]:
    """Wait for the threads that the program has started in this test; at its end that is done in any case."""
    threads.forget()
    yield threads.join
    threads.join()


@pytest.fixture(scope="session")
def lane() -> Lane:
    """What the tests need from outside; each asks for its part."""
    return Lane.here()


@pytest.fixture(scope="session")
def wine(lane: Lane) -> Iterator[None]:
    """Wine is up for all tests that ask."""
    with warm(lane):
        yield


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SimulatedNode]:
    """A fresh simulated node; at the end no handle and no buffer may be left, whatever the test did."""
    simulated = SimulatedNode(tmp_path / "node")
    yield simulated
    simulated.close()
