"""What the commands print: a table or a list of facts for people, JSON for programs.

Rule 1: on a terminal lines are folded between words, so that no id is broken; where no terminal is, a row is
a line. Nothing is cut: a GUID or a name that was cut could not be used in the next command.
Rule 2: colour is for terminals only, and for nobody who has set NO_COLOR (https://no-color.org).
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click
from rich.console import Console

from cni_hns.cli.layout import Columns, fitting, folded, pairs
from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import RenderableType
    from rich.table import Table

__all__ = [
    "FORMATS",
    "SHAPE",
    "Columns",
    "Shape",
    "console",
    "is_terminal",
    "print_json",
    "print_lines",
    "print_list",
    "print_notes",
    "print_object",
    "print_paragraph",
    "shape_of",
    "table",
    "terminal_width",
    "utc",
]

SHAPE = __name__
"""Under this name the options of a list are kept with its context."""

FORMATS = ("wide", "json", "name")

# Wider than any line: nothing is folded where no terminal is.
_UNFOLDED = 10_000
_INDENT = 4
# Where a terminal does not tell its width.
_USUAL_WIDTH = 80


class Shape(NamedTuple):
    """How a list was asked for: one of FORMATS or "" for the usual table, ids alone, a line a row."""

    format: str = ""
    quiet: bool = False
    whole: bool = False


def shape_of(context: click.Context | None) -> Shape:
    """What the options of this command say; of the usual kind where it has none."""
    return Shape() if context is None else cast("Shape", context.meta.get(SHAPE, Shape()))


def is_terminal() -> bool:
    """Whether somebody reads stdout on a screen."""
    return sys.stdout.isatty()


def terminal_width() -> int | None:
    """How many columns stdout has; None where it is no terminal."""
    if not is_terminal():
        return None
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL_WIDTH
    except (OSError, ValueError):
        return _USUAL_WIDTH


def console(width: int | None = None) -> Console:
    """A console on the stdout of this moment; nothing in a value is taken for markup."""
    coloured = _is_coloured()
    return Console(
        width=width or terminal_width() or _UNFOLDED,
        color_system="auto" if coloured else None,
        force_terminal=coloured,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _is_coloured() -> bool:
    context = click.get_current_context(silent=True)
    if context is not None and context.color is not None:
        return context.color
    return is_terminal() and not os.environ.get("NO_COLOR")


def print_json(value: object) -> None:
    """One JSON document."""
    click.echo(json.dumps(value, indent=2))


def print_list(
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    as_json: bool,
    if_empty: str,
    *,
    wide: Columns | None = None,
    key: str = "id",
    block: Callable[[Mapping[str, Any]], list[str]] | None = None,
) -> None:
    """A JSON array of all rows, or a table of these columns; `if_empty` instead of an empty table.

    As the options of the list say: `wide` are the columns that `-o wide` adds, `key` is the member that `-q`
    prints. `block` gives a row as lines below its key, for a terminal that is too narrow for the table.
    """
    asked = shape_of(click.get_current_context(silent=True))
    if as_json:
        print_json(rows)
    elif asked.quiet or asked.format == "name":
        for row in rows:
            click.echo(one_line(str((asked.format == "name" and row.get("name")) or row[key])))
    elif rows:
        shown = {**columns, **(wide or {})} if asked.format == "wide" else columns
        _print_table(rows, shown, None if asked.whole else terminal_width(), key, block)
    else:
        click.echo(if_empty)


def _print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    width: int | None,
    key: str,
    block: Callable[[Mapping[str, Any]], list[str]] | None,
) -> None:
    made = fitting(rows, columns, width)
    if made is not None:
        print_lines(made, width or _UNFOLDED)
        return
    for number, row in enumerate(rows):
        if block is not None:
            click.echo(one_line(str(row[key])))
            for line in folded(block(row), None if width is None else width - _INDENT):
                click.echo(" " * _INDENT + line)
            continue
        if number:
            click.echo()
        print_lines(pairs({heading: row[member] for heading, member in columns.items()}, width))


def print_object(fact: Mapping[str, Any], as_json: bool) -> None:
    """A JSON object, or a line for each member that holds anything, and HNS's own `document` below them."""
    if as_json:
        print_json(fact)
        return
    print_lines(pairs({key: value for key, value in fact.items() if key != "document"}, terminal_width()))
    if "document" in fact:
        click.echo()
        print_json(fact["document"])


def print_paragraph(label: str, text: str) -> None:
    """Words behind a label: folded between words on a terminal, below their beginning, else on one line."""
    width = terminal_width()
    room = None if width is None else max(width - len(label), 1)
    for number, line in enumerate(folded([text], room)):
        click.echo(f"{label if number == 0 else ' ' * len(label)}{line}")


def table(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Table:
    """The rows as `print_lines` prints them, a line each where no terminal is."""
    rows = list(rows)
    return fitting(rows, columns, terminal_width()) or cast("Table", fitting(rows, columns, None))


def print_lines(renderable: RenderableType, width: int | None = None) -> None:
    """Print without the blanks that fill a table's last column."""
    screen = console(width)
    with screen.capture() as captured:
        screen.print(renderable, crop=False)
    # In colour the blanks stand before an escape sequence; they hurt nobody on a terminal.
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=_is_coloured())


def print_notes(notes: Iterable[str]) -> None:
    """What could not be read, or is left out, and why: on stderr, a line each."""
    for note in notes:
        click.echo(f"note: {one_line(note)}", err=True)


def utc(seconds: float) -> str:
    """Seconds since the epoch as all commands write them (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
