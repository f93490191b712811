"""A Windows program of ours that says each of its steps in a line of JSON, and waits in the midst of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.harness import ROOT
from tests.lane import Lane

__all__ = ["Ran", "Step", "failed", "ran", "seen"]

Step = tuple[str, str, Any]
"""What was done, what went wrong ("" for nothing), and what was seen."""

_PATIENCE_S = 60


class Ran(NamedTuple):
    """What the program said up to "running", what the operator saw then, and what it said after.

    `containers` and `pods` are what the two lists tell.
    """

    first: list[Step]
    containers: Any
    pods: Any
    then: list[Step]


def ran(lane: Lane, program: Path, simulator: Simulator, *arguments: str) -> Ran:
    """Run the program to its end on this node."""
    with serve(simulator) as address:
        process = subprocess.Popen(
            lane.launch_command(program, *arguments),
            env=lane.launch_environment({"CNI_HNS_STANDIN": address}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # hcsshim's own log: it tells there of waits that end with the handle, as they have to.
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        first: list[Step] = []
        while not first or first[-1][0] != "running":
            first.append(_step(process.stdout.readline()))
        containers, pods = _listed(simulator, "container"), _listed(simulator, "pod")
        rest, _ = process.communicate(b"\n", timeout=_PATIENCE_S)
    assert process.returncode == 0
    return Ran(first, containers, pods, [_step(line) for line in rest.splitlines()])


def failed(steps: list[Step]) -> dict[str, str]:
    """What went wrong, by the step."""
    return {step: error for step, error, _ in steps if error}


def seen(steps: list[Step]) -> list[tuple[str, Any]]:
    """Each step with what it saw."""
    return [(step, saw) for step, _, saw in steps]


def _step(line: bytes) -> Step:
    told = json.loads(line)
    return told["step"], told["error"], told["saw"]


def _listed(simulator: Simulator, kind: str) -> Any:
    """What an operator sees."""
    done = subprocess.run(
        [sys.executable, "-m", "cni_hns", kind, "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CNI_HNS_SIMULATOR": simulator.folder},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)
