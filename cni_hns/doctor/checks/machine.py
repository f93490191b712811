"""The machine around HNS: its disks, its clock, and the ledger as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cni_hns.doctor.finding import Area, Kind, Seen
from cni_hns.survey.surroundings import FULL_BYTES, LITTLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.doctor.picture import Picture

__all__ = ["AREA"]

_MIB = 1 << 20
# File systems and clocks differ by less; daylight saving moves no clock that counts from the epoch.
_MARGIN_S = 60.0
_FAULTS = {"unwritable": "ledger-unwritable", "newer": "ledger-newer", "exposed": "ledger-exposed"}
_REFUSED = "ADD, DEL and CHECK fail with code 102; running pods keep their network"

_KINDS: dict[str, Kind] = {
    "clock-set-back": Kind(
        "warning",
        "leases and pods are not touched: the ledger has a clock of its own; log lines are out of order, and "
        "certificates may count as not yet valid",
        "`w32tm /resync`, then `cni-hns doctor`",
    ),
    "disk-full": Kind(
        "ill", "every ADD and DEL fails, and pods stay in Terminating", "free some space, then `cni-hns gc`"
    ),
    "disk-nearly-full": Kind(
        "warning", "when it is full, every ADD and DEL fails", "free some space, then `cni-hns doctor`"
    ),
    "ledger-unwritable": Kind(
        "ill", _REFUSED, "give SYSTEM and administrators full access to {folder}, then `cni-hns status`"
    ),
    "ledger-newer": Kind(
        "ill", _REFUSED, "install the newer version that made it: `cni-hns install`, run from that version"
    ),
    "ledger-exposed": Kind(
        "ill", _REFUSED, "leave {folder} to SYSTEM and administrators alone, then `cni-hns ledger rebuild`"
    ),
}


def _clock(picture: Picture) -> Iterator[Seen]:
    """What was before now by the order of things, and is later by the clock on the wall."""
    host = picture.host
    if host is None or host.clock is None:
        return
    later = {f"service {one.name} was started": one.started_s for one in host.services or ()}
    if host.ledger is not None:
        later["the ledger was written"] = host.ledger.written_s
    told = [
        f"{what} {at - host.clock.wall_s:.0f} s in the future"
        for what, at in later.items()
        if at is not None and at > host.clock.wall_s + _MARGIN_S
    ]
    if told:
        yield Seen("clock-set-back", "the node's clock", f"by the clock, {'; '.join(told)}: it was set back")


def _disks(picture: Picture) -> Iterator[Seen]:
    for what, disk in (picture.host.disks if picture.host is not None else None) or ():
        if disk.free_bytes < LITTLE_BYTES:
            kind = "disk-full" if disk.free_bytes < FULL_BYTES else "disk-nearly-full"
            cause = f"{disk.free_bytes / _MIB:.0f} of {disk.total_bytes / _MIB:.0f} MiB are free there"
            yield Seen(kind, f"the disk of {disk.folder}, where {what} is", cause)


def _ledger(picture: Picture) -> Iterator[Seen]:
    found = picture.host.ledger if picture.host is not None else None
    if found is not None and found.what in _FAULTS:
        folder = found.path.replace("\\", "/").rpartition("/")[0]
        yield Seen(_FAULTS[found.what], f"ledger {found.path}", found.fault, (), {"folder": folder})


AREA = Area(_KINDS, (_clock, _disks, _ledger))
