"""Where an attachment's endpoint is put: what an HCN namespace and a container (HNS V1) have in common.

The verbs know the endpoint's life and nothing of this. Which place it is: `cni_hns.attachment.places`.
"""

from __future__ import annotations

from cni_hns.typed import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from cni_hns.attachment.attachment import Attachment
    from cni_hns.hcn.client import Opened
    from cni_hns.hcn.views import EndpointView
    from cni_hns.node.node import Node

__all__ = ["Door", "Endpoint", "EndpointFamily", "Place"]


class Endpoint(Protocol):
    """An endpoint in HNS that is at hand for the length of a `with`."""

    id: str

    def query(self) -> dict[str, Any]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class EndpointFamily(Protocol):
    """The endpoints of this HNS, through the API that the place is of; documents have the V2 shape."""

    def create(self, network: Opened, document: dict[str, Any], guid: str) -> Endpoint: ...
    def open(self, guid: str) -> Endpoint: ...
    def get(self, guid: str) -> dict[str, Any]: ...
    def delete(self, guid: str) -> None: ...


class Door(Protocol):
    """A place that is there, for one ADD."""

    def existing(self) -> str | None:
        """The endpoint that is to be put there, where it is another container's; None: it is to be made."""

    def adopted(self, attachment: Attachment) -> bool:
        """Whether an endpoint of a peer's was there and is in the ledger now, as the attachment's.

        Raises: CniError, ServiceError: it could not be found out.
        """

    def put(self, endpoint_id: str) -> None:
        """Put the endpoint there; it may be there already. Raises: ServiceError."""

    def has(self, view: EndpointView) -> bool:
        """Whether the endpoint is there, as HNS shows it after `put`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Place(Protocol):
    """Where one endpoint is put. `words` name it for a message."""

    namespace_id: str | None
    v1_netns: str | None
    words: str

    @property
    def is_shared(self) -> bool:
        """Whether the endpoint is another container's, which makes it and ends it."""

    def adopt(self, attachment: Attachment) -> None:
        """Take an endpoint of a peer's over into the ledger that can be found before the place is opened.

        Raises: CniError, ServiceError: it could not be found out.
        """

    def shared_endpoint(self, attachment: Attachment) -> str | None:
        """The ID of the other container's endpoint; None where there is none to share.

        Raises: CniError, ServiceError: it could not be found out.
        """

    def opened(self, attachment: Attachment) -> Door:
        """The place, open. Raises: CniError, it is not there; ServiceError, HNS or HCS could not say."""

    def family(self, node: Node) -> EndpointFamily: ...

    def document(self, wanted: dict[str, Any], node: Node) -> dict[str, Any]:
        """Of the endpoint's document what this place's API can say.

        Raises: CniError, code 7: it asks for what the API has not.
        """

    def holds(self, view: EndpointView) -> bool: ...

    def put_back(self, node: Node, view: EndpointView) -> None:
        """Put an endpoint there again that was taken out by somebody else. Raises: ServiceError."""

    def take_out(self, node: Node, endpoint_id: str) -> None:
        """Take the endpoint out; both may be gone already. Raises: ServiceError."""

    def missing(self, node: Node, endpoint_id: str | None) -> str | None:
        """That the pod is not there, in words; None where it is, or nobody can know.

        Raises: ServiceError: HNS or HCS could not say.
        """

    def differences(self, node: Node, view: EndpointView) -> list[str]:
        """How the place itself differs from one that has this endpoint, beyond `holds`."""
