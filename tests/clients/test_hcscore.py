"""Microsoft's hcsshim where it speaks computecore.dll, as newer runtimes use it, on a served node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.clients.steps import failed, ran, seen
from tests.harness import SimulatedNode
from tests.lane import Lane

KNOWN: dict[str, Any] = {
    "Owner": "hcsshim-test",
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "ShouldTerminateOnLastHandleClosed": True,
}
MACHINE = {
    **KNOWN,
    "VirtualMachine": {"ComputeTopology": {"Memory": {"SizeInMB": 512}, "Processor": {"Count": 1}}},
}

PAUSES = ("pause", "resume")
WHILE_IT_RUNS = [
    ("create", None),
    ("start", None),
    ("pause", None),
    ("resume", None),
    ("statistics", True),
    ("process", None),
    ("write", None),
    ("end of input", None),
    ("read", "hello\n"),
    ("read", ""),
    ("wait", None),
    ("exit", 0),
    ("close", None),
    ("process", None),
    ("open", None),
    ("close", None),
    ("kill", True),
    ("wait", None),
    ("exit", 1067),
    ("close", None),
    ("change", None),
    ("list", ["box Running"]),
    ("running", None),
]
AT_ITS_END = [
    "shutdown",
    "wait",
    "close",
    "gone",
    "create",
    "again",
    "terminate",
    "wait",
    "close",
]
# What Windows has a text for and Wine has none: the code alone is told.
REFUSED_AT_ITS_END = {"gone": 0x8037010E, "again": 0x8037010F}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SimulatedNode]:
    made = SimulatedNode(tmp_path / "node", management_address_after_calls=0)
    yield made
    made.close()


@pytest.fixture
def program(lane: Lane, wine: None) -> Path:
    return lane.program("hcscore", windows=True)


def assert_ended(simulator: Simulator, then: list[tuple[str, str, Any]]) -> None:
    assert [step for step, _ in seen(then)] == AT_ITS_END
    refused = failed(then)
    assert list(refused) == list(REFUSED_AT_ITS_END)
    assert all(str(code) in refused[step] for step, code in REFUSED_AT_ITS_END.items())
    assert simulator.leaks() == []
    assert simulator.dump()["systems"] == []


def test_a_process_isolated_container_does_all_but_pause(
    lane: Lane, program: Path, node: SimulatedNode
) -> None:
    """It joins a namespace, as of a pod, that has an endpoint."""
    node.simulator.plant("network", {"Name": "nat", "Type": "NAT"})
    namespace, endpoint = node.namespace(), node.simulator.plant_endpoint("nat")
    node.attach(namespace, endpoint)
    container = {"Memory": {"SizeInMB": 512}, "Networking": {"Namespace": namespace}}
    document = json.dumps({**KNOWN, "Container": container})
    first, containers, pods, then = ran(lane, program, node.simulator, "box", document)
    refused = failed(first)
    assert tuple(refused) == PAUSES
    assert all("not supported" in words for words in refused.values())
    assert seen(first) == WHILE_IT_RUNS
    assert [(one["id"], one["isolation"], one["namespace"]) for one in containers] == [
        ("box", "process", namespace)
    ]
    (pod,) = pods
    assert [one["id"] for one in pod["containers"]] == ["box"]
    assert [one["id"] for one in pod["endpoints"]] == [endpoint]
    assert_ended(node.simulator, then)


def test_a_virtual_machine_is_paused_and_goes_on(lane: Lane, program: Path, node: SimulatedNode) -> None:
    first, containers, _, then = ran(lane, program, node.simulator, "box", json.dumps(MACHINE))
    # A simulated machine has no statistics and no memory that could be changed.
    assert list(failed(first)) == ["statistics", "change"]
    assert [step for step, _ in seen(first)] == [step for step, _ in WHILE_IT_RUNS]
    assert [one["isolation"] for one in containers] == ["virtual machine"]
    assert_ended(node.simulator, then)
