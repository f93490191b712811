"""The host's own address on an HCN network: HNS shows it some time after it has made the network.

An overlay pod's policy carries it. Elsewhere it may lie in the pods' subnet, and then no pod may get it.
"""

from __future__ import annotations

import time

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import TRY_AGAIN, CniError
from cni_hns.hcn.views import NetworkView
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.node.node import Node
    from cni_hns.node.resolved import ResolvedNetwork

__all__ = ["known_if_any", "waited_for"]

_LONGEST_WAIT_S = 45.0
# Where pods can do without it: the adapter may have no address at all.
_SHORT_WAIT_S = 5.0
_PAUSE_S = 0.1

# NetworkFlags: the switch has no port of the host.
_DISABLE_HOST_PORT = 1024


def waited_for(found: ResolvedNetwork, node: Node) -> ResolvedNetwork:
    """The overlay network with its management address, which is each pod's ProviderAddress policy.

    Raises:
        CniError: code 11, it has not come in the time that there is.
    """
    budget_s = min(_LONGEST_WAIT_S, node.deadline.left_s() / 2)
    ends = time.monotonic() + budget_s
    while True:
        view = NetworkView.of(found.opened.query())
        if view.management_ip:
            return found._replace(view=view, remembered=False)
        if time.monotonic() >= ends:
            raise CniError(
                TRY_AGAIN,
                f'HCN network "{view.name}" ({view.id}) has no management address yet',
                f"waited {budget_s:.1f} s for HNS to move the host's address to it; try again",
            )
        node.pause(_PAUSE_S)


def known_if_any(found: ResolvedNetwork, plan: AttachmentPlan, node: Node) -> ResolvedNetwork:
    """The network with the host's address on it, where pods get their addresses from us and the host has one.

    V1 is asked, which tells it for every type. One network is waited for once: after that it is remembered,
    and an address that comes later still is found by the ADD that looks next.
    """
    view = found.view
    if view.management_ip or plan.ipam.kind != "builtin" or not _carries_the_host(view):
        return found
    budget_s = 0.0 if found.remembered else min(_SHORT_WAIT_S, node.deadline.left_s() / 4)
    ends = time.monotonic() + budget_s
    try:
        while not (address := node.hns.management_address(view.id)):
            if time.monotonic() >= ends:
                node.log.event(f'HCN network "{view.name}" ({view.id}) shows no address of the host on it')
                return found
            node.pause(_PAUSE_S)
    except ServiceError as fault:
        node.log.event(f"the host's address on the network could not be looked up: {fault}", "warning")
        return found
    return found._replace(view=view._replace(management_ip=address), remembered=False)


def _carries_the_host(view: NetworkView) -> bool:
    """Behind NAT the host is the gateway; on an external network it has a port, unless that is off."""
    return view.type.lower() not in ("nat", "ics") and not view.flags & _DISABLE_HOST_PORT
