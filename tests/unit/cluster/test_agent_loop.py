"""An agent at work: what changes in the cluster, the API and HNS, and what it does about it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster import agent
from cni_hns.cluster.api.faults import Away, Unauthorized
from cni_hns.cluster.health import HealthFault
from cni_hns.cluster.only_one import AnotherAgent
from tests.unit.cluster.agents import QUICK, AgentNode, until
from tests.unit.cluster.fake_cluster import FakeCluster
from tests.unit.cluster.nodes import node_document


def own(**changes: Any) -> dict[str, Any]:
    """The Node of the machine before its agent wrote anything."""
    return node_document(1, "", **changes)


class TestTheCluster:
    def test_a_node_that_joins_gets_a_route(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster):
            until("ready", machine.is_ready)
            cluster.join(node_document(2))
            until("its route", lambda: machine.routes() == {"10.244.2.0/24": "192.0.2.2"})

    def test_a_node_that_leaves_is_forgotten(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        with machine.running(cluster):
            until("its route", machine.routes)
            cluster.leave("win-2")
            until("none", lambda: not machine.routes())

    def test_a_pod_cidr_that_comes_late_is_waited_for(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(cidrs=()))
        with machine.running(cluster):
            until("it waits", lambda: any("no podCIDR yet" in one for one in machine.lines))
            cluster.give("win-1", "10.244.1.0/24")
            until("ready", machine.is_ready)

    def test_another_pod_cidr_is_taken_once_the_pods_have_gone(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster):
            until("ready", machine.is_ready)
            plugin = machine.plugin()
            _, container, namespace = machine.add()
            cluster.give("win-1", "10.244.7.0/24")
            until("it waits", lambda: not machine.is_ready())
            assert machine.prefixes() == {"10.244.1.0/24"}
            machine.sim.call("DEL", plugin, container, namespace)
            until("the new one", lambda: machine.is_ready() and machine.prefixes() == {"10.244.7.0/24"})

    def test_the_own_node_deleted_and_made_again_changes_nothing(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        with machine.running(cluster):
            until("ready", machine.is_ready)
            before = machine.network_document()
            gone = cluster.leave("win-1")
            cluster.leave("win-2")
            until("it is told", lambda: any("removes nothing" in one for one in machine.lines))
            assert machine.network_document() == before
            cluster.join(node_document(2))
            cluster.join({**gone, "metadata": {**gone["metadata"], "annotations": {}}})
            until("annotations", lambda: cluster.annotations("win-1"))
            assert machine.network_document() == before


class TestTheApi:
    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Away("nothing within 10 s"), id="away"),
            pytest.param(Unauthorized("401 Unauthorized", 401), id="its token has expired"),
        ],
    )
    def test_nothing_is_removed_while_it_does_not_answer(self, machine: AgentNode, fault: Away) -> None:
        cluster = FakeCluster(own(), node_document(2), node_document(3))
        with machine.running(cluster):
            until("routes", lambda: len(machine.routes()) == 2)
            until("ready", machine.is_ready)
            before = (machine.network_document(), machine.conflist)
            cluster.say(fault)
            until("it is told", lambda: machine.state.api_fault)
            cluster.leave("win-3")
            assert (machine.network_document(), machine.conflist) == before
            assert machine.is_ready()
            cluster.say(None)
            until("it follows", lambda: len(machine.routes()) == 1)
            until("it is told", lambda: not machine.state.api_fault)

    def test_one_that_is_away_at_the_start_is_waited_for(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        cluster.say(Away("nothing within 10 s"))
        with machine.running(cluster):
            until("it waits", lambda: machine.lines)
            cluster.say(None)
            until("ready", machine.is_ready)


class TestHns:
    def test_a_network_that_was_deleted_is_made_again(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        machine.once(cluster)
        machine.lines.clear()
        with machine.running(cluster):
            # The annotations are there already: nothing but HNS makes the steps be taken again.
            until("the first run", lambda: any("can be added" in one for one in machine.lines))
            machine.sim.simulator.remove(machine.network)
            until("its route", machine.routes)
            until("source VIP", machine.sim.endpoints)

    def test_pods_are_healed_after_a_restart_that_lost_them(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster, idle_s=3600.0):
            until("ready", machine.is_ready)
            machine.add()
            (pod,) = [one for one in machine.sim.endpoints() if one.name != "source-vip"]
            machine.sim.simulator.restart_hns(lose=[pod.id])
            until("it is back", lambda: pod.id in {one.id for one in machine.sim.endpoints()})

    def test_one_that_hangs_is_told_and_the_loop_turns(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        machine.sim.simulator.inject(function="HcnEnumerateNetworks", held="before")
        timing = QUICK._replace(limit_s=0.3)
        with machine.running(cluster, timing, health=("127.0.0.1", 0)):
            until("it is told", lambda: any("HNS hangs" in one for one in machine.lines))
            assert page(machine, "/healthz")[0] == 200
            assert "HNS hangs" in page(machine, "/readyz")[1]
            machine.sim.simulator.clear_faults()
            until("ready", machine.is_ready)

    def test_one_that_never_comes_back_ends_the_agent(self, machine: AgentNode) -> None:
        machine.sim.simulator.inject(function="HcnEnumerateNetworks", held="before")
        timing = QUICK._replace(limit_s=0.1, hung_s=0.2)
        with machine.running(FakeCluster(own()), timing) as running:
            until("the end", running.stop.is_set)
            assert running.end() == 3
        (left,) = [one for one in threading.enumerate() if one.name == "steps"]
        machine.sim.simulator.clear_faults()
        left.join()


class TestTwoAgents:
    def test_the_second_one_refuses_and_names_the_first(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster):
            until("ready", machine.is_ready)
            with pytest.raises(AnotherAgent, match=r"process \d+, runs on this node already"):
                machine.once(cluster)

    def test_one_after_the_other_is_one(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        assert [machine.once(cluster), machine.once(cluster)] == [0, 0]


def page(machine: AgentNode, path: str) -> tuple[int, str]:
    """What the health port answers."""
    begins = "health is told at "
    (said,) = until("health", lambda: [one for one in machine.lines if one.startswith(begins)])
    url = said.removeprefix(begins) + path
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - a port of this test
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, fault.read().decode()


class TestHealth:
    def test_is_ready_once_a_pod_could_be_added(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(cidrs=()))
        with machine.running(cluster, health=("127.0.0.1", 0)):
            # Said and then shown, by another thread.
            until("it waits", lambda: "no podCIDR yet" in page(machine, "/readyz")[1])
            assert page(machine, "/readyz")[0] == 503
            assert page(machine, "/healthz") == (200, "ok\n")
            cluster.give("win-1", "10.244.1.0/24")
            until("ready", lambda: page(machine, "/readyz") == (200, "ok\n"))

    def test_tells_metrics(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own(), node_document(2))
        with machine.running(cluster, health=("127.0.0.1", 0), idle_s=0.05):
            until("an examination", lambda: "cni_hns_info" in page(machine, "/metrics")[1])
            lines = page(machine, "/metrics")[1].splitlines()
        assert "cni_hns_agent_ready 1" in lines
        assert "cni_hns_agent_routes_there 1" in lines
        assert 'cni_hns_agent_api_requests_total{verb="list",code="200"} 1' in lines

    def test_a_path_that_is_none_is_said_so(self, machine: AgentNode) -> None:
        with machine.running(FakeCluster(own()), health=("127.0.0.1", 0)):
            until("health", lambda: machine.lines)
            assert page(machine, "/")[0] == 404

    def test_a_port_in_use_is_a_clear_line(self, machine: AgentNode, tmp_path: Path) -> None:
        other = AgentNode(tmp_path / "other", 2)
        try:
            with machine.running(FakeCluster(own()), health=("127.0.0.1", 0)):
                until("health", lambda: machine.lines)
                port = int(machine.lines[0].rpartition(":")[2])
                world = other.world(FakeCluster(), health=("127.0.0.1", port))
                with pytest.raises(HealthFault, match=f"127.0.0.1:{port}"):
                    agent.run(world, threading.Event())
        finally:
            other.close()


class TestIdle:
    def test_a_pod_whose_endpoint_was_lost_is_healed(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster, idle_s=0.05):
            until("ready", machine.is_ready)
            machine.add()
            (pod,) = [one for one in machine.sim.endpoints() if one.name != "source-vip"]
            machine.sim.hcn.endpoints.delete(pod.id)
            until("it is back", lambda: pod.id in {one.id for one in machine.sim.endpoints()})
            until("it is told", lambda: any(one.startswith("mended: heal") for one in machine.lines))

    def test_a_well_node_is_left_alone(self, machine: AgentNode) -> None:
        cluster = FakeCluster(own())
        with machine.running(cluster, idle_s=0.05, health=("127.0.0.1", 0)):
            until("ready", machine.is_ready)
            machine.add()
            counted = "cni_hns_agent_examinations_total "
            until(
                "three",
                lambda: any(
                    one.startswith(counted) and float(one.removeprefix(counted)) >= 3
                    for one in page(machine, "/metrics")[1].splitlines()
                ),
            )
        assert [one for one in machine.lines if one.startswith(("mended", "the doctor"))] == []


def test_the_state_file_is_whole_json_for_its_owner_alone(machine: AgentNode) -> None:
    machine.once(FakeCluster(own()))
    file = Path(machine.sim.simulator.machine().state_folder()) / "agent-state.json"
    assert json.loads(file.read_text())["ready"] is True
    assert file.stat().st_mode & 0o077 == 0
