"""The way from this node's pods to the service: nothing of their own may stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cni_hns.binding.reading import member
from cni_hns.services.fault import Fault
from cni_hns.services.neighbourhood import lies_in, settings_of
from cni_hns.services.service import CLUSTER_IP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.hcn.views import EndpointView
    from cni_hns.services.neighbourhood import Neighbourhood
    from cni_hns.services.service import Service

__all__ = ["CHECKS"]


def _no_nat(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    """Outbound NAT leaves alone only what its exceptions name."""
    network, vip = service.network, service.frontend.vip
    if network is None or service.kinds != (CLUSTER_IP,):
        return
    hidden = []
    for one in _pods_of(service, around):
        exceptions = around.nat_exceptions(one)
        if exceptions is not None and not any(lies_in(vip, each) for each in exceptions):
            hidden.append(around.pod_of(one.id))
    if hidden:
        words = (
            f"the OutBoundNAT of {_count(hidden)} of this node does not except the service's address {vip}"
        )
        names = {"network": around.configuration_of(network)}
        yield Fault("nat-hides-pods", words, tuple(hidden), names)


def _no_acl(service: Service, around: Neighbourhood) -> Iterator[Fault]:
    """A rule that blocks the address, and none that allows it."""
    vip = service.frontend.vip
    if not vip:
        return
    blocked = [one for one in _pods_of(service, around) if _is_blocked(one, vip)]
    if blocked:
        pods = tuple(around.pod_of(one.id) for one in blocked)
        words = f"an ACL of {_count(list(pods))} of this node blocks what goes to {vip}, and none allows it"
        yield Fault("acl-blocks", words, pods, {"endpoint": blocked[0].id})


def _pods_of(service: Service, around: Neighbourhood) -> list[EndpointView]:
    """The endpoints of the node's pods on the service's network that have its family."""
    if service.network is None:
        return []
    is_ipv6 = service.frontend.is_ipv6
    return [
        one
        for one in around.local_endpoints(service.network.id)
        if one.id in around.pods_of and any((":" in address) == is_ipv6 for address, _ in one.addresses)
    ]


def _is_blocked(endpoint: EndpointView, vip: str) -> bool:
    rules = [one for one in settings_of(endpoint.policies, "ACL") if _is_out(one) and _covers(one, vip)]
    actions = {str(member(one, "Action")).lower() for one in rules}
    return "block" in actions and "allow" not in actions


def _is_out(rule: dict[str, Any]) -> bool:
    return str(member(rule, "Direction")).lower() == "out"


def _covers(rule: dict[str, Any], vip: str) -> bool:
    """Without addresses it is for all; the name of a set of addresses is taken for none of ours."""
    text = str(member(rule, "RemoteAddresses") or "")
    return not text or any(lies_in(vip, one.strip()) for one in text.split(","))


def _count(pods: list[str]) -> str:
    return f"pod {pods[0]}" if len(pods) == 1 else f"{len(pods)} pods"


CHECKS = (_no_nat, _no_acl)
