"""Addresses released by hand: of reservations, and of what has no pod any more.

Rule: an address that HNS has on an endpoint, or whose pod is there, is not released.
"""

from __future__ import annotations

from cni_hns.attachment import gone
from cni_hns.attachment.attachment import Attachment
from cni_hns.attachment.holders import by_address
from cni_hns.attachment.reservations import Reservations
from cni_hns.attachment.retirement import take
from cni_hns.ipam import reservations
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.ledger import AttachmentKey, Lease
    from cni_hns.node.node import Node

__all__ = ["Released", "leases_named", "release"]


class Released(NamedTuple):
    """What became of one lease; `refusal` says why it stays, None where it went."""

    lease: Lease
    refusal: str | None


def leases_named(node: Node, text: str, network: str | None) -> list[Lease]:
    """The leases, also those set aside, of this address, or of this container or owner."""
    return [
        lease
        for lease in node.ledger.leases(network, all=True)
        if text.lower() in (lease.address.lower(), lease.container_id.lower())
    ]


def release(node: Node, leases: list[Lease], request_for: Callable[[str], Request]) -> list[Released]:
    """Release each, or say why not. `request_for` gives a network's configuration.

    Raises: ServiceError, CniError: HNS, or an external IPAM plugin, could not say or do it.
    """
    used = by_address(node)
    return [Released(lease, _released(node, lease, used, request_for(lease.network))) for lease in leases]


def _released(node: Node, lease: Lease, used: dict[str, str], request: Request) -> str | None:
    # An address that HNS refused stands in the name of whoever asked for it, and is not that pod's.
    if lease.state != "quarantined" and node.ledger.attachment(lease.key) is not None:
        return _retired(node, lease.key, request)
    holder = used.get(lease.address.lower())
    # Of an address that is set aside it is the foreign holder that made it so: it is tried again, and no
    # more.
    if holder is not None and lease.state == "held":
        return f"HNS has {holder} with this address"
    Reservations.of(request.config, lease.network, node).drop([lease])
    reservations.release(node.ledger, [lease])
    return None


def _retired(node: Node, key: AttachmentKey, request: Request) -> str | None:
    """The whole attachment goes, if its pod is not there."""
    row = node.ledger.attachment(key)
    if row is None:
        return None
    if row.phase != "ready":
        return f"its attachment is {row.phase}: `cni-hns gc`, or the next DEL, finishes that"
    if not gone.hns_has_settled(node):
        return "HNS has just started, and may not have loaded everything yet: try again in a minute"
    if gone.missing(node, row) is None:
        return "its pod is there: delete the pod"
    return None if take(Attachment(request, node, key), row) else "another verb works on it now"
