"""The host's own endpoint on an l2bridge network: the pods' gateway, through which they reach other nodes.

HNS forwards nothing between its subnet and the host's network. So the host gets an endpoint at the third
address of each subnet (flannel's host-gw has it there, and `gatewayFrom: bridge` names it), attached to the
host's own compartment, and Windows forwards what comes in by it.

Rule: its ID follows from the network's name, so that a killed agent finds it again.
"""

from __future__ import annotations

import contextlib
import json
from ipaddress import ip_network
from typing import TYPE_CHECKING

from cni_hns.binding.errors import AlreadyExists, NotFound, ServiceError
from cni_hns.dialects.placement import third_address
from cni_hns.hcn.views import EndpointView
from cni_hns.identity import endpoint_id

if TYPE_CHECKING:
    from cni_hns.cluster.network import ClusterNetwork
    from cni_hns.node.node import Node

__all__ = ["ensure", "name_of", "own_id", "remove"]

_OWNER, _INTERFACE = "host", "gateway"
# The host's compartment; HNS counts those of pods from 2.
_HOSTS_COMPARTMENT = 1
# An endpoint that is attached already: flannel and calico take this answer as done.
_ATTACHED_ALREADY = 0x803B0014
# HNS's numbers of an endpoint's state. One from before a boot cannot be attached again (reported to
# ovn-kubernetes and others): it is replaced. Where HNS tells no state, attaching tells.
_LEFT_STATES, _ATTACHED_STATES = (1, 4, 5), (2, 3)


def ensure(network: ClusterNetwork, node: Node) -> tuple[str, ...]:
    """Its addresses, in the order of the network's prefixes: there, and attached to the host.

    Raises: ServiceError: HNS failed, or another endpoint has such an address.
    """
    addresses = tuple(third_address(one) for one in network.prefixes)
    own = _own(network.name, node)
    if own is not None:
        state = own.state or node.hns.endpoint_state(own.id)[0]
        if _is_right(own, network, addresses) and state not in _LEFT_STATES:
            if state not in _ATTACHED_STATES:
                _attach(network, node)
            return addresses
        node.log.event(f"the host's endpoint on {network.name} ({own.id}) is of another time: made anew")
        remove(network.name, node)
    _make(network, node, addresses)
    _attach(network, node)
    return addresses


def name_of(network: str) -> str:
    """kube-proxy and others know the host's endpoint by this name."""
    return f"{network}_ep"


def own_id(network: str) -> str:
    """Its ID on the network of this name."""
    return endpoint_id(network, _OWNER, _INTERFACE)


def remove(network: str, node: Node) -> None:
    """It is gone. Raises: ServiceError."""
    with contextlib.suppress(NotFound):
        node.hcn.endpoints.delete(own_id(network))


def _own(network: str, node: Node) -> EndpointView | None:
    try:
        return EndpointView.of(node.hcn.endpoints.get(own_id(network)))
    except NotFound:
        return None


def _is_right(own: EndpointView, network: ClusterNetwork, addresses: tuple[str, ...]) -> bool:
    return own.network == network.id and {text for text, _ in own.addresses} == set(addresses)


def _make(network: ClusterNetwork, node: Node, addresses: tuple[str, ...]) -> None:
    lengths = [ip_network(one).prefixlen for one in network.prefixes]
    document = {
        "ID": own_id(network.name),
        "Name": name_of(network.name),
        "Owner": "cni-hns",
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "HostComputeNetwork": network.id,
        "IpConfigurations": [
            {"IpAddress": address, "PrefixLength": length}
            for address, length in zip(addresses, lengths, strict=True)
        ],
    }
    try:
        with node.hcn.networks.open(network.id) as opened, node.hcn.endpoints.create(opened, document):
            node.log.event(f"the host's endpoint {', '.join(addresses)} was made on {network.name}")
    except AlreadyExists:
        # A call that HNS had accepted from a killed agent ended meanwhile; an address of others is a fault.
        own = _own(network.name, node)
        if own is None or not _is_right(own, network, addresses):
            raise


def _attach(network: ClusterNetwork, node: Node) -> None:
    """By V1: V2 has no word for the host's compartment."""
    body = json.dumps({"CompartmentId": _HOSTS_COMPARTMENT, "SystemType": "Host"})
    try:
        node.hns.request("POST", f"/endpoints/{own_id(network.name)}/attach", body)
    except ServiceError as fault:
        if fault.hresult != _ATTACHED_ALREADY:
            raise
