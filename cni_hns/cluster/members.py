"""Node objects as members of the cluster: who has which podCIDRs, and where it is reached.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, NamedTuple

from cni_hns.cluster import flannel
from cni_hns.cluster.prefixes import same_spelling

__all__ = ["Member", "member"]


class Member(NamedTuple):
    """A node of the cluster.

    `pod_cidrs` are prefixes in their usual spelling, `addresses` the InternalIPs in the Node's order.
    `backend` is what flannel's annotations say; None for nothing, and `backend_fault` says why. `made_at` is
    the Node object's creationTimestamp, texts that sort by time.
    """

    name: str
    pod_cidrs: tuple[str, ...]
    addresses: tuple[str, ...]
    backend: flannel.Backend | None
    uid: str
    made_at: str = ""
    backend_fault: str = ""


def member(node_document: dict[str, Any]) -> Member:
    """The member that a Node object is; what is missing in the object is empty."""
    metadata = _object(node_document, "metadata")
    spec = _object(node_document, "spec")
    # podCIDRs came later, and has podCIDR as its first.
    cidrs = _list(spec, "podCIDRs") or [spec.get("podCIDR")]
    backend, why = flannel.look(metadata.get("annotations"))
    return Member(
        name=str(metadata.get("name") or ""),
        pod_cidrs=tuple(one for one in map(same_spelling, cidrs) if one),
        addresses=tuple(
            one for one in map(_internal_ip, _list(_object(node_document, "status"), "addresses")) if one
        ),
        backend=backend,
        uid=str(metadata.get("uid") or ""),
        made_at=str(metadata.get("creationTimestamp") or ""),
        backend_fault=why,
    )


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _list(document: dict[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    return found if isinstance(found, list) else []


def _internal_ip(entry: object) -> str:
    if not isinstance(entry, dict) or entry.get("type") != "InternalIP":
        return ""
    try:
        return str(ip_address(str(entry.get("address"))))
    except ValueError:
        return ""
