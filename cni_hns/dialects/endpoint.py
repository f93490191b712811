"""The HostComputeEndpoint document of one attachment, from its plan, this call's wishes and the HCN network.

Rule 1: no model, no cdata; the document is plain JSON and the tests hold it against the models.
Rule 2: what cannot be put into the document is an error that names it, or passed over by the peer whose
configuration this is; then whoever adds the endpoint says so.
Source: https://learn.microsoft.com/windows-server/networking/technologies/hcn/hcn-json-document-schemas
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from cni_hns.typed import Any

from . import fields
from .address_ranges import family
from .placement import (
    Address,
    EndpointFault,
    HcnNetwork,
    Placed,
    gateways,
    named,
    out_of_reach,
    placed,
    third_address,
)
from .plan import AttachmentPlan
from .wanted import Wanted, mapped_port

__all__ = [
    "Address",
    "EndpointFault",
    "endpoint_request",
    "needs_management_address",
    "reserved_addresses",
]

# NatFlags of the HCN schema.
_LOCAL_ROUTED_VIP = 1
_NAT_IPV6 = 2

# EndpointFlags, as Microsoft's hns.v2.psm1 names them.
_ENABLE_DHCP = 32

_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
_ACL_PRIORITY = 1000


def reserved_addresses(plan: AttachmentPlan, network: HcnNetwork) -> list[str]:
    """Addresses no pod may get, whatever the ranges say: gateways, ends of HCN subnets, the host's own."""
    found = [*plan.ipam.reserved, *plan.gateways, *plan.spare_gateways]
    known = {each.subnet for ranges in plan.ipam.range_sets for each in ranges}
    for subnet in network.subnets:
        found += [subnet.gateway] if subnet.gateway else []
        found += [third_address(subnet.prefix)] if plan.gateway_rule == "bridge" else []
        if plan.ipam.kind == "builtin" and subnet.prefix not in known:
            ends = ipaddress.ip_network(subnet.prefix, strict=False)
            found += [str(ends.network_address), str(ends.broadcast_address)]
    found += [network.management_ip] if network.management_ip else []
    return list(dict.fromkeys(found))


def needs_management_address(plan: AttachmentPlan, network: HcnNetwork) -> bool:
    """Whether each endpoint carries the host's own address: on an overlay network, and on no other."""
    return plan.provider_address and network.type.lower() == "overlay"


def endpoint_request(
    plan: AttachmentPlan,
    wanted: Wanted,
    network: HcnNetwork,
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
    hops = gateways(plan, network, given)
    document: dict[str, Any] = {
        "ID": endpoint_id,
        "Name": name,
        "Owner": "cni-hns",
        "SchemaVersion": {"Major": 2, "Minor": 0},
        "HostComputeNetwork": network.id,
        "IpConfigurations": [{"IpAddress": each.ip, "PrefixLength": each.prefix} for each in given],
        "MacAddress": wanted.mac or _mac(plan, given),
        "Routes": _routes(plan, network, plan.ipam.routes if ipam_routes is None else ipam_routes, hops),
        "Dns": _dns(plan, wanted, ipam_dns),
        "Policies": _policies(plan, wanted, network, given, families),
        "Flags": _ENABLE_DHCP if plan.ipam.kind == "dhcp" else 0,
    }
    return {key: value for key, value in document.items() if value}


def _given(
    plan: AttachmentPlan, wanted: Wanted, network: HcnNetwork, addresses: Sequence[Address]
) -> list[Placed]:
    """The addresses with their HCN subnets. Where HNS chooses addresses a wanted one is passed on to it."""
    if plan.ipam.kind == "hns" and not addresses:
        addresses = [Address(text, 0) for text in wanted.addresses]
    found = [placed(network, each) for each in addresses]
    for index, each in enumerate(found):
        if family(each.ip) in [family(other.ip) for other in found[:index]]:
            raise EndpointFault(
                f"IPAM gave more than one IPv{family(each.ip)} address "
                f"({', '.join(other.ip for other in found)}); an HNS endpoint holds one of each family"
            )
    return found


def _families(network: HcnNetwork, given: list[Placed]) -> list[int]:
    """The families the endpoint will have; where HNS or DHCP chooses, those of the HCN network, else IPv4."""
    found = [each.ip for each in given] or [subnet.prefix for subnet in network.subnets]
    return sorted({family(text) for text in found}) or [4]


def _mac(plan: AttachmentPlan, given: list[Placed]) -> str | None:
    """The prefix and the four bytes of the IPv4 address, as overlay networks need it on every node."""
    for each in given:
        if plan.mac_prefix and family(each.ip) == fields.IPV4:
            return "-".join(
                [plan.mac_prefix, *(f"{byte:02X}" for byte in ipaddress.ip_address(each.ip).packed)]
            )
    return None


def _routes(
    plan: AttachmentPlan,
    network: HcnNetwork,
    ipam_routes: Iterable[Mapping[str, Any]],
    hops: dict[int, str],
) -> list[dict[str, Any]]:
    """Default routes first, unless a configured route says otherwise for the same destination.

    A next hop outside the network's subnets is passed over, for the gateway: a configuration of ours with one
    was refused before, so it is a peer's or IPAM's.
    """
    found = {_EVERYWHERE[version]: {"NextHop": hop} for version, hop in hops.items()}
    configured = [_ipam_route(route) for route in ipam_routes] + plan.routes
    for route in configured:
        destination, hop = route["DestinationPrefix"], route.get("NextHop")
        if not hop or out_of_reach(network, [hop]):
            hop = hops.get(family(destination))
        if not hop:
            raise EndpointFault(
                f"the route to {destination} has no next hop, and the endpoint no gateway of its family"
            )
        found[destination] = {**route, "NextHop": hop}
    return [{**route, "DestinationPrefix": destination} for destination, route in found.items()]


def _ipam_route(route: Mapping[str, Any]) -> dict[str, Any]:
    destination = str(ipaddress.ip_network(route["dst"], strict=False))
    said = {"NextHop": route.get("gw"), "Metric": route.get("priority")}
    return {"DestinationPrefix": destination, **{key: value for key, value in said.items() if value}}


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
    plan: AttachmentPlan, wanted: Wanted, network: HcnNetwork, given: list[Placed], families: list[int]
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
    if needs_management_address(plan, network):
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


def _outbound_nat(plan: AttachmentPlan, network: HcnNetwork, families: list[int]) -> list[dict[str, Any]]:
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
    concerned = [version for version in families if not host or version == family(host)]
    if not concerned and plan.peer:
        # HNS takes such a mapping, and no pod of a peer's failed for it.
        concerned = families[:1]
    if not concerned:
        raise EndpointFault(
            f"port mapping {mapped_port(mapping)} is for host address {host}, "
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


def _management_address(network: HcnNetwork) -> str:
    if network.management_ip:
        return network.management_ip
    raise EndpointFault(
        f"{named(network)} has no management address yet, which its endpoints need as "
        "provider address; try again, or configure a ProviderAddress policy"
    )
