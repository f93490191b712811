"""An address in the HCN subnet that it lies in, and the gateway that it has there.

Rule: a next hop outside the HCN network's subnets is nobody's neighbour. In a configuration of ours it is
refused before; a peer's, or what an IPAM plugin answered, is passed over here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from cni_hns.typed import NamedTuple, Protocol

from .address_ranges import family
from .plan import AttachmentPlan

__all__ = [
    "Address",
    "EndpointFault",
    "HcnNetwork",
    "Placed",
    "gateways",
    "named",
    "out_of_reach",
    "placed",
    "third_address",
]


class EndpointFault(ValueError):
    """The plan and the HCN network do not fit together; the message shows both sides."""


class Address(NamedTuple):
    """An address for the endpoint. `gateway` is what IPAM answered, `prefix` the length in bits."""

    ip: str
    prefix: int
    gateway: str | None = None


class HcnSubnet(Protocol):
    @property
    def prefix(self) -> str: ...
    @property
    def gateway(self) -> str | None: ...


class Placed(NamedTuple):
    """An address in the HCN subnet that it lies in, whose prefix length HNS wants and no other."""

    ip: str
    answered: Address
    subnet: HcnSubnet

    @property
    def prefix(self) -> int:
        return int(self.subnet.prefix.rpartition("/")[2])


class HcnNetwork(Protocol):
    """What is read of `cni_hns.hcn.views.NetworkView`."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def subnets(self) -> Sequence[HcnSubnet]: ...
    @property
    def management_ip(self) -> str | None: ...


def placed(network: HcnNetwork, address: Address) -> Placed:
    """Raises: EndpointFault, where no subnet of the network has the address."""
    return Placed(address.ip, address, _subnet_of(address.ip, network))


def named(network: HcnNetwork) -> str:
    """For messages."""
    return f'HCN network "{network.name}" ({network.id})'


def _subnet_of(ip: str, network: HcnNetwork) -> HcnSubnet:
    for subnet in network.subnets:
        if _is_in(ip, subnet):
            return subnet
    held = ", ".join(subnet.prefix for subnet in network.subnets) or "none"
    raise EndpointFault(
        f"address {ip} lies in no subnet of {named(network)}; its subnets: {held}. "
        "Give IPAM a range inside one of them, or create the HCN network with the subnet."
    )


def third_address(prefix: str) -> str:
    """Where host-gateway set-ups keep the host's own endpoint."""
    return str(ipaddress.ip_network(prefix, strict=False).network_address + 2)


def gateways(plan: AttachmentPlan, network: HcnNetwork, given: list[Placed]) -> dict[int, str]:
    """The default route's next hop for each family of the endpoint."""
    found = {} if given else _unasked(plan, network)
    for each in given:
        hop = _gateway(plan, each)
        if hop == each.ip:
            raise EndpointFault(
                f"address {each.ip} is also the gateway of {named(network)}; "
                "leave it out of the range that IPAM allocates from"
            )
        if hop:
            found[family(each.ip)] = hop
    return found


def _unasked(plan: AttachmentPlan, network: HcnNetwork) -> dict[int, str]:
    """The configured ones where HNS chooses the address: HNS itself knows its own gateway."""
    found: dict[int, str] = {}
    for text in (*plan.gateways, *plan.spare_gateways):
        if not out_of_reach(network, [text]):
            found.setdefault(family(text), text)
    return found


def _is_in(text: str, subnet: HcnSubnet) -> bool:
    return ipaddress.ip_address(text) in ipaddress.ip_network(subnet.prefix, strict=False)


def out_of_reach(network: HcnNetwork, hops: Iterable[str]) -> list[str]:
    """Those of the next hops that lie in no subnet of the HCN network, where it has any subnet."""
    return [
        hop
        for hop in dict.fromkeys(hops)
        if network.subnets and not any(_is_in(hop, subnet) for subnet in network.subnets)
    ]


def _gateway(plan: AttachmentPlan, given: Placed) -> str | None:
    """The next hop: a gateway that lies in another subnet than the address is never used."""
    subnet = given.subnet
    named = [text for text in plan.gateways if _is_in(text, subnet)]
    if named:
        return named[0]
    if plan.gateway_rule == "bridge":
        return _bridge(plan, given)
    answered = given.answered.gateway if plan.gateway_rule == "ipam" else None
    usable = [text for text in (answered, *plan.spare_gateways) if text and _is_in(text, subnet)]
    return str(ipaddress.ip_address(usable[0])) if usable else subnet.gateway


def _bridge(plan: AttachmentPlan, given: Placed) -> str:
    """The third address: a peer counts from the subnet that IPAM answered, which may be a part of HNS's."""
    answered = ipaddress.ip_network(f"{given.ip}/{given.answered.prefix}", strict=False)
    third = answered.network_address + 2
    if plan.peer and third in answered and _is_in(str(third), given.subnet):
        return str(third)
    return third_address(given.subnet.prefix)
