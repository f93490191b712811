"""Who holds what HNS refused: for the log and the error text, never to decide by.

One V1 call lists all endpoints; it is made only after a refusal.
"""

from __future__ import annotations

from cni_hns.binding.errors import ServiceError
from cni_hns.binding.reading import member
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.node.node import Node

__all__ = ["of_addresses", "port_words"]

# HNS V1 writes the protocol as a word, V2 as its number.
_PROTOCOLS = {"6": "tcp", "17": "udp"}


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


def port_words(node: Node, document: dict[str, Any]) -> str:
    """Who holds the host ports that this endpoint document maps, as far as HNS tells."""
    wanted = {
        _mapped(policy["Settings"])
        for policy in document.get("Policies", [])
        if policy["Type"] == "PortMapping"
    }
    holders = {
        port: _words(endpoint)
        for endpoint in _endpoints(node)
        for policy in member(endpoint, "Policies") or []
        if (port := _mapped(policy)) in wanted
    }
    if holders:
        return "held: " + ", ".join(f"host port {port} by {holder}" for port, holder in holders.items())
    return (
        f"no endpoint maps host port {', '.join(sorted(wanted))}: a load balancer, a program of the host "
        "(netstat -ano) or an excluded range (netsh int ipv4 show excludedportrange tcp) has it"
    )


def _mapped(policy: dict[str, Any]) -> str:
    """The host port as "8080/tcp"; V1 has it beside the policy's type, V2 in its settings."""
    protocol = str(member(policy, "Protocol")).lower()
    return f"{member(policy, 'ExternalPort')}/{_PROTOCOLS.get(protocol, protocol)}"


def _endpoints(node: Node) -> list[dict[str, Any]]:
    try:
        return node.hns.endpoints()
    except ServiceError as fault:
        node.log.event(f"the holder could not be looked up: {fault}", "warning")
        return []


def _words(endpoint: dict[str, Any]) -> str:
    kind = "remote endpoint" if member(endpoint, "IsRemoteEndpoint") else "endpoint"
    return f'{kind} "{member(endpoint, "Name")}" ({str(member(endpoint, "ID")).lower()})'
