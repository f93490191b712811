"""Addresses brought in order by hand: files of nobody's removed, missing files made, endpoints' ones held.

Rule: each step looks again, under the lock that everybody takes, before it changes anything.
"""

from __future__ import annotations

from cni_hns.attachment.holders import by_address
from cni_hns.attachment.release import release
from cni_hns.attachment.reservations import Reservations
from cni_hns.binding.errors import ServiceError
from cni_hns.cni.errors import CniError
from cni_hns.ipam.held import plain_lease
from cni_hns.ipam.hostlocal_files import Folder
from cni_hns.ledger.addresses import address_key
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from cni_hns.cni.request import Request
    from cni_hns.ledger import AttachmentKey, Lease
    from cni_hns.node.node import Node

__all__ = ["Mended", "Stale", "adopt", "release_leases", "remove_files", "reserve"]

_PATIENCE_S = 10.0


class Mended(NamedTuple):
    """What became of one address; `outcome` begins with "left" where nothing could be done."""

    address: str
    whose: str
    outcome: str

    @property
    def is_left(self) -> bool:
        return self.outcome.startswith("left")


class Stale(NamedTuple):
    """A file of host-local's that stands for nobody."""

    folder: str
    address: str
    container_id: str
    ifname: str


def release_leases(node: Node, leases: list[Lease], request_for: Callable[[str], Request]) -> list[Mended]:
    """Release each that nobody has; as `cni-hns ipam release` does. Raises: ServiceError, CniError."""
    return [
        Mended(
            one.lease.address,
            one.lease.key.words(),
            f"left: {one.refusal}" if one.refusal else "released",
        )
        for one in release(node, leases, request_for)
    ]


def remove_files(node: Node, files: list[Stale]) -> list[Mended]:
    """Remove each, if no endpoint has its address by now. Raises: ServiceError, HNS could not say."""
    used = by_address(node) if files else {}
    return [Mended(one.address, f'"{one.container_id}"', _removed(one, used)) for one in files]


def _removed(one: Stale, used: dict[str, str]) -> str:
    holder = used.get(one.address.lower())
    if holder is not None:
        return f"left: HNS has {holder} with this address"
    folder = Folder(one.folder)
    try:
        with folder.locked_if_there(_PATIENCE_S):
            folder.drop(one.address, one.container_id, one.ifname)
    except CniError as fault:
        return f"left: {fault}"
    return "its file was removed"


def reserve(node: Node, leases: list[Lease]) -> list[Mended]:
    """Make the files that the shared folders lack. An address that somebody else has a file of is left."""
    return [Mended(one.address, one.key.words(), _reserved(node, one)) for one in leases]


def _reserved(node: Node, lease: Lease) -> str:
    if node.ledger.lease_at(lease.network, address_key(lease.address)) != lease:
        return "left: it was released meanwhile"
    try:
        others = Reservations.known(lease.network, node).make(lease.key, [lease], in_turn=False)
    except CniError as fault:
        return f"left: {fault}"
    if others:
        return f"left: its file is of {others[0].words}"
    return "its file was made"


def adopt(node: Node, key: AttachmentKey, token: str, address: str) -> Mended:
    """Hold an address for the attachment whose endpoint has it, if nobody holds it by now.

    Raises: LedgerFault, LedgerBusy.
    """
    ledger, lease = node.ledger, plain_lease(key, address)
    with ledger.transaction():
        row = ledger.attachment(key)
        if row is None or row.token != token:
            return Mended(address, key.words(), "left: another verb has its attachment now")
        if ledger.lease_at(key.network, address_key(address)) is not None:
            return Mended(address, key.words(), "left: it is held by now")
        ledger.hold(lease)
    try:
        others = Reservations.known(key.network, node).make(key, [lease], in_turn=False)
    except (CniError, ServiceError) as fault:
        return Mended(address, key.words(), f"held; its file could not be made: {fault}")
    return Mended(address, key.words(), "held" if not others else f"held; its file is of {others[0].words}")
