"""Where the API is and how one is known there: from a kubeconfig file, or from within a pod."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cni_hns.cluster.api.bearer import token_in
from cni_hns.cluster.api.credentials import Access, AccessFault, Pem
from cni_hns.cluster.api.kubeconfig import from_kubeconfig
from cni_hns.cluster.api.tls import BadCertificate, Tls

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Access", "AccessFault", "from_kubeconfig", "in_cluster"]

_SECRETS = "var", "run", "secrets", "kubernetes.io", "serviceaccount"


def in_cluster(folder: str = "", variables: Mapping[str, str] = os.environ) -> Access:
    """What kubelet gives to each container.

    https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/

    `folder` has the files token and ca.crt; without it, it is where kubelet puts them. A HostProcess
    container sees the node's own files: before containerd 1.7 its mounts were below a folder that a variable
    names, and since then they are at their place, too.
    https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/

    Raises: AccessFault: all that is missing.
    """
    faults: list[str] = []
    host, port = variables.get("KUBERNETES_SERVICE_HOST", ""), variables.get("KUBERNETES_SERVICE_PORT", "")
    if not (host and port):
        faults.append(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set: this is no container of a "
            "pod. Next: name a kubeconfig file"
        )
    folder = folder or _usual_folder(variables)
    token_file, ca_file = os.path.join(folder, "token"), os.path.join(folder, "ca.crt")
    faults += _unreadable(token_file, ca_file)
    if faults:
        raise AccessFault(*faults)
    access = Access(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        ca=Pem(file=ca_file),
        token_file=token_file,
        namespace=_namespace(folder),
        source=f'"{folder}"',
    )
    try:
        Tls(access).context()
    except BadCertificate as fault:
        raise AccessFault(str(fault)) from fault
    return access


def _usual_folder(variables: Mapping[str, str]) -> str:
    root = variables.get("CONTAINER_SANDBOX_MOUNT_POINT", "")
    below = os.path.join(root, *_SECRETS)
    return below if root and os.path.isdir(below) else os.path.join(os.sep, *_SECRETS)


def _unreadable(token_file: str, ca_file: str) -> list[str]:
    faults = []
    try:
        token_in(token_file)
    except (OSError, ValueError) as fault:
        faults.append(f'the token "{token_file}" cannot be read: {getattr(fault, "strerror", "") or fault}')
    if not os.path.isfile(ca_file):
        faults.append(f'the certificate authority "{ca_file}" is missing')
    return faults


def _namespace(folder: str) -> str:
    try:
        with open(os.path.join(folder, "namespace"), encoding="utf-8") as file:
            return file.read(256).strip() or "default"
    except (OSError, ValueError):
        return "default"
