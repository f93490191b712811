"""STATUS: whether an ADD would work now (CNI SPEC, section 2, "STATUS").

One cheap pass that changes nothing: the runtime asks every few seconds. Used-up addresses are a warning only:
an error would mark the node NotReady, and the pods that run well would be moved away. A pool of which the
node has no block at all is an error: no pod of it runs here yet.
"""

from __future__ import annotations

from cni_hns.cni.errors import NOT_READY, CniError
from cni_hns.node import features, networks
from cni_hns.node.plans import plan_for
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.hcn.views import NetworkView
    from cni_hns.node.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Nothing, if an ADD would work; every failure is for the caller to report as code 50.

    Raises:
        ConfigFault, CniError, ServiceError, LedgerFault: what an ADD would fail with.
    """
    ledger = node.ledger_if_any
    if ledger is None:
        node.see_that_a_ledger_can_be_made()
    plan = plan_for(request, node)
    network = _inspect_network(plan, node)
    features.require(plan.requires, node)
    _ask_the_plugin(plan, request, node)
    if plan.ipam.pools:
        from cni_hns.attachment.addresses import warn_if_pools_are_used_up

        subnets = plan.network.subnets if network is None else network.subnets
        warn_if_pools_are_used_up(ledger, request.name, plan, subnets, node.log)
    elif ledger is not None:
        from cni_hns.attachment.addresses import warn_if_used_up

        warn_if_used_up(ledger, request.name, plan.ipam.range_sets, plan.ipam.reserved, node.log)


def _inspect_network(plan: AttachmentPlan, node: Node) -> NetworkView | None:
    """A network that is missing or does not fit is no fault of the configuration alone: code 50, not 7."""
    try:
        return networks.inspect(plan, node)
    except CniError as fault:
        raise CniError(NOT_READY, fault.msg, fault.details) from fault


def _ask_the_plugin(plan: AttachmentPlan, request: Request, node: Node) -> None:
    if plan.ipam.kind != "delegate":
        return
    from cni_hns.attachment.delegated import plugin_for_network, require_ready

    plugin = plugin_for_network(request, node)
    if plugin is not None:
        require_ready(plugin)
