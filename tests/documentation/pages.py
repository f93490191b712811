"""Which pages of docs/ are made from the program, wholly or in part, and where all pages lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cni_hns.doctor import reference
from tests.documentation import commands_page, hresults_page, runbook

__all__ = ["DOCS", "PAGES", "ROOT", "path", "written"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page.page,
    "findings.md": reference.page,
    "hns-errors.md": hresults_page.page,
    "runbook.md": runbook.page,
}


def path(name: str) -> Path:
    """Where a page of this name is."""
    return DOCS / name


def written() -> list[str]:
    """All pages that people read, from the root: README, CHANGELOG and docs/."""
    pages = sorted(page.relative_to(ROOT).as_posix() for page in DOCS.rglob("*.md"))
    return ["README.md", "CHANGELOG.md", *pages]
