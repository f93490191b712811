"""The back ends: is each there, where it should be, alive, alone with its address, and on the right node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.hcn.views import REMOTE
from cni_hns.services.fault import Fault
from cni_hns.services.neighbourhood import is_overlay
from cni_hns.services.service import CLUSTER_IP, HEALTH_CHECK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cni_hns.hcn.views import EndpointView
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.service import Backend, Service

    _Check = Callable[[Service, Backend, EndpointView, Neighbourhood], Iterator[Fault]]

__all__ = ["CHECKS"]

# State of an endpoint that HNS could not make work.
_DEGRADED = 5


def _are_some(service: Service, _: Neighbourhood) -> Iterator[Fault]:
    if not service.backends:
        yield Fault("no-backends", f"load balancer {service.balancer.id} has no back end")


def _exist(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    if around.seen.endpoints is None:
        return
    for one in service.backends:
        if one.endpoint is None:
            words = (
                f"back end {one.id} is not in HNS: its endpoint was deleted and the load balancer not told"
            )
            yield Fault("backend-missing", words)


def _are_well(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    """Each back end by itself; the first thing that is wrong with it."""
    for one in service.backends:
        if one.endpoint is not None:
            found = (fault for check in _OF_ONE for fault in check(service, one, one.endpoint, around))
            yield from [fault for fault in [next(found, None)] if fault is not None]


def _is_at_home(service: Service, one: Backend, endpoint: EndpointView, _: Neighbourhood) -> Iterator[Fault]:
    home = service.network
    if home is not None and endpoint.network != home.id:
        words = (
            f"{_named(one)} is on network {endpoint.network}, the load balancer on {home.name} ({home.id})"
        )
        yield Fault("backend-elsewhere", words, _pods(one))


def _has_the_family(
    service: Service, one: Backend, endpoint: EndpointView, _: Neighbourhood
) -> Iterator[Fault]:
    families = {":" in address for address, _ in endpoint.addresses}
    if HEALTH_CHECK not in service.kinds and families and service.frontend.is_ipv6 not in families:
        words = f"{_named(one)} has no {service.frontend.family} address"
        yield Fault("backend-family", words, _pods(one))


def _is_alone(
    service: Service, one: Backend, endpoint: EndpointView, around: Neighbourhood
) -> Iterator[Fault]:
    for address, _ in endpoint.addresses:
        others = [each for each in around.lookup.at(endpoint.network, address) if each.id != one.id]
        if others and (":" in address) == service.frontend.is_ipv6:
            said = ", ".join(f"{_place(each)} endpoint {each.id}" for each in others)
            words = f"{_named(one)} has its address in common with {said}"
            # The remote one is the one that stays behind when a pod moves to this node.
            stale = next((each for each in [*others, endpoint] if each.flags & REMOTE), others[0])
            yield Fault("backend-address-twice", words, _pods(one), {"other": stale.id})


def _is_sound(_: Service, one: Backend, endpoint: EndpointView, __: Neighbourhood) -> Iterator[Fault]:
    if endpoint.state == _DEGRADED:
        words = f"{_named(one)} is degraded: HNS could not apply its policies"
        yield Fault("backend-degraded", words, _pods(one), {"endpoint": endpoint.id})


def _is_used(_: Service, one: Backend, endpoint: EndpointView, around: Neighbourhood) -> Iterator[Fault]:
    """A pod that is ready has its endpoint in a namespace."""
    if one.place != "local" or around.is_hosts(endpoint) or around.seen.namespaces is None:
        return
    namespace = endpoint.namespace
    if namespace is not None and namespace not in around.lookup.rooms:
        words = f"{_named(one)} is in namespace {namespace}, which HNS does not have"
        yield Fault("backend-without-pod", words, _pods(one))
    elif not endpoint.is_in_use:
        words = f"{_named(one)} is in no namespace: its pod is gone, or has not got it yet"
        yield Fault("backend-without-pod", words, _pods(one))


def _is_on_its_node(
    service: Service, one: Backend, endpoint: EndpointView, around: Neighbourhood
) -> Iterator[Fault]:
    """What kube-proxy found when it made the endpoint, against the routes of today."""
    network = service.network
    if network is None or not is_overlay(network) or not endpoint.flags & REMOTE:
        return
    for address, _ in endpoint.addresses:
        route = around.route_of(network, address)
        if route is not None and one.provider != route.provider:
            there = one.provider or "no node"
            own = ", this node," if there == network.management_ip else ""
            words = (
                f"{_named(one)} is sent to {there}{own} though RemoteSubnetRoute {route.prefix} leads to "
                f"{route.provider}: the endpoint is older than the route"
            )
            yield Fault("backend-wrong-node", words, names={"endpoint": endpoint.id})
        elif route is None and around.is_pod_address(network, address):
            words = f"{_named(one)} lies in no RemoteSubnetRoute of network {network.name}"
            yield Fault("backend-without-route", words)


def _is_reached_by_pods(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    """On overlay kube-proxy makes a remote endpoint with each cluster IP."""
    network, vip = service.network, service.frontend.vip
    if network is None or not is_overlay(network) or service.kinds != (CLUSTER_IP,):
        return
    if around.seen.endpoints is not None and not around.lookup.at(network.id, vip):
        words = f"no remote endpoint on network {network.name} has the service's address {vip}"
        yield Fault("vip-endpoint-missing", words)


_OF_ONE: tuple[_Check, ...] = (
    _is_at_home,
    _has_the_family,
    _is_alone,
    _is_sound,
    _is_used,
    _is_on_its_node,
)

CHECKS = (_are_some, _exist, _are_well, _is_reached_by_pods)


def _named(one: Backend) -> str:
    where = f"{one.place} back end {', '.join(one.addresses) or 'without address'}"
    return f"{where} ({f'pod {one.pod}, ' if one.pod else ''}endpoint {one.id})"


def _place(endpoint: EndpointView) -> str:
    return "remote" if endpoint.flags & REMOTE else "local"


def _pods(one: Backend) -> tuple[str, ...]:
    return (one.pod,) if one.pod else ()
