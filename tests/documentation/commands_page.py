"""docs/commands.md: every command with its help, its options and its examples, as the program has them."""

from __future__ import annotations

import inspect

import click

from cni_hns.cli.commands import by_topic
from tests.commands import COMMANDS, context_of
from tests.documentation.markdown import cell, code, paragraphs, table

__all__ = ["page"]

_PROGRAM = "cni-hns"
_BEGINNING = """\
# Commands

<!-- Made from the program by `python -m tests.documentation`. -->

Without `CNI_COMMAND` in its environment the program is the operator's tool for this node. Every command has
`--help`, none asks a question, and `--json` prints one JSON document for programs. Exit codes: 0 done, 1 not
done or something was found, 2 the command line is wrong. Which command helps when: [Runbook](runbook.md)."""

_Path = tuple[str, ...]


def page() -> str:
    """The whole page."""
    topics = by_topic()
    paths = [path for names in topics.values() for name in names for path in _below(name)]
    parts = [_BEGINNING, *(_index(topic, names) for topic, names in topics.items()), *map(_section, paths)]
    return "\n\n".join(parts) + "\n"


def _below(name: str) -> list[_Path]:
    """The command or group of this name, and all that is in it."""
    return [path for path in COMMANDS if path[:1] == (name,)]


def _index(topic: str, names: list[str]) -> str:
    lines = [_line(path) for name in names for path in _below(name) if _does_something(path)]
    return f"**{topic}**\n\n" + table(["command", "does"], lines)


def _does_something(path: _Path) -> bool:
    """Most groups only hold their commands."""
    command = COMMANDS[path]
    return not isinstance(command, click.Group) or command.invoke_without_command


def _line(path: _Path) -> list[str]:
    words = " ".join(path)
    return [f"[`{words}`](#{'-'.join(path)})", cell(_help(path).split("\n\n")[0])]


def _help(path: _Path) -> str:
    return inspect.cleandoc(COMMANDS[path].help or "")


def _section(path: _Path) -> str:
    heading = "#" * (len(path) + 1) + " " + " ".join(path)
    parts = [heading, paragraphs(_help(path))]
    if _does_something(path):
        parts += [_usage(path), _options(path)]
    parts.append(paragraphs(COMMANDS[path].epilog or ""))
    return "\n\n".join(part for part in parts if part)


def _context(path: _Path) -> click.Context:
    return context_of(COMMANDS[path], " ".join((_PROGRAM, *path)))


def _usage(path: _Path) -> str:
    words = (_PROGRAM, *path, *COMMANDS[path].collect_usage_pieces(_context(path)))
    return f"```text\n{' '.join(words)}\n```"


def _options(path: _Path) -> str:
    """A table without --help, which all have."""
    context = _context(path)
    options = (one for one in COMMANDS[path].get_params(context) if isinstance(one, click.Option))
    told = [option.get_help_record(context) for option in options]
    rows = [[code(names), cell(words)] for names, words in filter(None, told) if "--help" not in names]
    return table(["option", "means"], rows) if rows else ""
