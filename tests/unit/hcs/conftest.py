"""A scripted Host Compute System for each test, which must get back all that it gave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cni_hns.binding.compute import Compute
from cni_hns.hcs.client import ComputeSystems
from cni_hns.log import Log
from tests.unit.binding.scripted_compute import ScriptedCompute


@pytest.fixture
def hcs() -> Iterator[ScriptedCompute]:
    """At the end of every test no handle, no operation and no text is left, whatever the calls did."""
    service = ScriptedCompute()
    yield service
    service.assert_clean()


@pytest.fixture
def compute(hcs: ScriptedCompute) -> Compute:
    return Compute(hcs.libraries(), Log(stderr=False))


@pytest.fixture
def systems(compute: Compute) -> ComputeSystems:
    return ComputeSystems(compute)
