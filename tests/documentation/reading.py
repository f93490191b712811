"""What a page has in it: commands that a reader types, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Typed", "anchors", "links", "prose", "tight_lists", "typed"]

_FENCE = re.compile(r"^\s*```")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$")
_ITEM = re.compile(r"^([-*]|\d+\.) ")
_PROGRAM = re.compile(r"^(.*[/\\])?cni-hns(\.exe)?$")
# A quoted text, a placeholder such as <id or name>, what ends a command, or a word.
_WORD = re.compile(r"""["'][^"']*["']|<[^<>\n]+>|&&|\$\(|[|;<>()]|[^\s"'|;<>()]+""")
_ENDS = {"&&", "|", ";", "<", ">", "(", ")", "$("}
# What may stand before the program: a prompt, PowerShell's call operator, a variable for this call.
_BEFORE = re.compile(r"^(\$|>|#|PS>|&|\w+=\S*)$")


class Typed(NamedTuple):
    """A command of this program on a page: the number of its line, and the words behind `cni-hns`."""

    line: int
    words: tuple[str, ...]


def typed(text: str) -> Iterator[Typed]:
    """Every command of this program that the page has, in its blocks and within its sentences."""
    for number, line, fenced in _lines(text):
        for command in [line] if fenced else _SPAN.findall(line):
            yield from (Typed(number, words) for words in _commands(command))


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Number, text, and whether it lies in a fenced block. Lines that go on are joined."""
    fenced, begun = False, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced and line.endswith((" \\", " `")):
            begun += line[:-1]
        else:
            yield number, begun + line, fenced
            begun = ""


def _commands(line: str) -> Iterator[tuple[str, ...]]:
    command: list[str] = []
    for word in [*_WORD.findall(line), ";"]:
        if word not in _ENDS:
            command.append(word)
            continue
        while command and _BEFORE.match(command[0]):
            del command[0]
        if command and _PROGRAM.match(command[0]):
            yield tuple(command[1:])
        command = []


def prose(text: str) -> str:
    """The page without its fenced blocks and without code."""
    return "\n".join(_SPAN.sub("", line) for _, line, fenced in _lines(text) if not fenced)


def links(text: str) -> list[str]:
    """Where the page's links and pictures lead, but to other sites."""
    return [link for link in _LINK.findall(prose(text)) if "://" not in link]


def anchors(text: str) -> set[str]:
    """The headings of a page as links name them: GitHub's rule, which is the site's too for such headings."""
    headings = (_HEADING.match(line) for _, line, fenced in _lines(text) if not fenced)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1]).lower() for found in headings if found)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def tight_lists(text: str) -> list[int]:
    """Lines on which a list begins without an empty line before it: GitHub shows it, the site does not."""
    before, found = "", []
    for number, line, fenced in _lines(text):
        begins = (
            _ITEM.match(line)
            and before
            and not before.startswith((" ", "-", "*"))
            and not _ITEM.match(before)
        )
        if begins and not fenced:
            found.append(number)
        before = line
    return found
