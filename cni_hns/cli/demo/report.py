"""What the demo shows: each step as it was sent and answered, and what is on the node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cni_hns.cli.output import print_lines, table

if TYPE_CHECKING:
    from cni_hns.cli.demo.inventory import Inventory
    from cni_hns.cli.demo.node import Answer

__all__ = ["Report"]

_INDENT = 4
_LEASE = {"ADDRESS": "address", "NETWORK": "network", "CONTAINER": "containerID"}
_TABLES = (
    ("endpoints", "endpoints in HNS", {"ID": "id", "NAME": "name", "ADDRESSES": "addresses"}),
    (
        "leases",
        "leases in the ledger",
        _LEASE,
    ),
    ("namespaces", "namespaces in HNS, the host's own among them", {"ID": "id", "ENDPOINTS": "endpoints"}),
)


class Report:
    """Prints as the demo goes on, or keeps everything for one JSON document at its end (`quiet`)."""

    def __init__(self, quiet: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self.unexpected: list[str] = []
        self._quiet = quiet

    def say(self, text: str) -> None:
        if not self._quiet:
            print_lines(Text(text))

    def heading(self, text: str) -> None:
        if not self._quiet:
            print_lines(Text(""))
            print_lines(Rule(Text(text, "bold"), align="left"))

    def step(
        self, title: str, sent: list[str], answer: Answer, wrong: str | None, part: tuple[str, ...] = ()
    ) -> None:
        """One step: what it is for, what was sent, what came back, and what is wrong with it, if anything.

        `part` leads to the member of a long answer that is shown in its place.
        """
        number = len(self.steps) + 1
        self.steps.append(
            {
                "id": number,
                "title": title,
                "sent": sent,
                "exitCode": answer.exit_code,
                "stdout": answer.document if answer.document is not None else answer.stdout,
                "stderr": answer.stderr,
                "milliseconds": round(answer.milliseconds),
                "asExpected": wrong is None,
            }
        )
        if wrong is not None:
            self.unexpected.append(f"step {number} ({title}): {wrong}")
        if self._quiet:
            return
        print_lines(Text(f"\n{number:2}. {title}", "bold"))
        for line in sent:
            print_lines(Padding(Text(line, "cyan"), (0, 0, 0, _INDENT)))
        for line in _came_back(answer, part):
            print_lines(Padding(Text(line), (0, 0, 0, _INDENT)))
        if wrong is not None:
            print_lines(Padding(Text(f"NOT AS EXPECTED: {wrong}", "bold red"), (0, 0, 0, _INDENT)))

    def inventory(self, title: str, inventory: Inventory) -> None:
        """What is on the node now, object by object."""
        if self._quiet:
            return
        self.heading(title)
        for key, words, columns in _TABLES:
            rows = getattr(inventory, key)
            print_lines(Text(f"\n{words}: {len(rows)}"))
            if rows:
                print_lines(Padding(table(rows, columns), (0, 0, 0, 2)))

    def comparison(self, moments: dict[str, Inventory]) -> None:
        """How many of each there were at each moment."""
        if self._quiet:
            return
        self.heading("Before and after")
        made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        made.add_column("")
        for moment in moments:
            made.add_column(moment, justify="right")
        counts = [inventory.counts() for inventory in moments.values()]
        for kind in counts[0]:
            made.add_row(kind, *(str(count[kind]) for count in counts))
        print_lines(made)


def _came_back(answer: Answer, part: tuple[str, ...]) -> list[str]:
    lines = [f"-> exit {answer.exit_code}, {answer.milliseconds:.0f} ms"]
    document = answer.document
    if isinstance(document, dict) and answer.exit_code == 0 and part:
        lines[0] += f"; {'.'.join(part)}:"
        for key in part:
            document = document[key]
    if document is not None:
        lines.append(json.dumps(document, ensure_ascii=False))
    elif answer.stdout.strip():
        lines.append(answer.stdout.strip())
    else:
        lines[0] += ", nothing on stdout"
    return [*lines, *(f"stderr: {line}" for line in answer.stderr.splitlines())]
