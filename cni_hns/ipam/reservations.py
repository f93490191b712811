"""Addresses for somebody who is no pod: kube-proxy's source VIP, a host's own.

Rule: a reservation is a lease whose owner is a name in place of a container; it has no interface and no end.
"""

from __future__ import annotations

from cni_hns.ipam.allocate import allocate
from cni_hns.ipam.errors import AddressUnavailable
from cni_hns.ipam.held import holder_words, plain_lease
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.ledger.rows import AttachmentKey
from cni_hns.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cni_hns.ipam.ranges import RangeLike
    from cni_hns.ledger import Lease, Ledger

__all__ = ["release", "reserve", "reserve_address", "reserved_for"]


def reserved_for(ledger: Ledger, network: str, owner: str) -> list[Lease]:
    """What this owner has."""
    return [one for one in ledger.leases_of(_key(network, owner)) if one.origin == "reserved"]


def reserve(
    ledger: Ledger,
    network: str,
    owner: str,
    range_sets: Sequence[Sequence[RangeLike]],
    excluded: Sequence[str] = (),
) -> list[Lease]:
    """One address of each range set; an owner that has some keeps them.

    Raises: RangeExhausted: nothing is held.
    """
    with ledger.transaction():
        if not reserved_for(ledger, network, owner):
            allocate(ledger, _key(network, owner), range_sets, excluded=excluded, origin="reserved")
        return reserved_for(ledger, network, owner)


def reserve_address(ledger: Ledger, network: str, owner: str, address: str) -> Lease:
    """Just this address; it is fine if the owner has it.

    Raises:
        AddressUnavailable: somebody else has it.
        ValueError: this is no IP address.
    """
    number = address_key(address)
    text = address_text(number)
    with ledger.transaction():
        there = ledger.lease_at(network, number)
        if there is not None and there.until is not None and there.until <= ledger.now():
            ledger.free(network, number)
            there = None
        if there is not None and (there.origin, there.container_id) != ("reserved", owner):
            raise AddressUnavailable(
                text, holder_words(there, ledger), "take another one, or `cni-hns ipam release` it first"
            )
        lease = plain_lease(_key(network, owner), text)._replace(origin="reserved")
        if there is None:
            ledger.hold(lease)
        return there or lease


def release(ledger: Ledger, leases: Sequence[Lease]) -> None:
    """These addresses are free."""
    with ledger.transaction():
        for lease in leases:
            ledger.free(lease.network, address_key(lease.address))


def _key(network: str, owner: str) -> AttachmentKey:
    return AttachmentKey(network, owner, "")
