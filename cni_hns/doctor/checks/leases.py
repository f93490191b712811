"""Addresses: held for nobody, and where the ledger and host-local's folder disagree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.doctor.stale import SETTLED_S, files_without_pod, leases_without_file, leases_without_pod
from cni_hns.ledger.addresses import address_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture

__all__ = ["AREA"]

_SHARED = (
    "a peer or a script that uses host-local may give the address to another pod: two pods with one address"
)

_KINDS: dict[str, Kind] = {
    "lease-without-pod": Kind(
        "warning",
        "new pods cannot have these addresses; when all are held, none gets a network",
        "`cni-hns doctor --repair`, or for one of them `cni-hns ipam release {address}`",
        "release",
    ),
    "reservation-without-pod": Kind(
        "warning",
        "new pods cannot have these addresses; when all are held, none gets a network",
        "cni-hns doctor --repair",
        "release",
    ),
    "lease-without-reservation": Kind("warning", _SHARED, "cni-hns doctor --repair", "reserve"),
    "reservation-of-another": Kind(
        "ill",
        "two pods may have one address, and then neither is reached",
        "`cni-hns endpoint list` shows who has the address; delete the other pod",
    ),
}


def _leases(picture: Picture) -> Iterator[Seen]:
    """Those of one network are one finding."""
    found: dict[str, list[str]] = defaultdict(list)
    for lease in leases_without_pod(picture):
        found[lease.network].append(lease.address)
    for network, addresses in found.items():
        yield Seen(
            "lease-without-pod",
            f'{_count(addresses)} of network "{network}"',
            "the ledger holds what no row, no endpoint and no container stands for: " + ", ".join(addresses),
            names={"address": addresses[0]},
        )


def _files(picture: Picture) -> Iterator[Seen]:
    found: dict[str, list[str]] = defaultdict(list)
    for folder, one in files_without_pod(picture):
        found[folder.path].append(one.address)
    for path, addresses in found.items():
        words = f"no endpoint and no container has them, and their files are older than {SETTLED_S:.0f} s: "
        yield Seen(
            "reservation-without-pod",
            f'{_count(addresses)} in host-local\'s folder "{path}"',
            words + ", ".join(addresses),
        )


def _without_file(picture: Picture) -> Iterator[Seen]:
    found: dict[str, list[str]] = defaultdict(list)
    for folder, lease in leases_without_file(picture):
        found[folder.path].append(lease.address)
    for path, addresses in found.items():
        words = "the ledger holds them, and host-local's folder has no file of them: " + ", ".join(addresses)
        yield Seen("lease-without-reservation", f'{_count(addresses)} shared in "{path}"', words)


def _of_others(picture: Picture) -> Iterator[Seen]:
    """A file and a lease of one address that name two containers."""
    for folder in picture.seen.folders or ():
        files = {address_key(one.address): one for one in folder.files if one.container_id}
        for lease in (picture.seen.leases or ()) if folder.is_shared else ():
            one = files.get(address_key(lease.address)) if lease.network == folder.network else None
            if one is None or lease.state != "held" or picture.is_at_work(lease.key):
                continue
            if lease.container_id and one.container_id != lease.container_id:
                words = (
                    f'the ledger holds it for "{lease.container_id}", the file in "{folder.path}" names '
                    f'"{one.container_id}"'
                )
                yield Seen("reservation-of-another", f"address {lease.address}", words)


def _count(addresses: list[str]) -> str:
    return "1 address" if len(addresses) == 1 else f"{len(addresses)} addresses"


AREA = Area(_KINDS, (_leases, _files, _without_file, _of_others))
