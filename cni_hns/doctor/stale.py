"""Addresses that nobody stands for: what a check tells of them, and what a repair releases, is one list.

Rule: in doubt an address stays. It is nobody's only where the ledger, HNS and HCS all answered and none of
them knows its owner, and where it was not given away just now: whoever gives an address does that first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.ledger import AttachmentKey
from cni_hns.ledger.addresses import address_key
from cni_hns.survey.containers import is_container_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cni_hns.doctor.picture import Picture
    from cni_hns.ledger import Lease
    from cni_hns.survey.seen import FileSeen, FolderSeen

__all__ = [
    "SETTLED_S",
    "files_of",
    "files_without_pod",
    "leases_without_file",
    "leases_without_pod",
    "unleased_addresses",
]

SETTLED_S = 600.0
"""So long a peer may take from host-local's file to the pod's endpoint: a runtime has given up by then."""


def leases_without_pod(picture: Picture) -> Iterator[Lease]:
    """Leases held for pods that no source knows."""
    if not _all_answered(picture):
        return
    used = _used(picture)
    young = {
        (folder.network, address_key(one.address))
        for folder in picture.seen.folders or ()
        for one in folder.files
        if one.age_s < SETTLED_S
    }
    for lease in picture.seen.leases or ():
        number = address_key(lease.address)
        if lease.state != "held" or lease.origin == "reserved" or number in used:
            continue
        if (lease.network, number) not in young and _is_of_nobody(lease.key, picture):
            yield lease


def files_without_pod(picture: Picture) -> Iterator[tuple[FolderSeen, FileSeen]]:
    """host-local's files for pods that no source knows; what the ledger holds too is a lease's."""
    if not _all_answered(picture):
        return
    used = _used(picture)
    held = {(lease.network, address_key(lease.address)) for lease in picture.seen.leases or ()}
    for folder in picture.seen.folders or ():
        for one in folder.files:
            number = address_key(one.address)
            if one.age_s < SETTLED_S or number in used or (folder.network, number) in held:
                continue
            key = AttachmentKey(folder.network, one.container_id, one.ifname)
            if is_container_id(one.container_id) and _is_of_nobody(key, picture):
                yield folder, one


def files_of(leases: Iterable[Lease], picture: Picture) -> Iterator[tuple[FolderSeen, FileSeen]]:
    """The files of these leases: left behind, they would be taken over again."""
    wanted = {(one.network, address_key(one.address), one.container_id) for one in leases}
    for folder in picture.seen.folders or ():
        for one in folder.files:
            if (folder.network, address_key(one.address), one.container_id) in wanted:
                yield folder, one


def leases_without_file(picture: Picture) -> Iterator[tuple[FolderSeen, Lease]]:
    """Leases of a network whose folder host-local shares, and that have no file there."""
    for folder in picture.seen.folders or ():
        there = {address_key(one.address) for one in folder.files}
        for lease in picture.seen.leases or ():
            if not folder.is_shared or lease.network != folder.network or lease.state != "held":
                continue
            if lease.origin not in {"allocated", "reserved"} or picture.is_at_work(lease.key):
                continue
            has_owner = lease.origin == "reserved" or bool(picture.lookup.rows_of.get(lease.container_id))
            if has_owner and address_key(lease.address) not in there:
                yield folder, lease


def unleased_addresses(picture: Picture) -> Iterator[tuple[AttachmentKey, str, str]]:
    """(attachment, its row's token, address) of endpoints whose address the ledger holds for nobody."""
    held = {(lease.network, address_key(lease.address)) for lease in picture.seen.leases or ()}
    for pod in picture.pods:
        if not any(one.kind == "address-without-lease" for one in pod.mismatches):
            continue
        for row in pod.attachments:
            endpoint = picture.lookup.endpoints.get(row.endpoint_id or "")
            if row.phase != "ready" or endpoint is None or row.is_shared or row.plugin is not None:
                continue
            for address, _ in endpoint.addresses:
                if (row.key.network, address_key(address)) not in held:
                    yield row.key, row.token, address


def _all_answered(picture: Picture) -> bool:
    seen = picture.seen
    read = (seen.rows, seen.leases, seen.endpoints, seen.systems, seen.folders)
    return all(one is not None for one in read) and not picture.hns_is_starting


def _used(picture: Picture) -> set[int]:
    """Every address that some endpoint of the node has, of whichever network."""
    return {address_key(address) for one in picture.lookup.endpoints.values() for address, _ in one.addresses}


def _is_of_nobody(key: AttachmentKey, picture: Picture) -> bool:
    has_row = any(
        row.key.network == key.network and key.ifname in {"", row.key.ifname}
        for row in picture.lookup.rows_of.get(key.container_id, ())
    )
    return not has_row and not picture.is_at_work(key) and not picture.runs(key.container_id)
