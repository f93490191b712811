"""A cluster with one pool of eight blocks of four addresses, and nodes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cluster.pools.cluster import Agent, Cluster


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.pool("blue", "10.9.0.0/27", size=30)
    return made


@pytest.fixture
def start(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Agent]]:
    """A node of this name with an agent."""
    agents: list[Agent] = []

    def started(name: str = "win-1", *pools: str, **more: Any) -> Agent:
        cluster.node(name)
        agents.append(Agent(cluster, tmp_path, name, *pools, **more))
        return agents[-1]

    yield started
    for agent in agents:
        agent.close()


@pytest.fixture
def agent(start: Callable[..., Agent]) -> Agent:
    return start()
