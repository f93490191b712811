"""kube-proxy's source VIP on an overlay network: the address from which this node's packets to services come.

kube-proxy is given the address at its start (`--source-vip`). Its endpoint is a local one in no namespace,
with the MAC of the host's interface, so that answers are the host's: kube-proxy makes it where it is missing
(Kubernetes, pkg/proxy/winkernel), and takes any that has the address.

Rule 1: the reservation in the ledger comes first: no pod gets the address while the endpoint is made.
Rule 2: an endpoint that is right is left, whoever made it; only our own is ever deleted.
"""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.errors import AddressRefused, AlreadyExists, NotFound
from cni_hns.binding.reading import member
from cni_hns.cluster.network_faults import NoSourceVip
from cni_hns.hcn.views import REMOTE, EndpointView
from cni_hns.identity import endpoint_id
from cni_hns.ipam import reservations
from cni_hns.ipam.errors import AddressUnavailable, RangeExhausted

if TYPE_CHECKING:
    from cni_hns.cluster.network import ClusterNetwork
    from cni_hns.ledger import Lease
    from cni_hns.node.node import Node

__all__ = ["NAME", "OWNER", "ensure", "own_id", "remove", "reserved"]

OWNER = "kube-proxy"
"""Who has the reservation, as `cni-hns ipam reserve --owner kube-proxy` writes it."""

NAME = "source-vip"
"""The endpoint's name. No attachment's endpoint is called so, and no `gc` takes it for one."""

# So many addresses are tried where other endpoints have those that the ledger knows to be free.
_TRIES = 8


class _Range(NamedTuple):
    """The podCIDR as a range of addresses: from the one behind the gateway's to the last."""

    subnet: str
    first: str
    last: str
    gateway: str | None

    @classmethod
    def of(cls, prefix: IPv4Network) -> _Range:
        gateway = prefix.network_address + 1
        return cls(str(prefix), str(gateway), str(prefix.broadcast_address - 1), str(gateway))


def ensure(network: ClusterNetwork, node: Node) -> str:
    """The address, reserved and with its endpoint.

    Raises:
        NoSourceVip: no address is left, or the MAC of the host is not known.
        ServiceError, LedgerFault: HNS or the ledger failed; the next call goes on from there.
    """
    mac = _host_mac(network, node)
    own = _own(network, node)
    for _ in range(_TRIES):
        address = _reserved_address(network, node, own)
        if own is not None and not _is_right(own, address, mac, network):
            node.log.event(
                f"the endpoint of the source VIP ({own.id}) is another one by now: it is made anew"
            )
            _delete_own(network, node)
            own = None
        if own is not None:
            return address
        others = _with_address(network, node, address)
        if any(_serves(one, mac) for one in others):
            return address
        if not others and _make(network, node, address, mac):
            return address
        _give_up_address(network, node, address)
    raise NoSourceVip(
        f'endpoints that nobody told of have the free addresses of HCN network "{network.name}"',
        "see whose they are (`cni-hns endpoint list`), and delete those of no pod",
    )


def reserved(network: str, node: Node) -> list[str]:
    """The addresses that the ledger keeps for kube-proxy on this network."""
    return [one.address for one in reservations.reserved_for(node.ledger, network, OWNER)]


def own_id(network: str) -> str:
    """The ID of the endpoint that this agent makes on the network of this name: the same after a kill."""
    return endpoint_id(network, OWNER, NAME)


def remove(network: str, node: Node) -> None:
    """Endpoint and reservation are gone; what is not there is none to remove.

    Raises: ServiceError, LedgerFault.
    """
    with contextlib.suppress(NotFound):
        node.hcn.endpoints.delete(own_id(network))
    reservations.release(node.ledger, reservations.reserved_for(node.ledger, network, OWNER))


def _host_mac(network: ClusterNetwork, node: Node) -> str:
    """Of the interface that has the host's address on the network, as HNS spells MACs."""
    try:
        interfaces = node.machine.host().interfaces()
    except OSError as fault:
        raise NoSourceVip(
            f"the interfaces of this node cannot be read: {fault}", "run the agent as SYSTEM"
        ) from fault
    for one in interfaces:
        if one.mac and network.management_ip in [text.partition("/")[0] for text in one.addresses]:
            return one.mac
    raise NoSourceVip(
        f"no interface of this node with a MAC has its address {network.management_ip} on HCN network "
        f'"{network.name}"',
        "nothing, if HNS has just made the network: the agent looks again; else see `ipconfig /all`",
    )


def _own(network: ClusterNetwork, node: Node) -> EndpointView | None:
    try:
        return EndpointView.of(node.hcn.endpoints.get(own_id(network.name)))
    except NotFound:
        return None


def _reserved_address(network: ClusterNetwork, node: Node, own: EndpointView | None) -> str:
    """The reserved address of the network's subnet; that of the endpoint where the ledger lost it.

    Raises: NoSourceVip: none is left.
    """
    subnet = _subnet(network)
    held = reservations.reserved_for(node.ledger, network.name, OWNER)
    stale = [one for one in held if ip_address(one.address) not in subnet]
    if stale:
        reservations.release(node.ledger, stale)  # of an earlier podCIDR
    kept = [one for one in held if one not in stale]
    return (kept or _taken_from(own, subnet, network, node) or _next(subnet, network, node))[0].address


def _taken_from(
    own: EndpointView | None, subnet: IPv4Network, network: ClusterNetwork, node: Node
) -> list[Lease]:
    """The ledger may have been made anew: what kube-proxy was given is what the endpoint has."""
    addresses = [text for text, _ in own.addresses if ip_address(text) in subnet] if own is not None else []
    try:
        return [reservations.reserve_address(node.ledger, network.name, OWNER, one) for one in addresses[:1]]
    except AddressUnavailable as fault:
        node.log.event(f"the source VIP's endpoint has an address of a pod: {fault}", "warning")
        return []


def _next(subnet: IPv4Network, network: ClusterNetwork, node: Node) -> list[Lease]:
    used = [address for one in _endpoints(network, node) for address in _addresses(one)]
    try:
        return reservations.reserve(
            node.ledger, network.name, OWNER, [[_Range.of(subnet)]], [network.management_ip, *used]
        )
    except RangeExhausted as fault:
        raise NoSourceVip(
            f"no address is left for kube-proxy's source VIP: {fault}", "delete a pod"
        ) from fault


def _subnet(network: ClusterNetwork) -> IPv4Network:
    return next(one for one in map(ip_network, network.prefixes) if isinstance(one, IPv4Network))


def _is_right(own: EndpointView, address: str, mac: str, network: ClusterNetwork) -> bool:
    return (
        own.network == network.id
        and address in [text for text, _ in own.addresses]
        and _digits(own.mac) == _digits(mac)
        and not own.flags & REMOTE
    )


def _endpoints(network: ClusterNetwork, node: Node) -> list[dict[str, Any]]:
    """All of the network, in one call."""
    found = node.hns.endpoints()
    return [one for one in found if str(member(one, "VirtualNetwork")).lower() == network.id]


def _addresses(endpoint: dict[str, Any]) -> list[str]:
    found = [member(endpoint, name) for name in ("IPAddress", "IPv6Address")]
    return [one for one in found if isinstance(one, str) and one]


def _with_address(network: ClusterNetwork, node: Node, address: str) -> list[dict[str, Any]]:
    return [one for one in _endpoints(network, node) if address in _addresses(one)]


def _serves(endpoint: dict[str, Any], mac: str) -> bool:
    """Whether kube-proxy made it for itself: a local one with the host's MAC, which no pod has."""
    is_remote = bool(member(endpoint, "IsRemoteEndpoint"))
    return not is_remote and _digits(str(member(endpoint, "MacAddress"))) == _digits(mac)


def _make(network: ClusterNetwork, node: Node, address: str, mac: str) -> bool:
    """False where somebody has the address by now. As kube-proxy's, but with a name and an ID of ours."""
    document = {
        "ID": own_id(network.name),
        "Name": NAME,
        "Owner": "cni-hns",
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "HostComputeNetwork": network.id,
        "IpConfigurations": [{"IpAddress": address, "PrefixLength": _subnet(network).prefixlen}],
        "MacAddress": mac,
    }
    try:
        with node.hcn.networks.open(network.id) as opened, node.hcn.endpoints.create(opened, document):
            node.log.event(f"the endpoint of the source VIP {address} was made on {network.name}")
    except AlreadyExists:
        # A call that HNS had accepted from a killed agent ended meanwhile.
        own = _own(network, node)
        if own is None:
            raise
        return _is_right(own, address, mac, network)
    except AddressRefused as fault:
        node.log.event(f"the source VIP {address} is somebody else's: {fault}", "warning")
        return False
    return True


def _give_up_address(network: ClusterNetwork, node: Node, address: str) -> None:
    """Another endpoint has it: kube-proxy has to be given the next one."""
    node.log.event(
        f"another endpoint has the address {address} that was kept for kube-proxy: it gets another one, and "
        "has to be started again with it",
        "warning",
    )
    held = reservations.reserved_for(node.ledger, network.name, OWNER)
    reservations.release(node.ledger, [one for one in held if one.address == address])


def _delete_own(network: ClusterNetwork, node: Node) -> None:
    with contextlib.suppress(NotFound):
        node.hcn.endpoints.delete(own_id(network.name))


def _digits(mac: str) -> str:
    return "".join(one for one in mac.lower() if one.isalnum())
