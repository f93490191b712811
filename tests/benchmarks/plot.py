"""One picture of a run: the verbs, the bursts, and the growth; as SVG and as PNG."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import bursts, growth, windows
from tests.benchmarks.subjects import FILE, FOLDER, HOST_LOCAL, WIN_BRIDGE
from tests.benchmarks.tables import Results, Table
from tests.benchmarks.timing import spread

__all__ = ["NoMatplotlib", "draw"]

_INCHES = (6.4, 3.8)
_COLOURS = {FOLDER: "#1f77b4", FILE: "#9ecae1", WIN_BRIDGE: "#d95f02", HOST_LOCAL: "#7f7f7f"}

_BARS = [windows.ONE_CORE, *map(windows.wall_title, windows.DELAYS_MS)]

Draw = Callable[[Any, Table], None]


class NoMatplotlib(Exception):
    """The picture needs it; nothing else does."""

    def __init__(self) -> None:
        super().__init__("no picture without matplotlib: pip install -e '.[bench]'")


def draw(results: Results, folder: Path) -> list[Path]:
    """The picture's files; none where no part of the run has a picture.

    Raises:
        NoMatplotlib: it is not installed.
    """
    shown = [(table, _drawing_of(table)) for table in results.tables]
    drawings = [(table, drawing) for table, drawing in shown if drawing]
    if not drawings:
        return []
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ImportError as fault:
        raise NoMatplotlib from fault
    matplotlib.use("Agg")
    # The same run gives the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "cni-hns", "font.size": 9})
    pyplot = importlib.import_module("matplotlib.pyplot")
    columns = min(len(drawings), 2)
    rows = -(-len(drawings) // columns)
    figure, grid = pyplot.subplots(
        rows, columns, squeeze=False, figsize=(_INCHES[0] * columns, _INCHES[1] * rows)
    )
    for axes in list(grid.flat)[len(drawings) :]:
        axes.set_axis_off()
    for axes, (table, drawing) in zip(grid.flat, drawings, strict=False):
        drawing(axes, table)
        axes.set_title(f"{table.part}: {table.title}", loc="left", fontsize=9)
        # Room for the legend above what it explains.
        axes.set_ylim(top=axes.get_ylim()[1] * 1.3)
        axes.legend(frameon=False, loc="upper left", ncols=3 if drawing is _bars else 2, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    files = [folder / "results.svg", folder / "results.png"]
    for file in files:
        figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
    pyplot.close(figure)
    return files


def _drawing_of(table: Table) -> Draw | None:
    if table.part == windows.PART and table.title in _BARS:
        return _bars
    if (table.part, table.title) == (bursts.PART, bursts.TITLE):
        return _lines
    if table.part == growth.PART:
        return _lines
    return None


def _bars(axes: Any, table: Table) -> None:
    """A bar for each subject in each case, with its range."""
    width = 0.8 / len(table.subjects)
    for number, subject in enumerate(table.subjects):
        for place, case in enumerate(table.cases):
            values = table.of(case, subject)
            if not values:
                continue
            median, minimum, maximum = spread(values)
            axes.bar(
                place + (number - (len(table.subjects) - 1) / 2) * width,
                median,
                width,
                yerr=[[median - minimum], [maximum - median]],
                color=_COLOURS.get(subject),
                label="" if place else subject,
                error_kw={"linewidth": 0.8},
            )
    axes.set_xticks(range(len(table.cases)), table.cases, rotation=20, ha="right")
    axes.set_ylabel(table.unit)


def _lines(axes: Any, table: Table) -> None:
    """A line for each subject and verb over the number in the case: "ADD, 1,000" or "8"."""
    numbered = [(*_verb_and_number(case), case) for case in table.cases]
    for subject in table.subjects:
        for verb in dict.fromkeys(verb for verb, _, _ in numbered):
            points = [
                (number, *spread(values))
                for its, number, case in numbered
                if its == verb and (values := table.of(case, subject))
            ]
            if not points:
                continue
            counts, medians, minima, maxima = zip(*points, strict=True)
            axes.plot(
                counts,
                medians,
                marker="o" if len(points) > 1 else "x",
                markersize=4,
                color=_COLOURS.get(subject),
                linestyle="--" if verb == "DEL" else "-",
                label=f"{subject}{', ' if verb else ''}{verb}",
            )
            axes.fill_between(counts, minima, maxima, color=_COLOURS.get(subject), alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    places = sorted({number for _, number, _ in numbered})
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_ylabel(table.unit)


def _verb_and_number(case: str) -> tuple[str, int]:
    """What is done, and with how many: "ADD, 1,000", "8", or "8, the first on the node"."""
    first, _, rest = case.partition(", ")
    return (rest, int(first)) if first.isdigit() else (first, int(rest.replace(",", "")))
