"""A fresh node and a program of somebody else's on it, which keeps the rules of the ABI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.conformance.program import Program


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A node as it comes, every option at its default."""
    node = Simulator(str(tmp_path / "node"))
    yield node
    node.close()


@pytest.fixture
def program(simulator: Simulator) -> Iterator[Program]:
    """A process on the node; at its end nothing is left open."""
    process = Program(simulator.libraries())
    yield process
    assert simulator.live() == []
    process.libraries.close()
    assert simulator.leaks() == []


@pytest.fixture
def on_version(simulator: Simulator) -> Callable[[str], Any]:
    """Makes the node one of another HNS version."""
    return lambda version: simulator.set_options(hns_version=version)
