"""Who holds an address or a port, as HNS lists its endpoints.

One V1 call lists them all: it is made after a refusal, and by GC.
"""

from __future__ import annotations

from cni_hns.binding.errors import ServiceError
from cni_hns.binding.reading import member
from cni_hns.identity import endpoint_name
from cni_hns.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cni_hns.ledger import AttachmentKey
    from cni_hns.node.node import Node

__all__ = ["by_address", "known_by_address", "port_words", "ports_of_its_container"]

# HNS V1 writes the protocol as a word, V2 as its number.
_PROTOCOLS = {"6": "tcp", "17": "udp"}


def by_address(node: Node, network_id: str | None = None) -> dict[str, str]:
    """Each address that an endpoint has (of this HCN network, else of all), with that endpoint in words.

    Raises: ServiceError: HNS could not say.
    """
    found = {}
    for endpoint in node.hns.endpoints():
        if network_id is None or str(member(endpoint, "VirtualNetwork")).lower() == network_id:
            for name in ("IPAddress", "IPv6Address"):
                address = member(endpoint, name)
                if isinstance(address, str) and address:
                    found[address.lower()] = _words(endpoint)
    return found


def known_by_address(node: Node, network_id: str) -> dict[str, str]:
    """The same for words only: none where HNS cannot say."""
    try:
        return by_address(node, network_id)
    except ServiceError as fault:
        _log_unknown(node, fault)
        return {}


def ports_of_its_container(node: Node, key: AttachmentKey, document: dict[str, Any]) -> dict[str, str]:
    """The host ports of this document that another attachment of the same container maps, with its endpoint.

    None where a port is somebody else's: then leaving out these would not help.
    """
    holders = _port_holders(node, document)
    if not all(_is_its(endpoint, key, node) for endpoint in holders.values()):
        return {}
    return {port: _words_with_pod(endpoint, node) for port, endpoint in holders.items()}


def port_words(node: Node, document: dict[str, Any]) -> str:
    """Who holds the host ports that this endpoint document maps, as far as HNS tells."""
    found = _port_holders(node, document)
    holders = {port: _words_with_pod(endpoint, node) for port, endpoint in found.items()}
    if holders:
        return "held: " + ", ".join(f"host port {port} by {holder}" for port, holder in holders.items())
    ports = ", ".join(sorted(_wanted_ports(document)))
    return (
        f"no endpoint maps host port {ports}: a load balancer, a program of the host "
        "(netstat -ano) or an excluded range (netsh int ipv4 show excludedportrange tcp) has it"
    )


def _port_holders(node: Node, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The endpoint that maps each of the document's host ports, as far as HNS tells."""
    wanted = _wanted_ports(document)
    return {
        port: endpoint
        for endpoint in _endpoints(node)
        for policy in _objects(member(endpoint, "Policies"))
        if (port := _mapped(policy)) in wanted
    }


def _wanted_ports(document: dict[str, Any]) -> set[str]:
    policies = document.get("Policies", [])
    return {_mapped(policy["Settings"]) for policy in policies if policy["Type"] == "PortMapping"}


def _is_its(endpoint: dict[str, Any], key: AttachmentKey, node: Node) -> bool:
    """Whether it is another attachment's of the same container: by the ledger, else by a peer's name."""
    holder = node.ledger.holder_of(str(member(endpoint, "ID")).lower())
    if holder is not None:
        return holder.container_id == key.container_id and holder != key
    name = endpoint_name(str(member(endpoint, "VirtualNetworkName")), key.container_id)
    return bool(member(endpoint, "Name") == name)


def _mapped(policy: dict[str, Any]) -> str:
    """The host port as "8080/tcp"; V1 has it beside the policy's type, V2 in its settings."""
    protocol = str(member(policy, "Protocol")).lower()
    return f"{member(policy, 'ExternalPort')}/{_PROTOCOLS.get(protocol, protocol)}"


def _endpoints(node: Node) -> list[dict[str, Any]]:
    try:
        return node.hns.endpoints()
    except ServiceError as fault:
        _log_unknown(node, fault)
        return []


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _log_unknown(node: Node, fault: ServiceError) -> None:
    node.log.event(f"the holder could not be looked up: {fault}", "warning")


def _words(endpoint: dict[str, Any]) -> str:
    kind = "remote endpoint" if member(endpoint, "IsRemoteEndpoint") else "endpoint"
    return f'{kind} "{member(endpoint, "Name")}" ({str(member(endpoint, "ID")).lower()})'


def _words_with_pod(endpoint: dict[str, Any], node: Node) -> str:
    """With the name of its pod, where the ledger knows both: a look at all rows, so not for each of many."""
    holder = node.ledger.holder_of(str(member(endpoint, "ID")).lower())
    pod = node.ledger.pod_of(holder).full_name if holder is not None else ""
    return f"{_words(endpoint)} of pod {pod}" if pod else _words(endpoint)
