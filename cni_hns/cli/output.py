"""What the commands print: a table or a list of facts for people, JSON for programs.

Rule: text is folded at the width of the terminal (80 columns without one), never cut: a GUID or a name that
was cut could not be used in the next command.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

__all__ = ["Columns", "console", "print_json", "print_list", "print_notes", "print_object", "table", "utc"]

# Heading -> key of the row.
Columns = dict[str, str]


def console() -> Console:
    """A console on the stdout of this moment; nothing in a value is taken for markup."""
    return Console(markup=False, emoji=False, highlight=False)


def print_json(value: object) -> None:
    """One JSON document."""
    click.echo(json.dumps(value, indent=2))


def print_list(rows: Sequence[Mapping[str, Any]], columns: Columns, as_json: bool, if_empty: str) -> None:
    """A JSON array of all rows, or a table of these columns; `if_empty` instead of an empty table."""
    if as_json:
        print_json(rows)
    elif rows:
        print_lines(table(rows, columns))
    else:
        click.echo(if_empty)


def print_object(fact: Mapping[str, Any], as_json: bool) -> None:
    """A JSON object, or a line for each member that holds anything, and HNS's own `document` below them."""
    if as_json:
        print_json(fact)
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in fact.items():
        if key != "document" and value not in (None, "", [], {}):
            grid.add_row(Text(key, "bold"), _text(value))
    print_lines(grid)
    if "document" in fact:
        click.echo()
        print_json(fact["document"])


def table(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Table:
    """The rows without any drawing, so that columns can be read and cut by other programs."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading, key in columns.items():
        # A folded GUID could not be copied; there is room for one in 80 columns, and the rest gives way.
        made.add_column(heading, overflow="fold", no_wrap=key == "id")
    for row in rows:
        made.add_row(*(_text(row[key]) for key in columns.values()))
    return made


def print_lines(renderable: RenderableType) -> None:
    """Print without the blanks that fill a table's last column."""
    screen = console()
    with screen.capture() as captured:
        screen.print(renderable)
    # In colour the blanks stand before an escape sequence; they hurt nobody on a terminal.
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _text(value: object) -> Text:
    """Names are other programs': what in them does not print must not reach the terminal as it is."""
    lines = value if isinstance(value, list) else ["" if value is None else value]
    return Text("\n".join(one_line(str(one)) for one in lines))


def print_notes(notes: Iterable[str]) -> None:
    """What could not be read, or is left out, and why: on stderr, a line each."""
    for note in notes:
        click.echo(f"note: {one_line(note)}", err=True)


def utc(seconds: float) -> str:
    """Seconds since the epoch as all commands write them (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
