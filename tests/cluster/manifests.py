"""The manifests as kustomize makes them of conf/kubernetes, and a cluster that has been given them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.admin import Admin
from tests.cluster.control_plane import ControlPlane
from tests.lane import Lane

__all__ = [
    "ACCOUNT",
    "AGENT",
    "FOLDER",
    "NAMESPACE",
    "VARIANTS",
    "apply",
    "bound_token",
    "rendered",
    "take_away",
    "token_of_node",
]

Document = dict[str, Any]

FOLDER = Path(__file__).parent.parent.parent / "conf" / "kubernetes"
VARIANTS = ("overlay", "l2bridge", "beside-flannel")
NAMESPACE, AGENT = "cni-hns", "cni-hns-agent"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{AGENT}"

_POLICIES = "/apis/admissionregistration.k8s.io/v1"
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def rendered(lane: Lane, variant: str) -> list[Document]:
    """Every object of this variant, in the order in which they are applied."""
    command = [str(lane.program("kustomize")), "build", str(FOLDER / variant)]
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return list(yaml.safe_load_all(done.stdout))


def apply(plane: ControlPlane, lane: Lane, documents: list[Document], *, dry_run: bool = False) -> str:
    """As a person would: `kubectl apply --server-side`; what it said."""
    command = [str(lane.kubernetes("kubectl")), f"--kubeconfig={plane.kubeconfig('apply.kubeconfig')}"]
    # A namespace that a dry run of itself made is not there for the next object.
    command += ["apply", "--server-side", "--force-conflicts", "-f", "-"]
    command += ["--dry-run=server"] if dry_run else []
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def take_away(admin: Admin) -> None:
    """What `plane` leaves in the cluster: objects of our namespace, and the rules about our account."""
    for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        for name in ("node", "block"):
            admin.delete(f"{_POLICIES}/{kind}/cni-hns-agent-{name}")
    for path in (_PODS, f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets"):
        admin.delete_all(path)


def bound_token(admin: Admin, node_name: str) -> str:
    """A token as kubelet gets it for the agent's pod on this node: it names the node.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    """
    spec = {
        "nodeName": node_name,
        "serviceAccountName": AGENT,
        "containers": [{"name": "agent", "image": "cni-hns"}],
    }
    made = admin.create(_PODS, {"metadata": {"name": f"agent-on-{node_name}"}, "spec": spec})
    return _token(admin, "Pod", made)


def token_of_node(admin: Admin, node_name: str) -> str:
    """A token as a person makes it for a node without DaemonSets."""
    return _token(admin, "Node", admin.get(f"/api/v1/nodes/{node_name}"))


def _token(admin: Admin, kind: str, bound_to: Document) -> str:
    """A token that lives no longer than this object."""
    named = {key: bound_to["metadata"][key] for key in ("name", "uid")}
    reference = {"kind": kind, "apiVersion": "v1", **named}
    asked = {"spec": {"expirationSeconds": 3600, "boundObjectRef": reference}}
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{AGENT}/token"
    token: str = admin.create(path, asked)["status"]["token"]
    return token
