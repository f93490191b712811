"""`cni-hns agent` as a process of its own for each simulated node."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cluster.admin import Admin
from tests.cluster.control_plane import POD_CIDRS, SERVICE_CIDRS
from tests.cluster.windows_node import WindowsNode

__all__ = ["Agent", "allow"]

_ROOT = Path(__file__).parent.parent.parent
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
# A run of its steps is not broken off in the middle.
_END_S = 120.0


class Agent:
    """The agent of one node, which runs from `start` to `stop` or `kill`."""

    def __init__(self, node: WindowsNode, mode: str, kubeconfig: Path, **settings: Any) -> None:
        self.node = node
        self.network = "flannel.4096" if mode == "overlay" else "cbr0"
        self.log = node.folder / "agent.log"
        self._mode = mode
        self._said = 0
        self._file = node.folder / "agent.yaml"
        document = {
            "nodeName": node.name,
            "mode": mode,
            "network": {"name": self.network, "adapter": "Ethernet"},
            "clusterCIDRs": POD_CIDRS,
            "serviceCIDRs": SERVICE_CIDRS,
            "cni": {"folder": str(node.net_d)},
            "kubernetes": {"kubeconfig": str(kubeconfig)},
            "health": "",
            **settings,
        }
        self._file.write_text(json.dumps(document))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._said = self.log.stat().st_size if self.log.exists() else 0
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "PYTHONUNBUFFERED": "1",
            "CNI_HNS_SIMULATOR": str(self.node.sim.folder),
        }
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "cni_hns", "agent"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--config", str(self._file)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        """Ask it to end, as a service manager does; its exit code, 0 where it did not run."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def says_ready(self) -> bool:
        """Whether it has said since its start that pods can be added."""
        assert self.is_running, self.last_words()
        return b"pods can be added" in self.log.read_bytes()[self._said :]

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        assert self._process is not None
        return self._process.pid

    def has_network(self) -> bool:
        """Whether HNS has its network."""
        return bool(self.node.sim.hcn.networks.ids(Name=self.network))

    def routes(self) -> dict[str, str]:
        """How the node reaches the pods of others: IPv4 prefix -> address of the other node."""
        if self._mode == "overlay":
            return self.node.overlay_routes(self.network)
        return self.node.host_routes()

    def last_words(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _end(self, by: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(by)
        return process.wait(_END_S)


def allow(admin: Admin, account: str) -> None:
    """What an agent needs: to read all Nodes, to write its annotations, and to tell Events."""
    rules = [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    admin.create(f"{_RBAC}/clusterroles", {"metadata": {"name": account}, "rules": rules})
    admin.create(
        f"{_RBAC}/clusterrolebindings",
        {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "default"}],
        },
    )
