"""The HostComputeEndpoint document of one attachment, from its plan, this call's wishes and the HCN network.

Rule 1: no model, no cdata; the document is plain JSON and the tests hold it against the models.
Rule 2: what cannot be put into the document is an error that names it, never left out.
Source: https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from cni_hns.typed import Any, NamedTuple, Protocol

from . import fields
from .address_ranges import family
from .plan import AttachmentPlan
from .wanted import Wanted

__all__ = ["Address", "EndpointFault", "endpoint_request", "reserved_addresses"]

# NatFlags of the HCN schema.
_LOCAL_ROUTED_VIP = 1
_NAT_IPV6 = 2

# EndpointFlags, as Microsoft's hns.v2.psm1 names them.
_ENABLE_DHCP = 32

_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
_PROTOCOL_NAMES = {6: "tcp", 17: "udp"}
_ACL_PRIORITY = 1000


class EndpointFault(ValueError):
    """The plan and the HCN network do not fit together; the message shows both sides."""


class Address(NamedTuple):
    """An address for the endpoint. `gateway` is what IPAM answered, `prefix` the length in bits."""

    ip: str
    prefix: int
    gateway: str | None = None


class _Subnet(Protocol):
    @property
    def prefix(self) -> str: ...
    @property
    def gateway(self) -> str | None: ...


class _Network(Protocol):
    """What is read of `cni_hns.hcn.views.NetworkView`."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def subnets(self) -> Sequence[_Subnet]: ...
    @property
    def management_ip(self) -> str | None: ...


def reserved_addresses(plan: AttachmentPlan, network: _Network) -> list[str]:
    """Addresses no pod may get, whatever the ranges say: every gateway, and the host's own."""
    found = [*plan.ipam.reserved, *plan.gateways]
    for subnet in network.subnets:
        found += [subnet.gateway] if subnet.gateway else []
        found += [_third(subnet.prefix)] if plan.gateway_rule == "bridge" else []
    found += [network.management_ip] if network.management_ip else []
    return list(dict.fromkeys(found))


def endpoint_request(
    plan: AttachmentPlan,
    wanted: Wanted,
    network: _Network,
    addresses: Sequence[Address],
    *,
    endpoint_id: str = "",
    name: str = "",
    ipam_routes: Iterable[Mapping[str, Any]] | None = None,
    ipam_dns: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document to send, complete.

    `addresses` is empty where HNS or DHCP gives them. `ipam_routes` ({dst, gw}) and `ipam_dns` (CNI names)
    are a delegated plugin's answer, or what resolvConf says; without routes those of the plan's ipam are
    used.
    Raises: EndpointFault where address, gateway or policy and the HCN network contradict each other.
    """
    given = _given(plan, wanted, network, addresses)
    families = _families(network, given)
    gateways = _gateways(plan, network, given)
    document: dict[str, Any] = {
        "ID": endpoint_id,
        "Name": name,
        "Owner": "cni-hns",
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "HostComputeNetwork": network.id,
        "IpConfigurations": [{"IpAddress": each.ip, "PrefixLength": each.prefix} for each in given],
        "MacAddress": wanted.mac or _mac(plan, given),
        "Routes": _routes(plan, plan.ipam.routes if ipam_routes is None else ipam_routes, gateways),
        "Dns": _dns(plan, wanted, ipam_dns),
        "Policies": _policies(plan, wanted, network, given, families),
        "Flags": _ENABLE_DHCP if plan.ipam.kind == "dhcp" else 0,
    }
    return {key: value for key, value in document.items() if value}


def _given(
    plan: AttachmentPlan, wanted: Wanted, network: _Network, addresses: Sequence[Address]
) -> list[Address]:
    """The addresses with the prefix length that the HCN subnet has: HNS refuses any other.

    Where HNS chooses addresses a wanted one is passed on to it.
    """
    if plan.ipam.kind == "hns" and not addresses:
        addresses = [Address(text, 0) for text in wanted.addresses]
    found = [each._replace(prefix=_length(_subnet_of(each.ip, network))) for each in addresses]
    for index, each in enumerate(found):
        if family(each.ip) in [family(other.ip) for other in found[:index]]:
            raise EndpointFault(
                f"IPAM gave more than one IPv{family(each.ip)} address "
                f"({', '.join(other.ip for other in found)}); an HNS endpoint holds one of each family"
            )
    return found


def _named(network: _Network) -> str:
    return f'HCN network "{network.name}" ({network.id})'


def _length(subnet: _Subnet) -> int:
    return int(subnet.prefix.rpartition("/")[2])


def _subnet_of(ip: str, network: _Network) -> _Subnet:
    place = ipaddress.ip_address(ip)
    for subnet in network.subnets:
        if place in ipaddress.ip_network(subnet.prefix, strict=False):
            return subnet
    held = ", ".join(subnet.prefix for subnet in network.subnets) or "none"
    raise EndpointFault(
        f"address {ip} lies in no subnet of {_named(network)}; its subnets: {held}. "
        "Give IPAM a range inside one of them, or create the HCN network with the subnet."
    )


def _families(network: _Network, given: list[Address]) -> list[int]:
    """The families the endpoint will have; where HNS or DHCP chooses, those of the HCN network, else IPv4."""
    found = [each.ip for each in given] or [subnet.prefix for subnet in network.subnets]
    return sorted({family(text) for text in found}) or [4]


def _third(prefix: str) -> str:
    return str(ipaddress.ip_network(prefix, strict=False).network_address + 2)


def _gateways(plan: AttachmentPlan, network: _Network, given: list[Address]) -> dict[int, str]:
    """The default route's next hop for each family of the endpoint."""
    found = {family(text): text for text in plan.gateways} if not given else {}
    for each in given:
        hop = _gateway(plan, _subnet_of(each.ip, network), each)
        if hop == each.ip:
            raise EndpointFault(
                f"address {each.ip} is also the gateway of {_named(network)}; "
                "leave it out of the range that IPAM allocates from"
            )
        if hop:
            found[family(each.ip)] = hop
    return found


def _gateway(plan: AttachmentPlan, subnet: _Subnet, given: Address) -> str | None:
    inside = ipaddress.ip_network(subnet.prefix, strict=False)
    for text in plan.gateways:
        if ipaddress.ip_address(text) in inside:
            return text
    if plan.gateway_rule == "bridge":
        return _third(subnet.prefix)
    if plan.gateway_rule == "ipam" and given.gateway and ipaddress.ip_address(given.gateway) in inside:
        return str(ipaddress.ip_address(given.gateway))
    return subnet.gateway


def _mac(plan: AttachmentPlan, given: list[Address]) -> str | None:
    """The prefix and the four bytes of the IPv4 address, as overlay networks need it on every node."""
    for each in given:
        if plan.mac_prefix and family(each.ip) == fields.IPV4:
            return "-".join(
                [plan.mac_prefix, *(f"{byte:02X}" for byte in ipaddress.ip_address(each.ip).packed)]
            )
    return None


def _routes(
    plan: AttachmentPlan, ipam_routes: Iterable[Mapping[str, Any]], gateways: dict[int, str]
) -> list[dict[str, Any]]:
    """Default routes first, unless a configured route says otherwise for the same destination."""
    found = {_EVERYWHERE[version]: {"NextHop": hop} for version, hop in gateways.items()}
    configured = [_ipam_route(route) for route in ipam_routes] + plan.routes
    for route in configured:
        destination = route["DestinationPrefix"]
        hop = route.get("NextHop") or gateways.get(family(destination))
        if not hop:
            raise EndpointFault(
                f"the route to {destination} has no next hop, and the endpoint no gateway of its family"
            )
        found[destination] = {**route, "NextHop": hop}
    return [{**route, "DestinationPrefix": destination} for destination, route in found.items()]


def _ipam_route(route: Mapping[str, Any]) -> dict[str, Any]:
    destination = str(ipaddress.ip_network(route["dst"], strict=False))
    named = {"NextHop": route.get("gw"), "Metric": route.get("priority")}
    return {"DestinationPrefix": destination, **{key: value for key, value in named.items() if value}}


def _dns(plan: AttachmentPlan, wanted: Wanted, ipam_dns: Mapping[str, Any] | None) -> dict[str, Any]:
    """Part by part: the runtime's, else the configuration's, else IPAM's."""
    answered = ipam_dns or {}
    parts = {
        "Domain": answered.get("domain"),
        "Search": answered.get("search"),
        "ServerList": answered.get("nameservers"),
        "Options": answered.get("options"),
        **plan.dns,
    }
    search = parts.get("Search")
    if plan.search_in_pod_namespace and wanted.pod_namespace and search:
        parts["Search"] = [f"{wanted.pod_namespace}.{search[0]}", *search[1:]]
    parts.update(wanted.dns or {})
    return {key: value for key, value in parts.items() if value}


def _policies(
    plan: AttachmentPlan, wanted: Wanted, network: _Network, given: list[Address], families: list[int]
) -> list[dict[str, Any]]:
    # HNS takes one QOS policy: the runtime's limit stands in for a configured one.
    configured = [each for each in plan.policies if each["Type"] != "QOS" or not wanted.bandwidth]
    found = [*configured, *_outbound_nat(plan, network, families)]
    if plan.loopback_dsr:
        found += [
            _policy("OutBoundNAT", _flagged({"Destinations": [each.ip]}, family(each.ip), 0))
            for each in given
        ]
    for mapping in wanted.port_mappings:
        found += _port_mapping(plan, mapping, families)
    if wanted.bandwidth:
        found.append(_policy("QOS", wanted.bandwidth))
    if plan.provider_address:
        found.append(_policy("ProviderAddress", {"ProviderAddress": _management_address(network)}))
    if plan.mtu:
        found.append(_policy("InterfaceParameters", {"Mtu": plan.mtu}))
    return found


def _policy(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Settings": dict(settings)}


def _flagged(settings: Mapping[str, Any], version: int, flags: int) -> dict[str, Any]:
    """The settings with NatFlags, the IPv6 one included; 0 is left out, being the default."""
    total = flags | (_NAT_IPV6 if version == fields.IPV6 else 0)
    return {**settings, **({"Flags": total} if total else {})}


def _outbound_nat(plan: AttachmentPlan, network: _Network, families: list[int]) -> list[dict[str, Any]]:
    """One policy for each family: HNS rejects a list of exceptions that mixes them."""
    if plan.nat_exceptions is None:
        return []
    own = [subnet.prefix for subnet in network.subnets] if plan.nat_except_network else []
    exceptions = list(dict.fromkeys([*plan.nat_exceptions, *own]))
    found = []
    for version in families:
        settings = {
            key: value for key, value in plan.nat_settings.items() if key not in ("Flags", "VirtualIP")
        }
        address = plan.nat_settings.get("VirtualIP")
        if address and family(address) == version:
            settings["VirtualIP"] = address
        listed = [text for text in exceptions if family(text) == version]
        if listed:
            settings["Exceptions"] = listed
        found.append(_policy("OutBoundNAT", _flagged(settings, version, plan.nat_settings.get("Flags", 0))))
    return found


def _port_mapping(plan: AttachmentPlan, mapping: dict[str, Any], families: list[int]) -> list[dict[str, Any]]:
    """The mapping for each family it concerns: that of its host address, or each that the endpoint has."""
    host = mapping["hostIP"]
    protocol = _PROTOCOL_NAMES[mapping["protocol"]]
    concerned = [version for version in families if not host or version == family(host)]
    if not concerned:
        raise EndpointFault(
            f"port mapping {mapping['hostPort']}/{protocol} is for host address {host}, "
            f"but the endpoint has no IPv{family(host)} address"
        )
    settings = {
        "Protocol": mapping["protocol"],
        "InternalPort": mapping["containerPort"],
        "ExternalPort": mapping["hostPort"],
        "VIP": host,
    }
    found = [_policy("PortMapping", _flagged(settings, version, _LOCAL_ROUTED_VIP)) for version in concerned]
    return [*found, _allowed(mapping)] if plan.port_mapping_acl else found


def _allowed(mapping: dict[str, Any]) -> dict[str, Any]:
    return _policy(
        "ACL",
        {
            "Protocols": str(mapping["protocol"]),
            "Action": "Allow",
            "Direction": "In",
            "LocalPorts": str(mapping["containerPort"]),
            "RuleType": "Switch",
            "Priority": _ACL_PRIORITY,
        },
    )


def _management_address(network: _Network) -> str:
    if network.management_ip:
        return network.management_ip
    raise EndpointFault(
        f"{_named(network)} has no management address yet, which its endpoints need as "
        "provider address; try again, or configure a ProviderAddress policy"
    )
