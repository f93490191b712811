"""Who reads the clock on the wall: anybody may set it, so nothing that is decided may hang on it."""

from __future__ import annotations

import ast
from pathlib import Path

import cni_hns

ROOT = Path(cni_hns.__file__).parent

_MAY = {
    "log.py": "a line has the time at which it was written, and files have theirs",
    "ipam/hostlocal.py": "whether a folder has settled since its last change, which is a time of the wall's",
    "ledger/clock.py": "to show people a time of the ledger's",
    "survey/reservations.py": "how old a file is, whose time is the wall's",
    "binding/windows_host.py": "an operator is told what it shows",
    "binding/windows.py": "Windows tells a process's start in it",
    "cluster/board.py": "people are told since when a step stands as it does",
    "cluster/loop.py": "people are told when the node was examined",
    "cluster/state.py": "people are told when the agent wrote it",
    "cluster/api/events.py": "an Event has the times at which it was seen",
    "cluster/pools/claims.py": "any text that was not there before renews a block",
}
_MAY_WHOLLY = ("cli/", "simulator/")
_READ_IT = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
}


def _reads_the_wall_clock(source: str) -> bool:
    names = {
        (node.value.id, node.attr)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    imported = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return bool((names | imported) & _READ_IT)


def test_only_what_shows_it_to_people_reads_it() -> None:
    files = {str(file.relative_to(ROOT).as_posix()): file for file in ROOT.rglob("*.py")}
    readers = {name for name, file in files.items() if _reads_the_wall_clock(file.read_text())}
    assert {name for name in readers if not name.startswith(_MAY_WHOLLY)} == set(_MAY)


def test_it_would_be_seen() -> None:
    assert _reads_the_wall_clock("import time\nx = time.time()")
    assert _reads_the_wall_clock("from time import time")
    assert not _reads_the_wall_clock("import time\nx = time.monotonic()")
