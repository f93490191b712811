"""A simulated Windows node that belongs to a Node object: its HNS, its adapter, its configuration folder.

What runs on it are processes of the program: pods come and go by the real plugin on the configuration list
that lies in the folder, which is the agent's to write.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from cni_hns.binding.route_table import ON_LINK
from cni_hns.hcn.views import REMOTE
from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.waiting import until
from tests.harness import Answer, SimulatedNode, container_id, finished

__all__ = ["NotReady", "RunningPod", "WindowsNode", "pod_cidrs_of"]

Document = dict[str, Any]


class NotReady(Exception):
    """No configuration list lies in the node's folder: a runtime would not start a pod."""


class RunningPod(NamedTuple):
    """A pod as the runtime knows it; `config` is what its ADD was given, `result` what it answered."""

    name: str
    container: str
    namespace: str
    config: Document
    result: Document

    @property
    def addresses(self) -> list[str]:
        """Without prefix lengths."""
        return [one["address"].partition("/")[0] for one in self.result["ips"]]


class WindowsNode:
    """One node. `address` is that of its adapter and of its Node; it joins the cluster by `join`."""

    def __init__(self, folder: Path, name: str, address: str, **options: Any) -> None:
        self.folder = folder
        self.name = name
        self.address = address
        adapter = {"name": "Ethernet", "kind": "physical", "address": address, "dns": ["192.0.2.53"]}
        self.sim = SimulatedNode(folder / "hns", **{"adapters": [adapter], **options})
        self.net_d = folder / "net.d"
        self.net_d.mkdir()
        self.pods: dict[str, RunningPod] = {}

    def join(self, admin: Admin, *pod_cidrs: str, also: str = "") -> list[str]:
        """Make the Node object, as kubelet does; its podCIDRs, the controller manager's if none are given.

        `also` is an address of the other family.
        """
        addresses = [self.address, *([also] if also else [])]
        admin.create(objects.NODES, objects.node(self.name, *addresses, pod_cidrs=pod_cidrs))
        return self.pod_cidrs(admin)

    def leave(self, admin: Admin) -> None:
        """Delete the Node object; the machine goes on."""
        admin.delete(f"{objects.NODES}/{self.name}")

    def pod_cidrs(self, admin: Admin) -> list[str]:
        return pod_cidrs_of(admin, self.name)

    def network(self, name: str) -> Document:
        """The HCN network of this name in its V2 shape."""
        return self.sim.hcn.networks.get(self.sim.network_id(name))

    def overlay_routes(self, name: str) -> dict[str, str]:
        """The overlay network's routes to other nodes: prefix -> provider address."""
        policies = self.network(name)["Policies"]
        found = [one["Settings"] for one in policies if one["Type"] == "RemoteSubnetRoute"]
        return {one["DestinationPrefix"]: one["ProviderAddress"] for one in found}

    def host_routes(self) -> dict[str, str]:
        """The host's IPv4 routes by a router: prefix -> its address."""
        routes = self.sim.simulator.machine().route_table().routes()
        return {
            one.prefix: one.next_hop for one in routes if one.next_hop not in ON_LINK and "." in one.prefix
        }

    def local_addresses(self) -> list[str]:
        """The addresses of all endpoints that are not another node's."""
        found = [one for one in self.sim.endpoints() if not one.flags & REMOTE]
        return [address for one in found for address, _ in one.addresses]

    def configuration(self) -> Document:
        """What libcni gives the plugin: from the first list of the folder by name, where it comes first.

        Raises: NotReady: there is none.
        """
        for file in sorted(self.net_d.glob("*.conflist")):
            whole: Document = json.loads(file.read_text(encoding="utf-8"))
            shared = {key: whole[key] for key in ("cniVersion", "name")}
            return {**whole["plugins"][0], **shared}
        raise NotReady(self.name)

    def configure(self, document: Document, file: str = "10-pods.conflist") -> None:
        """Put a configuration list there, as who makes the network does."""
        (self.net_d / file).write_text(json.dumps(document), encoding="utf-8")

    def start_add(self, name: str) -> tuple[RunningPod, subprocess.Popen[bytes]]:
        """An ADD of a new pod in a process of its own; `added` takes its answer."""
        config = self.configuration()
        pod = RunningPod(name, container_id(), self.sim.namespace(), config, {})
        return pod, self.sim.start("ADD", config, pod.container, pod.namespace, args=_pod_args(name))

    def added(self, pod: RunningPod, answer: Answer) -> RunningPod:
        """The pod with its result, from now on one of the node's."""
        assert answer.exit_code == 0, answer.words
        made = pod._replace(result=answer.document)
        self.pods[pod.name] = made
        return made

    def add_pod(self, name: str) -> RunningPod:
        pod, process = self.start_add(name)
        return self.added(pod, finished(process))

    def delete_pod(self, name: str) -> Answer:
        """A DEL with what its ADD was given; its namespace goes with it."""
        pod = self.pods.pop(name)
        answer = finished(self.sim.start("DEL", pod.config, pod.container, pod.namespace))
        self.sim.simulator.remove(pod.namespace)
        return answer

    def close(self) -> None:
        self.sim.close()

    def abandon(self) -> None:
        """Close it where kube-proxy was killed on it: what that one had open is not ours to judge."""
        self.sim.abandon()


def pod_cidrs_of(admin: Admin, name: str) -> list[str]:
    """The podCIDRs of this Node, waited for."""
    path = f"{objects.NODES}/{name}"
    return until(f"podCIDRs of {name}", lambda: admin.get(path)["spec"].get("podCIDRs", []))


def _pod_args(name: str) -> str:
    return f"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={name}"
