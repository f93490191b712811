"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import SimulatedNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SimulatedNode]:
    """A fresh simulated node; at the end no handle and no buffer may be left, whatever the test did."""
    simulated = SimulatedNode(tmp_path / "node")
    yield simulated
    simulated.close()
