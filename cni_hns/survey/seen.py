"""What was read of a node, each source once."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.ledger.clock import BOOT_S

if TYPE_CHECKING:
    from cni_hns.cri.views import Sandbox
    from cni_hns.hcn.views import EndpointView, LoadBalancerView, NamespaceView, NetworkView
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentKey, AttachmentRow, Lease

__all__ = ["FileSeen", "FolderSeen", "LedgerTime", "Seen"]


class LedgerTime(NamedTuple):
    """One moment: in seconds of the ledger's clock, and in seconds since the epoch."""

    now: float
    wall: float

    def wall_of(self, moment: float) -> float | None:
        """What the clock on the wall showed; None for a moment before this boot, which nobody can tell."""
        return self.wall + moment - self.now if self._is_of_this_boot(moment) else None

    def age_s(self, moment: float) -> float:
        """How long ago it was; what was before this boot is older than anything."""
        return self.now - moment if self._is_of_this_boot(moment) else inf

    def _is_of_this_boot(self, moment: float) -> bool:
        return moment // BOOT_S == self.now // BOOT_S


class FileSeen(NamedTuple):
    """A reservation of host-local's: the file of one address, and how long ago it was written.

    `container_id` is empty where the file does not say whose it is.
    """

    address: str
    container_id: str
    ifname: str
    age_s: float


class FolderSeen(NamedTuple):
    """host-local's folder of one network. `is_shared`: each lease of this plugin has its file in it."""

    network: str
    path: str
    is_shared: bool
    files: tuple[FileSeen, ...]


class Seen(NamedTuple):
    """All objects of each kind; None where their source did not answer, an empty list where it has none.

    `sandboxes`: the container runtime's. None too where nobody asked it.

    `at_work`: the attachments that some process works on now, or that changed while all this was read.
    `folders`: host-local's, that of its default place and those that the ledger shares with it.
    `hns_uptime_s`: for how long HNS runs; 0 where nobody knows. `ledger_damage`: what the ledger's file
    holds that cannot be read, "" where it is sound. `notes` say which sources did not answer, and why;
    `of_hns` and `of_hcs` are those of these two.
    """

    namespaces: list[NamespaceView] | None = None
    endpoints: list[EndpointView] | None = None
    networks: list[NetworkView] | None = None
    systems: list[Properties] | None = None
    rows: list[AttachmentRow] | None = None
    leases: list[Lease] | None = None
    sandboxes: list[Sandbox] | None = None
    load_balancers: list[LoadBalancerView] | None = None
    hns_version: tuple[int, int] | None = None
    at_work: frozenset[AttachmentKey] = frozenset()
    time: LedgerTime | None = None
    notes: tuple[str, ...] = ()
    folders: tuple[FolderSeen, ...] | None = None
    hns_uptime_s: float = 0.0
    ledger_damage: str = ""
    of_hns: tuple[str, ...] = ()
    of_hcs: tuple[str, ...] = ()

    @property
    def is_blind(self) -> bool:
        """Whether no source answered."""
        sources = (self.namespaces, self.endpoints, self.networks, self.systems, self.rows, self.sandboxes)
        return all(one is None for one in sources)
