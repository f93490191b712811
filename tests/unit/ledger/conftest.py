"""A ledger in a folder of its own, and short ways to fill it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, open_ledger


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "ledger.db")


@pytest.fixture
def ledger(path: str) -> Iterator[Ledger]:
    opened = open_ledger(path, Deadline(20))
    yield opened
    opened.close()
