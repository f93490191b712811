"""What the demo shows: each step with the commands that were sent and what came of them, and the counts."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cni_hns.cli.output import print_lines, terminal_width

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cni_hns.cli.demo.inventory import Inventory
    from cni_hns.cli.demo.node import Answer

__all__ = ["Report"]

_INDENT = 4
_WIDTH = 74
# Where no terminal is.
_PAGE = 80


class Report:
    """Prints as the demo goes on, or keeps everything for one JSON document at its end (`quiet`)."""

    def __init__(self, quiet: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self.unexpected: list[str] = []
        self._quiet = quiet

    @property
    def processes(self) -> int:
        """How many there were."""
        return sum(len(step["commands"]) for step in self.steps)

    def has_sent(self, beginning: str) -> bool:
        """Whether a command began so."""
        return any(one["sent"].startswith(beginning) for step in self.steps for one in step["commands"])

    def say(self, text: str) -> None:
        self._print(Text(text))

    def heading(self, text: str) -> None:
        self._print(Text(""))
        self._print(Rule(Text(text, "bold"), align="left"))

    def step(self, title: str) -> None:
        """A step begins: what it is for."""
        number = len(self.steps) + 1
        self.steps.append({"id": number, "title": title, "commands": [], "asExpected": True})
        self._print(Text(f"{number:2}. {title}", "bold"))

    def command(self, sent: str, shown: str, answer: Answer, outcome: str, wrong: str | None) -> None:
        """One command of the step: as it was sent and as it can be typed, and what came of it.

        `wrong` says what is wrong with it, if anything: the whole answer is shown then.
        """
        step = self.steps[-1]
        step["commands"].append(
            {
                "sent": sent,
                "exitCode": answer.exit_code,
                "stdout": answer.document if answer.document is not None else answer.stdout,
                "stderr": answer.stderr,
                "milliseconds": round(answer.milliseconds),
                "asExpected": wrong is None,
            }
        )
        self._print(_indented(Text(_typed(shown), "cyan")))
        if wrong is None:
            if outcome:
                self.line(outcome)
            return
        step["asExpected"] = False
        self.unexpected.append(f"step {step['id']} ({step['title']}): {wrong}")
        for line in _whole(answer):
            self.line(line)
        self._print(_indented(Text(f"NOT AS EXPECTED: {wrong}", "bold red")))

    def line(self, text: str) -> None:
        """A line of what came of a command."""
        self._print(_indented(Text(text)))

    def comparison(self, moments: dict[str, Inventory]) -> None:
        """How many of each there were at each moment."""
        self.heading("Before and after")
        made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        made.add_column("")
        for moment in moments:
            made.add_column(moment, justify="right")
        counts = [inventory.counts() for inventory in moments.values()]
        for kind in counts[0]:
            made.add_row(kind, *(str(count[kind]) for count in counts))
        self._print(made)

    def _print(self, what: RenderableType) -> None:
        if not self._quiet:
            print_lines(what, terminal_width() or _PAGE)


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT))


def _typed(command: str) -> str:
    """A line for a shell, or several that go on with a backslash."""
    lines = textwrap.wrap(
        f"$ {command}", _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return " \\\n".join(lines)


def _whole(answer: Answer) -> list[str]:
    lines = [f"exit code {answer.exit_code}, {answer.milliseconds:.0f} ms"]
    return [*lines, *answer.stdout.splitlines(), *(f"stderr: {line}" for line in answer.stderr.splitlines())]
