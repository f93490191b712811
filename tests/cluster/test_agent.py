"""`cni-hns agent` on simulated nodes, with the API server that everybody runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster.pools.blocks import POOLS
from tests.cluster.admin import Admin
from tests.cluster.agents import Agent, allow
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import ControlPlane
from tests.cluster.pools import document, install_crds
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode

ACCOUNT = "cni-hns-agent"
EVENTS = "/api/v1/namespaces/default/events"
NAMES = ("win-1", "win-2", "win-3")

Start = Callable[..., Agent]


@pytest.fixture
def kubeconfig(plane: ControlPlane, admin: Admin) -> Path:
    """Of an account that may do what an agent needs, and nothing else."""
    allow(admin, ACCOUNT)
    return plane.kubeconfig("agent.kubeconfig", plane.service_account_token(ACCOUNT))


@pytest.fixture
def start(tmp_path: Path, kubeconfig: Path, mode: str) -> Iterator[Start]:
    """Makes a node of this name, and starts its agent; whether it joins is the test's."""
    with ExitStack() as stack:

        def begin(name: str, file: Path = kubeconfig, **settings: Any) -> Agent:
            folder = tmp_path / name
            folder.mkdir()
            node = WindowsNode(folder, name, f"192.0.2.{name.removeprefix('win-')}")
            stack.callback(node.close)
            agent = Agent(node, mode, file, **settings)
            stack.callback(node.sim.simulator.forget_leaks)
            stack.callback(agent.stop)
            agent.start()
            return agent

        yield begin


@pytest.fixture
def mode() -> str:
    return "overlay"


both_modes = pytest.mark.parametrize("mode", ["overlay", "l2bridge"])


def joined(start: Start, admin: Admin, *names: str, **more: Any) -> list[Agent]:
    """Nodes with agents that are ready and know each other."""
    agents = [start(name, **more) for name in names]
    for one in agents:
        one.node.join(admin)
    until_whole(admin, agents)
    return agents


def until_whole(admin: Admin, agents: list[Agent], but: Agent | None = None) -> None:
    """Each node (`but` this one, whose agent is dead) is ready, and has a route to the pods of each other."""
    pods = {one.node.name: one.node.pod_cidrs(admin)[0] for one in agents}
    for one in [one for one in agents if one is not but]:
        others = {pods[other.node.name]: other.node.address for other in agents if other is not one}
        until(f"{one.node.name} is ready", one.says_ready)
        until(f"routes of {one.node.name}", partial(_has_routes, one, others))


def _has_routes(agent: Agent, wanted: dict[str, str]) -> bool:
    return (agent.routes() if agent.has_network() else {}) == wanted


def _says(agent: Agent, words: str) -> bool:
    return words in agent.last_words()


def reasons(admin: Admin) -> set[str]:
    return {one["reason"] for one in admin.items(EVENTS)}


@both_modes
def test_three_nodes_reach_each_other_and_have_pods(start: Start, admin: Admin) -> None:
    agents = joined(start, admin, *NAMES)
    pods = [one.node.add_pod(f"pod-of-{one.node.name}") for one in agents]
    addresses = [text for one in pods for text in one.addresses if "." in text]
    assert len(set(addresses)) == len(NAMES)
    until("the Event", lambda: "NetworkReady" in reasons(admin))


@both_modes
def test_a_node_that_joins_and_leaves_is_followed(start: Start, admin: Admin) -> None:
    agents = joined(start, admin, "win-1", "win-2")
    third = start("win-3")
    third.node.join(admin)
    until_whole(admin, [*agents, third])
    third.stop()
    third.node.leave(admin)
    until_whole(admin, agents)


@pytest.mark.timeout(300)
def test_nothing_is_removed_while_the_api_server_is_dead(
    start: Start, admin: Admin, plane: ControlPlane
) -> None:
    agents = joined(start, admin, *NAMES)
    before = [(one.routes(), one.node.configuration()) for one in agents]
    plane.stop_api()
    for one in agents:
        until("it is told", partial(_says, one, "the API: "))
    assert [(one.routes(), one.node.configuration()) for one in agents] == before
    # No ADD asks it.
    agents[0].node.add_pod("while-it-was-dead")
    plane.start_api()
    agents[2].stop()
    agents[2].node.leave(admin)
    until_whole(admin, agents[:2])


@pytest.mark.timeout(300)
def test_an_api_that_hangs_is_waited_for(
    start: Start, admin: Admin, plane: ControlPlane, proxy: Proxy
) -> None:
    slow = plane.kubeconfig("slow.kubeconfig", plane.service_account_token(ACCOUNT), server=proxy.server)
    proxy.hang()
    agent = start("win-1", slow)
    agent.node.join(admin)
    until("it is told", lambda: "the API: " in agent.last_words())
    assert not agent.has_network()
    proxy.work()
    until("ready", agent.says_ready)


@pytest.mark.timeout(300)
def test_a_token_that_was_renewed_in_its_file_is_taken(
    start: Start, admin: Admin, plane: ControlPlane, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("not.a.token")
    config = plane.kubeconfig("by-file.kubeconfig", "IN-A-FILE")
    config.write_text(config.read_text().replace("token: IN-A-FILE", f"tokenFile: {token}"))
    agent = start("win-1", config)
    agent.node.join(admin)
    until("it is told", lambda: "401" in agent.last_words())
    token.write_text(plane.service_account_token(ACCOUNT))
    until("ready", agent.says_ready)


def test_a_node_deleted_and_made_again_with_its_pod_cidr_goes_on(start: Start, admin: Admin) -> None:
    first, second = joined(start, admin, "win-1", "win-2")
    cidrs = first.node.pod_cidrs(admin)
    before = first.node.network(first.network)["ID"]
    first.node.leave(admin)
    until("it is told", lambda: "removes nothing" in first.last_words())
    assert first.routes() == {second.node.pod_cidrs(admin)[0]: second.node.address}
    first.node.join(admin, *cidrs)
    until_whole(admin, [first, second])
    assert first.node.network(first.network)["ID"] == before


def test_a_node_made_again_with_another_pod_cidr_waits_for_its_pods(start: Start, admin: Admin) -> None:
    (agent,) = joined(start, admin, "win-1")
    pod = agent.node.add_pod("held")
    before = agent.node.network(agent.network)["ID"]
    agent.node.leave(admin)
    agent.node.join(admin, "10.244.200.0/24")
    until("the Event", lambda: "NetworkHeldByPods" in reasons(admin))
    assert agent.node.network(agent.network)["ID"] == before
    agent.node.delete_pod(pod.name)
    until("the new network", lambda: _has_another(agent, before))
    until("its file", lambda: list(agent.node.net_d.glob("*.conflist")))
    assert agent.node.add_pod("new").addresses[0].startswith("10.244.200.")


def _has_another(agent: Agent, before: str) -> bool:
    # It may go at any moment: it is not opened.
    there = agent.node.sim.hcn.networks.ids(Name=agent.network)
    return bool(there) and before.lower() not in there


def test_a_killed_agent_is_followed_by_another_one(start: Start, admin: Admin) -> None:
    agents = joined(start, admin, "win-1", "win-2")
    agents[0].kill()
    third = start("win-3")
    third.node.join(admin)
    until_whole(admin, [*agents, third], but=agents[0])
    agents[0].start()
    until_whole(admin, [*agents, third])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["l2bridge"])
def test_addresses_of_a_pool_come_from_blocks_that_no_other_node_has(
    start: Start, admin: Admin, plane: ControlPlane
) -> None:
    install_crds(admin)
    spec = {"cidrs": ["192.0.2.128/25"], "blockSize": 29}
    admin.create(POOLS.path, document("IPPool", "blue", spec))
    pool = {"pool": "blue", "network": {"name": "cbr0", "adapter": "Ethernet", "subnets": "192.0.2.0/24"}}
    everything = plane.kubeconfig("everything.kubeconfig")
    agents = [start(name, everything, **pool) for name in ("win-11", "win-12")]
    for one in agents:
        one.node.join(admin)
        until("ready", one.says_ready)
    # Until the next block is claimed an ADD is told to try again, as a runtime does.
    pods = [
        until("an address", partial(one.node.add_pod, f"pod-{number}"))
        for one in agents
        for number in range(10)
    ]
    assert len({one.addresses[0] for one in pods}) == len(pods)
    plane.stop_api()
    agents[0].node.add_pod("while-it-was-dead")


def test_no_right_to_list_names_the_rule(start: Start, admin: Admin, plane: ControlPlane) -> None:
    nobody = plane.kubeconfig("nobody.kubeconfig", plane.service_account_token("nobody"))
    agent = start("win-1", nobody)
    agent.node.join(admin)
    until("it is told", lambda: 'resources ["nodes"], verbs ["list"]' in agent.last_words())
    assert agent.is_running


def test_another_certificate_authority_is_told(start: Start, plane: ControlPlane, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other-authority", "another")
    config = plane.kubeconfig("other-ca.kubeconfig", ca=other.certificate)
    agent = start("win-1", config)
    until("it is told", lambda: "is not of the certificate authority that was given" in agent.last_words())
    assert not agent.has_network()
