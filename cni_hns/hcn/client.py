"""The Host Compute Network V2 client: object families, open objects, documents as plain dicts.

    with hcn.networks.open(network_id) as network, hcn.endpoints.create(network, document) as endpoint:
        print(endpoint.query())

Rule 1: every opened object is a context manager; a close that fails during another error joins it as a note.
Rule 2: nothing is looked up twice and nothing enumerated that an ID can open.
"""

from __future__ import annotations

import json

from cni_hns.binding.errors import MalformedAnswer, ServiceError
from cni_hns.binding.reading import member
from cni_hns.binding.service import ENDPOINT, LOAD_BALANCER, NAMESPACE, NETWORK, SDN_ROUTE
from cni_hns.binding.texts import json_text as _text
from cni_hns.hcn.documents import query
from cni_hns.identity import ZERO_GUID
from cni_hns.identity import guid as canonical
from cni_hns.typed import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

    from cni_hns.binding.service import Handle, ObjectKind, Service
    from cni_hns.hcn.notifications import Notified

__all__ = ["CreatableFamily", "Endpoints", "Family", "Hcn", "Opened", "OpenedEndpoint"]


class Hcn:
    """The object families of one HNS. Failing calls are ServiceErrors."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.networks = CreatableFamily(service, NETWORK)
        self.endpoints = Endpoints(service, ENDPOINT)
        self.namespaces = CreatableFamily(service, NAMESPACE)
        self.load_balancers = CreatableFamily(service, LOAD_BALANCER)
        self.sdn_routes = CreatableFamily(service, SDN_ROUTE)

    def watch(self, notified: Notified) -> AbstractContextManager[None]:
        """Call `notified(code name, hresult, document)` for what happens to HNS's objects, in the `with`.

        It is called on a thread of the service.
        """
        from cni_hns.hcn.notifications import watch

        return watch(self._service, notified)


class Opened:
    """An open object. `id` is its GUID, empty for a new one whose ID HNS chose until it is queried."""

    def __init__(self, service: Service, handle: Handle, guid: str) -> None:
        self.id = guid
        self._service = service
        self._handle = handle

    @property
    def handle(self) -> Handle:
        """For the calls that take an open object as an argument."""
        return self._handle

    def query(self, schema_major: int = 2) -> dict[str, Any]:
        """The object's document in the shape of this schema version."""
        text = self._service.query(self._handle, _text(query(schema_major=schema_major)))
        document = _document(text, f"HcnQuery{self._handle.kind.singular}Properties", self._handle)
        if not self.id:
            found = member(document, "ID")
            self.id = canonical(found) or "" if isinstance(found, str) else ""
        return document

    def modify(self, request: dict[str, Any]) -> None:
        """Change the object as the ModifySettingRequest says."""
        change = (
            f"{member(request, 'RequestType') or 'Update'} {member(request, 'ResourceType') or 'settings'}"
        )
        self._service.modify(self._handle, _text(request), change)

    def close(self) -> None:
        """Give the handle back; the object stays. A second time does nothing.

        Raises:
            ServiceError: HNS refused; the handle counts as closed all the same.
        """
        self._service.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except ServiceError as fault:
            # What was done with the handle is done: losing it afterwards changes no answer.
            self._service.warn(f"a handle was not closed: {fault}")
            if error is not None:
                error.add_note(f"besides, a handle was not closed: {fault}")


class OpenedEndpoint(Opened):
    """An open endpoint."""

    def statistics(self) -> dict[str, Any]:
        """Bytes, packets and drops; `cni_hns.hcn.statistics` reads them.

        Raises:
            NotSupported: this Windows does not have the function, which Microsoft does not document.
        """
        text = self._service.statistics(self._handle, _text(query()))
        return _document(text, "HcnQueryEndpointStats", self._handle)


class Family:
    """All objects of one kind."""

    def __init__(self, service: Service, kind: ObjectKind) -> None:
        self._service = service
        self._kind = kind

    def ids(self, **filter_by: object) -> list[str]:
        """The GUIDs (lower case) of the objects whose members equal these; of all without any.

        A snapshot: each of them may be gone when it is opened.
        """
        function = f"HcnEnumerate{self._kind.plural}"
        text = self._service.enumerate(self._kind, _text(query(filter_by)))
        try:
            found = json.loads(text) if text else []
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list):
            raise MalformedAnswer(function, "", 0, text)
        ids = [canonical(one) if isinstance(one, str) else None for one in found]
        if None in ids:
            raise MalformedAnswer(function, "", 0, text)
        return [one for one in ids if one is not None]

    def open(self, guid: str) -> Opened:
        """The object with this GUID. Raises: NotFound if HNS says that there is none."""
        return Opened(self._service, self._service.open(self._kind, guid), guid.lower())

    def get(self, guid: str) -> dict[str, Any]:
        """The object's document, by an open of its own. Raises: NotFound if HNS says that there is none."""
        with self.open(guid) as opened:
            return opened.query()

    def delete(self, guid: str) -> None:
        """Delete the object. Raises: NotFound if HNS says that there is none."""
        self._service.delete(self._kind, guid)


class CreatableFamily(Family):
    """A family whose objects are created on their own."""

    def create(self, document: dict[str, Any], guid: str = ZERO_GUID) -> Opened:
        """A new object; HNS chooses its ID where neither the document nor `guid` gives one."""
        settings, chosen = _identified(document, guid)
        handle = self._service.create(self._kind, _text(settings), _label(settings, chosen))
        return Opened(self._service, handle, chosen)


class Endpoints(Family):
    """The endpoints of all networks."""

    def open(self, guid: str) -> OpenedEndpoint:
        """The endpoint with this GUID. Raises: NotFound if HNS says that there is none."""
        return OpenedEndpoint(self._service, self._service.open(self._kind, guid), guid.lower())

    def create(self, network: Opened, document: dict[str, Any], guid: str = ZERO_GUID) -> OpenedEndpoint:
        """A new endpoint on an open network; its ID as in `CreatableFamily.create`."""
        settings, chosen = _identified(document, guid)
        handle = self._service.create(self._kind, _text(settings), _label(settings, chosen), network.handle)
        return OpenedEndpoint(self._service, handle, chosen)


def _identified(document: dict[str, Any], guid: str) -> tuple[dict[str, Any], str]:
    """The document with its ID, and the ID; "" where HNS is to choose.

    The zero GUID, here and as the call's own `Id` argument, stands for "not given".
    """
    if guid != ZERO_GUID:
        return {**{name: value for name, value in document.items() if name.lower() != "id"}, "ID": guid}, guid
    given = member(document, "ID")
    return document, canonical(given) or "" if isinstance(given, str) and given != ZERO_GUID else ""


def _label(settings: dict[str, Any], guid: str) -> str:
    """How errors and the log name an object that does not exist yet."""
    name = member(settings, "Name")
    return " ".join([f'"{name}"', guid] if name and guid else [f'"{name}"' if name else guid or "(new)"])


def _document(text: str, function: str, handle: Handle) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise MalformedAnswer(function, f"{handle.kind.words} {handle.target}", 0, text)
    return document
