"""The runtime's side: the pods it knows, and the list of valid attachments that a GC of it would carry.

Rule 1: an attachment is listed from the answer of its ADD to the answer of its DEL, as libcni's cache has it.
Rule 2: what was being added when a GC's process was started is listed too: the ADD may have ended, and its
answer may still be on its way.
"""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import give

__all__ = ["NETWORKS", "TIMEOUT_S", "Pod", "Runtime"]

TIMEOUT_S = 60.0
"""The time that each verb is given; with sixteen processes on two busy cores a verb takes seconds."""

_SUBNETS = {"pods": "10.88.0.0/23", "files": "10.90.0.0/23"}
NETWORKS = list(_SUBNETS)


def _failed(answers: list[Answer]) -> list[str]:
    return [answer.words for answer in answers if answer.exit_code]


class Pod:
    """One attachment as the runtime knows it. `result` is what its last ADD answered."""

    def __init__(self, network: str, namespace: str, ifname: str) -> None:
        self.network = network
        self.container = container_id()
        self.namespace = namespace
        self.ifname = ifname
        self.result: dict[str, Any] | None = None

    def other_interface(self) -> Pod:
        """Another attachment of the same container, on the same network."""
        other = Pod(self.network, self.namespace, "net1" if self.ifname == "eth0" else "eth0")
        other.container = self.container
        return other

    @property
    def entry(self) -> dict[str, str]:
        return {"containerID": self.container, "ifname": self.ifname}

    def __str__(self) -> str:
        return f"{self.network}/{self.container[:12]}/{self.ifname}"


class Runtime:
    """One runtime on one node: it starts the program's processes, and knows what it was answered."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self._lock = threading.Lock()
        self._listed: set[Pod] = set()
        self._coming: set[Pod] = set()
        # No ADD is started between a GC's look at who is coming and the start of its process.
        self._starting = threading.Lock()
        self._configs = {name: self._config(name) for name in NETWORKS}

    def pod(self, network: str, ifname: str = "eth0") -> Pod:
        """A new pod that nobody has been told of, with its namespace."""
        return Pod(network, self.node.simulator.plant("namespace"), ifname)

    def forget(self, pod: Pod) -> None:
        """The pod's namespace goes, as after a DEL."""
        self.node.simulator.remove(pod.namespace)

    def always_list(self, pod: Pod) -> None:
        """An attachment that is valid all the time, whatever was answered."""
        with self._lock:
            self._listed.add(pod)

    def added(self, pod: Pod, result: dict[str, Any]) -> None:
        pod.result = result
        with self._lock:
            self._listed.add(pod)

    def deleted(self, pod: Pod) -> None:
        pod.result = None
        with self._lock:
            self._listed.discard(pod)

    def add(self, pod: Pod) -> subprocess.Popen[bytes]:
        with self._starting:
            with self._lock:
                self._coming.add(pod)
            return self._start("ADD", pod)

    def add_has_ended(self, pod: Pod) -> None:
        """After `added`, or after an ADD that failed or was killed."""
        with self._lock:
            self._coming.discard(pod)

    def delete(self, pod: Pod) -> subprocess.Popen[bytes]:
        return self._start("DEL", pod)

    def check(self, pod: Pod) -> subprocess.Popen[bytes]:
        """A CHECK with what the last ADD answered."""
        return self._start("CHECK", pod, prevResult=pod.result or {"cniVersion": "1.1.0"})

    def status(self, network: str) -> subprocess.Popen[bytes]:
        return self.node.start("STATUS", self._configs[network])

    def collect(self, network: str) -> subprocess.Popen[bytes]:
        """A GC of the network, which gets its list when its process has begun."""
        with self._starting:
            with self._lock:
                coming = set(self._coming)
            process = self.node.start("GC", None)
        with self._lock:
            valid = [pod.entry for pod in self._listed | coming if pod.network == network]
        give(process, json.dumps({**self._configs[network], "cni.dev/valid-attachments": valid}).encode())
        return process

    def delete_all(self, pods: list[Pod]) -> list[str]:
        """A DEL of each, then GC with an empty list, one after another; the words of what failed."""
        answers = [
            self.node.call("DEL", self._configs[pod.network], pod.container, pod.namespace, ifname=pod.ifname)
            for pod in pods
        ]
        return _failed(answers) + self.collect_all()

    def collect_all(self) -> list[str]:
        """GC of each network with an empty list; the words of what failed."""
        return _failed([self.node.call("GC", config) for config in self._configs.values()])

    def _start(self, command: str, pod: Pod, **more: Any) -> subprocess.Popen[bytes]:
        config = {**self._configs[pod.network], **more}
        return self.node.start(command, config, pod.container, pod.namespace, ifname=pod.ifname)

    def _config(self, name: str) -> dict[str, Any]:
        """Two networks on one node: one with our own IPAM, one with host-local's files."""
        subnet = _SUBNETS[name]
        gateway = subnet.replace(".0/23", ".1")
        ipam: dict[str, Any] = {"type": "cni-hns", "ranges": [[{"subnet": subnet}]]}
        if name == "files":
            ipam.update(type="host-local", dataDir=str(self.node.folder / "host-local"))
        network = {
            "mode": "l2bridge",
            "create": True,
            "adapter": "Ethernet",
            "subnets": [{"prefix": subnet, "gateway": gateway}],
        }
        return l2bridge(name=name, network=network, ipam=ipam, timeout=TIMEOUT_S)
