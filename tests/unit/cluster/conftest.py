"""A node with its agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cluster.agents import AgentNode


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[AgentNode]:
    """win-1 on an overlay network; it leaves no handle and no buffer."""
    made = AgentNode(tmp_path / "win-1")
    yield made
    made.close()


@pytest.fixture
def bridged(tmp_path: Path) -> Iterator[AgentNode]:
    """The same on l2bridge."""
    made = AgentNode(tmp_path / "win-1", mode="l2bridge")
    yield made
    made.close()
