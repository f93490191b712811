"""The source VIP: whose address packets to back ends on other nodes have, so that answers come back here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.binding.reading import is_address
from cni_hns.hcn.views import REMOTE
from cni_hns.services.fault import Fault
from cni_hns.services.neighbourhood import is_overlay, lies_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.hcn.views import NetworkView
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.service import Service

__all__ = ["CHECKS"]


def _is_given(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    network = service.network
    if network is not None and is_overlay(network) and not is_address(service.balancer.source_vip):
        words = f"load balancer {service.balancer.id} has no source VIP, on overlay network {network.name}"
        yield Fault("source-vip-empty", words, names={"network": around.configuration_of(network)})


def _is_right(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    """kube-proxy takes the node's address where a back end is outside the overlay: a route came late."""
    network, source = service.network, service.balancer.source_vip
    if (
        network is None
        or not is_overlay(network)
        or source != network.management_ip
        or around.seen.networks is None
    ):
        return
    remote = [one for one in service.backends if one.place == "remote"]
    addresses = [address for one in remote for address in one.addresses]
    routes = {address: around.route_of(network, address) for address in addresses}
    # A pod behind a route needs no address of the node; a node's own address, or one outside, does.
    if addresses and all(
        route is not None and address != route.provider for address, route in routes.items()
    ):
        words = (
            f"the source VIP is the node's own address {source}, though all back ends on other nodes "
            "have a RemoteSubnetRoute today: the route came after the service"
        )
        yield Fault("source-vip-is-node", words)


def _is_kept(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    network, source = service.network, service.balancer.source_vip
    if network is not None and is_overlay(network) and is_address(source) and source != network.management_ip:
        yield from _without_endpoint(network, source, around)
        yield from _leased(network, source, around)


def _without_endpoint(network: NetworkView, source: str, around: Neighbourhood) -> Iterator[Fault]:
    held = [one for one in around.lookup.at(network.id, source) if not one.flags & REMOTE]
    if around.seen.endpoints is not None and not held:
        words = f"the source VIP {source} has no endpoint on network {network.name}"
        yield Fault("source-vip-without-endpoint", words, names={"address": source, "hcn": network.name})


def _leased(network: NetworkView, source: str, around: Neighbourhood) -> Iterator[Fault]:
    """What lies in the pods' subnet is given to a pod one day, unless it is reserved."""
    if around.seen.leases is None or not any(lies_in(source, one.prefix) for one in network.subnets):
        return
    pods = [around.pod_of(one.id) for one in around.lookup.at(network.id, source) if not one.flags & REMOTE]
    pod = next(filter(None, pods), "")
    lease = around.lease_of(source)
    names = {"network": around.configuration_of(network), "address": source}
    if lease is not None and any(row.key == lease.key for row in around.seen.rows or ()):
        pod = pod or lease.container_id
    if pod:
        words = f"the source VIP {source} is also the address of pod {pod}"
        yield Fault("source-vip-leased", words, (pod,), {**names, "pod": pod})
    elif lease is None and around.is_addressed_here(network):
        words = f"the source VIP {source} lies in the pods' subnet, and nothing keeps it from them"
        yield Fault("source-vip-unreserved", words, names=names)


CHECKS = (_is_given, _is_right, _is_kept)
