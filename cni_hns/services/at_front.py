"""The front end: is the load balancer whole, is it the only one, and can this HNS do what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.hcn.gates import minimum
from cni_hns.services.fault import Fault
from cni_hns.services.frontend import protocol_word
from cni_hns.services.service import HEALTH_CHECK, NODE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.services.frontend import Frontend
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.service import Service

__all__ = ["CHECKS", "excluded_port"]


def _is_whole(service: Service, _: Neighbourhood) -> Iterator[Fault]:
    if service.port is None:
        words = f"load balancer {service.balancer.id} has no port: its creation did not end"
        yield Fault("load-balancer-half-made", words)


def _is_only_one(service: Service, _: Neighbourhood) -> Iterator[Fault]:
    if service.port is not None and service.rivals:
        words = (
            f"load balancer {service.balancer.id} has this front end, and so has {', '.join(service.rivals)}"
        )
        yield Fault("load-balancer-twice", words)


def _has_its_family(service: Service, _: Neighbourhood) -> Iterator[Fault]:
    """kube-proxy leaves the flag out of the health check of an IPv6 address, which HNS takes."""
    front = service.frontend
    if not front.vip or front.is_ipv6 == service.is_marked_ipv6 or HEALTH_CHECK in service.kinds:
        return
    flag = "with the flag of IPv6" if service.is_marked_ipv6 else "without the flag of IPv6"
    yield Fault("load-balancer-family", f"load balancer {service.balancer.id} has {front.vip} {flag}")


def _fits_this_hns(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    if service.has_dsr and not around.can("DSR"):
        words = f"load balancer {service.balancer.id} has direct server return, which this HNS cannot do"
        yield Fault("dsr-unsupported", words, names={"needed": minimum("DSR")})


def _has_its_port(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    if NODE_PORT in service.kinds:
        found = excluded_port(service.frontend, around)
        yield from [found] if found else []


def excluded_port(frontend: Frontend, around: Neighbourhood) -> Fault | None:
    """That Windows keeps this port for somebody else."""
    word = protocol_word(frontend.protocol)
    for protocol, first, last, _ in around.excluded:
        if protocol == word and first <= frontend.port <= last:
            words = f"port {frontend.port}/{word} lies in {first}-{last}, which Windows excludes from use"
            names = {
                "ip": "ipv6" if frontend.is_ipv6 else "ipv4",
                "protocol": word,
                "first": str(first),
                "count": str(last - first + 1),
            }
            return Fault("node-port-excluded", words, names=names)
    return None


CHECKS = (_is_whole, _is_only_one, _has_its_family, _fits_this_hns, _has_its_port)
