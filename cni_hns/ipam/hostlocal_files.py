"""host-local's reservations of one network, as the files that they are.

The format is host-local's own: one file per address, named by it, with the container id and the ifname on two
lines; beside them what each range set gave last, and a lock
(https://www.cni.dev/plugins/current/ipam/host-local/, "Files").

Rule 1: what is written is written under host-local's lock, and so is what has to be true for a while.
Rule 2: an address belongs to whoever made its file: it is made only where there is none.
Rule 3: a path is computed, never remembered, and no link is followed.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import contextmanager, suppress

from cni_hns.binding.access import is_link
from cni_hns.cni.errors import INVALID_CONFIG, IO_FAILURE, TRY_AGAIN, CniError
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.typed import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Contents", "Folder", "Reservation"]

_WINDOWS = os.name == "nt"

# Windows has no folder of these names, whatever follows a dot in them.
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
)

_LOCK = "lock"
_LAST_RESERVED = "last_reserved_ip."
_LONGEST_FILE = 4096
# As host-local makes them.
_FOLDER_MODE = 0o755
_FILE_MODE = 0o600
# There is no such file, or what has its name is nothing that this program or host-local made.
_NOT_OURS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EISDIR})
# host-local holds its lock for about a millisecond.
_LOCK_PAUSE_S = 0.002
_LONGEST_LOCK_PAUSE_S = 0.02


class Reservation(NamedTuple):
    """Who has an address; `container_id` is empty where the file does not say."""

    address: int
    container_id: str
    ifname: str

    @property
    def words(self) -> str:
        """Its owner, for a message."""
        return f'"{self.container_id}" {self.ifname}'.rstrip()


class Contents(NamedTuple):
    """What a folder says. `last_reserved` is by the number of the range set.

    `complete`: each file said whose it is. host-local makes a file, and then writes into it.
    """

    reservations: list[Reservation]
    last_reserved: dict[int, int]
    complete: bool


class Folder:
    """One network's folder, whether it is there or not."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def of(cls, data_dir: str, network: str) -> Self:
        """The folder of this network's reservations.

        Windows drops a dot at the end of a name: two networks would share one folder there.

        Raises: CniError: code 7, no folder of Windows can have the network's name.
        """
        if network.partition(".")[0].lower() in _DEVICES or network.endswith("."):
            raise CniError(
                INVALID_CONFIG,
                f'the network name "{network}" cannot be the name of a folder on Windows, as host-local '
                "needs it",
                "give the network another name",
            )
        # In the system's own spelling: Wine takes a path with a leading slash for one of the system below.
        return cls(os.path.join(os.path.normpath(data_dir), network))

    def changed_ns(self) -> int | None:
        """When a file was last made or removed in it; None where there is no folder. Raises: CniError."""
        try:
            _refuse_link(self.path)
            return os.stat(self.path).st_mtime_ns
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as fault:
            raise self._unreadable(fault) from fault

    def read(self) -> Contents:
        """All of it; reads each file. Raises: CniError: code 5, addresses could be given twice."""
        try:
            names = os.listdir(self.path)
            reservations, complete = self._reservations(names)
            return Contents(reservations, self._all_last_reserved(names), complete)
        except OSError as fault:
            raise self._unreadable(fault) from fault

    def last_reserved(self, number: int) -> int | None:
        """What the range set of this number gave last: a hint for the next one, so anything else is None."""
        try:
            return _address_of(_contents(self._file(f"{_LAST_RESERVED}{number}"))[0])
        except OSError:
            return None

    @contextmanager
    def locked(self, timeout_s: float) -> Iterator[None]:
        """Holds host-local's lock; makes folder and lock where they are not there yet.

        Raises:
            CniError: code 11, somebody else has had the lock for this long; code 5, it cannot be made.
        """
        try:
            descriptor = self._opened_lock()
        except OSError as fault:
            raise self._unwritable(fault) from fault
        with _closing(descriptor):
            self._wait_for(descriptor, timeout_s)
            yield

    @contextmanager
    def locked_if_there(self, timeout_s: float) -> Iterator[None]:
        """The same where host-local has been at work; a folder without its lock stays without one."""
        try:
            _refuse_link(self.path)
            descriptor = _opened(self._file(_LOCK), os.O_RDWR)
        except OSError:
            yield
            return
        with _closing(descriptor):
            self._wait_for(descriptor, timeout_s)
            yield

    def reserve(self, address: str, container_id: str, ifname: str) -> Reservation | None:
        """Make the file of this address; None where it is the owner's by now, else who has it.

        Raises: CniError: code 5, it can neither be made nor read.
        """
        number = address_key(address)
        try:
            there = self._reservation(number)
            if there is None:
                name = _file_names(address)[0]
                _write_new(self._file(name), f"{container_id}\r\n{ifname}")
                return None
        except OSError as fault:
            raise self._unwritable(fault) from fault
        return None if there[1:] == (container_id, ifname) else there

    def holder(self, address: str) -> Reservation | None:
        """Who has the file of this address; None where there is none. Raises: CniError: code 5."""
        try:
            return self._reservation(address_key(address))
        except OSError as fault:
            raise self._unreadable(fault) from fault

    def written_s(self, address: str) -> float | None:
        """When its file was written, in seconds since the epoch; None where there is none."""
        for name in _file_names(address):
            with suppress(OSError):
                return os.lstat(self._file(name)).st_mtime
        return None

    def keep_last_reserved(self, number: int, address: str) -> None:
        """What the next one of this range set comes after. Raises: CniError: code 5."""
        try:
            _write(self._file(f"{_LAST_RESERVED}{number}"), address)
        except OSError as fault:
            raise self._unwritable(fault) from fault

    def drop(self, address: str, container_id: str, ifname: str) -> None:
        """Remove the owner's file of this address; another's stays, and one that is not there is fine.

        Whoever has the lease may also have been ended between making the file and writing into it.

        Raises: CniError: code 5, it is still there.
        """
        for name in _file_names(address):
            try:
                _refuse_link(self.path)
                if _contents(self._file(name)) in {(container_id, ifname), ("", "")}:
                    os.unlink(self._file(name))
            except OSError as fault:
                if fault.errno not in _NOT_OURS:
                    raise self._unwritable(fault) from fault

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _opened_lock(self) -> int:
        try:
            _refuse_link(self.path)
        except FileNotFoundError:
            os.makedirs(self.path, _FOLDER_MODE, exist_ok=True)
        return _opened(self._file(_LOCK), os.O_RDWR | os.O_CREAT)

    def _wait_for(self, descriptor: int, timeout_s: float) -> None:
        ends = time.perf_counter() + timeout_s
        pause_s = _LOCK_PAUSE_S
        while True:
            try:
                _lock(descriptor)
            except OSError as fault:
                if time.perf_counter() > ends:
                    raise self._taken(timeout_s) from fault
                time.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_LOCK_PAUSE_S)
            else:
                return

    def _reservation(self, number: int) -> Reservation | None:
        for name in _file_names(address_text(number)):
            with suppress(FileNotFoundError):
                return Reservation(number, *_contents(self._file(name)))
        return None

    def _reservations(self, names: list[str]) -> tuple[list[Reservation], bool]:
        found = []
        complete = True
        for name in names:
            address = _address_of(name)
            if address is None:
                continue
            try:
                one = Reservation(address, *_contents(self._file(name)))
            except FileNotFoundError:
                complete = False
                continue
            complete = complete and one.container_id != ""
            found.append(one)
        return found, complete

    def _all_last_reserved(self, names: list[str]) -> dict[int, int]:
        found = {}
        for name in names:
            number = name.removeprefix(_LAST_RESERVED)
            if number != name and number.isdecimal():
                address = _address_of(_contents(self._file(name))[0])
                if address is not None:
                    found[int(number)] = address
        return found

    def _unreadable(self, fault: OSError) -> CniError:
        return CniError(
            IO_FAILURE,
            f'the reservations of host-local in "{self.path}" cannot be read: {fault.strerror}',
            "give this program read access, or move the folder away if no pod has an address from it",
        )

    def _unwritable(self, fault: OSError) -> CniError:
        return CniError(
            IO_FAILURE,
            f'the reservations of host-local in "{self.path}" cannot be written: {fault.strerror}',
            "make room on the disk or give this program write access; with ipam type cni-hns it needs no "
            "such files",
        )

    def _taken(self, timeout_s: float) -> CniError:
        return CniError(
            TRY_AGAIN,
            f'host-local\'s lock "{self._file(_LOCK)}" is held by another process for {timeout_s:.1f} s',
            "a host-local or a script hangs with it; end that process and try again",
        )


def _file_names(address: str) -> tuple[str, ...]:
    """What host-local calls the file of an address, this system's name first: on Windows `_` is its colon.

    There a name with a colon is no file but a stream of one; elsewhere a folder may have come from Windows.
    """
    on_windows = address.replace(":", "_")
    return (on_windows,) if _WINDOWS or on_windows == address else (address, on_windows)


def _address_of(name: str) -> int | None:
    """The address that a file is named after; host-local on Windows writes `_` for the colon."""
    try:
        return address_key(name.replace("_", ":"))
    except ValueError:
        return None


def _contents(file: str) -> tuple[str, str]:
    """(container id, ifname): two lines with CR LF on every system; the first versions wrote only one."""
    with _closing(_opened(file, os.O_RDONLY)) as descriptor:
        lines = os.read(descriptor, _LONGEST_FILE).decode(errors="replace").strip().splitlines()
    texts = [line.strip() for line in lines]
    return (texts[0] if texts else ""), (texts[1] if len(texts) > 1 else "")


def _write_new(file: str, text: str) -> None:
    """Raises: OSError: there is no such file of ours."""
    descriptor = _opened(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with _closing(descriptor):
            os.write(descriptor, text.encode())
    except OSError:
        os.unlink(file)
        raise


def _write(file: str, text: str) -> None:
    with _closing(_opened(file, os.O_WRONLY | os.O_CREAT)) as descriptor:
        os.write(descriptor, text.encode())
        os.ftruncate(descriptor, len(text))


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(file: str, flags: int) -> int:
    """A descriptor of a regular file that no link leads to. Raises OSError."""
    with suppress(FileNotFoundError):
        _refuse_link(file)
    # Opening a pipe would wait for its other end.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags | safely, _FILE_MODE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, f'"{file}" is no regular file')


def _refuse_link(path: str) -> None:
    if is_link(os.lstat(path)):
        raise OSError(errno.ELOOP, f'"{path}" is a link, and none is followed')


def _lock(descriptor: int) -> None:
    """The lock that host-local takes: flock, on Windows one byte at offset 0. Raises OSError: it is taken."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
