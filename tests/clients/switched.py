"""A node that changes from a peer to us, back, and forward again: the exe is replaced, everything else stays.

win-bridge and win-overlay are the released programs; what nat, sdnbridge and sdnoverlay leave on a node is
made as `tests/differential/told.py` tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.differential.cases import Case
from tests.differential.generated import plain
from tests.differential.subject import Node, Subject, subject
from tests.differential.told import Told, told
from tests.harness import SimulatedNode, container_id
from tests.lane import Lane

__all__ = ["PEERS", "Pod", "Switched", "switched"]

PEERS = ["win-bridge", "win-overlay", "nat", "sdnbridge", "sdnoverlay"]

# The first version with every verb. Some of the peers do not know it: it is for what they have no verb for.
_EVERY_VERB = "1.1.0"


class Pod(NamedTuple):
    """A pod that somebody added, with the result."""

    container: str
    namespace: str
    result: dict[str, Any]

    @property
    def address(self) -> str:
        """Its first address, without prefix length."""
        address: str = self.result["ips"][0]["address"]
        return address.partition("/")[0]


class Switched:
    """The node, and both programs under the peer's name."""

    def __init__(self, subject: Subject, node: Node, simulated: SimulatedNode, teller: Told | None) -> None:
        self._subject, self._node, self.simulated, self._told = subject, node, simulated, teller
        self.case = node.case
        self.config = {**node.case.request, "cniVersion": self._version(node.case)}

    @property
    def has_reservations(self) -> bool:
        """Whether host-local gives the addresses."""
        return bool(self.config["ipam"]["type"] == "host-local")

    def peer_adds(self) -> Pod:
        """A pod by the peer."""
        container, namespace = container_id(), self.simulated.namespace()
        return Pod(container, namespace, self._peer("ADD", container, namespace))

    def peer_deletes(self, pod: Pod) -> None:
        self._peer("DEL", pod.container, pod.namespace)

    def we_add(self) -> Pod:
        """A pod by us."""
        container, namespace = container_id(), self.simulated.namespace()
        return self.we_add_again(Pod(container, namespace, {}))

    def we_add_again(self, pod: Pod) -> Pod:
        """The same pod by us; it has our result."""
        return pod._replace(result=self.ours("ADD", pod))

    def we_check(self, pod: Pod) -> None:
        self.ours("CHECK", pod, cniVersion=_EVERY_VERB, prevResult={**pod.result, "cniVersion": _EVERY_VERB})

    def we_delete(self, pod: Pod) -> None:
        self.ours("DEL", pod)

    def we_collect(self, valid: list[Pod]) -> None:
        """GC: these are all that the runtime knows of."""
        attachments = [{"containerID": pod.container, "ifname": "eth0"} for pod in valid]
        changes = {"cniVersion": _EVERY_VERB, "cni.dev/valid-attachments": attachments}
        self.ours("GC", Pod("", "", {}), **changes)

    def ours(self, verb: str, pod: Pod, **changes: Any) -> dict[str, Any]:
        """A verb of ours, which succeeds; what it printed."""
        return self._called(verb, pod.container, pod.namespace, ours=True, **changes)

    def endpoints(self) -> dict[str, list[str]]:
        """The containers of the network's endpoints, each with its addresses."""
        found: dict[str, list[str]] = {}
        for one in self.simulated.simulator.dump()["endpoints"]:
            container = one["Name"].removesuffix(f"_{self.config['name']}")
            found.setdefault(container, []).extend(each["IpAddress"] for each in one["IpConfigurations"])
        return found

    def reserved(self) -> dict[str, str]:
        """host-local's files: address -> container."""
        files = self._node.reserved().items()
        return {name: text.split()[0] for name, text in files if not name.startswith("last_reserved_ip")}

    def assert_just(self, *pods: Pod) -> None:
        """These pods have an endpoint each, with their address, in their namespace; nobody else has one."""
        assert self.endpoints() == {pod.container: [pod.address] for pod in pods}
        if self.has_reservations:
            assert self.reserved() == {pod.address: pod.container for pod in pods}
        for pod in pods:
            assert len(self.simulated.in_namespace(pod.namespace)) == 1

    def _peer(self, verb: str, container: str, namespace: str) -> dict[str, Any]:
        if self._told is None:
            return self._called(verb, container, namespace, ours=False)
        if verb == "ADD":
            # Nobody reads the peer's bytes in place of a MAC; containerd's cache has them as it got them.
            return self._told.add(container, namespace)
        self._told.delete(container)
        return {}

    def _called(
        self, verb: str, container: str, namespace: str, *, ours: bool, **changes: Any
    ) -> dict[str, Any]:
        if self._subject.ours != ours or not (self._subject.bin / f"{self.case.peer}.exe").exists():
            self._subject.ours = ours
            self._subject.install(self.case.peer)
        code, answer = self._node.call(verb, {**self.config, **changes}, container, namespace)
        assert code == 0, answer
        return answer

    def _version(self, case: Case) -> str:
        return "1.0.0" if case.peer.startswith("win-") or case.peer == "nat" else case.config["cniVersion"]


@contextmanager
def switched(lane: Lane, folder: Path, peer: str) -> Iterator[Switched]:
    """A node with the peer's network, and nobody's pods."""
    teller = None
    case = plain(peer) if peer.startswith("win-") else told()[f"{peer} / row plain"][0]
    with ExitStack() as held:
        there = held.enter_context(subject(lane, folder, ours=False))
        node = held.enter_context(there.node(case))
        simulated = SimulatedNode(folder / "node")
        held.callback(simulated.close)
        if case.name in told():
            teller = Told(simulated, case, told()[case.name][1], there.state / str(case.config["name"]))
        yield Switched(there, node, simulated, teller)
