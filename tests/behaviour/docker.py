"""Containers as a Docker-style runtime drives them: CNI_NETNS is `none`, or names another container."""

from __future__ import annotations

from typing import Any

from cni_hns.identity import endpoint_id
from tests.behaviour.scene import joining, plant
from tests.harness import Answer, SimulatedNode, container_id

__all__ = ["Container", "bridge", "node_with", "overlay"]

_SUBNET = ("10.88.0.0/24", "10.88.0.1")


def bridge(**changes: Any) -> dict[str, Any]:
    """win-bridge's configuration for HNS V1."""
    policy = {"Type": "OutBoundNAT", "ExceptionList": ["10.96.0.0/12"]}
    found = {
        **joining("win-bridge"),
        "apiVersion": 1,
        "dns": {"nameservers": ["10.96.0.10"], "search": ["svc.cluster.local", "cluster.local"]},
        "policies": [{"name": "EndpointPolicy", "value": policy}],
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def overlay(**changes: Any) -> dict[str, Any]:
    return bridge(**{"type": "win-overlay", "ipMasq": True, "policies": [], **changes})


def node_with(node: SimulatedNode, config: dict[str, Any]) -> SimulatedNode:
    """The node with the HCN network that the configuration joins."""
    plant(node, "overlay" if config["type"] == "win-overlay" else "l2bridge", _SUBNET)
    return node


class Container:
    """A container that runs, its attachment to "pods", its verbs; `sandbox` has the endpoint it shares."""

    def __init__(
        self, node: SimulatedNode, config: dict[str, Any], sandbox: Container | None = None, runs: bool = True
    ) -> None:
        self.node, self.config = node, config
        self.id = container_id()
        self.netns = f"container:{sandbox.id}" if sandbox else "none"
        self.result: dict[str, Any] = {}
        if runs:
            node.simulator.run_container(self.id)

    @property
    def endpoint(self) -> str:
        return endpoint_id("pods", self.id, "eth0")

    @property
    def address(self) -> str:
        return str(self.result["ips"][0]["address"]).partition("/")[0]

    @property
    def entry(self) -> dict[str, str]:
        return {"containerID": self.id, "ifname": "eth0"}

    def call(self, command: str, netns: str | None = None, **more: Any) -> Answer:
        config = {**self.config, **more}
        if command == "CHECK":
            config["prevResult"] = self.result
        return self.node.call(command, config, self.id, self.netns if netns is None else netns)

    def process(self, command: str) -> Answer:
        """The same in a process of its own, which can be killed."""
        return self.node.process(command, self.config, self.id, self.netns)

    def add(self) -> Container:
        answer = self.call("ADD")
        assert answer.exit_code == 0, answer.words
        self.result = answer.document
        return self

    def done(self, command: str, netns: str | None = None, **more: Any) -> None:
        answer = self.call(command, netns, **more)
        assert answer.exit_code == 0, f"{command}: {answer.words}"

    def assert_alive(self) -> None:
        """It has what its ADD answered, and keeps it."""
        self.done("CHECK")
        assert self.call("ADD").document == self.result

    def shares(self) -> list[list[str]]:
        """Of each endpoint of the node the containers that have it."""
        return [view.containers for view in self.node.endpoints()]
