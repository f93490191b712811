"""What host-local's folder and the ledger say of the same addresses, brought together.

Where a configuration says `host-local`, its folder is the truth that peers, scripts and this plugin share:
each lease has its file there, and an address with somebody else's file is given to nobody. Where it says
`cni-hns` and names a folder, what host-local left there is taken over, and nothing is written.

Rule 1: a lease is held in the ledger before its file is made, and ends only after its file is gone: whoever
is ended in between leaves a row, and that row is what repairs the rest.
Rule 2: no ADD reads the whole folder, but the first one and those that find no address otherwise.
Rule 3: where both have given an address away, the ledger keeps what it says and the log names the two.
"""

from __future__ import annotations

import time

from cni_hns.ipam.held import host_local_cursor, host_local_fact, owner_words, plain_lease, shared_folders
from cni_hns.ipam.hostlocal_files import Contents
from cni_hns.ledger.addresses import address_key, address_text
from cni_hns.ledger.rows import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.ipam.hostlocal_files import Folder, Reservation
    from cni_hns.ledger import Ledger
    from cni_hns.ledger.rows import Lease

__all__ = [
    "Takeover",
    "adopted",
    "drop",
    "import_leases",
    "is_shared",
    "share",
    "take_over",
]

# A change within the same tick of the file system's clock leaves the folder's time as it was: a time is
# trusted only once it is older than any such tick (FAT has the coarsest, two seconds).
_SETTLED_NS = 2_000_000_000
# A configuration's `dataDir` is changed now and then; pods that are there keep their files where they are.
_FOLDERS_KEPT = 4
_EMPTY = Contents([], {}, complete=True)


class Takeover(NamedTuple):
    """What reading the folder came to. `conflicts` are for the log."""

    adopted: int
    ended: int
    conflicts: list[str]


NOTHING = Takeover(0, 0, [])
"""What a look comes to where nothing has changed."""


def is_shared(ledger: Ledger, network: str, folder: Folder) -> bool:
    """Whether all leases of the network have their files in this folder."""
    return shared_folders(ledger, network)[:1] == [folder.path]


def import_leases(ledger: Ledger, network: str, folder: Folder) -> list[tuple[Lease, bool | str]]:
    """Make leases of the reservations in any folder, by hand; nothing else is changed or remembered.

    With each whether a lease was made or changed for it; words, where the ledger says otherwise.

    Raises: CniError: code 5.
    """
    return _Look.at(ledger, network, [folder], shared=None).adopt_all()


def take_over(ledger: Ledger, network: str, folders: Sequence[Folder]) -> Takeover:
    """Make leases of the reservations, and end those of files that are gone; writes nothing into a folder.

    Where nothing changed since the last time that costs one stat each. Not inside a transaction.

    Raises: CniError: code 5, a folder is there and cannot be read: its addresses could be given twice.
    """
    look = _Look.at(ledger, network, folders, shared=None)
    return NOTHING if look.is_over else look.bring_together()


def share(
    ledger: Ledger, network: str, folder: Folder, others: Sequence[Folder], timeout_s: float
) -> Takeover:
    """The same with a folder that is shared, which is made: the first time, each lease gets its file too.

    Under host-local's lock, so that nobody's half done work is seen; it is waited for `timeout_s` at most.

    Raises: CniError: code 5, a folder cannot be read or written; code 11, the lock was not to be had.
    """
    folders = [folder, *others]
    first = _Look.at(ledger, network, folders, shared=folder)
    if first.is_over:
        return NOTHING
    if first.is_of_nothing:
        return first.bring_together()
    with folder.locked(timeout_s):
        look = _Look.at(ledger, network, folders, shared=folder)
        return look.bring_together()


def drop(leases: Iterable[Lease], folder: Folder, timeout_s: float, *, is_shared: bool) -> None:
    """Remove the files of leases that are about to be released: all of them, or only those taken over.

    Raises: CniError: code 5 or 11, a file is still there.
    """
    there = [one for one in leases if is_shared or one.origin == "adopted"]
    if not there:
        return
    with folder.locked_if_there(timeout_s):
        for one in there:
            folder.drop(one.address, one.container_id, one.ifname)


class _Look:
    """One look at the folders of a network, beside what is known of the last one."""

    def __init__(
        self, ledger: Ledger, network: str, folders: Sequence[Folder], shared: Folder | None, known: object
    ) -> None:
        self._ledger = ledger
        self._network = network
        self._folders = folders
        self._shared = shared
        self._times = [one.changed_ns() for one in folders]
        facts: dict[str, Any] = known if isinstance(known, dict) else {}
        self._is_the_same = facts.get("folders") == [one.path for one in folders]
        self._shared_before: list[str] = facts.get("shared", [])
        self._is_shared = shared is not None and self._shared_before[:1] == [shared.path]
        self._known_times = facts.get("times")
        self._addresses: set[int] = set()

    @classmethod
    def at(cls, ledger: Ledger, network: str, folders: Sequence[Folder], *, shared: Folder | None) -> Self:
        return cls(ledger, network, folders, shared, ledger.fact(host_local_fact(network)))

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to see: no folder, or what was seen the last time."""
        if self._shared is not None and not self._is_shared:
            return False
        return not any(self._times) or (self._is_the_same and self._times == self._known_times)

    @property
    def is_of_nothing(self) -> bool:
        """Whether there is no folder, and no lease that would need a file in it: none is made for a look."""
        return not any(self._times) and not self._without_a_file(_EMPTY)

    def bring_together(self) -> Takeover:
        """Read the folders; one transaction; then the files that leases lack in a shared one."""
        contents = [
            one.read() for one, changed_ns in zip(self._folders, self._times, strict=True) if changed_ns
        ]
        with self._ledger.transaction():
            taken = self._take(contents)
            missing = self._without_a_file(self._of_shared(contents)) if self._is_new else []
        for lease in missing:
            self._folders[0].reserve(lease.address, lease.container_id, lease.ifname)
        complete = not missing and all(one.complete for one in contents)
        self._keep([_trusted(changed_ns) if complete else None for changed_ns in self._times])
        return taken

    def adopt_all(self) -> list[tuple[Lease, bool | str]]:
        """Leases of all reservations, in one transaction."""
        found = [one for folder in self._folders for one in folder.read().reservations]
        with self._ledger.transaction():
            return [(adopted(self._network, one), self._adopt(one)) for one in found]

    def _of_shared(self, contents: list[Contents]) -> Contents:
        """What the shared folder, which comes first, has; nothing where it is not there."""
        return contents[0] if self._times[0] else _EMPTY

    @property
    def _is_new(self) -> bool:
        return self._shared is not None and not self._is_shared

    def _keep(self, times: list[int | None]) -> None:
        folders = [one.path for one in self._folders]
        now = [] if self._shared is None else [self._shared.path]
        shared = [*now, *(one for one in self._shared_before if one not in now)][:_FOLDERS_KEPT]
        known = {"folders": folders, "times": times, "shared": shared}
        self._ledger.keep_fact(host_local_fact(self._network), known)

    def _take(self, contents: list[Contents]) -> Takeover:
        reservations = [one for each in contents for one in each.reservations]
        self._addresses = {one.address for one in reservations}
        for number, address in (item for each in contents for item in each.last_reserved.items()):
            self._ledger.keep_cursor(self._network, host_local_cursor(number), address)
        outcomes = [self._adopt(one) for one in reservations]
        conflicts = [one for one in outcomes if isinstance(one, str)]
        return Takeover(outcomes.count(True), self._end_the_vanished(), conflicts)

    def _without_a_file(self, contents: Contents) -> list[Lease]:
        """Leases that this plugin gave to pods and owners, and of which the shared folder knows nothing."""
        there = {one.address for one in contents.reservations}
        return [
            lease
            for lease in self._ledger.leases(self._network, all=True)
            if lease.state != "quarantined"
            and lease.origin in {"allocated", "reserved"}
            and address_key(lease.address) not in there
        ]

    def _adopt(self, one: Reservation) -> bool | str:
        """Whether a lease was made or changed; words, where the ledger says otherwise."""
        ledger = self._ledger
        lease = adopted(self._network, one)
        there = ledger.lease_at(self._network, one.address)
        if there is None:
            ledger.hold(lease)
            return True
        if self._is_anothers_now(there, one):
            ledger.change_lease(lease)
            return True
        if there.key == lease.key or "" in {there.container_id, one.container_id}:
            return self._note_the_file(there, one)
        given, holder = owner_words(lease, ledger), owner_words(there, ledger)
        return f"host-local gave {lease.address} to {given}; {holder} has it"

    def _is_anothers_now(self, there: Lease, one: Reservation) -> bool:
        """The address was set aside, or host-local gave it to another pod since the last look."""
        if there.state == "quarantined":
            return True
        if one.container_id in {"", there.container_id}:
            return False
        return there.state == "entombed" or (
            self._is_the_same
            and there.origin == "adopted"
            and there.container_id != ""
            and self._ledger.attachment(there.key) is None
        )

    def _note_the_file(self, there: Lease, one: Reservation) -> bool:
        """Ours already; a file that was incomplete at the last look says by now whose it is."""
        known = there
        if not there.container_id:
            known = known._replace(container_id=one.container_id, ifname=one.ifname)
        if self._shared is None:
            known = known._replace(origin="adopted")
        if known != there:
            self._ledger.change_lease(known)
        return False

    def _end_the_vanished(self) -> int:
        """Somebody released these; an attachment that this plugin knows keeps its address still.

        So do all where another folder is read than the last time: it says nothing about theirs.
        """
        return sum(
            self._end(lease)
            for lease in self._ledger.leases(self._network)
            if address_key(lease.address) not in self._addresses
        )

    def _end(self, lease: Lease) -> bool:
        ledger = self._ledger
        row = ledger.attachment(lease.key)
        is_others = lease.origin == "adopted" or (self._is_shared and lease.origin == "reserved")
        if is_others and self._is_the_same and row is None:
            return ledger.free(self._network, address_key(lease.address))
        if lease.origin == "adopted" and not self._is_shared:
            ledger.change_lease(lease._replace(origin="allocated"))
        if self._is_shared and row is not None:
            # A peer has deleted the pod, it seems: that is soon looked at.
            ledger.doubt(row)
        return False


def _trusted(changed_ns: int | None) -> int | None:
    """The folder's time, if no later change can have the same."""
    is_old = changed_ns is not None and time.time_ns() - changed_ns > _SETTLED_NS
    return changed_ns if is_old else None


def adopted(network: str, one: Reservation) -> Lease:
    """The lease of a reservation that is somebody else's."""
    key = AttachmentKey(network, one.container_id, one.ifname)
    return plain_lease(key, address_text(one.address))._replace(origin="adopted")
