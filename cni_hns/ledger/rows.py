"""What the ledger hands out: rows as plain values."""

from __future__ import annotations

from cni_hns.binding.processes import Owner
from cni_hns.identity import KubernetesPod, is_endpoint_of, shared_with
from cni_hns.typed import Any, NamedTuple

__all__ = ["TAKEN_OVER", "AttachmentKey", "AttachmentRow", "Claim", "KnownNetwork", "Lease"]


TAKEN_OVER = "TakenOver"
"""The member of `request` with the ID of an endpoint that another plugin made; HNS is never sent it."""

_NOBODY = KubernetesPod()


class AttachmentKey(NamedTuple):
    """CNI's identity of an attachment (SPEC, section 3): network name, container id, interface name."""

    network: str
    container_id: str
    ifname: str

    def words(self, pod: KubernetesPod = _NOBODY) -> str:
        """For messages: an operator searches a log for any of the three, or for the pod."""
        named = f" (pod {pod.full_name})" if pod.full_name else ""
        return f'attachment {self.ifname} of container {self.container_id}{named} to network "{self.network}"'


class AttachmentRow(NamedTuple):
    """One attachment and how far it is.

    `phase`: "adding" or "deleting" while `owner` works on it, "ready", or "tombstone": deleted, but HNS may
    still be finishing an ADD that was killed, so verbs look for its endpoint again until `until`.
    `fingerprint`: digest of the request, to tell a repeated ADD from another one.
    `request`: the HCN endpoint document that was sent. `result`: the CNI result that was printed, as text.
    `token`: changes with each claim; who holds an older one has lost the row.
    `namespace_id`: the HCN namespace that its endpoint is in. `v1_netns`: for one that was attached through
    HNS V1 instead, the CNI_NETNS that says to which container: `none`, or `container:<id>` for a shared
    endpoint.
    `plugin`: the external IPAM plugin that gave its addresses, None where it was this one or HNS.
    `delete_begun`: a deletion of the endpoint was begun, and nobody knows that it has ended.
    `look_at`: when it is next looked whether its pod is still there; `gone_at`: when it was first seen gone.
    `pod`: the names that Kubernetes has for its pod, as far as a runtime told them.
    `deadline_at`, `until`, `updated_at`, `look_at`, `gone_at`: seconds of the ledger's clock.
    """

    key: AttachmentKey
    phase: str
    endpoint_id: str | None
    hcn_network_id: str | None
    namespace_id: str | None
    fingerprint: str | None
    request: dict[str, Any] | None
    result: str | None
    owner: Owner
    token: str
    deadline_at: float
    until: float | None
    updated_at: float
    look_at: float
    gone_at: float | None
    plugin: str | None
    delete_begun: bool
    v1_netns: str | None = None
    pod: KubernetesPod = _NOBODY

    def words(self) -> str:
        """For messages: the attachment, and its pod where that is known."""
        return self.key.words(self.pod)

    @property
    def netns(self) -> str:
        """What an ADD of it would have in CNI_NETNS."""
        return self.v1_netns or self.namespace_id or ""

    @property
    def is_unfinished(self) -> bool:
        """Whether a verb has begun with it and not ended."""
        return self.phase in {"adding", "deleting"}

    @property
    def is_shared(self) -> bool:
        """Whether its endpoint is another container's."""
        return shared_with(self.v1_netns) is not None

    @property
    def is_of_a_peer(self) -> bool:
        """Whether its endpoint was made by another plugin: no ADD of this one ever uses its ID again."""
        return self.endpoint_id is not None and (self.request or {}).get(TAKEN_OVER) == self.endpoint_id

    def may_go_late(self, usual_endpoint_id: str) -> bool:
        """Whether a deletion that was begun earlier may still take an endpoint of this attachment."""
        if self.endpoint_id is None or self.is_shared:
            return False
        # Of an ID that HNS V1 or a peer chose there is no earlier generation.
        is_later = self.endpoint_id != usual_endpoint_id and is_endpoint_of(self.endpoint_id, *self.key)
        return self.delete_begun or is_later


class Claim(NamedTuple):
    """What asking for an attachment came to, and the row as it was before (None if there was none).

    `kind`: "new" and "taken_over": the row is the caller's now; "taken_over" hands it what another left.
    "ready": a finished ADD, untouched. "busy": a living owner is at work, untouched.
    """

    kind: str
    before: AttachmentRow | None

    @property
    def ours(self) -> bool:
        return self.kind in {"new", "taken_over"}


class Lease(NamedTuple):
    """An address that is not free.

    `state`: "held" by the attachment; "quarantined" after HNS refused it; "entombed" with its attachment.
    `until`: when a quarantined or entombed address is free again (ledger time), else None.
    `origin`: "allocated" here, "adopted" from host-local, which has a file for it, given by "hns",
    or "reserved" by an operator for the owner that stands in `container_id`.
    `range_set`: the range set it came from, as `RangeSet.label` spells it; empty where it came from none.
    """

    network: str
    address: str
    container_id: str
    ifname: str
    range_set: str
    prefix: int
    gateway: str | None
    origin: str
    state: str
    until: float | None

    @property
    def id(self) -> str:
        return f"{self.network}/{self.address}"

    @property
    def key(self) -> AttachmentKey:
        return AttachmentKey(self.network, self.container_id, self.ifname)


class KnownNetwork(NamedTuple):
    """An HCN network as HNS last showed it: its GUID and its document."""

    name: str
    hcn_id: str
    document: dict[str, Any]
