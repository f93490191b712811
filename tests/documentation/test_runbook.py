"""The runbook has what an operator sees: the situations are staged on a simulated node."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documentation.pages import path
from tests.documentation.situations import SITUATIONS, Situation

RUNBOOK = path("runbook.md").read_text(encoding="utf-8")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PARTS = ["What you see.", "Type.", "What it means.", "What mends it.", "When it is not the plugin."]


def section(heading: str) -> str:
    return RUNBOOK.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("heading", SITUATIONS)
def test_every_situation_has_its_section_with_all_parts(heading: str) -> None:
    assert re.findall(r"^\*\*(.*?)\*\*", section(heading), re.MULTILINE) == PARTS
    assert f"](#{heading.lower().replace(' ', '-')})" in RUNBOOK.partition("\n## ")[0]


@pytest.mark.parametrize("heading", SITUATIONS)
def test_the_events_have_the_plugins_own_words(heading: str, tmp_path: Path) -> None:
    here = Situation(tmp_path)
    try:
        SITUATIONS[heading](here)
    finally:
        here.close()
    shown = " ".join(section(heading).split()).replace("; create it", " create it")
    assert [said for said in here.said if " ".join(GUID.sub("…", said).split()) not in shown] == []
