"""Markdown as GitHub and the site both read it."""

from __future__ import annotations

import html
import inspect
import textwrap
from collections.abc import Iterable, Sequence

__all__ = ["cell", "code", "paragraphs", "table"]

_AS_IT_STANDS = "\b"
"""click's mark at the beginning of a paragraph whose lines are not to be joined."""


def cell(text: str) -> str:
    """Text for a table's cell, on one line."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: str) -> str:
    """A name or an option in a table's cell. GitHub and the site disagree about a bar between backticks."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def paragraphs(help_text: str) -> str:
    """A command's help as click means it: paragraphs to be filled, or lines that stay as they are."""
    return "\n\n".join(_paragraph(one) for one in inspect.cleandoc(help_text).split("\n\n"))


def _paragraph(text: str) -> str:
    if text.startswith(_AS_IT_STANDS):
        return _as_it_stands(text.removeprefix(_AS_IT_STANDS).lstrip("\n"))
    return " ".join(text.split()).replace("<", "&lt;")


def _as_it_stands(text: str) -> str:
    """A block of its own; a first line such as "Examples:" stands above it."""
    first, _, rest = text.partition("\n")
    heading, lines = (f"{first.strip()}\n\n", rest) if first.rstrip().endswith(":") else ("", text)
    return f"{heading}```text\n{textwrap.dedent(lines).rstrip()}\n```"
