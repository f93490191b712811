"""A scripted Host Compute System for each test, which must get back all that it gave."""

from __future__ import annotations

import pytest

from cni_hns.binding.compute import Compute
from cni_hns.hcs.client import ComputeSystems
from tests.unit.binding.conftest import compute, hcs, log

__all__ = ["compute", "hcs", "log", "systems"]


@pytest.fixture
def systems(compute: Compute) -> ComputeSystems:
    return ComputeSystems(compute)
