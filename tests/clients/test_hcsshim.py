"""Microsoft's hcsshim, through which Docker drives containers, on vmcompute.dll of the simulated node.

Its public API is of vmcompute.dll in every release: the newest is tried beside the one that runtimes have.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.clients.steps import failed, ran, seen
from tests.lane import Lane


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


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    node = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    node.plant("network", {"Name": "nat", "Type": "NAT"})
    yield node
    node.close()


@pytest.fixture(params=["hcsshim", "hcsshim-newer"])
def program(request: pytest.FixtureRequest, lane: Lane, wine: None) -> Path:
    return lane.program(request.param, windows=True)


@pytest.fixture
def endpoint(simulator: Simulator) -> str:
    """An endpoint on "nat" that nobody has."""
    return simulator.plant_endpoint("nat")


def address_of(simulator: Simulator) -> str:
    """That of the endpoint."""
    (found,) = simulator.dump()["endpoints"]
    (config,) = found["IpConfigurations"]
    return f"{config['IpAddress']}/{config['PrefixLength']}"


def test_a_hypervisor_isolated_container_does_all_that_it_is_asked(
    lane: Lane, program: Path, simulator: Simulator, endpoint: str
) -> None:
    first, containers, pods, then = ran(lane, program, simulator, "box", endpoint, "hyperv")
    assert (seen(first), failed(first)) == (WHILE_IT_RUNS, {})
    assert seen(then) == AT_ITS_END
    # The text for 0xC037010F is Windows', which Wine does not have.
    assert list(failed(then)) == ["again"]
    assert str(0xC037010F) in failed(then)["again"]
    (box,) = containers
    assert (box["id"], box["owner"], box["state"]) == ("box", "hcsshim-test", "Running")
    address = address_of(simulator)
    assert box["addresses"] == [address]
    assert [(pod["id"], pod["state"], pod["addresses"]) for pod in pods] == [("box", "ok", [address])]
    assert simulator.leaks() == []
    assert simulator.dump()["systems"] == []


def test_a_process_isolated_container_is_not_paused(
    lane: Lane, program: Path, simulator: Simulator, endpoint: str
) -> None:
    first, containers, *_ = ran(lane, program, simulator, "box", endpoint, "process")
    refused = failed(first)
    assert tuple(refused) == PAUSES
    assert all("not supported" in words for words in refused.values())
    assert seen(first) == WHILE_IT_RUNS
    assert containers[0]["isolation"] == "process"
    assert simulator.leaks() == []
