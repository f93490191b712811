"""Who holds what HNS refused: for the log and the error text, never to decide by.

One V1 call lists all endpoints; it is made only after a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cni_hns.binding.errors import ServiceError
from cni_hns.binding.reading import member

if TYPE_CHECKING:
    from cni_hns.verbs.node import Node

__all__ = ["of_addresses", "of_ports"]


def of_addresses(node: Node, network_id: str, addresses: list[str]) -> dict[str, str]:
    """For each of these addresses that another endpoint of the HCN network holds: that endpoint in words."""
    holders = {}
    for endpoint in _endpoints(node):
        if str(member(endpoint, "VirtualNetwork")).lower() != network_id:
            continue
        for name in ("IPAddress", "IPv6Address"):
            address = member(endpoint, name)
            if address in addresses:
                holders[address] = _words(endpoint)
    return holders


def of_ports(node: Node, document: dict[str, Any]) -> dict[int, str]:
    """For each host port that the endpoint document maps and another endpoint has: that endpoint in words."""
    wanted = {
        policy["Settings"]["ExternalPort"]
        for policy in document.get("Policies", [])
        if policy["Type"] == "PortMapping"
    }
    return {
        port: _words(endpoint)
        for endpoint in _endpoints(node)
        for policy in member(endpoint, "Policies") or []
        if (port := member(policy, "ExternalPort")) in wanted
    }


def _endpoints(node: Node) -> list[dict[str, Any]]:
    try:
        return node.hns.endpoints()
    except ServiceError as fault:
        node.log.event(f"the holder could not be looked up: {fault}", "warning")
        return []


def _words(endpoint: dict[str, Any]) -> str:
    kind = "remote endpoint" if member(endpoint, "IsRemoteEndpoint") else "endpoint"
    return f'{kind} "{member(endpoint, "Name")}" ({str(member(endpoint, "ID")).lower()})'
