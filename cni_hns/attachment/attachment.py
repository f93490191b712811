"""One attachment on this node: who it is, what a call asks of it, and its row in the ledger.

Rule: a row is claimed before anything of its attachment is touched, and each write names the claim's token.
"""

from __future__ import annotations

from cni_hns.attachment.reservations import Reservations
from cni_hns.identity import KubernetesPod, endpoint_id
from cni_hns.ipam import held
from cni_hns.ledger import AttachmentKey
from cni_hns.typed import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cni_hns.cni.request import Request
    from cni_hns.ledger import AttachmentRow, Claim, Lease, Ledger
    from cni_hns.node.node import Node

__all__ = ["Attachment"]

# HNS finishes what it began when its caller was killed. For so long an endpoint is looked for that may still
# arrive, with its address set aside, and an ID is not used again that may still be deleted.
LATE_S = 600.0


class Attachment:
    """An attachment with the node that has it and the request of the call that works on it.

    The request is the attachment's own, or that of a call which finds it on its way: a repair, a GC. `pod`
    is whose it is, as its own request says, else as the ledger does.
    """

    def __init__(self, request: Request, node: Node, key: AttachmentKey) -> None:
        self.request = request
        self.node = node
        self.key = key
        self.endpoint_id = endpoint_id(*key)
        self.pod = KubernetesPod()
        self._reservations: Reservations | None = None

    @classmethod
    def of(cls, request: Request, node: Node) -> Self:
        """The attachment that this request names."""
        own = cls(request, node, AttachmentKey(*request.attachment))
        own.pod = request.pod
        return own

    def other(self, key: AttachmentKey) -> Attachment:
        """Another attachment of the same network, met on the way."""
        return Attachment(self.request, self.node, key)

    @property
    def ledger(self) -> Ledger:
        return self.node.ledger

    @property
    def words(self) -> str:
        """For messages: an operator searches a log for any of its three parts, or for the pod."""
        return self.key.words(self.pod)

    @property
    def reservations(self) -> Reservations:
        """host-local's folder, as far as this network's configuration speaks of it. Raises: CniError."""
        if self._reservations is None:
            self._reservations = Reservations.of(self.request.config, self.key.network, self.node)
        return self._reservations

    def row(self) -> AttachmentRow | None:
        """What the ledger has of it, None where it knows nothing."""
        row = self.ledger.attachment(self.key)
        self._take_name_of(row)
        return row

    def claim_to_remove(self) -> Claim:
        """Ask for it, known or not, to remove it: meanwhile nobody else works on it."""
        return self.claim("deleting")

    def claim(
        self,
        phase: str,
        *,
        namespace_id: str | None = None,
        v1_netns: str | None = None,
        fingerprint: str | None = None,
        replacing: str | None = None,
    ) -> Claim:
        """Ask for it in this process's name, to work on it as `phase` until the verb's deadline.

        What is given replaces what the row has; `replacing` is the token of the ready row that an ADD has
        looked at (`ledger.Attachments.claim`).
        """
        node = self.node
        claim = self.ledger.claim(
            self.key,
            phase,
            fingerprint=fingerprint,
            namespace_id=namespace_id,
            v1_netns=v1_netns,
            pod=self.pod,
            owner=node.owner,
            token=node.token,
            deadline_at=node.deadline_at(),
            alive=node.alive,
            replacing=replacing,
        )
        self._take_name_of(claim.before)
        return claim

    def _take_name_of(self, row: AttachmentRow | None) -> None:
        if row is not None and not self.pod.is_known:
            self.pod = row.pod

    def record(self, **columns: Any) -> bool:
        """Write down in the claimed row what is known by now; False where the row was lost."""
        return self.ledger.record(self.key, self.node.token, **columns)

    def leave(self, **columns: Any) -> None:
        """Give the claimed row up, unfinished: the next verb need not wait for this process to end."""
        self.record(deadline_at=0.0, **columns)

    def is_superseded(self) -> bool:
        """Whether another ADD has the attachment by now: the endpoint with its ID is that one's to end."""
        row = self.row()
        return row is not None and row.token != self.node.token and row.phase in {"adding", "ready"}

    def free(
        self,
        *,
        late_arrival: bool = False,
        late_deletion: bool = False,
        delete_begun: bool = False,
        until: float | None = None,
    ) -> None:
        """The files of its addresses go; then, in one transaction, row and leases; or the row stays a while.

        Such a row is a tombstone. Leases and files stay with it while the endpoint may still arrive. While
        only a deletion may still come, it is there so that the endpoint's ID is not used again: that of its
        row where `delete_begun` says so, else an earlier one. Visited again it keeps its first `until`
        (ledger time).

        Raises: CniError: code 5 or 11, a file is still there, and so is the row.
        """
        ledger, key, token = self.ledger, self.key, self.node.token
        ends = until if until is not None else ledger.now() + LATE_S
        is_over = ends <= ledger.now()
        keeps_leases = late_arrival and not is_over
        if not keeps_leases:
            self.reservations.drop(self._with_files())
        with ledger.transaction():
            if is_over or not (late_arrival or late_deletion):
                ours = ledger.remove(key, token)
            else:
                ours = ledger.entomb(key, token, until=ends, delete_begun=delete_begun)
            if ours and keeps_leases:
                held.entomb(ledger, key, until=ends)
            elif ours:
                held.release(ledger, key)

    def _with_files(self) -> Iterator[Lease]:
        """Its leases, while the row is this process's; also of addresses whose leases ended before the
        tombstone that they belong to.
        """
        row = self.row()
        if row is None or row.token != self.node.token:
            return
        leases = self.ledger.leases_of(self.key)
        yield from leases
        known = {one.address for one in leases}
        asked = [one["IpAddress"] for one in (row.request or {}).get("IpConfigurations", [])]
        yield from (held.plain_lease(self.key, one) for one in asked if one not in known)
