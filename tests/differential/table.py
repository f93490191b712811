"""The table of meant differences: what it has, and which of them a found difference is.

A row names the peers, the values of the case's fields for which it holds, the steps, the place and the two
values; what it leaves out may be anything. `*` in a text stands for any text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from tests.differential.cases import Case
from tests.differential.comparison import Difference

__all__ = ["TABLE", "Row", "document", "read", "reason"]

TABLE = Path(__file__).with_name("differences.toml")

_ANYTHING = "*"
_BEGINNING = """\
# What differs from the peers

A node changes to cni-hns by replacing the peer's exe ([Installing](installing.md)); configurations, endpoint
names and host-local's reservations carry over. Each difference that is left is here, with its reason. The
tables are made from `tests/differential/differences.toml`, which the test beside the peers reads
([Testing](testing.md)): a difference that is not in it fails that test, and so does a row that no longer
occurs."""
_HEADING = {
    "win-bridge": "win-bridge (containernetworking/plugins)",
    "win-overlay": "win-overlay (containernetworking/plugins)",
    "nat": "nat (microsoft/windows-container-networking)",
    "sdnbridge": "sdnbridge (microsoft/windows-container-networking)",
    "sdnoverlay": "sdnoverlay (microsoft/windows-container-networking)",
}


class Pattern(NamedTuple):
    """One shape in which a difference shows."""

    place: str
    steps: tuple[str, ...]
    where: Mapping[str, str]
    peer: str
    ours: str

    def fits(self, case: Case, found: Difference) -> bool:
        """Whether this is what was found."""
        return (
            (not self.steps or any(fnmatchcase(found.step, step) for step in self.steps))
            and fnmatchcase(found.place, self.place)
            and fnmatchcase(found.peer, _literal(self.peer))
            and fnmatchcase(found.ours, _literal(self.ours))
            and self.where.keys() <= case.values.keys()
            and all(fnmatchcase(case.values[field], text) for field, text in self.where.items())
        )


class Row(NamedTuple):
    """A meant difference: its name, whose it is, both sides in words, the reason, and how it shows."""

    name: str
    peers: tuple[str, ...]
    peer_does: str
    we_do: str
    why: str
    shows: tuple[Pattern, ...]

    def explains(self, case: Case, found: Difference) -> bool:
        """Whether what was found is this row's."""
        return case.peer in self.peers and any(each.fits(case, found) for each in self.shows)


def read(path: Path = TABLE) -> list[Row]:
    """The rows of the table. Raises: KeyError, a row without one of its members."""
    return [_row(each) for each in tomllib.loads(path.read_text(encoding="utf-8"))["difference"]]


def reason(rows: list[Row], case: Case, found: Difference) -> str | None:
    """The name of the row that means this difference."""
    return next((row.name for row in rows if row.explains(case, found)), None)


def document(rows: list[Row]) -> str:
    """The table for people: for each peer every difference and its reason."""
    sections = [_BEGINNING]
    for peer, heading in _HEADING.items():
        lines = [f"| {row.peer_does} | {row.we_do} | {row.why} |" for row in rows if peer in row.peers]
        sections.append(
            "\n".join([f"## {heading}", "", f"| {peer} | cni-hns | why |", "|---|---|---|", *lines])
        )
    return "\n\n".join(sections) + "\n"


def _row(given: dict[str, Any]) -> Row:
    shows = tuple(
        Pattern(
            each["place"],
            tuple(each.get("steps", ())),
            each.get("where", {}),
            each.get("peer", _ANYTHING),
            each.get("ours", _ANYTHING),
        )
        for each in given["shows"]
    )
    return Row(given["name"], tuple(given["peers"]), given["peer"], given["ours"], given["why"], shows)


def _literal(pattern: str) -> str:
    """JSON's brackets are no character sets."""
    return pattern.replace("[", "[[]")
