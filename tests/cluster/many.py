"""A cluster of simulated Windows nodes with agents, in which things happen: `python -m tests.cluster`.

    pods come and go by the real plugin, on the configuration that each node's agent wrote
    a Node object is deleted, and made again with the podCIDRs that it had
    an agent is killed and started again, the API server is, and HNS of a node

After each of them the routes of every node are complete, no address is there twice in the cluster, and what
the event does not concern is as it was.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NamedTuple

from tests.cluster import objects
from tests.cluster.agents import Agent, allow
from tests.cluster.control_plane import ControlPlane
from tests.cluster.journal import Journal
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode
from tests.harness import finished
from tests.lane import Lane

__all__ = ["Cluster", "cluster", "happen"]

# What is waited for on a machine that does much else; how long it took is told, and judged by the journal.
_PATIENCE_S = 300.0
_BURST = 4
# So many stay, that there is somebody whose routes can be looked at.
_FEWEST_NODES = 2


class Kept(NamedTuple):
    """What of a node no event may change that does not concern it."""

    network: str
    configuration: str
    pods: frozenset[str]


class Cluster:
    """The control plane, the nodes with their agents, and what became of them so far."""

    def __init__(self, plane: ControlPlane, members: list[Agent], journal: Journal) -> None:
        self.plane = plane
        self.admin = plane.admin()
        # The pods that the API knows of.
        self._told: set[str] = set()
        self.members = members
        self.journal = journal
        self._left: set[str] = set()
        self._cidrs = {one.node.name: one.node.pod_cidrs(self.admin) for one in members}
        self._made = 0

    @property
    def nodes(self) -> list[WindowsNode]:
        return [one.node for one in self.members]

    def await_ready(self) -> None:
        """Every agent has written its configuration and knows the way to all others."""
        with self.journal.timed("all nodes ready", judged=False):
            for node in self.nodes:
                until(f"configuration of {node.name}", partial(_files, node), _PATIENCE_S)
        self._await_routes("the start", judged=False)

    def add_pods(self, chance: random.Random) -> None:
        """Some pods at once, each on any node."""
        started = []
        for _ in range(chance.randint(1, _BURST)):
            self._made += 1
            node = chance.choice(self.nodes)
            started.append((node, *node.start_add(f"pod-{self._made}")))
        for node, pod, process in started:
            answer = finished(process)
            self.journal.count("ADD")
            if answer.exit_code:
                self.journal.failure(f"ADD on {node.name}: {answer.words}")
            else:
                node.added(pod, answer)

    def delete_pods(self, chance: random.Random) -> None:
        """Some of the pods, one after another."""
        there = [(node, name) for node in self.nodes for name in node.pods]
        for node, name in chance.sample(there, min(_BURST, len(there))):
            self._delete(node, name)

    def let_leave(self, chance: random.Random) -> None:
        """A Node object is deleted: others forget the way, the machine itself keeps all that it has."""
        if len(self.nodes) - len(self._left) > _FEWEST_NODES:
            self._lose_node(chance, "a Node was deleted")

    def let_come_back(self, chance: random.Random) -> None:
        """Node objects are made again with the podCIDRs that they had, as from a backup."""
        self._bring_all_back("a Node came back")

    def kill_agent(self, chance: random.Random) -> None:
        """An agent is killed and started again: nothing of its node changes."""
        member = chance.choice(self.members)
        with self._unchanged(member, "its agent was killed"):
            member.kill()
            member.start()
            until(f"{member.node.name} says that it is ready", member.says_ready, _PATIENCE_S)

    def lose_api(self, chance: random.Random) -> None:
        """The API server is killed: pods are added as ever, no route is removed; then all goes on."""
        routes = [one.routes() for one in self.members]
        self.plane.stop_api()
        self.add_pods(chance)
        if [one.routes() for one in self.members] != routes:
            self.journal.failure("routes changed while the API was away")
        self.plane.start_api()
        # Agents ask again after pauses that have grown; then they follow as ever.
        self._bring_all_back("the API was away", judged=False)
        self._lose_node(chance, "the API was away", judged=False)

    def restart_hns(self, chance: random.Random) -> None:
        """HNS of a node starts anew; without pods it has lost its network, and the agent makes it again."""
        member = chance.choice(self.members)
        lost = [] if member.node.pods else [member.network]
        member.node.sim.simulator.restart_hns(lost)
        self.journal.count("networks lost" if lost else "networks kept")
        until(f"network of {member.node.name}", member.has_network, _PATIENCE_S)
        self._await_routes("HNS was restarted", judged=False)

    def look(self) -> None:
        """No address twice in the cluster, nor among the API's Pods; each is of its node's podCIDRs."""
        self._tell_of_pods()
        told = sorted(ip["ip"] for pod in self.admin.items(objects.PODS) for ip in pod["status"]["podIPs"])
        given = {one for node in self.nodes for pod in node.pods.values() for one in pod.addresses}
        if told != sorted(given):
            self.journal.failure(f"the API's Pods have {told}")
        held: Counter[str] = Counter()
        for node in self.nodes:
            ranges = [ip_network(one) for one in self._cidrs[node.name]]
            for address in node.local_addresses():
                held[address] += 1
                if not any(ip_address(address) in one for one in ranges):
                    self.journal.failure(f"{address} on {node.name} is of none of {ranges}")
        for address, count in held.items():
            if count > 1:
                self.journal.failure(f"{address} is there {count} times")
        for member in self.members:
            if not member.is_running:
                self.journal.failure(f"the agent of {member.node.name} has ended: {member.last_words()}")
        self.journal.count("looks")

    def _tell_of_pods(self) -> None:
        """What kubelets tell the API: Pods with their addresses, and that they are gone."""
        there = {name: (node, pod) for node in self.nodes for name, pod in node.pods.items()}
        for name in there.keys() - self._told:
            node, pod = there[name]
            document = objects.pod(name, node.name, *pod.addresses)
            self.admin.create(objects.PODS, document)
            self.admin.patch(f"{objects.PODS}/{name}/status", {"status": document["status"]})
        for name in self._told - there.keys():
            self.admin.delete(f"{objects.PODS}/{name}")
        self._told = set(there)

    def empty(self) -> None:
        """All pods are deleted; nothing of them is left on any node."""
        for node in self.nodes:
            for name in list(node.pods):
                self._delete(node, name)
            rest = [str(row.key) for row in node.sim.rows()]
            rest += [one.address for one in node.sim.leases() if one.origin != "reserved"]
            if rest:
                self.journal.failure(f"{node.name} has left: {rest}")

    def _delete(self, node: WindowsNode, name: str) -> None:
        answer = node.delete_pod(name)
        self.journal.count("DEL")
        if answer.exit_code:
            self.journal.failure(f"DEL on {node.name}: {answer.words}")

    def _lose_node(self, chance: random.Random, after: str, *, judged: bool = True) -> None:
        member = chance.choice([one for one in self.members if one.node.name not in self._left])
        with self._unchanged(member, "its Node was deleted"):
            self._left.add(member.node.name)
            member.node.leave(self.admin)
            self._await_routes(after, judged=judged)

    def _bring_all_back(self, after: str, *, judged: bool = True) -> None:
        for member in self.members:
            name = member.node.name
            if name in self._left:
                with self._unchanged(member, "its Node came back"):
                    self._left.discard(name)
                    member.node.join(self.admin, *self._cidrs[name])
                    self._await_routes(after, judged=judged)

    def _await_routes(self, after: str, *, judged: bool = True) -> None:
        """Each node has a route to each other that the API has, and to no other."""
        with self.journal.timed(f"routes after {after}", judged=judged):
            for member in self.members:
                until(f"routes of {member.node.name}", partial(self._is_complete, member), _PATIENCE_S)

    def _is_complete(self, member: Agent) -> bool:
        # Who misses itself in the list does not trust it, and removes nothing.
        if member.node.name in self._left:
            return True
        others = [one for one in self.nodes if one is not member.node and one.name not in self._left]
        wanted = {self._cidrs[one.name][0]: one.address for one in others}
        there = member.routes()
        assert there == wanted, f"{there} instead of {wanted}"
        return True

    @contextmanager
    def _unchanged(self, member: Agent, because: str) -> Iterator[None]:
        before = _kept(member)
        yield
        after = _kept(member)
        if before != after:
            self.journal.failure(f"{member.node.name} changed as {because}: {before} became {after}")


def happen(there: Cluster, seconds: float, seed: int) -> None:
    """Events of chance for so long, one after another, a look after each; at the end all pods go."""
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated, no secret
    events: dict[Callable[[random.Random], None], int] = {
        there.add_pods: 8,
        there.delete_pods: 5,
        there.let_leave: 3,
        there.let_come_back: 3,
        there.kill_agent: 1,
        there.restart_hns: 1,
        there.lose_api: 1,
    }
    there.await_ready()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not there.journal.failures:
        (event,) = chance.choices(list(events), list(events.values()))
        event(chance)
        there.journal.count(event.__name__)
        there.look()
    there.empty()


@contextmanager
def cluster(folder: Path, lane: Lane, count: int, mode: str, journal: Journal) -> Iterator[Cluster]:
    """So many nodes with agents, for as long as the context lasts."""
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(folder / "plane", lane))
        admin = plane.admin()
        allow(admin, "agent")
        kubeconfig = plane.kubeconfig("agent.kubeconfig", plane.service_account_token("agent"))
        members = []
        for number in range(1, count + 1):
            node = WindowsNode(folder / f"win-{number}", f"win-{number}", f"192.0.2.{10 + number}")
            stack.callback(node.close)
            node.join(admin)
            member = Agent(node, mode, kubeconfig)
            stack.callback(member.stop)
            member.start()
            members.append(member)
        yield Cluster(plane, members, journal)


def _kept(member: Agent) -> Kept:
    (network,) = member.node.sim.hcn.networks.ids(Name=member.network)
    configuration = "".join(file.read_text(encoding="utf-8") for file in _files(member.node))
    return Kept(network, configuration, frozenset(member.node.local_addresses()))


def _files(node: WindowsNode) -> list[Path]:
    return sorted(node.net_d.iterdir())
