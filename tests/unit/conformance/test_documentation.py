"""docs/conformance.md lists the checks as they are."""

from __future__ import annotations

from pathlib import Path

from cni_hns.conformance import CHECKS

DOCUMENT = Path(__file__).parents[3] / "docs" / "conformance.md"
HEADING = "| check | level | a conforming plugin | section |"


def rows() -> list[str]:
    return [f"| `{check.id}` | {check.level} | {check.title} | {check.section} |" for check in CHECKS]


def test_the_document_lists_every_check_with_its_section() -> None:
    _, found, table = DOCUMENT.read_text(encoding="utf-8").partition(f"{HEADING}\n")
    assert found
    assert table.splitlines()[1:] == rows()
