"""The load balancers that kube-proxy makes of a Service on this node (Kubernetes, pkg/proxy/winkernel)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.services.frontend import Frontend
from cni_hns.services.service import CLUSTER_IP, EXTERNAL_IP, HEALTH_CHECK, LOAD_BALANCER, NODE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.services.objects import ClusterService, Member, ServicePort

__all__ = ["Expected", "expected_of"]


class Expected(NamedTuple):
    """One load balancer as it should be.

    `members` are its back ends, none where there should be no load balancer; `others` those that it must not
    have though the Service has them. `targets` are the numbers that the members give the port.
    `is_optional`: some versions and settings of kube-proxy make none.
    """

    service: ClusterService
    port: ServicePort
    frontend: Frontend
    kind: str
    members: list[Member]
    others: list[Member]
    needs_dsr: bool
    is_local: bool
    is_optional: bool

    @property
    def targets(self) -> list[int]:
        """kube-proxy takes the Service's number, or else that of the first member."""
        return (
            [self.port.target]
            if self.port.target
            else list(dict.fromkeys(one.target for one in self.members))
        )


class _Chosen(NamedTuple):
    """The members that get connections, and whether only the cluster IP still answers."""

    members: list[Member]
    is_ending: bool


def expected_of(service: ClusterService, node: str) -> list[Expected]:
    """All of one Service, on the node with this name in Kubernetes."""
    return [
        one
        for vip in service.cluster_ips
        for port in service.ports
        for one in _of_port(service, port, vip, node)
    ]


def _of_port(service: ClusterService, port: ServicePort, vip: str, node: str) -> Iterator[Expected]:
    is_ipv6 = _is_ipv6(vip)
    every = service.members.get((port.name, is_ipv6), [])
    chosen = _chosen(service, every, node)
    from_outside = [] if chosen.is_ending else chosen.members
    is_local = service.is_external_local or service.preserves_destination

    def made(
        kind: str, address: str, number: int, members: list[Member], only_local: bool, **more: bool
    ) -> Expected:
        kept = [one for one in members if one.node == node] if only_local else members
        return Expected(
            service=service,
            port=port,
            frontend=Frontend.at(address, number, port.protocol, is_ipv6),
            kind=kind,
            members=kept,
            others=[one for one in every if one not in kept],
            needs_dsr=more.get("needs_dsr", False),
            is_local=only_local,
            is_optional=more.get("is_optional", False),
        )

    yield made(CLUSTER_IP, vip, port.port, chosen.members, service.is_internal_local)
    needs_dsr = service.is_external_local
    if port.node_port:
        # The annotation keeps the node port from being made, in some versions.
        optional = service.preserves_destination
        yield made(
            NODE_PORT, "", port.node_port, from_outside, is_local, needs_dsr=needs_dsr, is_optional=optional
        )
    for address in _of_family(service.external_ips, is_ipv6):
        yield made(EXTERNAL_IP, address, port.port, from_outside, needs_dsr, needs_dsr=needs_dsr)
    for address in _of_family(service.ingress_ips, is_ipv6):
        yield made(LOAD_BALANCER, address, port.port, from_outside, is_local, needs_dsr=is_local)
        if service.health_check_port:
            yield made(HEALTH_CHECK, address, service.health_check_port, [], False, is_optional=True)


def _chosen(service: ClusterService, every: list[Member], node: str) -> _Chosen:
    """Only a Service with an ingress address lets pods that end serve on, where there are no others."""
    if service.is_internal_local and service.is_external_local:
        every = [one for one in every if one.node == node]
    if not service.ingress_ips:
        return _Chosen([one for one in every if one.is_ready and one.is_serving], False)
    seen = [one for one in every if not service.is_external_local or one.node == node]
    are_ending = all(one.is_terminating for one in seen if one.is_ready or one.is_terminating)
    are_silent = not any(one.is_serving for one in seen)
    if are_silent:
        return _Chosen(every, True)
    return _Chosen([one for one in every if one.is_serving and (are_ending or one.is_ready)], are_ending)


def _of_family(addresses: tuple[str, ...], is_ipv6: bool) -> list[str]:
    return [one for one in addresses if _is_ipv6(one) == is_ipv6]


def _is_ipv6(address: str) -> bool:
    return ip_address(address).version == 6  # noqa: PLR2004 - IP's own number
