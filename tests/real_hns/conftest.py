"""Each test is two: a rehearsal on a simulated node, and, where `-m real_hns` asks for it, the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_hns.node import HnsNode, Unusable, real, rehearsal

_NODES = {"rehearsal": rehearsal, "real": real}


@pytest.fixture(params=["rehearsal", pytest.param("real", marks=pytest.mark.real_hns)])
def hns_node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HnsNode]:
    """A node; at the end it has what it had before. Without a usable HNS the test fails: it was asked for."""
    unusable = ""
    try:
        with _NODES[request.param](tmp_path) as node:
            yield node
    except Unusable as fault:
        unusable = str(fault)
    if unusable:
        pytest.fail(unusable, pytrace=False)
