"""Which policy HNS does not take: its codes name none, and a pod without one of its policies is no pod.

After a refusal only. Each policy is added alone to an endpoint without any, which the caller takes back.
"""

from __future__ import annotations

from cni_hns.binding.errors import PolicyRefused, ServiceError
from cni_hns.dialects.quoting import quoted
from cni_hns.hcn.documents import add_policies
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.hcn.client import Opened
    from cni_hns.node.node import Node

__all__ = ["refused_words"]


def refused_words(node: Node, network: Opened, document: dict[str, Any], endpoint_id: str) -> str:
    """The policies of this endpoint document that HNS refuses, each with its settings, for the error."""
    policies: list[dict[str, Any]] = document.get("Policies", [])
    bare = {name: value for name, value in document.items() if name != "Policies"}
    try:
        with node.hcn.endpoints.create(network, bare, endpoint_id) as endpoint:
            refused = [policy for policy in policies if _is_refused(endpoint, policy)]
    except ServiceError as fault:
        return f"which one was not found out: {fault}; sent: {_listed(policies)}"
    if refused:
        return f"refused: {_listed(refused)}"
    return f"each is taken alone, but not all together: {_listed(policies)}"


def _is_refused(endpoint: Opened, policy: dict[str, Any]) -> bool:
    try:
        endpoint.modify(add_policies([policy]))
    except PolicyRefused:
        return True
    return False


def _listed(policies: list[dict[str, Any]]) -> str:
    return ", ".join(f"{policy['Type']} {quoted(policy.get('Settings', {}))}" for policy in policies)
