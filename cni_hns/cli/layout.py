"""How rows become lines: a table where it fits, in a pipe always, and blocks where a terminal is too narrow.

Rule 1: a word is never broken: an id, a name or an address goes into the next command as it is read.
Rule 2: nothing is cut. Where the words of a row have no room beside each other they stand below each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from cni_hns.log import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["NOTHING", "Columns", "fitting", "folded", "pairs", "words_of"]

# Heading -> key of the row.
Columns = dict[str, str]

NOTHING = "-"
"""What stands for no value: a program that counts columns finds one in each."""

_GAP = 2


def words_of(value: object) -> str:
    """A value on one line. Names are other programs': what in them does not print is shown escaped."""
    if isinstance(value, list):
        return ", ".join(map(words_of, value)) or NOTHING
    return one_line("" if value is None else str(value)) or NOTHING


def fitting(rows: Iterable[Mapping[str, Any]], columns: Columns, width: int | None) -> Table | None:
    """The table in at most this many columns, lines folded between words; None where that is too narrow.

    Without a width each row is one line. There is no drawing: columns can be read and cut by other programs.
    """
    cells = _cells(rows, columns)
    texts = _columns(columns, cells)
    wanted = [max(map(cell_len, column)) for column in texts]
    if width is None or sum(wanted) + _gaps(columns) <= width:
        return _drawn(columns, cells, wanted)
    needed = [max(map(_longest_word, column)) for column in texts]
    room = width - _gaps(columns) - sum(needed)
    return None if room < 0 else _drawn(columns, cells, _shared_out(needed, wanted, room))


def pairs(facts: Mapping[str, object], width: int | None) -> Text:
    """A line or more for each member that holds anything; a list's items below each other.

    A value whose longest word has no room beside the names stands below its name.
    """
    names = {key: _items(value) for key, value in facts.items() if value not in (None, "", [], {})}
    margin = max((cell_len(key) for key in names), default=0) + _GAP
    lines = [line for key, items in names.items() for line in _pair(key, items, margin, width)]
    # A word that is longer than the terminal is the terminal's to fold: copied from there it is whole.
    return Text("\n", no_wrap=True, overflow="ignore").join(lines)


def folded(items: Iterable[str], width: int | None) -> list[str]:
    """The items on lines of this width, escaped where they do not print.

    A word that is longer has a line of its own.
    """
    lines = map(one_line, items)
    return [*lines] if width is None else [part for line in lines for part in _wrapped(line, width)]


def _pair(key: str, items: list[str], margin: int, width: int | None) -> list[Text]:
    name = (key, "bold")
    if width is not None and margin + max(map(_longest_word, items)) > width:
        margin = 2 * _GAP
        return [Text.assemble(name), *(_indented(line, margin) for line in folded(items, width - margin))]
    first, *others = folded(items, None if width is None else width - margin)
    blanks = " " * (margin - cell_len(key))
    return [Text.assemble(name, blanks, first), *(_indented(line, margin) for line in others)]


def _items(value: object) -> list[str]:
    return [words_of(one) for one in value] if isinstance(value, list) else [words_of(value)]


def _indented(line: str, margin: int) -> Text:
    return Text(" " * margin + line)


def _wrapped(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _cells(rows: Iterable[Mapping[str, Any]], columns: Columns) -> list[list[str]]:
    return [[words_of(row[key]) for key in columns.values()] for row in rows]


def _columns(columns: Columns, cells: list[list[str]]) -> list[list[str]]:
    """Each column's heading and texts."""
    return [[heading, *(row[place] for row in cells)] for place, heading in enumerate(columns)]


def _gaps(columns: Columns) -> int:
    return _GAP * (len(columns) - 1)


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split(" ")))


def _shared_out(needed: list[int], wanted: list[int], room: int) -> list[int]:
    """What each column needs, and of the room left over what the narrower ones ask for first."""
    widths = list(needed)
    by_wish = sorted(range(len(widths)), key=lambda place: wanted[place] - needed[place])
    for count, place in enumerate(by_wish):
        more = min(wanted[place] - needed[place], room // (len(by_wish) - count))
        widths[place] += more
        room -= more
    return widths


def _drawn(columns: Columns, cells: list[list[str]], widths: list[int]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for heading, width in zip(columns, widths, strict=True):
        made.add_column(heading, width=width, overflow="fold")
    for row in cells:
        made.add_row(*map(Text, row))
    return made
