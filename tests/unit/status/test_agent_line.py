"""What `cni-hns status` says of the node's agent: nothing where there never was one, else how it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import Away, Forbidden
from cni_hns.cluster.board import Board
from cni_hns.cluster.state import state_file
from tests.unit.cluster.agents import AgentNode, until
from tests.unit.cluster.fake_cluster import FakeCluster
from tests.unit.cluster.nodes import node_document


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(node_document(1, ""), node_document(2), node_document(3))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[AgentNode]:
    made = AgentNode(tmp_path / "win-1")
    yield made
    made.close()


@pytest.fixture
def bridged(tmp_path: Path) -> Iterator[AgentNode]:
    made = AgentNode(tmp_path / "win-1", mode="l2bridge")
    yield made
    made.close()


def line(machine: AgentNode) -> dict[str, Any] | None:
    """The agent's, if there is one. It decides about the exit code as all do."""
    places = ("--conf-dir", str(machine.net_d), "--bin-dir", str(machine.net_d))
    printed = machine.sim.command("status", *places, "--json")
    checks = json.loads(printed.stdout)["checks"]
    assert printed.exit_code == any(one["state"] in ("ill", "unknown") for one in checks)
    return next((one for one in checks if one["id"] == "agent"), None)


def said(machine: AgentNode) -> tuple[str, str]:
    found = line(machine)
    assert found is not None
    return found["state"], found["words"]


def test_a_node_without_an_agent_has_no_line(machine: AgentNode) -> None:
    assert line(machine) is None


def test_one_that_is_well_tells_its_routes_and_since_when(machine: AgentNode, cluster: FakeCluster) -> None:
    with machine.running(cluster):
        until("all steps are done", lambda: machine.is_ready() and machine.state.whole_since)
        state, words = said(machine)
        assert state == "ok"
        assert words.startswith("ready, routes 2 of 2, since 20")
        found = line(machine)
    assert found is not None
    assert found["facts"]["ready"]
    assert (found["facts"]["routes"], found["facts"]["of"], found["facts"]["undone"]) == (2, 2, [])


def test_one_with_a_pool_has_no_routes_to_tell(bridged: AgentNode, cluster: FakeCluster) -> None:
    cluster.pool("blue", "10.9.0.0/24", size=28)
    with bridged.running(cluster, pools=("blue",), subnets=("10.9.0.0/16",)):
        until("ready", bridged.is_ready)
        assert said(bridged)[1].startswith("ready, since ")


def test_one_that_is_not_ready_names_the_step_that_waits(machine: AgentNode) -> None:
    with machine.running(FakeCluster(node_document(1, "", cidrs=()))):
        until("it waits", lambda: machine.lines and machine.step("node") == "waiting")
        state, words = said(machine)
        found = line(machine)
    assert state == "ill"
    assert words.startswith('not ready: node waiting: Node "win-1" has no podCIDR yet')
    assert found is not None
    assert found["next"] == "cni-hns cluster status"


def test_before_its_first_steps_it_says_why_there_were_none(machine: AgentNode, cluster: FakeCluster) -> None:
    cluster.say(Away("nobody is there"))
    with machine.running(cluster):
        until("it was told", lambda: Path(state_file(folder(machine))).exists() and machine.state.api_fault)
        assert said(machine)[0] == "ill"


def test_an_api_that_is_away_is_a_warning_while_pods_can_be_added(
    machine: AgentNode, cluster: FakeCluster
) -> None:
    with machine.running(cluster):
        until("ready", machine.is_ready)
        cluster.say(Away("nobody is there"))
        until("it knows", lambda: machine.state.api_fault)
        state, words = said(machine)
    assert state == "warning"
    assert "the API: nobody is there" in words


def test_a_step_that_failed_is_a_warning_while_pods_can_be_added(
    machine: AgentNode, cluster: FakeCluster
) -> None:
    with machine.running(cluster):
        until("ready", machine.is_ready)
        cluster.refused["patch", "nodes"] = Forbidden("patch nodes: add the rule", what="patch nodes")
        cluster.join(node_document(1, ""))
        until("it failed", lambda: machine.step("annotations") == "failed")
        state, words = said(machine)
    assert state == "warning"
    assert "annotations failed: patch nodes: add the rule" in words


def test_one_that_ended_is_ill_whatever_it_wrote_last(machine: AgentNode, cluster: FakeCluster) -> None:
    with machine.running(cluster):
        until("ready", machine.is_ready)
    found = line(machine)
    assert found is not None
    assert (found["state"], found["facts"]["ready"]) == ("ill", False)
    assert "none runs; the last one, of Node win-1, wrote at " in found["words"]
    assert "Start-Service cni-hns-agent" in found["next"]


def test_what_the_one_before_wrote_is_not_taken_for_a_new_ones(
    machine: AgentNode, cluster: FakeCluster
) -> None:
    machine.once(cluster)
    assert machine.state.ready
    Board(machine.world(cluster), cast("Events", None))
    assert not machine.state.ready
    assert machine.state.memory.pod_cidrs == ("10.244.1.0/24",)


def folder(machine: AgentNode) -> str:
    return machine.sim.simulator.machine().state_folder()
