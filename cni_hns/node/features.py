"""What an attachment needs of this HNS, asked once per start of the service and kept in the ledger."""

from __future__ import annotations

from cni_hns.cni.errors import INVALID_CONFIG, CniError
from cni_hns.hcn.gates import in_words, minimum, supported
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cni_hns.dialects.plan import AttachmentPlan
    from cni_hns.node.node import Node

__all__ = ["fitted", "hns_version", "require"]

_FACT = "hns version"
_LOOPBACK = "DSR"


def fitted(plan: AttachmentPlan, node: Node) -> AttachmentPlan:
    """The plan without what this HNS lacks and the peer leaves out then, too; a warning says so.

    Raises: CniError, as `require`, for what must not be left out.
    """
    require(plan.requires, node)
    if not plan.loopback_dsr or _LOOPBACK in plan.requires or supported(_LOOPBACK, *hns_version(node)):
        return plan
    node.log.event(
        f"loopbackDSR is left out, as with {plan.peer}: it needs HNS {minimum(_LOOPBACK)}, and a pod of this "
        "node does not reach itself through a service's address",
        "warning",
    )
    return plan._replace(loopback_dsr=False)


def require(features: list[str], node: Node) -> None:
    """Raises: CniError, code 7, naming every feature this HNS lacks and the version that has it."""
    if not features:
        return
    major, minor = hns_version(node)
    lacking = [
        f"{in_words(name)} (needs HNS {minimum(name)})"
        for name in features
        if not supported(name, major, minor)
    ]
    if lacking:
        raise CniError(
            INVALID_CONFIG,
            f"the HNS of this node is version {major}.{minor} and cannot do: {', '.join(lacking)}",
            "take it out of the configuration, or update Windows on this node",
        )


def hns_version(node: Node) -> tuple[int, int]:
    """(major, minor) of the HNS that runs now; not asked again while the same service runs."""
    ledger = node.ledger_if_any
    known = ledger.fact(_FACT) if ledger is not None else None
    if known is not None and node.machine.is_hns_start(known["start"]):
        return known["major"], known["minor"]
    start = node.machine.hns_start()
    major, minor = node.hns.version()
    if ledger is not None:
        ledger.keep_fact(_FACT, {"start": start, "major": major, "minor": minor})
    return major, minor
