"""etcd, kube-apiserver and kube-controller-manager as they were released, for one folder.

Each process of tests has a loopback address of its own, so that planes meet neither each other nor a port
that the system chose for a program. The servers end with the thread that started them, whatever ends it.

Rule: start and stop the servers from the test's main thread, which lives as long as they are to.
"""

from __future__ import annotations

import base64
import itertools
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster.admin import Admin
from tests.cluster.certificates import Authority, signing_key
from tests.cluster.waiting import until
from tests.lane import Lane

__all__ = ["POD_CIDRS", "SERVICE_CIDRS", "ControlPlane"]

POD_CIDRS = ("10.244.0.0/16", "fd00:244::/48")
"""From these the controller manager gives each Node a /24 and a /64."""

SERVICE_CIDRS = ("10.96.0.0/16", "fd00:96::/108")
"""From these the API server gives each Service its cluster IPs."""

_ETCD_SERVER = "etcd"
_API_SERVER = "kube-apiserver"
_CONTROLLER_MANAGER = "kube-controller-manager"
_ADMIN = "the-tests-themselves"
_CONTROLLERS = "the-controller-manager"
# Others than those of a cluster that runs on this machine.
_ETCD, _PEERS, _API, _PORTS_OF_ONE = 22379, 22380, 26443, 10
# Endpoints may not name a loopback address; nobody connects to this one.
_ADVERTISED = "192.0.2.254"
_LAST_LINES = 15
# On a machine that is busy with everything else; alone it is a few seconds.
_START_S = 300.0

_numbers = itertools.count()


class ControlPlane:
    """One control plane, running for as long as the context lasts.

    `controllers` are those that the controller manager runs; the default allocates podCIDRs and no more.

    Raises: Missing: the lane has no control plane.
    """

    def __init__(
        self, folder: Path, lane: Lane, controllers: tuple[str, ...] = ("node-ipam-controller",)
    ) -> None:
        for name in (_ETCD_SERVER, _API_SERVER, _CONTROLLER_MANAGER):
            lane.kubernetes(name)  # who has no lane is told so before anything else
        folder.mkdir(parents=True)
        self.folder = folder
        self.host = _own_address()
        self._lane = lane
        self._controllers = controllers
        self._shift = _PORTS_OF_ONE * next(_numbers)
        self.port = _API + self._shift
        self.server = f"https://{self.host}:{self.port}"
        self.authority = Authority(folder / "pki", "cluster-ca")
        self._served = self.authority.serve(_API_SERVER, self.host, "127.0.0.1", "localhost")
        self._signing_key = signing_key(folder / "pki" / "service-accounts.key")
        self._tokens = folder / "tokens.csv"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._tokens.write_text(
            f"{_ADMIN},admin,1,system:masters\n{_CONTROLLERS},controllers,2,system:masters\n"
        )
        try:
            self._start(_ETCD_SERVER, self._etcd())
            self.start_api()
            self._start(_CONTROLLER_MANAGER, self._controller_manager())
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_all()

    def admin(self) -> Admin:
        """A client that may do all."""
        return Admin(self.server, self.authority.certificate, _ADMIN)

    def kubeconfig(
        self, name: str, token: str = _ADMIN, *, server: str = "", ca: Path | None = None, namespace: str = ""
    ) -> Path:
        """The file `name` for who has this token (default: may do all), as kubectl and kube-proxy read it.

        `server` is another way to it, as "https://127.0.0.1:1234"; `ca` the certificate of another authority.
        """
        trusted = base64.b64encode((ca or self.authority.certificate).read_bytes()).decode()
        file = self.folder / name
        file.write_text(
            _KUBECONFIG.format(
                server=server or self.server, ca=trusted, token=token, namespace=namespace or "default"
            )
        )
        return file

    def service_account_token(self, name: str, seconds: int = 3600, namespace: str = "default") -> str:
        """A token of this service account, which is made where there is none; ten minutes at least.

        Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
        """
        admin = self.admin()
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        if not admin.has(f"{accounts}/{name}"):
            admin.create(accounts, {"metadata": {"name": name}})
        asked = {"spec": {"expirationSeconds": seconds}}
        token: str = admin.create(f"{accounts}/{name}/token", asked)["status"]["token"]
        return token

    def stop_api(self) -> None:
        """Kill the API server: every connection to it breaks, and new ones are refused."""
        self._end(_API_SERVER)

    def start_api(self) -> None:
        """Start the API server, where it does not run; it is ready when this returns."""
        if _API_SERVER not in self._running:
            self._start(_API_SERVER, self._api_server())
        until("the API server is ready", self._is_ready, _START_S)

    def restart_api(self) -> None:
        self.stop_api()
        self.start_api()

    def last_words(self, name: str) -> str:
        """The end of a server's log."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])

    def logs(self) -> dict[str, str]:
        """The end of each server's log, by its name."""
        return {file.stem: self.last_words(file.stem) for file in sorted(self.folder.glob("*.log"))}

    def _is_ready(self) -> bool:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} has ended: {self.last_words(name)}")
        return self.admin().is_ready()

    def _etcd(self) -> list[str]:
        client, peer = (f"http://{self.host}:{port + self._shift}" for port in (_ETCD, _PEERS))
        return [
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _api_server(self) -> list[str]:
        return [
            f"--etcd-servers=http://{self.host}:{_ETCD + self._shift}",
            f"--bind-address={self.host}",
            f"--secure-port={self.port}",
            f"--advertise-address={_ADVERTISED}",
            f"--cert-dir={self.folder / 'run'}",
            f"--tls-cert-file={self._served.certificate}",
            f"--tls-private-key-file={self._served.key}",
            f"--client-ca-file={self.authority.certificate}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._signing_key}",
            f"--service-account-signing-key-file={self._signing_key}",
            f"--token-auth-file={self._tokens}",
            "--authorization-mode=Node,RBAC",
            # A Pod needs no account of its own here; who makes one is the controller that does not run.
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={','.join(SERVICE_CIDRS)}",
        ]

    def _controller_manager(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig('controllers.kubeconfig', _CONTROLLERS)}",
            f"--controllers={','.join(self._controllers)}",
            "--allocate-node-cidrs",
            f"--cluster-cidr={','.join(POD_CIDRS)}",
            "--node-cidr-mask-size-ipv4=24",
            "--node-cidr-mask-size-ipv6=64",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _start(self, name: str, arguments: list[str]) -> None:
        ends_with_us = ["setpriv", "--pdeathsig", "KILL"]
        command = [*ends_with_us, str(self._lane.kubernetes(name)), *arguments]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def _end_all(self) -> None:
        for name in reversed(list(self._running)):
            self._end(name)


_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: tests
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: user
  user:
    token: {token}
contexts:
- name: tests
  context:
    cluster: tests
    user: user
    namespace: {namespace}
current-context: tests
"""


def _own_address() -> str:
    """127.64.0.0/10 has as many addresses as Linux has process IDs."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"
