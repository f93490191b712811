"""The tables on the screen, as Markdown, and everything as JSON."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from cni_hns import __version__
from tests.benchmarks.settings import Settings
from tests.benchmarks.tables import Results, Table
from tests.lane import Lane
from tests.lane.parts import GO_PROGRAMS, PARTS

__all__ = ["about", "as_markdown", "is_current", "show", "write"]

_WIDTH = 150
_PEERS = ("win-bridge", "host-local")


def about(settings: Settings) -> dict[str, str]:
    """Where and with what was measured."""
    versions = [program.rpartition("/")[2].replace("@", " ") for program in GO_PROGRAMS]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cni-hns": f"{__version__}, {_built_from(settings.lane)}",
        "peers": ", ".join(version for version in versions if version.split()[0] in _PEERS),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.platform()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Wine": _wine(settings.lane),
        "Python": platform.python_version(),
        "repetitions": f"{settings.repetitions}{', short' if settings.short else ''}",
    }


def show(results: Results) -> None:
    """All tables on stdout."""
    # A pipe has no width of its own, and these columns need more than 80.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    for name, text in results.about.items():
        console.print(f"{name}: {text}", highlight=False, markup=False)
    for table in results.tables:
        grid = Grid(title=f"{table.part}: {table.title}", box=box.SIMPLE, title_justify="left")
        for number, head in enumerate(table.heads()):
            grid.add_column(head, justify="right" if number else "left")
        for row in table.rows():
            grid.add_row(*row)
        console.print(grid)
        for remark in table.remarks:
            console.print(remark, highlight=False, markup=False)


def as_markdown(results: Results) -> str:
    """The same for a document."""
    lines = ["# What the benchmark measured", ""]
    lines += [f"- {name}: {text}" for name, text in results.about.items()]
    for table in results.tables:
        lines += ["", f"## {table.part}: {table.title}", "", *_markdown(table)]
        lines += ["", *(f"- {remark}" for remark in table.remarks)] if table.remarks else []
    return "\n".join(lines) + "\n"


def write(results: Results, folder: Path) -> list[Path]:
    """The JSON document and the Markdown, into this folder; where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    document, markdown = folder / "results.json", folder / "results.md"
    document.write_text(json.dumps(results.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    markdown.write_text(as_markdown(results), encoding="utf-8")
    return [document, markdown]


def _markdown(table: Table) -> list[str]:
    heads = table.heads()
    rule = ["---", *("---:" for _ in heads[1:])]
    return [_line(cells) for cells in [heads, rule, *table.rows()]]


def _line(cells: list[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def is_current(lane: Lane) -> bool:
    """Whether the built programs are of this checkout."""
    built = {"dist-linux", "dist-windows"}
    return all(part.is_current(lane) for part in PARTS if part.name in built)


def _built_from(lane: Lane) -> str:
    if is_current(lane):
        return "built from this checkout"
    return "built from another state of the sources: `python -m tests.lane` builds this one"


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _wine(lane: Lane) -> str:
    done = subprocess.run(
        lane.wine_command("--version"),
        env=lane.wine_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
