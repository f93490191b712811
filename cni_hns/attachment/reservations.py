"""An attachment's addresses in host-local's folder: what stands there is true for peers and scripts too.

Which folder that is, and whether it is written or only read, follows from the configuration; how folder
and ledger are brought together is `cni_hns.ipam.hostlocal`. Where the configuration has no host-local, all
of this does nothing.
"""

from __future__ import annotations

from cni_hns.dialects.essentials import ipam_source
from cni_hns.ipam.held import shared_folders
from cni_hns.typed import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cni_hns.ipam.held import Allocated
    from cni_hns.ipam.hostlocal_files import Folder, Reservation
    from cni_hns.ledger import AttachmentKey, Lease
    from cni_hns.node.node import Node

__all__ = ["Reservations"]

# Of the time that is left, so much is spent on waiting for host-local's lock.
_PATIENT_SHARE = 0.5


class Reservations(NamedTuple):
    """The folders of one network: `shared` is written, `read` are those whose reservations count as well."""

    node: Node
    network: str
    shared: Folder | None
    read: list[Folder]

    @classmethod
    def of(cls, config: dict[str, Any], network: str, node: Node) -> Self:
        """Those that the configuration speaks of; lenient, as DEL has no plan.

        Raises: CniError: code 7, no folder of Windows can have the network's name.
        """
        source = ipam_source(config)
        if source.shared_folder is None and not source.read_folders:
            return cls(node, network, None, [])
        from cni_hns.ipam.hostlocal_files import Folder

        written = source.shared_folder
        if written == "":
            written = node.machine.host_local_folder()
        return cls(
            node,
            network,
            None if written is None else Folder.of(written, network),
            [Folder.of(one, network) for one in source.read_folders],
        )

    @classmethod
    def known(cls, network: str, node: Node) -> Self:
        """What the ledger knows of the network's folder, where no configuration is at hand."""
        from cni_hns.ipam.hostlocal_files import Folder

        paths = shared_folders(node.ledger, network)
        return cls(node, network, Folder(paths[0]) if paths else None, [])

    @property
    def is_configured(self) -> bool:
        """Whether the configuration speaks of a folder at all."""
        return self.shared is not None or bool(self.read)

    def prepare(self) -> None:
        """For an ADD: the first time, the folder is read and all leases get their files.

        Raises: CniError: code 5 or 11, addresses could be given twice.
        """
        if not self.is_configured:
            return
        from cni_hns.ipam import hostlocal

        if self.shared is None or not hostlocal.is_shared(self.node.ledger, self.network, self.shared):
            self.look(make=True)

    def look(self, *, make: bool = False) -> None:
        """Read the folders, if they changed since the last time: what others reserved and released counts.

        Raises: CniError: code 5 or 11.
        """
        if not self.is_configured:
            return
        from cni_hns.ipam import hostlocal

        shared, ledger = self.shared, self.node.ledger
        if shared is not None and (make or shared.changed_ns() is not None):
            taken = hostlocal.share(ledger, self.network, shared, self.read, self._patience_s)
        elif self.read:
            taken = hostlocal.take_over(ledger, self.network, self.read)
        else:
            return
        for conflict in taken.conflicts:
            self.node.log.event(f"a reservation of host-local was not taken over: {conflict}", "warning")

    def last_reserved(self, count: int) -> dict[int, int]:
        """What so many range sets gave last, by their number, whoever it was."""
        if self.shared is None:
            return {}
        found = {number: self.shared.last_reserved(number) for number in range(count)}
        return {number: address for number, address in found.items() if address is not None}

    def make(
        self, key: AttachmentKey, addresses: Sequence[Allocated | Lease], *, in_turn: bool = True
    ) -> list[Reservation]:
        """Make the files of these addresses; gives those that somebody else has.

        `in_turn`: they come from the range sets in their order, and the next ADD takes what follows.

        Raises: CniError: code 5 or 11.
        """
        if self.shared is None or not addresses:
            return []
        with self.shared.locked(self._patience_s):
            owner = key.container_id, key.ifname
            others = [self.shared.reserve(one.address, *owner) for one in addresses]
            for number, one in enumerate(addresses):
                if others[number] is None and in_turn:
                    self.shared.keep_last_reserved(number, one.address)
        return [one for one in others if one is not None]

    def drop(self, leases: Iterable[Lease]) -> None:
        """Remove the files of leases that are about to be released; without any folder none is asked for.

        The folders are the ledger's too: a configuration may be changed, or not at hand, when its pods go.

        Raises: CniError: code 5 or 11, a file is still there.
        """
        written = [] if self.shared is None else [self.shared.path]
        written += shared_folders(self.node.ledger, self.network)
        if not written and not self.read:
            return
        from cni_hns.ipam import hostlocal
        from cni_hns.ipam.hostlocal_files import Folder

        leases = list(leases)
        for path in dict.fromkeys(written):
            hostlocal.drop(leases, Folder(path), self._patience_s, is_shared=True)
        for one in self.read:
            hostlocal.drop(leases, one, self._patience_s, is_shared=False)

    def differences(self, leases: Iterable[Lease]) -> list[str]:
        """Leases whose files are not there, in words: host-local would give their addresses to others."""
        shared = self.shared
        if shared is None:
            return []
        from cni_hns.ipam import hostlocal

        if not hostlocal.is_shared(self.node.ledger, self.network, shared):
            return []
        found = []
        for lease in leases:
            holder = shared.holder(lease.address)
            if holder is None:
                found.append(f'address {lease.address} has no reservation in "{shared.path}"')
            elif holder.container_id != lease.container_id:
                found.append(f'address {lease.address} is reserved for {holder.words} in "{shared.path}"')
        return found

    @property
    def _patience_s(self) -> float:
        return self.node.deadline.left_s() * _PATIENT_SHARE
