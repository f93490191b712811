"""A node and a caller of it; at the end nothing may be left open, whatever the test did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.unit.simulator.caller import Caller
from tests.unit.simulator.hcs_caller import HcsCaller


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """An empty node whose networks are ready at once."""
    node = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    yield node
    node.close()


@pytest.fixture
def address(simulator: Simulator) -> Iterator[str]:
    """Where programs that cannot load the node find it."""
    with serve(simulator) as found:
        yield found


@pytest.fixture
def caller(simulator: Simulator) -> Iterator[Caller]:
    """A process that uses the node, and that must keep the rules."""
    process = Caller(simulator)
    yield process
    assert simulator.live() == []
    process.libraries.close()
    assert simulator.leaks() == []


@pytest.fixture
def hcs(simulator: Simulator) -> Iterator[HcsCaller]:
    """A process that uses the node's compute systems, and that must keep the rules."""
    process = HcsCaller(simulator)
    yield process
    assert simulator.live() == []
    process.libraries.close()
    assert simulator.leaks() == []
