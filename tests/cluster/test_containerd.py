"""containerd's CRI on a node of a cluster: its network is the file that the agent writes, and nothing else.

kubelet's part is played by tests and `cri`, as in tests/clients/test_containerd.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from cni_hns.cluster.conflist import FILE_NAME
from tests.clients.containerd_host import Containerd, Sandbox, containerd, pod
from tests.cluster.admin import Admin
from tests.cluster.agents import Agent, allow
from tests.cluster.control_plane import ControlPlane
from tests.cluster.needs import EVENTS
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode
from tests.lane import Lane

ACCOUNT = "cni-hns-agent"
ANOTHER = "10.244.200.0/24"

both_modes = pytest.mark.parametrize("mode", ["overlay", "l2bridge"])

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def mode() -> str:
    return "overlay"


@pytest.fixture
def agent(tmp_path: Path, plane: ControlPlane, admin: Admin, mode: str) -> Iterator[Agent]:
    """Of the node "win-1", which has joined; it does not run yet."""
    allow(admin, ACCOUNT)
    kubeconfig = plane.kubeconfig("agent.kubeconfig", plane.service_account_token(ACCOUNT))
    (tmp_path / "win-1").mkdir()
    node = WindowsNode(tmp_path / "win-1", "win-1", "192.0.2.1")
    node.join(admin)
    found = Agent(node, mode, kubeconfig)
    yield found
    found.stop()
    node.close()


@pytest.fixture
def host(agent: Agent, tmp_path: Path, lane: Lane) -> Iterator[Containerd]:
    """containerd of that node; it loads the folder that the agent writes to."""
    if os.geteuid() != 0:
        pytest.skip("containerd makes network namespaces and mounts: only root may")
    with containerd(tmp_path / "containerd", agent.node.sim, lane, conf_dir=agent.node.net_d) as running:
        yield running


@pytest.fixture
def ready(agent: Agent, host: Containerd) -> Containerd:
    """The same, once the agent has made the network."""
    started(agent)
    until("NetworkReady", host.has_network)
    return host


def started(agent: Agent) -> None:
    agent.start()
    until("the agent is ready", agent.says_ready)


def kept(agent: Agent) -> object:
    """What the node has of pods and of the agent, in HNS and in the ledger."""
    sim = agent.node.sim
    return (
        agent.node.network(agent.network),
        sim.endpoints(),
        sim.rows(),
        sim.leases(),
        sim.hcn.namespaces.ids(),
    )


def as_written(agent: Agent) -> tuple[int, int, str]:
    """The file, by which it is seen to have been written again, and what it says."""
    file = agent.node.net_d / FILE_NAME
    return file.stat().st_ino, file.stat().st_mtime_ns, file.read_text()


def stopped_and_removed(host: Containerd, *sandboxes: Sandbox) -> None:
    host.stop_sandboxes(*sandboxes)
    host.remove_sandboxes(*sandboxes)


def refusal(host: Containerd) -> str:
    """containerd's words for a pod that it does not start; "" where it did.

    It learns of a changed file a little later: what still came by the one of before is removed.
    """
    (tried,) = host.each("run", pod("late"))
    if not tried.error:
        stopped_and_removed(host, tried)
    return tried.error


def has_another_network(agent: Agent, before: str) -> bool:
    """One that is not this, with its file."""
    made = agent.node.sim.hcn.networks.ids(Name=agent.network)
    return made not in ([], [before]) and (agent.node.net_d / FILE_NAME).exists()


@both_modes
def test_a_sandbox_runs_as_soon_as_the_agent_has_written_the_file(
    agent: Agent, host: Containerd, admin: Admin, mode: str
) -> None:
    assert not host.has_network()
    (early,) = host.each("run", pod("early"))
    assert "cni plugin not initialized" in early.error
    agent.start()
    # kubelet starts pods from here on, whatever the agent still has to say.
    until("NetworkReady", host.has_network)
    (sandbox,) = host.run(pod())
    addresses = [sandbox.ip, *sandbox.additional]
    cidrs = agent.node.pod_cidrs(admin)[: 1 if mode == "overlay" else 2]
    for address, cidr in zip(addresses, cidrs, strict=True):
        assert ip_address(address) in ip_network(cidr)
    endpoint = host.endpoint(sandbox)
    assert [address for address, _ in endpoint.addresses] == addresses
    assert endpoint.namespace == sandbox.guid
    assert endpoint.network == agent.node.sim.network_id(agent.network)


def test_a_sandbox_that_goes_leaves_what_the_agent_made(agent: Agent, ready: Containerd) -> None:
    before = kept(agent)
    sandboxes = ready.run(pod("web-0"), pod("web-1"))
    assert kept(agent) != before
    stopped_and_removed(ready, *sandboxes)
    assert kept(agent) == before
    assert ready.sandboxes() == []


@both_modes
def test_an_agent_that_is_started_again_changes_nothing(agent: Agent, ready: Containerd) -> None:
    sandboxes = ready.run(pod("web-0"))
    before, written = kept(agent), as_written(agent)
    assert agent.stop() == 0
    # The file stays: pods come and go without the agent.
    assert ready.has_network()
    stopped_and_removed(ready, *ready.run(pod("without-agent")))
    started(agent)
    assert (kept(agent), as_written(agent)) == (before, written)
    assert ready.status(*sandboxes) == sandboxes
    stopped_and_removed(ready, *ready.run(pod("web-1")), *sandboxes)


@both_modes
def test_a_sandbox_of_another_pod_cidr_can_go_and_none_comes(
    agent: Agent, ready: Containerd, admin: Admin
) -> None:
    """Without any configuration containerd would not stop it: the file stays, and refuses ADDs."""
    (old,) = ready.run(pod("old"))
    before = agent.node.sim.network_id(agent.network)
    agent.node.leave(admin)
    agent.node.join(admin, ANOTHER)
    until("the Event", lambda: "NetworkHeldByPods" in {one["reason"] for one in admin.items(EVENTS)})
    words = until("a pod is refused", lambda: refusal(ready))
    assert ANOTHER in words
    assert ready.status(old) == [old]
    assert agent.node.sim.network_id(agent.network) == before

    ready.stop_sandboxes(old)
    until("the new network", lambda: has_another_network(agent, before))
    until("NetworkReady", ready.has_network)
    # Without a file in between containerd refuses this too, and kubelet repeats it: it is a second DEL.
    ready.remove_sandboxes(old)
    (new,) = ready.run(pod("new"))
    assert ip_address(new.ip) in ip_network(ANOTHER)
    stopped_and_removed(ready, new)
    assert ready.sandboxes() == []
