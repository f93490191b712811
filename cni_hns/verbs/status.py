"""STATUS: whether an ADD would work now (CNI SPEC, section 2, "STATUS").

One cheap pass that changes nothing: the runtime asks every few seconds. Used-up addresses are a warning only:
an error would mark the node NotReady, and the pods that run well would be moved away.
"""

from __future__ import annotations

from cni_hns.cni.errors import NOT_READY, CniError
from cni_hns.typed import TYPE_CHECKING
from cni_hns.verbs import addresses, delegated, features, networks, plans

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.ledger import Ledger
    from cni_hns.verbs.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Nothing, if an ADD would work; every failure is for the caller to report as code 50.

    Raises:
        ConfigFault, CniError, ServiceError, LedgerFault: what an ADD would fail with.
    """
    ledger = node.ledger_to_read(request)
    plan = plans.plan_for(request, ledger, node.log)
    _inspect_network(plan, node, ledger)
    features.require(plan.requires, node, ledger)
    delegated.status(plan, request, node)
    if ledger is not None:
        addresses.warn_if_used_up(plan, request, node, ledger)


def _inspect_network(plan: AttachmentPlan, node: Node, ledger: Ledger | None) -> None:
    """A network that is missing or does not fit is no fault of the configuration alone: code 50, not 7."""
    try:
        networks.inspect(plan, node, ledger)
    except CniError as fault:
        raise CniError(NOT_READY, fault.msg, fault.details) from fault
