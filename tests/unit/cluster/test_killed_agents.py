"""An agent that is killed in the middle of its routes: the next one ends where it should."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator, open_simulator
from tests.unit.cluster import killed_agent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its processes are forked")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "node")


def agent(folder: str, mode: str) -> int:
    """One run of an agent in a process of its own; how it ended. Here no node may be open meanwhile."""
    pid = os.fork()
    if pid == 0:
        try:
            killed_agent.run(folder, mode)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def opened(folder: str) -> Iterator[Simulator]:
    node = open_simulator(folder)
    try:
        yield node
    finally:
        node.close()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize("mode", ["overlay", "l2bridge"])
def test_whenever_it_is_killed(folder: str, mode: str, nth: int, moment: str) -> None:
    killed_agent.begin(folder, mode)
    with opened(folder) as node:
        fault = node.inject(nth=nth, die=moment)
    ended = agent(folder, mode)
    with opened(folder) as node:
        assert ended == (-signal.SIGKILL if node.fired(fault) else 0)
        node.clear_faults()
    assert killed_agent.run(folder, mode) == killed_agent.WANTED[mode]
    assert killed_agent.run(folder, mode, gone=True) == []


@pytest.mark.parametrize("mode", ["overlay", "l2bridge"])
def test_every_call_of_a_run_was_one_of_those(folder: str, mode: str) -> None:
    """The numbers above reach the last call, so that a run with one call more is not half tried."""
    killed_agent.begin(folder, mode)
    with opened(folder) as node:
        node.reset_journal()
    assert agent(folder, mode) == 0
    with opened(folder) as node:
        assert 3 < len(node.journal()) <= 6
