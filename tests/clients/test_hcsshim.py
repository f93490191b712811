"""Microsoft's hcsshim, through which Docker drives containers, on vmcompute.dll of the simulated node.

Its public API is of vmcompute.dll in every release: the newest is tried beside the one that runtimes have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent

Step = tuple[str, str, Any]
"""What was done, what went wrong ("" for nothing), and what was seen."""


def spoken(output: str, exit_code: int, *between: tuple[str, Any]) -> list[tuple[str, Any]]:
    """The steps of a process with pipes."""
    return [
        ("process", None),
        ("stdio", None),
        *between,
        ("read", output),
        ("read", ""),
        ("wait", None),
        ("exit", exit_code),
        ("close", None),
    ]


PAUSES = ("pause", "resume")
WHILE_IT_RUNS: list[tuple[str, Any]] = [
    ("create", None),
    ("start", None),
    ("pause", None),
    ("resume", None),
    ("statistics", True),
    ("processes", ["smss.exe", "csrss.exe", "wininit.exe", "services.exe", "CExecSvc.exe"]),
    ("process", None),
    ("open", None),
    ("kill", None),
    ("close", None),
    ("wait", None),
    ("exit", 1067),
    ("close", None),
    *spoken("hello\n", 0, ("write", None), ("end of input", None)),
    *spoken("", 3),
    ("attach", None),
    ("list", ["box Running"]),
    ("running", None),
]
AT_ITS_END: list[tuple[str, Any]] = [
    ("change", None),
    ("shutdown", None),
    ("wait", None),
    ("close", None),
    ("gone", True),
    ("create", None),
    ("again", None),
    ("terminate", None),
    ("wait", None),
    ("close", None),
]


class Ran(NamedTuple):
    """What the program said while its container ran, what the operator saw then, and what it said after.

    `address` is that of the endpoint which the container was given.
    """

    first: list[Step]
    containers: Any
    pods: Any
    address: str
    then: list[Step]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    node = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    node.plant("network", {"Name": "nat", "Type": "NAT"})
    yield node
    node.close()


@pytest.fixture(params=["hcsshim", "hcsshim-newer"])
def program(request: pytest.FixtureRequest, lane: Lane, wine: None) -> Path:
    return lane.program(request.param, windows=True)


def ran(lane: Lane, program: Path, simulator: Simulator, isolation: str) -> Ran:
    endpoint = simulator.plant_endpoint("nat")
    with serve(simulator) as address:
        process = subprocess.Popen(
            lane.launch_command(program, "box", endpoint, isolation),
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
        rest, _ = process.communicate(b"\n", timeout=60)
    assert process.returncode == 0
    (found,) = simulator.dump()["endpoints"]
    (config,) = found["IpConfigurations"]
    address = f"{config['IpAddress']}/{config['PrefixLength']}"
    return Ran(first, containers, pods, address, [_step(line) for line in rest.splitlines()])


def _step(line: bytes) -> Step:
    told = json.loads(line)
    return told["step"], told["error"], told["saw"]


def _listed(simulator: Simulator, kind: str) -> Any:
    """What an operator sees of it."""
    done = subprocess.run(
        [sys.executable, "-m", "cni_hns", kind, "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "CNI_HNS_SIMULATOR": simulator.folder},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def failed(steps: list[Step]) -> dict[str, str]:
    return {step: error for step, error, _ in steps if error}


def seen(steps: list[Step]) -> list[tuple[str, Any]]:
    return [(step, saw) for step, _, saw in steps]


def test_a_hypervisor_isolated_container_does_all_that_it_is_asked(
    lane: Lane, program: Path, simulator: Simulator
) -> None:
    first, containers, pods, address, then = ran(lane, program, simulator, "hyperv")
    assert (seen(first), failed(first)) == (WHILE_IT_RUNS, {})
    assert seen(then) == AT_ITS_END
    # The text for 0xC037010F is Windows', which Wine does not have.
    assert list(failed(then)) == ["again"]
    assert str(0xC037010F) in failed(then)["again"]
    (box,) = containers
    assert (box["id"], box["owner"], box["state"]) == ("box", "hcsshim-test", "Running")
    assert box["addresses"] == [address]
    assert [(pod["id"], pod["state"], pod["addresses"]) for pod in pods] == [("box", "ok", [address])]
    assert simulator.leaks() == []
    assert simulator.dump()["systems"] == []


def test_a_process_isolated_container_is_not_paused(lane: Lane, program: Path, simulator: Simulator) -> None:
    first, containers, *_ = ran(lane, program, simulator, "process")
    refused = failed(first)
    assert tuple(refused) == PAUSES
    assert all("not supported" in words for words in refused.values())
    assert seen(first) == WHILE_IT_RUNS
    assert containers[0]["isolation"] == "process"
    assert simulator.leaks() == []
