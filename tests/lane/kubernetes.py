"""A control plane as it was released: Go programs built by name, etcd and kubectl out of Debian's packages.

https://kubernetes.io/releases/ has the versions; that of the module in tests/cluster/kubernetes is built.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.lane.commands import go, run
from tests.lane.lane import Lane

__all__ = ["build_control_plane", "build_kube_proxy", "control_plane_inputs", "kube_proxy_inputs"]

_MODULE = Path(__file__).parent.parent / "cluster" / "kubernetes"
_SERVERS = ("kube-apiserver", "kube-controller-manager")
_PROXY = ("kube-proxy",)

# Taken out of the packages: an installation of etcd starts it as a service.
_PACKAGES = ("etcd-server", "kubernetes-client")
_UNPACKED = ("etcd", "kubectl")

# The compiler collects its garbage less often, for memory that it gives back after each package.
_COMPILER = {"CGO_ENABLED": "0", "GOGC": "400"}


def control_plane_inputs() -> bytes:
    return repr((_SERVERS, _PACKAGES, _COMPILER)).encode() + _pinned()


def kube_proxy_inputs() -> bytes:
    return repr((_PROXY, _COMPILER)).encode() + _pinned()


def build_control_plane(lane: Lane) -> None:
    """The servers, etcd and kubectl."""
    target = _folder(lane, "linux")
    _unpack(target)
    _build(target, "linux", _SERVERS)


def build_kube_proxy(lane: Lane) -> None:
    """kube-proxy.exe."""
    _build(_folder(lane, "windows"), "windows", _PROXY)


def _build(target: Path, system: str, programs: tuple[str, ...]) -> None:
    """All programs by one call: what they share, which is most, is compiled once."""
    flags = f"-s -w -X k8s.io/component-base/version.gitVersion={_version()}"
    packages = [f"k8s.io/kubernetes/cmd/{program}" for program in programs]
    run(
        [go(), "build", "-trimpath", "-ldflags", flags, "-o", f"{target}/", *packages],
        cwd=_MODULE,
        env={**os.environ, **_COMPILER, "GOOS": system},
    )


def _unpack(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if _download(folder):
            run(["apt-get", "update", "-q"])
            run(_DOWNLOAD, cwd=folder)
        for package in sorted(Path(folder).glob("*.deb")):
            run(["dpkg", "-x", str(package), folder])
        for name in _UNPACKED:
            shutil.copy2(Path(folder, "usr", "bin", name), target)


_DOWNLOAD = ["apt-get", "download", "-q", *_PACKAGES]


def _download(folder: str) -> int:
    """Its exit code: a machine whose package lists are old or missing answers no."""
    return subprocess.run(_DOWNLOAD, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode


def _folder(lane: Lane, system: str) -> Path:
    folder = lane.root / "kubernetes" / system
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _version() -> str:
    (found,) = re.findall(
        r"^require k8s\.io/kubernetes (\S+)$", (_MODULE / "go.mod").read_text(), re.MULTILINE
    )
    return str(found)


def _pinned() -> bytes:
    return (_MODULE / "go.mod").read_bytes() + (_MODULE / "go.sum").read_bytes()
