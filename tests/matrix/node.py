"""One node with its pods: made once for each scene and verb, copied for each case.

A copy lies where the original lay, so that the paths in configurations and ledger hold.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.identity import endpoint_id, endpoint_name
from tests.harness import Answer, SimulatedNode
from tests.matrix.scenes import HASTY_S, Scene, others_config

__all__ = ["NETWORK", "OTHERS", "Pod", "Site", "Template", "opened"]

NETWORK, OTHERS = "pods", "others"
_LONG_AGO_S = 1_700_000_000
_TIMEOUT_S = 60.0


_V1 = "none"
"""CNI_NETNS of a container that has no namespace."""

_V1_NETWORK = {
    "Name": NETWORK,
    "Type": "L2Bridge",
    "Ipams": [
        {
            "Type": "Static",
            "Subnets": [
                {
                    "IpAddressPrefix": "10.88.0.0/24",
                    "Routes": [{"NextHop": "10.88.0.1", "DestinationPrefix": "0.0.0.0/0"}],
                }
            ],
        }
    ],
}


class Pod(NamedTuple):
    """An attachment as the runtime knows it."""

    container: str
    namespace: str
    network: str
    port: int = 0

    @property
    def endpoint(self) -> str:
        return endpoint_id(self.network, self.container, "eth0")

    @property
    def is_of_hns_v1(self) -> bool:
        return self.namespace == _V1

    @property
    def key(self) -> tuple[str, str, str]:
        return self.network, self.container, "eth0"


class Template(NamedTuple):
    """What a case begins with. `first` is the number that the next HNS call has in the journal."""

    folder: Path
    subject: Pod
    others: list[Pod]
    results: dict[str, dict[str, Any]]
    orphan: str
    first: int


def container(letter: str) -> str:
    return letter * 64


class Site:
    """Where one worker works on one case after the other."""

    def __init__(self, root: Path, scene: Scene) -> None:
        self.scene = scene
        self.root = root
        self.folder = root / "case"

    # The calls

    def config(self, pod: Pod | None, **changes: Any) -> dict[str, Any]:
        """The configuration of the pod's network, as the runtime completes it."""
        if pod is not None and pod.network == OTHERS:
            return {**others_config(self.scene), "timeout": _TIMEOUT_S, **changes}
        config = {**self.scene.configure(self.folder), "timeout": _TIMEOUT_S, **changes}
        if pod is not None and pod.port:
            mapping = {"hostPort": pod.port, "containerPort": 80, "protocol": "tcp"}
            config["runtimeConfig"] = {"portMappings": [mapping]}
        return config

    @property
    def path(self) -> str:
        """CNI_PATH."""
        return str(self.folder / self.scene.plugins) if self.scene.plugins else ""

    def call(self, node: SimulatedNode, command: str, pod: Pod, **changes: Any) -> Answer:
        """A verb for this pod, undisturbed."""
        config = self.config(pod, **changes)
        return node.call(command, config, pod.container, pod.namespace, path=self.path)

    def collect(self, node: SimulatedNode, valid: list[Pod]) -> Answer:
        """GC of the subject's network."""
        return node.call("GC", self.config(None, **valid_list(valid)), path=self.path)

    # The template

    def pod(self, node: SimulatedNode, letter: str, network: str = NETWORK, number: int = 0) -> Pod:
        """A pod whose namespace exists, or whose container runs; nothing is attached yet."""
        port = self.scene.port + number if self.scene.port and network == NETWORK else 0
        if self.scene.hns_v1 and network == NETWORK:
            node.simulator.run_container(container(letter))
            return Pod(container(letter), _V1, network, port)
        return Pod(container(letter), node.simulator.plant("namespace"), network, port)

    def make(self, verb: str) -> Template:
        """The node on which the verb is run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.scene.prepare(self.folder)
        if self.scene.vip and verb != "ADD new network":
            vip = self.folder / self.scene.reservations / self.scene.vip
            vip.write_bytes(b"kube-proxy\r\nsource-vip")
        self._age()
        with opened(self.folder) as node:
            template = self._filled(node, verb)
        self._age()
        kept = self.root / "templates" / f"{self.scene.name} {verb}"
        shutil.copytree(self.folder, kept)
        return template._replace(folder=kept)

    def restore(self, template: Template) -> None:
        """The node as it was made."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(template.folder, self.folder)

    def _filled(self, node: SimulatedNode, verb: str) -> Template:
        results: dict[str, dict[str, Any]] = {}
        if self.scene.hns_v1:
            node.simulator.plant("network", _V1_NETWORK)
        others = [self._added(node, self.pod(node, "b", OTHERS), results)]
        self._foreign(node, OTHERS, "10.99.0.200")
        orphan = ""
        if verb != "ADD new network":
            others.append(self._added(node, self.pod(node, "c", number=1), results))
            self._foreign(node, NETWORK, "10.88.0.200")
            self._learn_the_hasty_plan(node)
            if self.scene.vip:
                members = {"IpConfigurations": [{"IpAddress": self.scene.vip}], "Flags": 1}
                node.simulator.plant_endpoint(
                    NETWORK, Name="Ethernet", MacAddress="02-11-22-33-44-55", **members
                )
        subject = self.pod(node, "a", number=2)
        if verb not in ("ADD new network", "ADD known network"):
            self._added(node, subject, results)
        if verb == "ADD remade":
            assert node.simulator.remove(subject.endpoint) == 1
        if verb == "GC":
            orphan = self._orphan(node)
        (last,) = node.simulator.journal()[-1:]
        return Template(self.folder, subject, others, results, orphan, last.seq + 1)

    def _added(self, node: SimulatedNode, pod: Pod, results: dict[str, dict[str, Any]]) -> Pod:
        answer = self.call(node, "ADD", pod)
        assert answer.exit_code == 0, answer.words
        results[pod.container] = answer.document
        return pod

    def _learn_the_hasty_plan(self, node: SimulatedNode) -> None:
        """A deadline is part of the configuration: its plan is to be known too."""
        scratch = self.pod(node, "0")._replace(port=0)
        while self.call(node, "ADD", scratch, timeout=HASTY_S).exit_code:
            continue  # a busy machine takes longer
        answer = self.call(node, "DEL", scratch)
        assert answer.exit_code == 0, answer.words
        node.simulator.remove(scratch.namespace)

    def _foreign(self, node: SimulatedNode, network: str, address: str) -> None:
        """Another plugin's endpoint, in a namespace."""
        given = (
            {}
            if self.scene.name == "nat" or network == OTHERS
            else {"IpConfigurations": [{"IpAddress": address}]}
        )
        namespace = node.simulator.plant("namespace")
        node.attach(namespace, node.simulator.plant_endpoint(network, Name=f"flannel-{network}", **given))

    def _orphan(self, node: SimulatedNode) -> str:
        """An endpoint of ours without a row: only GC finds it."""
        lost = container("d")
        members = {"ID": endpoint_id(NETWORK, lost, "eth0"), "Name": endpoint_name(NETWORK, lost)}
        given = {} if self.scene.name == "nat" else {"IpConfigurations": [{"IpAddress": "10.88.0.150"}]}
        return node.simulator.plant_endpoint(NETWORK, Owner="cni-hns", **members, **given)

    def _age(self) -> None:
        """The folder was last changed long ago, whenever the case is run."""
        if self.scene.reservations and (self.folder / self.scene.reservations).is_dir():
            os.utime(self.folder / self.scene.reservations, (_LONG_AGO_S, _LONG_AGO_S))


def valid_list(valid: list[Pod]) -> dict[str, Any]:
    """What a runtime tells GC."""
    entries = [{"containerID": pod.container, "ifname": "eth0"} for pod in valid if pod.network == NETWORK]
    return {"cni.dev/valid-attachments": entries}


@contextmanager
def opened(folder: Path) -> Iterator[SimulatedNode]:
    """The case's node, for as long as the context lasts: no process may be forked meanwhile."""
    node = SimulatedNode(folder / "node")
    try:
        yield node
    finally:
        node._served.close()
        node.libraries.close()
        node.simulator.close()
