"""Node objects, as a Kubernetes API gives them."""

from __future__ import annotations

from typing import Any

from cni_hns.cluster import flannel
from cni_hns.cluster.flannel import Backend
from cni_hns.cluster.members import Member, member

__all__ = ["VNI", "WINDOWS", "mac", "node", "node_document"]

VNI = 4096
WINDOWS = "vxlan"


def mac(number: int) -> str:
    """The distributed router's MAC of node `number`."""
    return f"00:15:5d:00:00:{number:02x}"


def node(number: int, kind: str = WINDOWS, **changes: Any) -> Member:
    """Node `number`: win-N, podCIDR 10.244.N.0/24, address 192.0.2.N, made in minute N."""
    return member(node_document(number, kind, **changes))


def node_document(
    number: int,
    kind: str = WINDOWS,
    *,
    name: str = "",
    cidrs: tuple[str, ...] | None = None,
    addresses: tuple[str, ...] | None = None,
    made_at: str | None = None,
    **backend: Any,
) -> dict[str, Any]:
    """The same as an object; `kind` "" is a node without flannel's annotations."""
    given = {"kind": kind, "public_ip": f"192.0.2.{number}", "vni": VNI, "mac": mac(number), **backend}
    if kind != WINDOWS:
        given |= {"vni": 0, "mac": ""}
    cidrs = (f"10.244.{number}.0/24",) if cidrs is None else cidrs
    addresses = (f"192.0.2.{number}",) if addresses is None else addresses
    spec = {"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name or f"win-{number}",
            "uid": f"uid-{number}",
            "creationTimestamp": f"2026-01-01T00:{number:02}:00Z" if made_at is None else made_at,
            "annotations": flannel.written(Backend(**given)) if kind else {},
        },
        "spec": spec,
        "status": {
            "addresses": [
                {"type": "Hostname", "address": name or f"win-{number}"},
                *({"type": "InternalIP", "address": one} for one in addresses),
            ]
        },
    }
