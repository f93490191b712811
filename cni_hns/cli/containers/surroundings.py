"""Where a compute system stands: its namespace, its pod and its endpoints, by HNS and the ledger.

HCS does not say which namespace a container joined. HNS does, for each namespace names its containers, and so
does the ledger: a sandbox has the container id of its attachment.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

from cni_hns.binding.errors import NotFound, NotSupported
from cni_hns.cli.output import print_notes
from cni_hns.hcn.listing import every
from cni_hns.hcn.statistics import EndpointStatistics
from cni_hns.hcn.views import EndpointView, NamespaceView
from cni_hns.identity import KubernetesPod
from cni_hns.survey.look import unless_it_fails

if TYPE_CHECKING:
    from cni_hns.cli.session import Session
    from cni_hns.ledger import AttachmentRow

__all__ = ["Place", "Surroundings", "counters"]


class Place(NamedTuple):
    """`pod` is the id of the sandbox, `namespace` a GUID; each empty where nobody knows it."""

    pod: str
    namespace: str
    endpoints: list[EndpointView]
    attachments: list[AttachmentRow]

    @property
    def kubernetes(self) -> KubernetesPod:
        """The pod's names, as far as the ledger keeps them."""
        return next((row.pod for row in self.attachments if row.pod.is_known), KubernetesPod())

    @property
    def addresses(self) -> list[str]:
        return [text for one in self.endpoints for text in one.address_texts]


class Surroundings:
    """What HNS and the ledger know, read once."""

    def __init__(
        self, namespaces: list[NamespaceView], endpoints: list[EndpointView], attachments: list[AttachmentRow]
    ) -> None:
        self._endpoints = endpoints
        self._attachments = attachments
        self._namespace_of = {container.lower(): one.id for one in namespaces for container in one.containers}

    @classmethod
    def of(cls, session: Session, data_dir: str | None, config: str | None) -> Self:
        """Those of this node. What cannot be read is left out, and said on stderr."""

        def attachments() -> list[AttachmentRow]:
            ledger = session.ledger(data_dir, config)
            return [] if ledger is None else ledger.attachments()

        notes: list[str] = []
        read = partial(unless_it_fails, notes)
        namespaces = read(lambda: [NamespaceView.of(one) for one in every(session.hcn.namespaces)])
        endpoints = read(lambda: [EndpointView.of(one) for one in every(session.hcn.endpoints)])
        rows = read(attachments)
        print_notes(notes)
        return cls(namespaces or [], endpoints or [], rows or [])

    def place(self, system_id: str) -> Place:
        """Where the system with this ID stands."""
        own = [row for row in self._attachments if row.key.container_id.lower() == system_id.lower()]
        namespace = self._namespace_of.get(system_id.lower()) or next(
            (row.namespace_id for row in own if row.namespace_id), ""
        )
        rows = own or [row for row in self._attachments if namespace and row.namespace_id == namespace]
        endpoints = [one for one in self._endpoints if _is_with(one, system_id, namespace)]
        return Place(rows[0].key.container_id if rows else "", namespace, endpoints, rows)


def _is_with(endpoint: EndpointView, system_id: str, namespace: str) -> bool:
    """Whether it is in the system's namespace, or in no namespace and in the system itself."""
    if endpoint.namespace:
        return endpoint.namespace == namespace
    return system_id.lower() in (one.lower() for one in endpoint.containers)


def counters(session: Session, place: Place) -> EndpointStatistics | None:
    """The counters of its endpoints together; None where it has none, or this Windows does not count."""
    found: list[EndpointStatistics] = []
    for endpoint in place.endpoints:
        try:
            with session.hcn.endpoints.open(endpoint.id) as opened:
                found.append(EndpointStatistics.of(opened.statistics()))
        except NotSupported:
            return None
        except NotFound:
            continue
    if not found:
        return None
    return EndpointStatistics("", *(sum(each) for each in zip(*(one[1:] for one in found), strict=True)))
