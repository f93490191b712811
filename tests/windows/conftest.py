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
# Two DLLs have functions of one name: no program has both.
_PROGRAMS = {"caller": ("computenetwork", "vmcompute"), "computer": ("computecore",)}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """An empty node whose networks are ready at once."""
    node = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    yield node
    node.close()


@pytest.fixture(scope="session")
def programs(lane: Lane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with caller.exe and its like, linked against the stand-in DLLs as against Windows' own."""
    folder = tmp_path_factory.mktemp("programs")
    assert lane.prefix  # who has no lane need not have the compiler
    build(folder)
    for name, needs in _PROGRAMS.items():
        libraries = [f"-L{folder}", *(f"-l{library}" for library in needs), "-lole32"]
        files = [str(_HERE / f"{name}.c"), *libraries]
        subprocess.run([COMPILER, *FLAGS, "-municode", "-o", str(folder / f"{name}.exe"), *files], check=True)
    # What they are to use lies in System32.
    for library in folder.glob("*.dll"):
        library.unlink()
    return folder


@pytest.fixture
def address(simulator: Simulator, wine: None) -> Iterator[str]:
    """Where the node is served."""
    with serve(simulator) as found:
        yield found


@pytest.fixture
def program(programs: Path, address: str, lane: Lane) -> Program:
    """caller.exe on the served node."""
    return Program(lane, programs / "caller.exe", address)


@pytest.fixture
def computer(programs: Path, address: str, lane: Lane) -> Program:
    """computer.exe on the served node."""
    return Program(lane, programs / "computer.exe", address)
