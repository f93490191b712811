"""An agent that is killed at any call: the next run ends as an undisturbed one does, with nothing more."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cni_hns.cluster.flannel import PREFIX
from tests.unit.cluster.agents import AgentNode
from tests.unit.cluster.fake_cluster import KILLED, FakeCluster
from tests.unit.cluster.nodes import node_document

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed process is a fork")

_MOST = 200


def cluster_of(folder: Path, mode: str) -> FakeCluster:
    kind = "vxlan" if mode == "overlay" else "host-gw"
    nodes = (node_document(1, ""), node_document(2, kind), node_document(3, kind))
    return FakeCluster(*nodes).kept_in(folder / "nodes.json")


def run_apart(node: AgentNode, folder: Path, dies_at: int = 0) -> bool:
    """One run in another process, which the node or the API may kill; whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        _child(node, folder, dies_at)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, KILLED, -signal.SIGKILL), code
    return code == 0


def _child(node: AgentNode, folder: Path, dies_at: int) -> NoReturn:
    try:
        cluster = cluster_of(folder, node.mode)
        cluster.dies_at = dies_at
        os._exit(AgentNode(folder, mode=node.mode).once(cluster))
    finally:
        os._exit(70)


def left(node: AgentNode, folder: Path) -> dict[str, Any]:
    """What an agent leaves, without what is another one each time."""
    said = cluster_of(folder, node.mode).annotations(node.name)
    return {
        "networks": len(node.sim.hcn.networks.ids()),
        "prefixes": node.prefixes(),
        "endpoints": sorted((one.name, [ip for ip, _ in one.addresses]) for one in node.sim.endpoints()),
        "routes": node.routes(),
        "leases": sorted((one.address, one.network) for one in node.sim.leases(all_of_them=True)),
        "files": sorted(os.listdir(node.net_d)),
        "conflist": node.conflist,
        "announced": (said.get(f"{PREFIX}backend-type"), said.get(f"{PREFIX}public-ip")),
        "ready": node.is_ready(),
    }


def undisturbed(folder: Path, mode: str) -> dict[str, Any]:
    node = AgentNode(folder, mode=mode)
    assert run_apart(node, folder)
    found = left(node, folder)
    node.close()
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mode", ["overlay", "l2bridge"])
def test_at_each_call_of_hns_and_of_the_route_table(tmp_path: Path, mode: str) -> None:
    expected = undisturbed(tmp_path / "undisturbed", mode)
    for nth in range(1, _MOST):
        folder = tmp_path / str(nth)
        node = AgentNode(folder, mode=mode)
        node.sim.simulator.inject(nth=nth, die="after")
        was_killed = not run_apart(node, folder)
        node.sim.simulator.clear_faults()
        assert run_apart(node, folder)
        assert left(node, folder) == expected, f"call {nth}"
        node.sim.simulator.forget_leaks()
        node.close()
        if not was_killed:
            break
    # Less than that many calls would be another agent.
    assert 10 < nth < _MOST


def test_at_each_request_to_the_api(tmp_path: Path) -> None:
    expected = undisturbed(tmp_path / "undisturbed", "overlay")
    for nth in range(1, _MOST):
        folder = tmp_path / str(nth)
        node = AgentNode(folder)
        was_killed = not run_apart(node, folder, dies_at=nth)
        assert run_apart(node, folder)
        assert left(node, folder) == expected, f"request {nth}"
        node.sim.simulator.forget_leaks()
        node.close()
        if not was_killed:
            break
    # The list of the Nodes, the annotations, the Event that the node is ready.
    assert nth == 4
