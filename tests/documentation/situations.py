"""The nodes of the runbook: each symptom staged, so that the page shows what the commands really print."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.documentation.installed import lay_down
from tests.harness import Answer, SimulatedNode, l2bridge

__all__ = ["SITUATIONS", "Situation"]

_NAMESPACE = "5f0c3b1e-0000-4111-8222-{:012d}"


class Situation:
    """A node with pods as containerd makes them; `10-cbr0.conf` is the configuration that it loads.

    `said` are the errors that containerd was answered: they stand in the events that an operator sees first.
    """

    def __init__(self, folder: Path, subnet: str = "10.88.3.0/24") -> None:
        self.folder = folder
        self.bin_dir, self.conf_dir = folder / "bin", folder / "conf"
        for made in (self.bin_dir, self.conf_dir):
            made.mkdir()
        lay_down(self.bin_dir / ("cni-hns.exe" if os.name == "nt" else "cni-hns"))
        self.node = SimulatedNode(folder / "node", disk_bytes=[127 << 30, 60 << 30])
        self.namespaces: dict[str, str] = {}
        self.said: list[str] = []
        self.configure(subnet)

    def configure(self, subnet: str, **changes: Any) -> None:
        """Write the configuration."""
        gateway = subnet.rpartition(".")[0] + ".1"
        network = {
            "mode": "l2bridge",
            "create": True,
            "adapter": "Ethernet",
            "subnets": [{"prefix": subnet, "gateway": gateway}],
        }
        outbound = {"exceptions": ["10.88.0.0/16", "10.96.0.0/12"]}
        self.config = l2bridge(
            **{
                "cniVersion": "1.0.0",
                "name": "cbr0",
                "network": network,
                "ipam": {"type": "cni-hns"},
                "outboundNat": outbound,
                "log": {"file": str(self.node.folder / "cni-hns.log")},
                **changes,
            }
        )
        (self.conf_dir / "10-cbr0.conf").write_text(json.dumps(self.config, indent=2), encoding="utf-8")

    def add(self, name: str) -> str:
        """A pod of this name (namespace/name) is added, and its sandbox runs; the sandbox's ID."""
        answer = self._call_add(name)
        assert answer.exit_code == 0, answer.words
        self.node.simulator.start_container(self.namespaces[name], sandbox_of(name))
        return sandbox_of(name)

    def refuse(self, name: str) -> None:
        """An ADD that fails."""
        answer = self._call_add(name)
        assert answer.exit_code == 1
        self.said.append(answer.words)

    def _call_add(self, name: str) -> Answer:
        """ADD, as containerd sends it."""
        namespace = self.namespaces[name] = _NAMESPACE.format(len(self.namespaces) + 1)
        made = self.node.command("namespace", "create", "--id", namespace)
        assert made.exit_code == 0, made
        space, _, pod = name.partition("/")
        args = f"IgnoreUnknown=1;K8S_POD_NAMESPACE={space};K8S_POD_NAME={pod}"
        return self.node.call("ADD", self.config, sandbox_of(name), namespace, args=args)

    def vanish(self, name: str) -> None:
        """The pod is gone without a DEL: its container has ended, its namespace is deleted."""
        self.node.simulator.stop_container(sandbox_of(name))
        assert self.node.simulator.remove(self.namespaces[name]) == 1

    def close(self) -> None:
        """Give the node up; what it holds is not looked at: it is ill."""
        self.node.libraries.close()
        self.node.simulator.close()


def sandbox_of(name: str) -> str:
    """A pod's sandbox ID, as containerd makes one: 64 hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()


def _container_creating(here: Situation) -> None:
    subnet = {"prefix": "10.88.3.0/24", "gateway": "10.88.3.1"}
    here.configure("10.88.3.0/24", network={"mode": "l2bridge", "subnets": [subnet]})
    here.refuse("shop/web-0")


def _terminating(here: Situation) -> None:
    """The runtime has lost the sandbox's container, which runs on: DEL is done, its namespace cannot go."""
    here.add("shop/web-0")
    sandbox = here.add("shop/web-1")
    assert here.node.call("DEL", here.config, sandbox).exit_code == 0


def _no_address(here: Situation) -> None:
    """Three pods of five have vanished, which was seen a minute ago."""
    here.configure("10.88.3.0/29")
    for number in range(5):
        here.add(f"shop/web-{number}")
    for number in range(3):
        here.vanish(f"shop/web-{number}")
    here.refuse("shop/web-5")
    with closing(sqlite3.connect(here.node.ledger_path)) as ledger, ledger:
        ledger.execute("UPDATE attachments SET look_at = look_at - 61, gone_at = gone_at - 61")


def _no_names(here: Situation) -> None:
    here.configure("10.88.3.0/24", capabilities={}, dns={"search": ["svc.cluster.local"]})
    here.add("shop/web-0")


def _no_service(here: Situation) -> None:
    """Behind a service are two pods; one was deleted, and kube-proxy has not noticed."""
    for number in range(2):
        here.add(f"shop/web-{number}")
    service = "--kind cluster-ip --vip 10.96.0.20 --port 80 --target-port 8080"
    here.node.command(
        "service", "create", *service.split(), "--backend", "10.88.3.2", "--backend", "10.88.3.3"
    )
    here.node.simulator.stop_container(sandbox_of("shop/web-1"))
    assert here.node.call("DEL", here.config, sandbox_of("shop/web-1")).exit_code == 0


def _rebooted(here: Situation) -> None:
    """Three pods ran; the node has booted, and kubelet has started none of them again yet."""
    for number in range(3):
        here.add(f"shop/web-{number}")
    here.node.simulator.reboot(lose=[])


def _hns_restarted(here: Situation) -> None:
    for number in range(2):
        here.add(f"shop/web-{number}")
    here.node.simulator.restart_hns(lose=[one.id for one in here.node.endpoints()])


def _not_ready(here: Situation) -> None:
    here.configure("10.88.3.0/24", cniVersion="1.1.0")
    here.add("shop/web-0")
    here.node.simulator.set_options(service_stopped_hresult=0x80070426)
    here.said.append(here.node.call("STATUS", here.config).words)


SITUATIONS: dict[str, Callable[[Situation], None]] = {
    "A pod stays in ContainerCreating": _container_creating,
    "A pod stays in Terminating": _terminating,
    "No address is free": _no_address,
    "A pod resolves no names": _no_names,
    "A service does not answer": _no_service,
    "After a reboot": _rebooted,
    "After HNS has restarted": _hns_restarted,
    "The node is NotReady": _not_ready,
}
"""Each section of the runbook that shows a node, by its heading, and how that node came to be so."""
