"""One pod as a runtime drives it, for tests about what happens to it between its verbs."""

from __future__ import annotations

import subprocess
from typing import Any

from cni_hns.identity import endpoint_id
from tests.harness import Answer, SimulatedNode, container_id, l2bridge

__all__ = ["Pod", "all_valid"]


class Pod:
    """One pod of the network "pods", and its verbs."""

    def __init__(self, node: SimulatedNode, **changes: Any) -> None:
        self.node = node
        self.container, self.namespace = container_id(), node.namespace()
        self.config = l2bridge(**changes)
        self.result: dict[str, Any] = {}
        self.adding: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return endpoint_id("pods", self.container, "eth0")

    @property
    def address(self) -> str:
        return str(self.result["ips"][0]["address"]).partition("/")[0]

    @property
    def entry(self) -> dict[str, str]:
        return {"containerID": self.container, "ifname": "eth0"}

    def call(self, command: str, **more: Any) -> Answer:
        config = {**self.config, **more}
        if command == "CHECK":
            config["prevResult"] = self.result
        if command == "GC":
            config.setdefault("cni.dev/valid-attachments", [self.entry])
        if command in {"GC", "STATUS"}:
            return self.node.call(command, config)
        return self.node.call(command, config, self.container, self.namespace)

    def add(self) -> Pod:
        answer = self.call("ADD")
        assert answer.exit_code == 0, answer.words
        self.result = answer.document
        return self

    def done(self, command: str, **more: Any) -> None:
        answer = self.call(command, **more)
        assert answer.exit_code == 0, f"{command}: {answer.words}"

    def assert_alive(self) -> None:
        """It has what its ADD answered, and keeps it."""
        self.done("CHECK")
        assert self.call("ADD").document == self.result

    def assert_made_again(self) -> None:
        """A repeated ADD gives it its endpoint back, with the address and MAC that it had."""
        before = self.result
        self.add()
        assert self.result == before
        self.assert_alive()


def all_valid(*pods: Pod) -> dict[str, Any]:
    """The list of a GC in which these are valid and nothing else is."""
    return {"cni.dev/valid-attachments": [pod.entry for pod in pods]}
