"""A scripted service for each test, which must get back all that it gave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cni_hns.binding.compute import Compute
from cni_hns.binding.service import Service
from cni_hns.log import Log
from tests.unit.binding.scripted import ScriptedService
from tests.unit.binding.scripted_compute import ScriptedCompute


@pytest.fixture
def scripted() -> Iterator[ScriptedService]:
    """At the end of every test no handle and no buffer is left, whatever the calls did."""
    service = ScriptedService()
    yield service
    service.assert_clean()


@pytest.fixture
def log() -> Log:
    return Log(stderr=False)


@pytest.fixture
def service(scripted: ScriptedService, log: Log) -> Service:
    return Service(scripted.libraries(), log)


@pytest.fixture
def hcs() -> Iterator[ScriptedCompute]:
    """At the end of every test no handle, no operation and no text is left, whatever the calls did."""
    service = ScriptedCompute()
    yield service
    service.assert_clean()


@pytest.fixture
def compute(hcs: ScriptedCompute, log: Log) -> Compute:
    return Compute(hcs.libraries(), log)
