"""host-local's reservations as they lie on the disk, whether this plugin shares them or a peer makes them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cni_hns.ipam.held import shared_folders
from cni_hns.ipam.hostlocal_files import Folder
from cni_hns.ledger.addresses import address_text
from cni_hns.survey.seen import FileSeen, FolderSeen

if TYPE_CHECKING:
    from cni_hns.ipam.hostlocal_files import Reservation
    from cni_hns.ledger import Ledger

__all__ = ["folders_of"]


def folders_of(default: str, ledger: Ledger | None) -> tuple[FolderSeen, ...]:
    """Those below host-local's default folder, one for each network, and those that the ledger shares.

    Raises: CniError: one is there and cannot be read. LedgerFault, LedgerBusy.
    """
    shared = {} if ledger is None else _shared(ledger)
    below = {os.path.join(default, name): name for name in _networks_in(default)}
    return tuple(
        FolderSeen(network, path, path in shared, _files(Folder(path)))
        for path, network in {**below, **shared}.items()
    )


def _shared(ledger: Ledger) -> dict[str, str]:
    """Path -> network; the first folder of each is the one that it has now."""
    networks = {row.key.network for row in ledger.attachments()} | {one.network for one in ledger.leases()}
    return {path: name for name in sorted(networks) for path in shared_folders(ledger, name)[:1]}


def _networks_in(folder: str) -> list[str]:
    try:
        return sorted(one.name for one in os.scandir(folder) if one.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Folder) -> tuple[FileSeen, ...]:
    if folder.changed_ns() is None:
        return ()
    return tuple(_file(folder, one) for one in folder.read().reservations)


def _file(folder: Folder, one: Reservation) -> FileSeen:
    address = address_text(one.address)
    written_s = folder.written_s(address)
    age_s = 0.0 if written_s is None else max(0.0, time.time() - written_s)
    return FileSeen(address, one.container_id, one.ifname, age_s)
