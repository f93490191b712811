"""`cni-hns container` on a simulated node, as an operator types it: HCS, HNS and commands are one node's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.cli.conftest import Node
from tests.unit.simulator.hcs_caller import HcsCaller, container

POD = "5a" * 32


@pytest.fixture
def namespace(node: Node, simulator: Simulator) -> str:
    """That of a pod whose sandbox a runtime has started."""
    network = node.make("network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24")
    namespace = str(node.make("namespace", "create")["id"])
    node.plant_endpoint(network["id"], f"{POD}_l2b", namespace)
    simulator.start_container(namespace, POD)
    return namespace


def test_an_empty_node_has_none(node: Node) -> None:
    assert node("container", "list").out == "no compute systems\n"
    assert node.make("container", "list") == []


def test_a_pod_is_listed_with_its_network(node: Node, namespace: str) -> None:
    (found,) = node.make("container", "list")
    assert (found["id"], found["isolation"], found["state"]) == (POD, "process", "Running")
    assert found["owner"] == "containerd-shim-runhcs-v1.exe"
    assert found["namespace"] == namespace
    (address,) = found["addresses"]
    assert address.startswith("10.1.0.")


@pytest.mark.usefixtures("namespace")
def test_its_processes_and_what_it_uses(node: Node, simulator: Simulator) -> None:
    assert "smss.exe" in [one["image"] for one in node.make("container", "ps", POD)]
    simulator.let_pass(3600)
    shown = node.make("container", "show", POD)
    assert shown["uptimeSeconds"] >= 3600
    assert shown["cpuSeconds"] >= 350
    (used,) = node.make("container", "stats", POD, "--interval", "0.01")
    assert used["memoryCommitBytes"] > 0
    assert used["bytesReceived"] is not None


@pytest.mark.usefixtures("namespace")
def test_its_limits_are_changed(node: Node, simulator: Simulator) -> None:
    node.make("container", "set", POD, "--cpu-max", "2500", "--memory", "512")
    (system,) = simulator.dump()["systems"]
    assert system["resources"] == {"Processor": {"Maximum": 2500}, "Memory": {"SizeInMB": 512}}


@pytest.mark.usefixtures("namespace")
def test_an_old_windows_does_not_change_its_limits_and_says_from_which_on(
    node: Node, simulator: Simulator
) -> None:
    simulator.set_options(windows_build=17763)
    refused = node("container", "set", POD, "--cpus", "2")
    assert (refused.exit_code, refused.out) == (1, "")
    assert "build 17763, and a running container is changed from 19042 on" in refused.err


def test_the_start_attaches_the_endpoints_of_its_namespace(node: Node, namespace: str) -> None:
    assert node.make("endpoint", "show", f"{POD}_l2b")["state"] == "attached and shared by containers"
    node.make("container", "stop", POD, "--force")
    assert node.make("endpoint", "show", f"{POD}_l2b")["state"] == "detached: its container is gone"
    assert node.make("namespace", "show", namespace)["compartment"] == 0


@pytest.mark.usefixtures("namespace")
def test_it_is_not_paused_and_not_ended_behind_its_runtimes_back(node: Node) -> None:
    paused = node("container", "pause", POD)
    assert (paused.exit_code, "process-isolated" in paused.err) == (1, True)
    stopped = node("container", "stop", POD)
    assert (stopped.exit_code, "--force" in stopped.err) == (1, True)
    (found,) = node.make("container", "list")
    assert found["state"] == "Running"


def test_its_end_leaves_the_namespace_and_the_endpoint(node: Node, namespace: str) -> None:
    assert node.make("container", "stop", POD, "--force")["outcome"] == "shut down"
    assert node.make("container", "list") == []
    assert node.make("container", "stop", POD)["outcome"] == "not there"
    assert namespace in [one["id"] for one in node.make("namespace", "list")]
    assert [one["name"] for one in node.make("endpoint", "list")] == [f"{POD}_l2b"]
    gone = node("container", "show", POD)
    assert (gone.exit_code, POD in gone.err) == (1, True)


def test_one_that_was_made_is_started(node: Node, simulator: Simulator) -> None:
    hcs = HcsCaller(simulator)
    hcs.close(hcs.create("box", container()))
    assert node.make("container", "list", "--state", "created")[0]["uptimeSeconds"] is None
    assert node.make("container", "start", "box")["outcome"] == "started"
    again = node("container", "start", "box")
    assert (again.exit_code, "0x80370105" in again.err) == (1, True)
    assert node.make("container", "stop", "box")["outcome"] == "shut down"


def test_one_is_killed(node: Node, simulator: Simulator) -> None:
    simulator.run_container("box", owner="my-tool")
    killed = node.make("container", "kill", "box")
    assert (killed["outcome"], killed["exitType"]) == ("terminated", "ForcedExit")


def test_a_leaked_one_is_found(node: Node, simulator: Simulator, namespace: str) -> None:
    simulator.start_container(namespace, "other")
    simulator.stop_container("other", stuck=True)
    assert [one["id"] for one in node.make("container", "list", "--leaked")] == ["other"]


def test_a_service_that_does_not_run_is_one_line(node: Node, simulator: Simulator) -> None:
    simulator.set_options(hcs_stopped_hresult=0x800706BA)
    found = node("container", "list")
    assert (found.exit_code, "0x800706BA" in found.err, "Traceback" in found.err) == (1, True, False)


def test_each_command_may_be_a_process_of_its_own(node: Node, simulator: Simulator) -> None:
    """What they share is the node's folder."""

    def typed(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "cni_hns", "container", *arguments, "--json"],
            env={**os.environ, "CNI_HNS_SIMULATOR": str(node.folder)},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return json.loads(done.stdout)

    simulator.run_container("box", owner="my-tool")
    assert [one["state"] for one in typed("list")] == ["Running"]
    assert typed("stop", "box")["outcome"] == "shut down"
    assert typed("list") == []
