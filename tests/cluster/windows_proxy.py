"""kube-proxy.exe as it was released, on a simulated node that is served to Windows programs."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cni_hns.simulator.server import serve
from tests.cluster.windows_node import WindowsNode
from tests.lane import Lane

__all__ = ["WindowsProxy"]

_LAST_LINES = 20


class WindowsProxy:
    """It runs for as long as the context lasts, but for when it is stopped; its log lies in the node's folder."""

    def __init__(
        self, lane: Lane, node: WindowsNode, kubeconfig: Path, network: str, source_vip: str = ""
    ) -> None:
        self.log = node.folder / "kube-proxy.log"
        self._lane = lane
        self._node = node
        self._network = network
        self._options = [
            "--proxy-mode=kernelspace",
            f"--hostname-override={node.name}",
            f"--kubeconfig={lane.windows_path(kubeconfig)}",
            # One machine has each of these ports once.
            "--healthz-bind-address=",
            "--metrics-bind-address=",
            *([f"--source-vip={source_vip}"] if source_vip else []),
        ]
        self._served = ExitStack()
        self._address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._address = self._served.enter_context(serve(str(self._node.sim.folder)))
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._served:
            self.stop()

    def start(self) -> None:
        """It begins as on every start: it deletes all load balancers, and makes its own."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._lane.wine_command(self._lane.kubernetes("kube-proxy", windows=True), *self._options),
                env=self._lane.wine_environment(
                    {"KUBE_NETWORK": self._network, "CNI_HNS_STANDIN": self._address}
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """Kill it.

        Raises: AssertionError: it had ended by itself; with what it said last.
        """
        process, self._process = self._process, None
        if process is None:
            return
        ended = process.poll()
        process.kill()
        process.wait()
        assert ended is None, "\n".join(self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:])
