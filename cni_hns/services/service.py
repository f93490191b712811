"""A load balancer read as a service: front end, kind, and back ends with their pods.

HNS keeps neither name nor owner of a load balancer. What made it follows from its shape, which is
kube-proxy's (Kubernetes, pkg/proxy/winkernel): where two kinds have one shape, both are named.
"""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.hcn.views import REMOTE
from cni_hns.services.frontend import Frontend
from cni_hns.services.neighbourhood import provider_of

if TYPE_CHECKING:
    from cni_hns.hcn.views import EndpointView, LoadBalancerView, NetworkView, PortView
    from cni_hns.services.neighbourhood import Neighbourhood

__all__ = [
    "CLUSTER_IP",
    "EXTERNAL_IP",
    "HEALTH_CHECK",
    "LOAD_BALANCER",
    "NODE_PORT",
    "UNKNOWN",
    "Backend",
    "Service",
    "services_of",
]

CLUSTER_IP, NODE_PORT, EXTERNAL_IP = "ClusterIP", "NodePort", "ExternalIP"
LOAD_BALANCER, HEALTH_CHECK, UNKNOWN = "LoadBalancer", "HealthCheck", "unknown"

# Flags of a load balancer.
_DSR = 1
_IPV6 = 2

# Flags of a port mapping.
_LOCAL_ROUTED = 2
_USE_MUX, _PRESERVE_DIP = 4, 8
_EXTERNAL = 16

_SOURCE_IP = 2


class Backend(NamedTuple):
    """One back end by its GUID; `endpoint` is None where HNS does not have it.

    `pod` is "" for one that is no pod of this node, `provider` the node that HNS sends its packets to.
    """

    id: str
    endpoint: EndpointView | None
    pod: str
    provider: str

    @property
    def place(self) -> str:
        """ "local", "remote" or "missing"."""
        if self.endpoint is None:
            return "missing"
        return "remote" if self.endpoint.flags & REMOTE else "local"

    @property
    def is_of_kube_proxy(self) -> bool:
        """Whether kube-proxy made the endpoint: its MAC is 02-11 and the last four bytes of the address."""
        if self.endpoint is None or self.place != "remote":
            return False
        digits = self.endpoint.mac.lower().replace("-", "").replace(":", "")
        return digits in {f"0211{ip_address(one).packed[-4:].hex()}" for one in self.addresses}

    @property
    def addresses(self) -> list[str]:
        return [] if self.endpoint is None else [address for address, _ in self.endpoint.addresses]


class Service(NamedTuple):
    """One front end of a load balancer. `port` is None for a load balancer that has none.

    `kinds` has several where the shape fits several; `rivals` are other load balancers with this front end.
    """

    balancer: LoadBalancerView
    frontend: Frontend
    port: PortView | None
    kinds: tuple[str, ...]
    backends: list[Backend]
    network: NetworkView | None
    rivals: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return " or ".join(self.kinds)

    @property
    def has_dsr(self) -> bool:
        """Whether answers go to the client directly (direct server return)."""
        return bool(self.balancer.flags & _DSR)

    @property
    def has_affinity(self) -> bool:
        """Whether a client stays with its back end (sessionAffinity ClientIP)."""
        return self.port is not None and self.port.distribution == _SOURCE_IP

    @property
    def is_marked_ipv6(self) -> bool:
        return bool(self.balancer.flags & _IPV6)

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Dual-stack pairs stand side by side: they have port and kind in common."""
        front = self.frontend
        return self.kinds, front.port, front.protocol, front.is_ipv6, front.vip


def services_of(around: Neighbourhood) -> list[Service]:
    """All front ends of all load balancers; none where HNS did not tell."""
    found = [
        service for balancer in around.seen.load_balancers or () for service in _services(balancer, around)
    ]
    sharing: dict[Frontend, set[str]] = defaultdict(set)
    for one in found:
        sharing[one.frontend].add(one.balancer.id)
    return sorted(
        (one._replace(rivals=tuple(sorted(sharing[one.frontend] - {one.balancer.id}))) for one in found),
        key=lambda one: one.sort_key,
    )


def _services(balancer: LoadBalancerView, around: Neighbourhood) -> list[Service]:
    backends = [_backend(one, around) for one in balancer.endpoints]
    network = _network(balancer, backends, around)
    is_ipv6 = bool(balancer.flags & _IPV6)
    ports: list[PortView | None] = [*balancer.ports] or [None]
    return [
        Service(
            balancer,
            Frontend.at(vip, port.external if port else 0, port.protocol if port else 0, is_ipv6),
            port,
            _kinds(bool(vip), port, backends, around),
            backends,
            network,
        )
        for vip in balancer.vips or [""]
        for port in ports
    ]


def _backend(guid: str, around: Neighbourhood) -> Backend:
    endpoint = around.lookup.endpoints.get(guid)
    return Backend(guid, endpoint, around.pod_of(guid), provider_of(endpoint) if endpoint else "")


def _network(
    balancer: LoadBalancerView, backends: list[Backend], around: Neighbourhood
) -> NetworkView | None:
    homes = [balancer.network, *(one.endpoint.network for one in backends if one.endpoint)]
    return next((found for found in map(around.network, homes) if found is not None), None)


def _kinds(
    has_vip: bool, port: PortView | None, backends: list[Backend], around: Neighbourhood
) -> tuple[str, ...]:
    flags = port.flags if port else 0
    if port is None:
        return (UNKNOWN,)
    if not has_vip:
        return (NODE_PORT,) if flags in (0, _LOCAL_ROUTED | _EXTERNAL, _LOCAL_ROUTED) else (UNKNOWN,)
    if flags in (0, _USE_MUX | _PRESERVE_DIP) and _is_hosts(backends, around):
        return (HEALTH_CHECK,)
    return {
        0: (CLUSTER_IP,),
        _EXTERNAL: (EXTERNAL_IP, LOAD_BALANCER),
        _USE_MUX | _PRESERVE_DIP: (LOAD_BALANCER,),
    }.get(flags, (UNKNOWN,))


def _is_hosts(backends: list[Backend], around: Neighbourhood) -> bool:
    """Whether the only back end is the host's own endpoint, which answers load balancers' health checks."""
    if len(backends) != 1:
        return False
    (only,) = backends
    return (
        only.place == "local"
        and not only.pod
        and only.endpoint is not None
        and around.is_hosts(only.endpoint)
    )
