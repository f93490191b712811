"""DEL: the attachment goes, whatever is still there of it (CNI SPEC, section 2, "DEL").

It works from the ledger and needs of the configuration only its name, the IPAM type and `dataDir`: the rest
may have changed since the ADD. Namespace, endpoint, then lease: a failed detach does not end it, and an
address is free only when its endpoint is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import LEFT_OVER, CniError
from cni_hns.cni.namespace import namespace_guid
from cni_hns.ipam import allocate, hostlocal
from cni_hns.ledger import AttachmentKey
from cni_hns.verbs import addresses, delegated, peers, repair, retire
from cni_hns.verbs.claims import take

if TYPE_CHECKING:
    from cni_hns.cni.request import Request
    from cni_hns.ledger import Attachment, Claim, Ledger
    from cni_hns.verbs.node import Node

__all__ = ["run"]


def run(request: Request, node: Node) -> None:
    """Nothing is left of the attachment, and a second DEL finds nothing to do.

    Raises:
        CniError: code 105 with all that is left and why; code 11 where another verb is working on it.
    """
    variables = request.variables
    key = AttachmentKey(request.name, variables.container_id, variables.ifname)
    ledger = node.ledger(request)
    addresses.take_over_host_local(request, ledger, node.log)
    row = ledger.attachment(key)
    try:
        if row is None:
            _remove_unknown(request, node, ledger, key)
        else:
            _remove_known(request, node, ledger, row)
    except ServiceError as fault:
        raise _left_over(key, fault) from fault
    finally:
        repair.others(request, node, ledger, key)


def _claim_removal(node: Node, ledger: Ledger, key: AttachmentKey) -> Claim:
    """One transaction: the attachment is ours to remove."""
    with ledger.transaction():
        return ledger.claim(
            key,
            "deleting",
            fingerprint=None,
            namespace_id=None,
            owner=node.owner,
            token=node.token,
            deadline_at=node.deadline_at(),
            alive=node.alive,
        )


def _remove_known(request: Request, node: Node, ledger: Ledger, row: Attachment) -> None:
    claim = take(node, lambda: _claim_removal(node, ledger, row.key))
    before = claim.before or row
    if not before.namespace_id:
        before = before._replace(namespace_id=_usable_namespace(request, node))
    retire.take_out_and_free(request, node, ledger, before, request.variables.netns)


def _remove_unknown(request: Request, node: Node, ledger: Ledger, key: AttachmentKey) -> None:
    """An attachment without a row: a second DEL, a peer's, or one from before the ledger was rebuilt."""
    view = peers.find_unknown(request, node, ledger, key)
    if view is not None:
        node.log.event(f'endpoint "{view.name}" ({view.id}) is not in the ledger and goes with its pod')
        retire.detach_and_delete(node, view.id, view.namespace)
    delegated.delete(request, node, key, request.variables.netns)
    if ledger.leases_of(key):
        with ledger.transaction():
            released = allocate.release(ledger, key)
        hostlocal.drop_files(released)


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
