"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.harness import SimulatedNode

# How fast a machine draws examples decides no test: the first run in a fresh clone builds Unicode tables.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SimulatedNode]:
    """A fresh simulated node; at the end no handle and no buffer may be left, whatever the test did."""
    simulated = SimulatedNode(tmp_path / "node")
    yield simulated
    simulated.close()
