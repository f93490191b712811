"""`cni-hns agent` as it is typed, and `cni-hns cluster` beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.cluster.api.faults import Away
from tests.terminal import WIDTHS, needs_a_terminal
from tests.unit.cluster.agents import AgentNode, until
from tests.unit.cluster.fake_cluster import FakeCluster
from tests.unit.cluster.nodes import node_document


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(node_document(1, ""), node_document(2), node_document(3, ""))


class TestWhatNeverHeals:
    """Is said at once, and ends the agent."""

    def test_unknown_settings(self, machine: AgentNode, tmp_path: Path) -> None:
        file = tmp_path / "agent.yaml"
        file.write_text("netwrok: {}\nmode: overlya\n")
        said = machine.sim.command("agent", "--config", str(file))
        assert said.exit_code == 1
        assert 'did you mean "network"?' in said.stderr
        assert 'did you mean "overlay"?' in said.stderr

    def test_a_kubeconfig_that_is_missing(self, machine: AgentNode, tmp_path: Path) -> None:
        file = tmp_path / "agent.yaml"
        file.write_text(json.dumps(machine.document()))
        missing = str(tmp_path / "kubeconfig")
        said = machine.sim.command("agent", "--config", str(file), "--kubeconfig", missing)
        assert said.exit_code == 1
        assert missing in said.stderr

    def test_no_kubeconfig_outside_of_a_pod(
        self, machine: AgentNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        file = tmp_path / "agent.yaml"
        file.write_text(json.dumps(machine.document()))
        said = machine.sim.command("agent", "--config", str(file))
        assert said.exit_code == 1
        assert "name a kubeconfig file" in said.stderr

    def test_nothing_was_done(self, machine: AgentNode) -> None:
        machine.sim.command("agent", "--once")
        assert machine.sim.hcn.networks.ids() == []


class TestStatus:
    def test_without_an_agent_says_how_to_start_one(self, machine: AgentNode) -> None:
        said = machine.sim.command("cluster", "status")
        assert said.exit_code == 1
        assert "Start one: cni-hns agent" in said.stderr

    def test_of_an_agent_at_work(self, machine: AgentNode, cluster: FakeCluster) -> None:
        with machine.running(cluster):
            until("ready", machine.is_ready)
            said = machine.sim.command("cluster", "status", "--json")
        document = json.loads(said.stdout)
        assert (said.exit_code, document["state"], document["running"]) == (0, "ok", True)
        checks = {one["id"]: one["state"] for one in document["checks"]}
        assert checks["network"] == checks["configuration"] == "done"
        assert checks["node win-3"] == "waiting"

    def test_of_one_that_has_ended_is_ill(self, machine: AgentNode, cluster: FakeCluster) -> None:
        machine.once(cluster)
        said = machine.sim.command("cluster", "status")
        assert said.exit_code == 1
        assert "ended" in said.stdout

    def test_tells_why_the_api_is_away(self, machine: AgentNode, cluster: FakeCluster) -> None:
        with machine.running(cluster):
            until("ready", machine.is_ready)
            cluster.say(Away("nothing within 10 s"))
            until("it is told", lambda: machine.state.api_fault)
            said = machine.sim.command("cluster", "status")
        assert said.exit_code == 0
        assert "nothing within 10 s" in said.stdout


class TestNodes:
    def test_are_those_of_the_cluster_with_their_routes(
        self, machine: AgentNode, cluster: FakeCluster
    ) -> None:
        machine.once(cluster)
        said = machine.sim.command("cluster", "nodes", "--json")
        routes = {one["node"]: one["route"] for one in json.loads(said.stdout)}
        assert routes == {"win-1": "here", "win-2": "there", "win-3": "missing"}
        assert said.exit_code == 1

    def test_are_known_while_the_api_is_away(self, machine: AgentNode, cluster: FakeCluster) -> None:
        machine.once(cluster)
        cluster.say(Away("nothing within 10 s"))
        machine.once(cluster)
        said = machine.sim.command("cluster", "nodes")
        assert "win-2" in said.stdout
        assert "nothing within 10 s" in said.stderr

    def test_a_route_of_no_node_is_shown(self, machine: AgentNode, cluster: FakeCluster) -> None:
        machine.once(cluster)
        cluster.leave("win-1")
        cluster.leave("win-2")
        machine.once(cluster)
        said = machine.sim.command("cluster", "nodes", "--json")
        assert {"10.244.2.0/24": "nobody's"}.items() <= {
            one["prefix"]: one["route"] for one in json.loads(said.stdout)
        }.items()

    def test_on_l2bridge_are_found_in_the_hosts_table(self, bridged: AgentNode) -> None:
        bridged.once(FakeCluster(node_document(1, ""), node_document(2, "host-gw")))
        said = bridged.sim.command("cluster", "nodes", "--json")
        assert [one["route"] for one in json.loads(said.stdout)] == ["here", "there"]
        assert said.exit_code == 0


@needs_a_terminal
@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", ["status", "nodes"])
def test_a_screen_fits_the_terminal(
    machine: AgentNode, cluster: FakeCluster, command: str, columns: int
) -> None:
    machine.once(cluster)
    seen = machine.screen(columns, "cluster", command)
    lines = [line for line in seen.text.splitlines() if " " in line.strip()]
    assert max(map(len, lines)) <= columns, seen.text
