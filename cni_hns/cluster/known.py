"""What the agent knows of its cluster at one moment: the members, its own Node, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.flannel import PREFIX
from cni_hns.cluster.members import Member, member
from cni_hns.cluster.state import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cni_hns.cluster.api.faults import ApiFault

__all__ = ["NODES", "Known", "nodes_of", "what_matters"]

NODES = Resource("v1", "nodes")


class Known(NamedTuple):
    """The nodes as the API last told. `whole`: it has told all of them once, `fault`: why that may be old.

    `annotations` are those of the own Node, of flannel's; `own` is None where there is no such Node.
    """

    members: tuple[Member, ...] = ()
    own: Member | None = None
    annotations: Mapping[str, str] = {}
    whole: bool = False
    fault: ApiFault | None = None

    @classmethod
    def of(
        cls, documents: Iterable[Mapping[str, Any]], node_name: str, *, whole: bool, fault: ApiFault | None
    ) -> Known:
        """Join what a list or a mirror has."""
        found = [(member(dict(one)), one) for one in documents]
        own = next(((one, document) for one, document in found if one.name == node_name), None)
        about = {} if own is None else own[1].get("metadata", {}).get("annotations") or {}
        return cls(tuple(one for one, _ in found), own[0] if own else None, about, whole, fault)


def nodes_of(known: Known) -> tuple[NodeState, ...]:
    """The members as they are kept for people."""
    return tuple(NodeState(one.name, one.pod_cidrs, _address(one)) for one in known.members)


def _address(one: Member) -> str:
    said = one.backend.public_ip if one.backend is not None else ""
    return said or next(iter(one.addresses), "")


def what_matters(node: dict[str, Any]) -> dict[str, Any]:
    """Of a Node what an agent goes by: kubelet writes the rest every few minutes, on every node."""
    metadata, spec, status = (node.get(name) or {} for name in ("metadata", "spec", "status"))
    about = {name: metadata[name] for name in ("name", "uid", "creationTimestamp") if name in metadata}
    annotations = metadata.get("annotations") or {}
    kept = {name: value for name, value in annotations.items() if name.startswith(PREFIX)}
    addresses = [one for one in status.get("addresses") or [] if one.get("type") == "InternalIP"]
    return {
        "metadata": {**about, "annotations": kept},
        "spec": {name: spec[name] for name in ("podCIDR", "podCIDRs") if name in spec},
        "status": {"addresses": addresses},
    }
