"""Endpoints through HNS V1, spoken to as V2's family is: documents are V2's, objects are used in a `with`."""

from __future__ import annotations

from cni_hns.binding.errors import MalformedAnswer, NotFound
from cni_hns.binding.texts import json_text
from cni_hns.hns.documents import as_v1, as_v2
from cni_hns.identity import guid as canonical
from cni_hns.typed import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from cni_hns.hns.client import Hns

__all__ = ["V1Endpoint", "V1Endpoints"]


class _Identified(Protocol):
    """What is read of an open HCN network."""

    @property
    def id(self) -> str: ...


class V1Endpoint:
    """An endpoint. V1 has no handles: there is nothing to close."""

    def __init__(self, hns: Hns, guid: str) -> None:
        self.id = guid
        self._hns = hns

    def query(self) -> dict[str, Any]:
        """Its document as it is now. Raises: NotFound if HNS says that there is none."""
        return as_v2(_object(self._hns.request("GET", f"/endpoints/{self.id}"), f"GET /endpoints/{self.id}"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to give back."""


class V1Endpoints:
    """The endpoints of all networks. Failing calls are ServiceErrors."""

    def __init__(self, hns: Hns) -> None:
        self._hns = hns

    def open(self, guid: str) -> V1Endpoint:
        """The endpoint with this GUID; whether it is there shows when it is queried."""
        return V1Endpoint(self._hns, guid)

    def get(self, guid: str) -> dict[str, Any]:
        """The endpoint's document. Raises: NotFound if HNS says that there is none."""
        return V1Endpoint(self._hns, guid).query()

    def create(self, network: _Identified, document: dict[str, Any], guid: str) -> V1Endpoint:
        """A new endpoint on the network. Whether V1 keeps to the ID asked for is not known: see its `id`."""
        v1, _, _ = as_v1({**document, "ID": guid, "HostComputeNetwork": network.id})
        made = _object(self._hns.request("POST", "/endpoints/", json_text(v1)), "POST /endpoints/")
        found = canonical(as_v2(made)["ID"])
        if found is None:
            raise MalformedAnswer("HNSCall POST /endpoints/", "", 0, "an endpoint without an ID")
        return V1Endpoint(self._hns, found)

    def delete(self, guid: str) -> None:
        """Delete the endpoint. Raises: NotFound if HNS says that there is none."""
        self._hns.request("DELETE", f"/endpoints/{guid}")

    def detach(self, guid: str, container: str) -> None:
        """Take the endpoint from one of the containers that share it, whether or not that still runs.

        Raises: NotFound if HNS says that there is no such endpoint.
        """
        body = json_text({"ContainerId": container, "SystemType": "Container"})
        self._hns.request("POST", f"/endpoints/{guid}/detach", body)

    def has(self, guid: str, container: str) -> bool:
        """Whether the container is one of those that share the endpoint; False for one that is not there."""
        try:
            document = self.get(guid)
        except NotFound:
            return False
        return any(container.lower() in str(one).lower() for one in document["SharedContainers"])


def _object(output: Any, operation: str) -> dict[str, Any]:
    if not isinstance(output, dict):
        raise MalformedAnswer(f"HNSCall {operation}", "", 0, "no endpoint")
    return output
