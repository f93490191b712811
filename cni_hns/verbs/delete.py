"""DEL: the attachment goes, whatever is still there of it (CNI SPEC, section 2, "DEL").

It works from the ledger and needs of the configuration only its name, the IPAM type and `dataDir`: the rest
may have changed since the ADD. Namespace, endpoint, then lease: a failed detach does not end it, and an
address is free only when its endpoint is gone.
"""

from __future__ import annotations

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.cni.namespace import namespace_guid
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING
from cni_hns.verbs import addresses, repair, retire
from cni_hns.verbs.claims import take

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Ledger
    from cni_hns.verbs.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Nothing is left of the attachment, and a second DEL finds nothing to do.

    Raises:
        CniError: code 105 with all that is left and why; code 11 where another verb is working on it.
    """
    key = AttachmentKey(*request.attachment)
    ledger = node.ledger(request)
    addresses.take_over_host_local(request, ledger, node.log)
    try:
        _remove(request, node, ledger, key)
    except ServiceError as fault:
        raise _left_over(key, fault) from fault
    finally:
        repair.others(request, node, ledger, key)


def _remove(request: Request, node: Node, ledger: Ledger, key: AttachmentKey) -> None:
    """Also what the ledger does not know is claimed: no ADD of it may begin while this DEL looks for it."""
    row = take(node, lambda: retire.claim(node, ledger, key)).before or ledger.attachment(key)
    if row is None:
        return  # this DEL was suspended for so long that another verb has finished its work
    if row.endpoint_id and not row.namespace_id:
        row = row._replace(namespace_id=_usable_namespace(request, node))
    retire.take_out_and_free(request, node, ledger, row, request.variables.netns)


def _usable_namespace(request: Request, node: Node) -> str | None:
    """The namespace that CNI_NETNS names, if any: DEL goes on without one."""
    if not request.variables.netns:
        return None
    try:
        return namespace_guid(request.variables.netns)
    except CniError as fault:
        node.log.event(f"CNI_NETNS is not used: {fault}")
        return None


def _left_over(key: AttachmentKey, fault: ServiceError) -> CniError:
    return CniError(
        LEFT_OVER,
        "; ".join([f"{key.words()} is not removed yet: {fault}", *getattr(fault, "__notes__", [])]),
        "its address stays reserved; repeat DEL, or let GC do it",
    )
