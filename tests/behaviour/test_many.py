"""A node with ten thousand attachments; with another number: `python -m tests.together --attachments N`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.together.many import many

_MANY = 10_000


@pytest.mark.in_process("the verbs are run in the test's process; the node is what takes time")
def test_every_verb_is_right_and_makes_no_more_calls(tmp_path: Path) -> None:
    assert many(tmp_path / "node", _MANY).failures == []
