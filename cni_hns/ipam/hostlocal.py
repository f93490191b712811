"""The reservations that host-local left in its folder become leases, so that its pods keep their addresses.

The format is host-local's own: one file per address, named by it, with the container id and the ifname on two
lines (https://www.cni.dev/plugins/current/ipam/host-local/, "Files").

Rule 1: the folder is host-local's. Nothing is written into it; a file goes when its lease is released.
Rule 2: it is read again only after it changed; where there is none, that costs one stat.
Rule 3: where both have given an address away, the ledger keeps what it says and the log names the two.
Rule 4: a file's path is computed, never remembered: it lies in its network's folder, and no link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterable

from cni_hns.binding.access import is_link
from cni_hns.cni.errors import INVALID_CONFIG, IO_FAILURE, CniError
from cni_hns.ipam.allocate import host_local_cursor
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.ledger.rows import Lease
from cni_hns.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cni_hns.ledger import Ledger

__all__ = ["DEFAULT_FOLDER", "Takeover", "drop_files", "take_over"]

# host-local's own default, on Windows relative to the current drive as it is there.
DEFAULT_FOLDER = "/var/lib/cni/networks"

_WINDOWS = os.name == "nt"

# Windows has no folder of these names, whatever follows a dot in them.
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
)

_LOCK = "lock"
_LAST_RESERVED = "last_reserved_ip."
_LONGEST_FILE = 4096
# A change within the same tick of the file system's clock leaves the folder's time as it was: a time is
# trusted only once it is older than any such tick (FAT has the coarsest, two seconds).
_SETTLED_NS = 2_000_000_000
_LOCK_TRIES = 20
_LOCK_PAUSE_S = 0.01


class Takeover(NamedTuple):
    """What reading the folder came to. `conflicts` are for the log."""

    adopted: int
    ended: int
    conflicts: list[str]


class _Reservation(NamedTuple):
    address: int
    container_id: str
    ifname: str


def take_over(ledger: Ledger, network: str, data_dir: str | None = None) -> Takeover:
    """Make leases of the network's reservations in `data_dir`, and end those of files that are gone.

    Not inside a transaction: a folder may be slow.

    Raises:
        CniError: code 5, the folder is there and cannot be read: its addresses could be given twice; code 7,
            no folder of Windows can have the network's name.
    """
    folder = _network_folder(data_dir, network)
    changed_ns = _changed_ns(folder)
    fact = f"host-local of {network}"
    known = ledger.fact(fact)
    if changed_ns is None or known == [folder, changed_ns]:
        return Takeover(0, 0, [])
    try:
        names = os.listdir(folder)
        reservations, settled = _reservations(folder, names)
        cursors = _cursors(folder, names)
    except OSError as fault:
        raise _unreadable(folder, fault) from fault
    is_the_same = isinstance(known, list) and known[:1] == [folder]
    with ledger.transaction():
        for number, address in cursors.items():
            ledger.keep_cursor(network, host_local_cursor(number), address)
        outcome = _adopt(ledger, network, reservations, is_the_same)
        ended = _end_the_vanished(ledger, network, {one.address for one in reservations}, is_the_same)
        trusted = settled and time.time_ns() - changed_ns > _SETTLED_NS
        ledger.keep_fact(fact, [folder, changed_ns if trusted else None])
    return outcome._replace(ended=ended)


def drop_files(leases: Iterable[Lease], data_dir: str | None) -> None:
    """Remove the files of adopted leases that were released, under host-local's lock where it can be had.

    A file that is gone, that cannot be removed or that names another container by now stays as it is: what
    remains is taken over again when the folder next changes.
    """
    for lease in leases:
        if lease.origin == "adopted":
            with contextlib.suppress(OSError, CniError):
                _drop(_network_folder(data_dir, lease.network), lease)


def _drop(folder: str, lease: Lease) -> None:
    _refuse_link(folder)
    lock = _locked(os.path.join(folder, _LOCK))
    try:
        for name in _file_names(lease.address):
            file = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):
                if _contents(file) == (lease.container_id, lease.ifname):
                    os.unlink(file)
    finally:
        if lock is not None:
            os.close(lock)


def _network_folder(data_dir: str | None, network: str) -> str:
    """The folder of this network's reservations.

    Windows drops a dot at the end of a name: two networks would share one folder there.
    """
    if network.partition(".")[0].lower() in _DEVICES or network.endswith("."):
        raise CniError(
            INVALID_CONFIG,
            f'the network name "{network}" cannot be the name of a folder on Windows, as host-local needs it',
            "give the network another name",
        )
    return os.path.join(data_dir or DEFAULT_FOLDER, network)


def _file_names(address: str) -> tuple[str, ...]:
    """What host-local calls the file of an address: on Windows `_` is in the place of the colon.

    There a name with a colon is no file but a stream of one; elsewhere a folder may have come from Windows.
    """
    on_windows = address.replace(":", "_")
    return (on_windows,) if _WINDOWS or on_windows == address else (address, on_windows)


def _changed_ns(folder: str) -> int | None:
    try:
        _refuse_link(folder)
        return os.stat(folder).st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise _unreadable(folder, fault) from fault


def _unreadable(folder: str, fault: OSError) -> CniError:
    return CniError(
        IO_FAILURE,
        f'the reservations of host-local in "{folder}" cannot be read: {fault.strerror}',
        "give this program read access, or move the folder away if no pod has an address from it",
    )


def _reservations(folder: str, names: list[str]) -> tuple[list[_Reservation], bool]:
    """The reservations, and whether all were complete: host-local makes a file, and then writes into it."""
    found = []
    settled = True
    for name in names:
        address = _address_of(name)
        if address is None:
            continue
        file = os.path.join(folder, name)
        try:
            container_id, ifname = _contents(file)
        except FileNotFoundError:
            settled = False
            continue
        settled = settled and container_id != ""
        found.append(_Reservation(address, container_id, ifname))
    return found, settled


def _address_of(name: str) -> int | None:
    """The address that a file is named after; host-local on Windows writes `_` for the colon."""
    try:
        return address_key(name.replace("_", ":"))
    except ValueError:
        return None


def _contents(file: str) -> tuple[str, str]:
    """(container id, ifname): two lines with CR LF on every system; the first versions wrote only one."""
    descriptor = _opened(file, os.O_RDONLY)
    try:
        lines = os.read(descriptor, _LONGEST_FILE).decode(errors="replace").strip().splitlines()
    finally:
        os.close(descriptor)
    texts = [line.strip() for line in lines]
    return (texts[0] if texts else ""), (texts[1] if len(texts) > 1 else "")


def _opened(file: str, flags: int) -> int:
    """A descriptor of a regular file that no link leads to. Raises OSError."""
    _refuse_link(file)
    # Opening a pipe would wait for its other end.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags | safely)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, f'"{file}" is no regular file')


def _refuse_link(path: str) -> None:
    if is_link(os.lstat(path)):
        raise OSError(errno.ELOOP, f'"{path}" is a link, and none is followed')


def _cursors(folder: str, names: list[str]) -> dict[int, int]:
    """What host-local gave last, by the number of the range set."""
    found = {}
    for name in names:
        number = name.removeprefix(_LAST_RESERVED)
        if number == name or not number.isdecimal():
            continue
        address = _address_of(_contents(os.path.join(folder, name))[0])
        if address is not None:
            found[int(number)] = address
    return found


def _adopt(ledger: Ledger, network: str, reservations: list[_Reservation], is_the_same: bool) -> Takeover:
    adopted = 0
    conflicts = []
    for one in reservations:
        lease = Lease(
            network=network,
            address=address_text(one.address),
            container_id=one.container_id,
            ifname=one.ifname,
            range_set="",
            prefix=32 if "." in address_text(one.address) else 128,
            gateway=None,
            origin="adopted",
            state="held",
            until=None,
        )
        there = ledger.lease_at(network, one.address)
        if there is None:
            ledger.hold(lease)
            adopted += 1
        elif there.state != "held" or (is_the_same and _has_changed_hands(ledger, there, one)):
            ledger.change_lease(lease)
            adopted += 1
        elif there.key == lease.key or not there.container_id:
            # Ours already; a file that was incomplete at the last look says by now whose it is.
            known = there._replace(container_id=one.container_id, ifname=one.ifname, origin="adopted")
            if known != there:
                ledger.change_lease(known)
        else:
            conflicts.append(
                f"host-local gave {lease.address} to {lease.key.words()}; {there.key.words()} has it"
            )
    return Takeover(adopted, 0, conflicts)


def _has_changed_hands(ledger: Ledger, there: Lease, one: _Reservation) -> bool:
    """host-local released its own reservation and gave the address to another pod since the last look."""
    return (
        there.origin == "adopted"
        and one.container_id not in ("", there.container_id)
        and ledger.attachment(there.key) is None
    )


def _end_the_vanished(ledger: Ledger, network: str, addresses: set[int], is_the_same: bool) -> int:
    """host-local released these itself; an attachment that this plugin knows keeps its address still.

    So do all where another folder is read than the last time: it says nothing about theirs.
    """
    ended = 0
    for lease in ledger.leases(network):
        if lease.origin != "adopted" or address_key(lease.address) in addresses:
            continue
        if is_the_same and ledger.attachment(lease.key) is None:
            ledger.free(network, address_key(lease.address))
            ended += 1
        else:
            ledger.change_lease(lease._replace(origin="allocated"))
    return ended


def _locked(path: str) -> int | None:
    """host-local's lock as a descriptor to close; None where it is not free for a while or not there."""
    try:
        descriptor = _opened(path, os.O_RDWR)
    except OSError:
        return None
    for _ in range(_LOCK_TRIES):
        try:
            _lock(descriptor)
        except OSError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return descriptor
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    """The lock that host-local takes: flock, on Windows one byte at offset 0. Raises OSError: it is taken."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
