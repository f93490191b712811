"""What Kubernetes wants of a service against what HNS has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.services.at_front import excluded_port
from cni_hns.services.fault import Fault
from cni_hns.services.service import HEALTH_CHECK, NODE_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.services.expected import Expected
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.objects import Member, Objects
    from cni_hns.services.service import Service

__all__ = ["drift_of", "missing", "node_name"]

# Takes a change of a load balancer and does not make it (kubernetes/kubernetes issue 131466).
_DEAF = (15, 4)


def missing(wanted: Expected, around: Neighbourhood) -> Fault | None:
    """Why nobody answers at a front end for which HNS has no load balancer; None where that is right."""
    if wanted.is_optional or around.seen.load_balancers is None:
        return None
    service, front = wanted.service, wanted.frontend
    if not _reachable(wanted, around):
        if wanted.others and wanted.is_local:
            return None
        words = f"none of the {len(wanted.others)} endpoints of service {service.full_name} is ready"
        names = {"namespace": service.namespace, "name": service.name}
        return Fault("no-ready-endpoints", words, names=names)
    excluded = excluded_port(front, around) if wanted.kind == NODE_PORT else None
    words = (
        f"service {service.full_name} has {len(wanted.members)} ready back ends, and HNS no load balancer "
        f"for {front.words}: it was lost or deleted (an HNS restart, another tool), or its creation failed, "
        "and kube-proxy takes it for made"
    )
    return excluded or Fault("load-balancer-missing", words)


def drift_of(service: Service, wanted: Expected, around: Neighbourhood) -> list[Fault]:
    """Where the load balancer differs from what the Service and its EndpointSlices ask for."""
    if HEALTH_CHECK in service.kinds or service.port is None:
        return []
    return [*_ports(service, wanted), *_backends(service, wanted, around), *_manners(service, wanted, around)]


def node_name(objects: Objects, around: Neighbourhood) -> str:
    """What Kubernetes calls this node: by far most endpoints that it says are there are local here."""
    votes: dict[str, int] = {}
    for service in objects.services:
        for members in service.members.values():
            for one in members:
                if _is_here(one, around):
                    votes[one.node] = votes.get(one.node, 0) + 1
    return max(votes, key=lambda name: votes[name]) if votes else ""


def _ports(service: Service, wanted: Expected) -> Iterator[Fault]:
    internal = service.port.internal if service.port else 0
    targets = wanted.targets
    if len(targets) > 1:
        words = (
            f'port "{wanted.port.name}" of service {wanted.service.full_name} has the numbers '
            f"{', '.join(map(str, targets))} in its pods; HNS sends all of them {internal}"
        )
        names = {"port": f'"{wanted.port.name}"', "service": wanted.service.full_name}
        yield Fault("named-port-differs", words, names=names)
    if targets and internal not in targets:
        words = (
            f"load balancer {service.balancer.id} sends to port {internal}, the pods listen at {targets[0]}"
        )
        yield Fault("wrong-port", words)


def _backends(service: Service, wanted: Expected, around: Neighbourhood) -> Iterator[Fault]:
    is_ipv6 = service.frontend.is_ipv6
    actual = {
        address_key(address)
        for one in service.backends
        for address in one.addresses
        if (":" in address) == is_ipv6
    }
    right = {address_key(one.address) for one in wanted.members}
    known = {address_key(one.address) for one in wanted.others}
    reachable = {address_key(one.address) for one in _reachable(wanted, around)}
    lacking, surplus = sorted(reachable - actual), sorted(actual - right)
    because = _because(around)
    if wanted.is_local and (leaving := [one for one in surplus if one in known]):
        words = (
            f"the policy of service {wanted.service.full_name} is Local, and HNS also has {_texts(leaving)}"
        )
        yield Fault("policy-local", words)
        surplus = [one for one in surplus if one not in leaving]
    if lacking:
        words = f"HNS lacks ready back end {_texts(lacking)} of service {wanted.service.full_name}{because}"
        yield Fault("backend-lacking", words, _pods(lacking, around))
    if surplus:
        words = f"HNS has {_texts(surplus)}, no ready back end of service {wanted.service.full_name}{because}"
        yield Fault("backend-surplus", words, _pods(surplus, around))


def _manners(service: Service, wanted: Expected, around: Neighbourhood) -> Iterator[Fault]:
    name = wanted.service.full_name
    if wanted.needs_dsr and not service.has_dsr:
        reason = "" if around.can("DSR") else ", which this HNS cannot do"
        words = (
            f"service {name} has externalTrafficPolicy Local, and load balancer {service.balancer.id} no DSR"
        )
        yield Fault("dsr-missing", words + reason)
    if wanted.service.has_affinity and not service.has_affinity:
        reason = (
            "" if around.can("SessionAffinity") else ": this HNS cannot do it, and kube-proxy leaves it out"
        )
        words = f"service {name} has sessionAffinity ClientIP, and load balancer {service.balancer.id} none"
        yield Fault("affinity-missing", words + reason)


def _reachable(wanted: Expected, around: Neighbourhood) -> list[Member]:
    """kube-proxy leaves out a pod of this node's own network, which has no endpoint."""
    return [one for one in wanted.members if _has_endpoint(one, around) or not _is_hosts(one, around)]


def _is_hosts(member: Member, around: Neighbourhood) -> bool:
    return member.address in {one.management_ip for one in around.seen.networks or ()}


def _has_endpoint(member: Member, around: Neighbourhood) -> bool:
    return any(around.lookup.at(one, member.address) for one in around.lookup.networks)


def _is_here(member: Member, around: Neighbourhood) -> bool:
    found = [each for one in around.lookup.networks for each in around.lookup.at(one, member.address)]
    return any(one.id in around.pods_of for one in found)


def _because(around: Neighbourhood) -> str:
    if around.seen.hns_version == _DEAF:
        return "; HNS 15.4 takes a change of a load balancer and does not make it"
    return ""


def _texts(keys: list[int]) -> str:
    return ", ".join(map(address_text, keys))


def _pods(keys: list[int], around: Neighbourhood) -> tuple[str, ...]:
    found = [
        around.pod_of(endpoint.id)
        for key in keys
        for network in around.lookup.networks
        for endpoint in around.lookup.at(network, address_text(key))
    ]
    return tuple(filter(None, found))
