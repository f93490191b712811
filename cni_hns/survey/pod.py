"""A pod as all sources together tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cni_hns.binding.reading import member
from cni_hns.identity import KubernetesPod

if TYPE_CHECKING:
    from cni_hns.cri.views import Sandbox
    from cni_hns.hcn.views import EndpointView, NamespaceView
    from cni_hns.hcs.documents.properties import Properties
    from cni_hns.ledger import AttachmentRow, Lease

__all__ = ["Mismatch", "Pod", "last_verb", "port_mappings"]

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}
_VERBS = {"adding": "ADD", "ready": "ADD", "deleting": "DEL", "tombstone": "DEL"}


class Mismatch(NamedTuple):
    """Where two sources disagree: `kind` for programs, `words` for people."""

    kind: str
    words: str


class Pod(NamedTuple):
    """One sandbox and what belongs to it.

    `id` is the sandbox's, empty where nobody knows it; `namespace` the GUID, empty where nobody names one.
    `room` is that namespace as HNS has it, None where HNS has none such. `containers` are those that HCS has.
    `sandbox` is what the runtime says; None where it was not asked or does not know it.
    `is_changing`: a process works on it at this moment, so that nothing is said of mismatches.
    """

    id: str
    namespace: str
    room: NamespaceView | None
    containers: list[Properties]
    endpoints: list[EndpointView]
    attachments: list[AttachmentRow]
    leases: list[Lease]
    sandbox: Sandbox | None
    is_changing: bool
    mismatches: list[Mismatch]

    @property
    def state(self) -> str:
        """ "ok", "changing" or "mismatch"."""
        if self.is_changing:
            return "changing"
        return "mismatch" if self.mismatches else "ok"

    @property
    def kubernetes(self) -> KubernetesPod:
        """Its names: as the runtime tells them, else as the ledger keeps them."""
        if self.sandbox is not None:
            return KubernetesPod(self.sandbox.namespace, self.sandbox.name, self.sandbox.uid, self.id)
        return next((row.pod for row in self.attachments if row.pod.is_known), KubernetesPod())

    @property
    def title(self) -> str:
        """Its Kubernetes name where that is known, else its sandbox, else its namespace."""
        return self.kubernetes.full_name or self.id or self.namespace

    @property
    def addresses(self) -> list[str]:
        """As HNS has them; as the ledger leases them where no endpoint is seen."""
        if self.endpoints:
            return [text for one in self.endpoints for text in one.address_texts]
        return [f"{one.address}/{one.prefix}" for one in self.leases]


def last_verb(row: AttachmentRow) -> str:
    """The verb that wrote the row last, and whether it ended."""
    ended = "was begun" if row.is_unfinished else "ended"
    return f"{_VERBS[row.phase]} {ended}"


def port_mappings(endpoint: EndpointView) -> list[str]:
    """Host port and the pod's port: "8080 -> 80/tcp", with the host's address where it is only that."""
    found = [member(one, "Settings") for one in endpoint.policies if member(one, "Type") == "PortMapping"]
    return [
        f"{_host(member(one, 'VIP'))}{member(one, 'ExternalPort')} -> "
        f"{member(one, 'InternalPort')}/{_protocol(member(one, 'Protocol'))}"
        for one in found
        if isinstance(one, dict)
    ]


def _host(address: object) -> str:
    text = str(address or "")
    return f"[{text}]:" if ":" in text else f"{text}:" if text else ""


def _protocol(value: object) -> str:
    """A number, or a word."""
    return _PROTOCOLS.get(str(value), str(value).lower())
