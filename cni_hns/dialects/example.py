"""What HNS will get for one pod of a plan: the endpoint's document, made by the functions that ADD uses.

What only the node or the moment knows (the pod's address, the gateway of an HCN network that is there) stands
in the document as words in angle brackets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from cni_hns.typed import Any, NamedTuple

from .address_ranges import family
from .endpoint import Address, endpoint_request
from .plan import AttachmentPlan, RangePlan
from .wanted import read_wanted

__all__ = ["IPAM_GATEWAY", "NETWORK_GATEWAY", "THIRD_ADDRESS", "Example"]

POD = {4: "<the pod's IPv4 address>", 6: "<the pod's IPv6 address>"}
NETWORK_GATEWAY = "<gateway of the HCN network>"
THIRD_ADDRESS = "<third address of the HCN subnet>"
IPAM_GATEWAY = "<gateway that the IPAM plugin answers>"
MANAGEMENT = "<management address of the HCN network>"
PREFIX_LENGTH = "<prefix length of the HCN subnet>"
SUBNETS = "<the HCN network's own subnet>"

# A subnet that nothing is known of may be any: every gateway of a configuration lies in it.
_UNKNOWN_SUBNETS = {4: "0.0.0.0/0", 6: "::/0"}
# Of blocks that no host can have addresses of: what is in a document of them was put there here.
_GATEWAYS = {4: "240.7.9.1", 6: "100::9:1"}
_MANAGEMENT = "240.7.9.9"


class _Subnet(NamedTuple):
    prefix: str
    gateway: str | None


class _Network(NamedTuple):
    id: str
    name: str
    type: str
    subnets: list[_Subnet]
    management_ip: str | None


class Example:
    """One pod of the plan. Raises: EndpointFault where no pod could have an endpoint."""

    def __init__(self, plan: AttachmentPlan) -> None:
        self._plan = plan
        self._subnets_known = bool(plan.network.create and plan.network.subnets)
        network = plan.network
        self._network = _Network(
            "<ID of the HCN network>", network.name, network.hcn_type, self._subnets(), _MANAGEMENT
        )
        self._addresses = self._given()
        self.document = self._made({})
        self.policies: list[dict[str, Any]] = self.document.get("Policies", [])

    def policies_for(self, runtime_config: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The policies that this wish of a runtime's adds."""
        return [each for each in self._made(runtime_config).get("Policies", []) if each not in self.policies]

    def _made(self, runtime_config: Mapping[str, Any]) -> dict[str, Any]:
        plan = self._plan
        wanted = read_wanted(plan, {"runtimeConfig": runtime_config}, {})
        document = endpoint_request(
            plan,
            wanted,
            self._network,
            self._addresses,
            endpoint_id="<ID of the endpoint>",
            name=f"<container id>_{plan.network.name}",
        )
        # What the configuration says itself is shown as it is.
        told = [
            each if each in plan.policies else self._told_policy(each)
            for each in document.get("Policies", [])
        ]
        rest = {key: self._told(value) for key, value in document.items() if key != "Policies"}
        if not self._subnets_known:
            for each in rest.get("IpConfigurations", []):
                each["PrefixLength"] = PREFIX_LENGTH
        if "MacAddress" in rest and plan.mac_prefix:
            rest["MacAddress"] = f"{plan.mac_prefix}-<the four bytes of the IPv4 address>"
        return {**rest, "Policies": told} if told else rest

    def _subnets(self) -> list[_Subnet]:
        plan = self._plan
        if self._subnets_known:
            return _created(plan.network.create or {})
        prefixes = [subnet.prefix for subnet in plan.network.subnets]
        if not prefixes:
            prefixes = [each.subnet for ranges in plan.ipam.range_sets for each in ranges[:1]]
        if not prefixes and plan.ipam.kind in ("builtin", "delegate"):
            prefixes = [_UNKNOWN_SUBNETS[version] for version in self._families()]
        return [_Subnet(prefix, _GATEWAYS[family(prefix)]) for prefix in dict.fromkeys(prefixes)]

    def _given(self) -> list[Address]:
        plan = self._plan
        if plan.ipam.kind == "delegate" or (plan.ipam.kind == "builtin" and not plan.ipam.range_sets):
            by_family = {family(subnet.prefix): subnet.prefix for subnet in reversed(self._network.subnets)}
            return [_answered(prefix, plan.gateways) for _, prefix in sorted(by_family.items())]
        return [
            Address(
                _of_range(ranges[0], [*plan.gateways, *plan.ipam.reserved]),
                int(ranges[0].subnet.rpartition("/")[2]),
                ranges[0].gateway,
            )
            for ranges in plan.ipam.range_sets
            if ranges
        ]

    def _families(self) -> list[int]:
        """Those of which somebody else will give an address, as far as the configuration tells."""
        named = [*self._plan.gateways, *(route["DestinationPrefix"] for route in self._plan.routes)]
        return sorted({4, *map(family, named)})

    def _told(self, value: Any) -> Any:
        """The value with words in place of what stands in for something unknown."""
        if isinstance(value, dict):
            return {key: self._told(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._told(each) for each in value]
        return self._words().get(value, value) if isinstance(value, str) else value

    def _told_policy(self, policy: dict[str, Any]) -> dict[str, Any]:
        settings = self._told(policy["Settings"])
        if "Exceptions" in settings and not self._subnets_known:
            configured = self._plan.nat_exceptions or []
            own = [subnet.prefix for subnet in self._network.subnets]
            told = [
                SUBNETS if each in own and each not in configured else each for each in settings["Exceptions"]
            ]
            settings = {**settings, "Exceptions": list(dict.fromkeys(told))}
        return {**policy, "Settings": settings}

    def _words(self) -> dict[str, str]:
        words = {_MANAGEMENT: MANAGEMENT}
        if self._plan.ipam.kind == "delegate":
            words.update({each.gateway: IPAM_GATEWAY for each in self._addresses if each.gateway})
        words.update(dict.fromkeys(_GATEWAYS.values(), NETWORK_GATEWAY))
        words.update({address.ip: POD[family(address.ip)] for address in self._addresses})
        if self._plan.gateway_rule == "bridge" and not self._subnets_known:
            words.update({_third(subnet.prefix): THIRD_ADDRESS for subnet in self._network.subnets})
        return words


def _created(network: Mapping[str, Any]) -> list[_Subnet]:
    subnets = [subnet for ipam in network.get("Ipams", []) for subnet in ipam.get("Subnets", [])]
    return [_Subnet(subnet["IpAddressPrefix"], _hop(subnet)) for subnet in subnets]


def _hop(subnet: Mapping[str, Any]) -> str | None:
    return next((str(route["NextHop"]) for route in subnet.get("Routes", [])), None)


def _third(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False).network_address + 2)


def _of_range(each: RangePlan, taken: list[str]) -> str:
    """The last address of the range that a pod can have: nothing else in a document is likely to be that."""
    taken = [*taken, each.gateway or "", _third(each.subnet)]
    place, first = ipaddress.ip_address(each.last), ipaddress.ip_address(each.first)
    while str(place) in taken and place > first:  # type: ignore[operator]
        place -= 1
    return str(place)


def _answered(prefix: str, taken: list[str]) -> Address:
    """What an IPAM plugin may answer of this subnet."""
    network = ipaddress.ip_network(prefix, strict=False)
    text = type(network.network_address)
    last = str(text(int(network.broadcast_address) - 1))
    whole = RangePlan(prefix, str(network[1]), last, None)
    ip = _of_range(whole, taken)
    return Address(ip, network.prefixlen, _of_range(whole, [*taken, ip]))
