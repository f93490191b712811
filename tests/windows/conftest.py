"""Windows programs on a served node."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.lane import Lane
from tests.windows.build import COMPILER, FLAGS, build
from tests.windows.program import Program

_HERE = Path(__file__).parent


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """An empty node whose networks are ready at once."""
    node = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    yield node
    node.close()


@pytest.fixture(scope="session")
def caller(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """caller.exe, linked against the stand-in DLLs as against Windows' own."""
    folder = tmp_path_factory.mktemp("caller")
    assert lane.prefix  # who has no lane need not have the compiler
    build(folder)
    target = folder / "caller.exe"
    files = [str(_HERE / "caller.c"), f"-L{folder}", "-lcomputenetwork", "-lvmcompute", "-lole32"]
    subprocess.run([COMPILER, *FLAGS, "-municode", "-o", str(target), *files], check=True)
    # What it is to use lies in System32.
    for library in folder.glob("*.dll"):
        library.unlink()
    return target


@pytest.fixture
def program(caller: Path, simulator: Simulator, lane: Lane, wine: None) -> Iterator[Program]:
    """caller.exe on the served node."""
    with serve(simulator) as address:
        yield Program(lane, caller, address)
