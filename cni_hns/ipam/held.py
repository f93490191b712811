"""Leases that are there: given by HNS, set aside, released; and what the ledger knows of host-local's folder.

How a new one is chosen is `cni_hns.ipam.allocate`, which a DEL does without.
"""

from __future__ import annotations

from cni_hns.ledger.addresses import address_key
from cni_hns.ledger.rows import Lease
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cni_hns.ledger import AttachmentKey, Ledger

__all__ = [
    "ENDED_AT_ONCE",
    "Allocated",
    "entomb",
    "hold_given",
    "holder_words",
    "host_local_cursor",
    "host_local_fact",
    "owner_words",
    "plain_lease",
    "quarantine",
    "release",
    "set_aside",
    "shared_folders",
]

ENDED_AT_ONCE = 8
"""Quarantines and tombstones that are over are freed in passing, so many with each allocation."""


class Allocated(NamedTuple):
    """An address held for the attachment; `range_set` is the label of the set that gave it.

    `was_held`: the attachment had it already.
    """

    address: str
    prefix: int
    gateway: str | None
    range_set: str
    was_held: bool = False


def release(ledger: Ledger, key: AttachmentKey, *, now: float | None = None) -> list[Lease]:
    """End all leases of the attachment, entombed ones too; none is fine.

    Gives the leases as they were. Files of host-local's that stand for them are `hostlocal.drop`'s, before.
    """
    with ledger.atomic():
        ledger.free_ended(key.network, ledger.now() if now is None else now, ENDED_AT_ONCE)
        leases = ledger.leases_of(key)
        for lease in leases:
            ledger.free(key.network, address_key(lease.address))
        return leases


def entomb(ledger: Ledger, key: AttachmentKey, until: float) -> None:
    """Set the attachment's addresses aside until then (ledger time): its endpoint may yet appear."""
    with ledger.atomic():
        for lease in ledger.leases_of(key):
            ledger.change_lease(lease._replace(state="entombed", until=until))


def quarantine(ledger: Ledger, key: AttachmentKey, address: str, until: float) -> None:
    """Set an address aside that HNS refused to this attachment, until then (ledger time).

    An address that somebody else holds by now stays theirs.
    """
    with ledger.atomic():
        lease = ledger.lease_at(key.network, address_key(address))
        if lease is not None and lease in ledger.leases_of(key):
            ledger.change_lease(lease._replace(state="quarantined", until=until))
        else:
            set_aside(ledger, key, address, until)


def set_aside(ledger: Ledger, key: AttachmentKey, address: str, until: float) -> None:
    """Set an address aside that is in nobody's hands here, and in use elsewhere, until then (ledger time)."""
    with ledger.atomic():
        if ledger.lease_at(key.network, address_key(address)) is None:
            ledger.hold(plain_lease(key, address)._replace(state="quarantined", until=until))


def hold_given(ledger: Ledger, key: AttachmentKey, given: Iterable[Allocated]) -> None:
    """Write down the addresses that HNS itself chose, in place of what the attachment held.

    HNS is right: whoever had one of them in the ledger has it no longer.
    """
    with ledger.atomic():
        release(ledger, key)
        for one in given:
            lease = plain_lease(key, one.address)._replace(
                prefix=one.prefix, gateway=one.gateway, origin="hns"
            )
            if ledger.lease_at(key.network, address_key(one.address)) is None:
                ledger.hold(lease)
            else:
                ledger.change_lease(lease)


def host_local_cursor(number: int) -> str:
    """Under which name the ledger keeps what host-local gave last from its range set of this number."""
    return f"host-local {number}"


def host_local_fact(network: str) -> str:
    """Under which name the ledger keeps what it knows of host-local's folder."""
    return f"host-local of {network}"


def shared_folders(ledger: Ledger, network: str) -> list[str]:
    """The folder of host-local's in which the network's leases have their files, then those it moved from."""
    known = ledger.fact(host_local_fact(network))
    shared: list[str] = known.get("shared", []) if isinstance(known, dict) else []
    return shared


def plain_lease(key: AttachmentKey, address: str) -> Lease:
    """A lease in its plainest form: held by the attachment, from no range set, for a single host."""
    return Lease(
        network=key.network,
        address=address,
        container_id=key.container_id,
        ifname=key.ifname,
        range_set="",
        prefix=32 if "." in address else 128,
        gateway=None,
        origin="allocated",
        state="held",
        until=None,
    )


def holder_words(lease: Lease, ledger: Ledger) -> str:
    """Who has the address, or why it is set aside: "is ..."."""
    if lease.origin == "reserved":
        return f'is reserved for "{lease.container_id}"'
    if lease.state == "quarantined":
        return "is set aside: HNS refused it, because something unknown to this ledger uses it"
    holder = owner_words(lease, ledger)
    if lease.state == "entombed":
        return f"is set aside: {holder} was deleted while HNS may still create its endpoint"
    return f"is held by {holder}"


def owner_words(lease: Lease, ledger: Ledger) -> str:
    """The attachment that has the lease, with its pod where the ledger knows it."""
    return lease.key.words(ledger.pod_of(lease.key))
