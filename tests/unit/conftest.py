"""What the tests of several layers ask for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cri.fake_runtime import FakeRuntime


@pytest.fixture
def runtime() -> Iterator[FakeRuntime]:
    """A container runtime that nobody has told of any pod."""
    # The Windows Python has no grpcio, and no test there asks for it.
    from tests.unit.cri.fake_runtime import served

    # A socket's path must be short, which a test's folder is not.
    with tempfile.TemporaryDirectory(prefix="cri-") as short, served(f"unix://{short}/cri.sock") as running:
        yield running
