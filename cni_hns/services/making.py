"""A load balancer as kube-proxy makes one, for harnesses: refused with words where HNS would refuse it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.reading import is_address
from cni_hns.hcn.gates import minimum
from cni_hns.ledger.addresses import address_key
from cni_hns.services.at_front import excluded_port
from cni_hns.services.frontend import Frontend
from cni_hns.services.neighbourhood import is_overlay, lies_in
from cni_hns.services.service import (
    CLUSTER_IP,
    EXTERNAL_IP,
    HEALTH_CHECK,
    LOAD_BALANCER,
    NODE_PORT,
    services_of,
)

if TYPE_CHECKING:
    from cni_hns.hcn.views import EndpointView, NetworkView
    from cni_hns.services.neighbourhood import Neighbourhood

__all__ = ["OWNER", "Asked", "Refusal", "document_of"]

OWNER = "cni-hns"
"""Owner of the load balancers made here; kube-proxy's have none."""

# What kube-proxy gives a port mapping of each kind (Kubernetes, pkg/proxy/winkernel).
_FLAGS = {CLUSTER_IP: 0, NODE_PORT: 2 | 16, EXTERNAL_IP: 16, LOAD_BALANCER: 16, HEALTH_CHECK: 0}
_PRESERVED = 4 | 8
_DSR, _IPV6 = 1, 2
_SOURCE_IP = 2

_MOST_BACKENDS = 1024


class Refusal(ValueError):
    """HNS would refuse it, or nobody could reach it; `str()` says why and what to change."""


class Asked(NamedTuple):
    """What is to be made. `backends` are GUIDs or addresses of endpoints; `vip` is "" for a node port."""

    kind: str
    vip: str
    port: int
    protocol: int
    target_port: int
    backends: tuple[str, ...]
    source_vip: str = ""
    has_dsr: bool = False
    has_affinity: bool = False
    preserves_destination: bool = False


def document_of(asked: Asked, around: Neighbourhood) -> dict[str, Any]:
    """The HostComputeLoadBalancer document to send.

    Raises:
        Refusal: with the first thing that HNS would refuse.
    """
    endpoints = [_endpoint(one, around) for one in asked.backends]
    network = _network(endpoints, around)
    is_ipv6 = _family(asked, endpoints)
    frontend = Frontend.at(asked.vip, asked.port, asked.protocol, is_ipv6)
    _refuse_taken(frontend, around)
    _refuse_unsupported(asked, is_ipv6, around)
    _refuse_source(asked, network)
    flags = _PRESERVED if asked.preserves_destination else _FLAGS[asked.kind]
    return {
        "Owner": OWNER,
        "HostComputeEndpoints": [one.id for one in endpoints],
        "SourceVIP": asked.source_vip,
        "FrontendVIPs": [frontend.vip] if frontend.vip else [],
        "PortMappings": [
            {
                "Protocol": asked.protocol,
                "InternalPort": asked.target_port,
                "ExternalPort": asked.port,
                "DistributionType": _SOURCE_IP if asked.has_affinity else 0,
                "Flags": flags,
            }
        ],
        "Flags": (_DSR if asked.has_dsr else 0) | (_IPV6 if is_ipv6 else 0),
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }


def _endpoint(text: str, around: Neighbourhood) -> EndpointView:
    found = around.lookup.endpoints.get(text.strip("{}").lower())
    if found is not None:
        return found
    if not is_address(text):
        raise Refusal(f'endpoint "{text}" not found; see: cni-hns endpoint list')
    key = address_key(text)
    fitting = [
        one
        for one in around.lookup.endpoints.values()
        if key in {address_key(address) for address, _ in one.addresses}
    ]
    if len(fitting) > 1:
        ids = ", ".join(sorted(one.id for one in fitting))
        raise Refusal(f"{len(fitting)} endpoints have the address {text}; give one of their ids: {ids}")
    if not fitting:
        raise Refusal(f"no endpoint has the address {text}; see: cni-hns endpoint list")
    return fitting[0]


def _network(endpoints: list[EndpointView], around: Neighbourhood) -> NetworkView | None:
    homes = sorted({one.network for one in endpoints})
    if not endpoints:
        raise Refusal("a load balancer needs a back end; give --backend")
    if len(homes) > 1:
        raise Refusal(f"the back ends are on {len(homes)} networks, {', '.join(homes)}; choose those of one")
    if len(endpoints) > _MOST_BACKENDS:
        raise Refusal(f"{len(endpoints)} back ends are more than the {_MOST_BACKENDS} that HNS takes")
    return around.network(homes[0])


def _family(asked: Asked, endpoints: list[EndpointView]) -> bool:
    """Whether it is IPv6: as the VIP is; a node port's as its back ends are."""
    if (asked.kind == NODE_PORT) == bool(asked.vip):
        raise Refusal(
            "a NodePort has no VIP; leave --vip out"
            if asked.vip
            else f"a {asked.kind} needs a VIP; give --vip"
        )
    families = [{":" in address for address, _ in one.addresses} for one in endpoints]
    is_ipv6 = ip_address(asked.vip).version == 6 if asked.vip else False not in families[0]  # noqa: PLR2004
    for one, found in zip(endpoints, families, strict=True):
        if is_ipv6 not in found:
            raise Refusal(f"endpoint {one.id} has no {'IPv6' if is_ipv6 else 'IPv4'} address")
    return is_ipv6


def _refuse_taken(frontend: Frontend, around: Neighbourhood) -> None:
    holder = next((one for one in services_of(around) if one.frontend == frontend), None)
    if holder is not None:
        raise Refusal(f"load balancer {holder.balancer.id} has {frontend.words} already (HNS: 0x803B0013)")
    excluded = None if frontend.vip else excluded_port(frontend, around)
    if excluded is not None:
        raise Refusal(f"{excluded.words}; choose another")


def _refuse_unsupported(asked: Asked, is_ipv6: bool, around: Neighbourhood) -> None:
    needed = {
        "DSR": asked.has_dsr,
        "SessionAffinity": asked.has_affinity,
        "IPv6DualStack": is_ipv6,
    }
    for feature, is_needed in needed.items():
        if is_needed and not around.can(feature):
            version = ".".join(map(str, around.seen.hns_version or ()))
            raise Refusal(f"the HNS of this node is {version}; {feature} needs {minimum(feature)}")


def _refuse_source(asked: Asked, network: NetworkView | None) -> None:
    if network is None:
        return
    if is_overlay(network) and not asked.source_vip:
        raise Refusal(f"network {network.name} is an overlay, which needs a source VIP; give --source-vip")
    for subnet in network.subnets:
        if asked.source_vip and asked.source_vip == subnet.gateway:
            raise Refusal(
                f"the source VIP {asked.source_vip} is the gateway of {subnet.prefix}; choose another"
            )
        if (
            asked.source_vip
            and lies_in(asked.source_vip, subnet.prefix)
            and _is_edge(asked.source_vip, subnet.prefix)
        ):
            raise Refusal(f"the source VIP {asked.source_vip} is the first or last of {subnet.prefix}")


def _is_edge(address: str, prefix: str) -> bool:
    space = ip_network(prefix, strict=False)
    return ip_address(address) in (space.network_address, space.broadcast_address)
