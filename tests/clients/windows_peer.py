"""A released Windows plugin of others on a served node, with host-local beside it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.harness import Answer, SimulatedNode
from tests.lane import Lane

__all__ = ["Peer"]


class Peer:
    """One plugin, its network and host-local's folder; the containers are the tests'."""

    def __init__(
        self, lane: Lane, name: str, node: SimulatedNode, address: str, config: dict[str, Any]
    ) -> None:
        self.lane, self.name, self.node, self.address = lane, name, node, address
        self.reservations = node.folder / "host-local" / config["name"]
        self.config = config
        config["ipam"]["dataDir"] = lane.windows_path(self.reservations.parent)

    def start(
        self, command: str, container: str = "", netns: str = "", **config: Any
    ) -> subprocess.Popen[bytes]:
        variables = {
            "CNI_COMMAND": command,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": netns,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": self.lane.windows_path(self.lane.programs(windows=True)),
            "CNI_HNS_STANDIN": self.address,
        }
        process = subprocess.Popen(
            self.lane.launch_command(self.lane.program(self.name, windows=True)),
            env=self.lane.launch_environment(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({**self.config, **config}).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def call(self, command: str, container: str = "", netns: str = "", **config: Any) -> Answer:
        return finished(self.start(command, container, netns, **config))

    def reserved(self) -> list[str]:
        """The addresses that host-local has given away."""
        if not self.reservations.is_dir():
            return []
        return sorted(file.name for file in Path(self.reservations).iterdir() if file.name[0].isdigit())

    def endpoints(self) -> dict[str, dict[str, Any]]:
        """The node's endpoints by name, in their V2 shape."""
        return {one["Name"]: one for one in self.node.simulator.dump()["endpoints"]}


def finished(process: subprocess.Popen[bytes]) -> Answer:
    """Wait for the answer; hcsshim logs to stderr."""
    stdout, _ = process.communicate(timeout=60)
    text = stdout.decode()
    return Answer(json.loads(text) if text.strip() else {}, process.returncode, text)
