"""Which tests a run leaves out, and what it says about it at its end.

Rule: a test that a packaging leaves out says why, by a marker, and the run prints how many those are.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.lane.wine import keep_addresses
from tests.packaging import Packaging
from tests.profile import chosen, lacking

__all__ = ["MARKERS", "finish", "gather", "give_wine_a_second_try", "select", "summary"]

REAL = "real_hns"

MARKERS = [
    "in_process(reason): the test looks inside the process; it runs in no other packaging",
    "not_in(*packagings, reason): what the test is about cannot be shown there",
    "needs(*features, schema): what the test is about needs an HNS with these features, or this HCN schema",
    "single_file: one of the few that every packaging is tried with, also the single files, slow to start",
    f"{REAL}: needs a real HNS, and changes it; runs only where `-m` names it",
]

_FOLDER, _CLIENTS = "behaviour", "clients"

_FEW_ROWS = 3
_ONE_OF = 8
_ROWS_OF = {"windows": 0, "frozen": 2}
_EACH_EIGHTH = (
    "of a test with many rows the Windows program runs each eighth, the one for Linux an eighth of its own"
)
_OF_CLIENTS = "of a client's test with many rows the Windows programs run each eighth, those for Linux all"
_A_FEW_RUN = {
    "module": "a module runs one case for each verb; the built programs run them all",
    "frozen": "the program for Linux runs one case for each verb, and what the Windows program cannot",
    "frozen-onefile": "a single file runs one case for each verb; its folder runs more",
    "windows-onefile": "a single file runs one case for each verb; its folder runs them all",
}


class _Report:
    """What this run, or all its workers together, came to."""

    def __init__(self) -> None:
        self.run = 0
        self.reasons: Counter[str] = Counter()
        self.started = 0


_report = _Report()


def select(items: list[pytest.Item], packaging: Packaging, asked: str) -> list[tuple[pytest.Item, str]]:
    """Take from `items` what this run leaves out; each of those with the reason. `asked` is pytest's `-m`."""
    rows = _rows(items)
    judged = [(item, reason_against(item, packaging, asked, rows.get(id(item)))) for item in items]
    items[:] = [item for item, reason in judged if not reason]
    left_out = [(item, reason) for item, reason in judged if reason]
    _report.run = len(items)
    _report.reasons = Counter(reason for _, reason in left_out)
    return left_out


def reason_against(item: pytest.Item, packaging: Packaging, asked: str, row: int | None = None) -> str:
    """Why the test is left out in this run; empty where it runs. `row`: its number, if it is one of many."""
    if reason := _out_of_reach(item, asked):
        return reason
    if _FOLDER in item.path.parts:
        return "" if packaging.is_in_process else _against_the_program(item, packaging, row)
    return "" if row is None or _is_run(row, "windows") else _OF_CLIENTS


def _against_the_program(item: pytest.Item, packaging: Packaging, row: int | None) -> str:
    """Why a behaviour is not shown by this built program."""
    inside = item.get_closest_marker("in_process")
    if inside is not None:
        return f"in process only: {inside.args[0]}"
    layout = packaging.name.removesuffix("-onefile")
    left_out = _left_out(item)
    if packaging.name in left_out or layout in left_out:
        return f"not {packaging.name}: {left_out.get(packaging.name) or left_out[layout]}"
    if item.get_closest_marker("single_file"):
        return ""
    return _not_its_share(packaging, "windows" in left_out, row)


def _out_of_reach(item: pytest.Item, asked: str) -> str:
    """Whatever the packaging: an HNS that is not asked for, or that lacks what the test is about."""
    if item.get_closest_marker(REAL) is not None and REAL not in asked:
        return f"on a real HNS only: -m {REAL}"
    reasons = (lacking(*marker.args, **marker.kwargs) for marker in item.iter_markers("needs"))
    return next((reason for reason in reasons if reason), "")


def _not_its_share(packaging: Packaging, is_not_for_windows: bool, row: int | None) -> str:
    """The Windows program runs most of what it can, the Linux one what that cannot, and rows of its own."""
    if packaging.name not in _ROWS_OF:
        return _A_FEW_RUN[packaging.name]
    if row is not None:
        return "" if _is_run(row, packaging.name) else _EACH_EIGHTH
    is_left = packaging.name == "windows" or is_not_for_windows
    return "" if is_left else _A_FEW_RUN[packaging.name]


def _is_run(row: int, program: str) -> bool:
    return row % _ONE_OF == _ROWS_OF[program]


def _rows(items: list[pytest.Item]) -> dict[int, int]:
    """The number of each row of a test with many rows that are not all run, by `id`."""
    rows: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if _may_be_left_out(item):
            rows[item.nodeid.partition("[")[0]].append(item)
    tables = (table for table in rows.values() if len(table) > _FEW_ROWS)
    return {id(item): number for table in tables for number, item in enumerate(table)}


def _may_be_left_out(item: pytest.Item) -> bool:
    """Whether it is of a behaviour that both built programs show, or of a client that runs under Wine."""
    if _CLIENTS in item.path.parts:
        return _runs_under_wine(item)
    is_shown_by_both = item.get_closest_marker("in_process") is None and "windows" not in _left_out(item)
    return _FOLDER in item.path.parts and is_shown_by_both


def _left_out(item: pytest.Item) -> dict[str, str]:
    """The packagings in which the test's markers leave it out, each with the reason."""
    return {name: marker.kwargs["reason"] for marker in item.iter_markers("not_in") for name in marker.args}


def give_wine_a_second_try(items: list[pytest.Item], packaging: Packaging) -> None:
    """Where Wine may end a start before the program's first instruction, a test that fails runs once more.

    The run counts what it ran again.
    """
    if os.name == "nt" or keep_addresses():
        return
    for item in items:
        if packaging.on_windows or _uses_wine(item):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _uses_wine(item: pytest.Item) -> bool:
    return "wine" in getattr(item, "fixturenames", []) or _runs_under_wine(item)


def _runs_under_wine(item: pytest.Item) -> bool:
    """Whether it is the row of Windows of a test that runs on both systems."""
    callspec = getattr(item, "callspec", None)
    return callspec is not None and "windows" in callspec.params.values()


def finish(config: pytest.Config, packaging: Packaging) -> None:
    """A worker of pytest-xdist tells its controller; without workers the run itself has it all."""
    _report.started += packaging.started
    if hasattr(config, "workeroutput"):
        config.workeroutput["packaging"] = [_report.run, dict(_report.reasons), _report.started]


def gather(output: dict[str, Any]) -> None:
    """What one worker told: all of them collect the same tests, and each starts its own processes."""
    if "packaging" in output:
        run, reasons, started = output["packaging"]
        _report.run, _report.reasons = run, Counter(reasons)
        _report.started += started


def summary(packaging: Packaging) -> list[str]:
    """The lines at the end of a run: its profile and its packaging, if any, and what was left out."""
    total = _report.run + sum(_report.reasons.values())
    first = f"packaging {packaging.name}: {_report.run} of {total} tests, {_report.started} processes started"
    left_out = [f"  left out {count}: {reason}" for reason, count in sorted(_report.reasons.items())]
    heads = [f"profile {chosen()}"] if chosen() else []
    heads += [] if packaging.is_in_process else [first]
    return [*heads, *left_out]
