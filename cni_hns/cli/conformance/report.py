"""What a conformance run shows: progress, each finding with what was seen, and the counts at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import click
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from cni_hns.cli.output import console, print_json, print_lines, table
from cni_hns.conformance import FAIL, NOT_APPLICABLE, PASS, REMARK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from cni_hns.conformance import Check, PluginConfiguration, Summary, Verdict

__all__ = ["Progress", "print_checks", "print_summary"]

_WORDS = {PASS: "ok", REMARK: "REMARK", FAIL: "FAIL", NOT_APPLICABLE: "n/a"}
_STYLES = {PASS: "green", REMARK: "yellow", FAIL: "bold red", NOT_APPLICABLE: "dim"}
_INDENT = 8


class Progress:
    """Tells of the run as it goes on: a bar on a terminal, a line for each check elsewhere, or nothing."""

    def __init__(self, plugin: str, configuration: PluginConfiguration, total: int, *, quiet: bool) -> None:
        self._screen = console()
        self._quiet = quiet
        self._plugin = plugin
        self._configuration = configuration
        self._total = total
        self._number = 0
        self._bar: Bar | None = None
        if self._screen.is_terminal and not quiet:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._screen,
                transient=True,
            )

    def __enter__(self) -> Self:
        if not self._quiet:
            facts = self._configuration
            click.echo(
                f"{self._plugin}: {facts.kind} plugin, network {facts.name}, "
                f"CNI {facts.version}, {self._total} checks"
            )
        if self._bar is not None:
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begins(self, check: Check, number: int, total: int) -> None:
        self._number = number
        if self._bar is not None:
            self._bar.update(self._task, completed=number - 1, total=total, description=check.id)

    def ended(self, verdict: Verdict) -> None:
        if self._quiet:
            return
        if self._bar is None:
            self._plain(verdict)
            return
        self._bar.update(self._task, completed=self._number)
        if verdict.status != PASS:
            self._bar.console.print(_headline(verdict))
            for line in _details(verdict):
                self._bar.console.print(Padding(line, (0, 0, 0, _INDENT)))

    def _plain(self, verdict: Verdict) -> None:
        """A line that a log viewer takes as it is: nothing is folded."""
        click.echo(f"{self._number:3}/{self._total} {_headline(verdict).plain}")
        for line in _details(verdict):
            click.echo(f"{' ' * _INDENT}{line.plain}")


def _headline(verdict: Verdict) -> Text:
    words = Text(f"{_WORDS[verdict.status]:6} ", _STYLES[verdict.status])
    words.append(verdict.check.id, "" if verdict.status == NOT_APPLICABLE else "bold")
    if verdict.message:
        words.append(f": {verdict.message}", "")
    return words


def _details(verdict: Verdict) -> list[Text]:
    """For a finding: the rule, the call that shows it, and the calls around it."""
    if verdict.status not in (FAIL, REMARK):
        return []
    check = verdict.check
    lines = [Text(f"{check.level} ({check.section}): {check.quote}", "italic"), *map(Text, verdict.evidence)]
    if len(verdict.steps) > 1:
        lines.append(Text(f"calls: {'; '.join(verdict.steps)}", "dim"))
    return lines


def print_summary(summary: Summary) -> None:
    """The counts, what is left over, and what they come to."""
    for verdict in summary.verdicts:
        if verdict.status == FAIL:
            click.echo(f"failed: {verdict.check.id}: {verdict.message}")
    for line in summary.left_over:
        click.echo(f"left over: {line}")
    counts = {status: summary.count(status) for status in (PASS, REMARK, FAIL, NOT_APPLICABLE)}
    words = f"{counts[PASS]} passed, {counts[REMARK]} with remarks, {counts[FAIL]} failed, "
    click.echo(f"{len(summary.verdicts)} checks: {words}{counts[NOT_APPLICABLE]} not applicable")
    if summary.ok:
        click.echo("the plugin conforms, as far as these checks can see")
    elif not (counts[FAIL] or summary.left_over):
        click.echo("NOTHING could be checked")
    else:
        click.echo("the plugin does NOT conform: see the lines above")


def print_checks(checks: Sequence[Check], as_json: bool) -> None:
    """What would be run."""
    rows = [
        {
            "id": check.id,
            "level": check.level,
            "title": check.title,
            "section": check.section,
            "quote": check.quote,
            "since": check.since,
        }
        for check in checks
    ]
    if as_json:
        print_json(rows)
    else:
        print_lines(table(rows, {"CHECK": "id", "LEVEL": "level", "A CONFORMING PLUGIN": "title"}))
