"""The Kubernetes API: list, get, create, patch, delete and watch.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import copy
import http.client
import json
import threading
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from cni_hns import __version__
from cni_hns.cluster.api.answers import Answer, Words
from cni_hns.cluster.api.asked import Asked, Resource
from cni_hns.cluster.api.bearer import Bearer
from cni_hns.cluster.api.connections import Connections, Request, TooLong
from cni_hns.cluster.api.credentials import Access, server_of
from cni_hns.cluster.api.faults import Closed, Expired
from cni_hns.cluster.api.tls import BadCertificate, Tls
from cni_hns.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Api", "Listing", "Resource", "WatchEvent"]

JsonPatch = list[dict[str, Any]]
PatchKind = Literal["merge", "strategic", "json", "apply"]

# https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
_PATCHES: Mapping[str, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
_JSON = "application/json"
_MANAGER = "cni-hns"
# An object in etcd has 1.5 MiB at most; escaped, JSON may be several times as long.
_LONGEST_LINE = 16 << 20
# What the server may be late by, after the seconds that it was told to watch for.
_LATE_S = 15.0
_CHANGES = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}
_FAILED = OSError, http.client.HTTPException, BadCertificate, Closed


class Listing(NamedTuple):
    """All objects of a collection, and the point in its history to watch on from."""

    items: list[dict[str, Any]]
    resource_version: str


class WatchEvent(NamedTuple):
    """`kind` is ADDED, MODIFIED, DELETED or BOOKMARK; a bookmark's object has only a resourceVersion."""

    kind: str
    object: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """The point in the collection's history that this event has led to."""
        return str(self.object.get("metadata", {}).get("resourceVersion", ""))


class Tally:
    """How many requests had which outcome: HTTP's status, 0 for none. Shared by all twins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()

    def add(self, verb: str, status: int) -> None:
        with self._lock:
            self._counts[verb, status] += 1

    def counts(self) -> dict[tuple[str, int], int]:
        """(Kubernetes' verb, HTTP status) -> how often."""
        with self._lock:
            return dict(self._counts)


class Api:
    """One API, for any number of threads. Every request ends within `timeout_s`; what fails is an ApiFault.

    Raises: ValueError: the server's URL is none (`credentials.server_of`).
    """

    def __init__(
        self, access: Access, timeout_s: float = 10.0, agent: str = f"{_MANAGER}/{__version__}"
    ) -> None:
        self.timeout_s = timeout_s
        self.tally = Tally()
        self._access = access
        self._agent = agent
        self._words = Words(access)
        self._bearer = Bearer(access)
        self._tls = Tls(access)
        self._connections = self._new_connections()

    def twin(self) -> Api:
        """Another one for the same API, with connections of its own: to close it leaves this one as it is."""
        other = copy.copy(self)
        other._connections = self._new_connections()  # noqa: SLF001 - one of this class
        return other

    def close(self) -> None:
        """End all that waits in this one, from any thread: it is answered with Closed."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(
        self, resource: Resource, *, label_selector: str = "", field_selector: str = "", limit: int = 500
    ) -> Listing:
        """The whole collection as it is now, page by page; an incomplete one is never given.

        It is asked without a resourceVersion, so that no old copy of an API server answers: what is missing
        from it is gone. A walk that takes longer than the server keeps its pages is done again without pages.
        """
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        try:
            return self._pages(resource, limit, selectors)
        except Expired:
            return self._pages(resource, 0, selectors)

    def get(self, resource: Resource, name: str) -> dict[str, Any]:
        """The object. Raises: ApiFault; Missing: there is none."""
        return self._call(Asked("get", resource, name), "GET")

    def create(
        self,
        resource: Resource,
        document: Mapping[str, Any],
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """The object as it was made; with `name` and `subresource`, what is made below one, such as a token.

        Raises: ApiFault; Conflict with the reason AlreadyExists: somebody else has made it.
        """
        asked = Asked("create", resource, name, subresource)
        query = {"fieldManager": _MANAGER, **_dry(dry_run)}
        return self._call(asked, "POST", document, query=query)

    def patch(
        self,
        resource: Resource,
        name: str,
        patch: Mapping[str, Any] | JsonPatch,
        *,
        kind: PatchKind = "merge",
        subresource: str = "",
        force: bool = False,
        field_manager: str = _MANAGER,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """The object as it is afterwards; `force` takes fields over from others that applied them.

        Raises: ApiFault; Conflict: it has another resourceVersion, or its fields are others' (apply).
        """
        query = {"fieldManager": field_manager, **_dry(dry_run)}
        if kind == "apply" and force:
            query["force"] = "true"
        asked = Asked("patch", resource, name, subresource)
        return self._call(asked, "PATCH", patch, _PATCHES[kind], query)

    def delete(self, resource: Resource, name: str, *, uid: str = "", resource_version: str = "") -> None:
        """Delete the object, if it is still the one with this uid, at this version.

        Raises: ApiFault; Missing: it is gone already. Conflict: it is another one.
        """
        given = {"uid": uid, "resourceVersion": resource_version}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {key: value for key, value in given.items() if value},
        }
        self._call(Asked("delete", resource, name), "DELETE", options)

    def watch(
        self,
        resource: Resource,
        resource_version: str,
        *,
        timeout_s: float,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Iterator[WatchEvent]:
        """What changes from there on, until the server ends it after `timeout_s`.

        Raises: ApiFault, while it is iterated; Expired: list anew. Away: it was cut off. Closed.
        """
        asked = Asked("watch", resource)
        path = Asked("list", resource).path(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=max(1, int(timeout_s)),
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        try:
            yield from self._watched(asked, path, timeout_s)
        except TooLong as fault:
            raise self._words.strange(asked, str(fault)) from fault
        except _FAILED as fault:
            self._words.raise_for(asked, fault, timeout_s + _LATE_S)

    def _watched(self, asked: Asked, path: str, timeout_s: float) -> Iterator[WatchEvent]:
        while True:
            token = self._bearer.token()
            request = Request("GET", path, self._headers(token))
            with self._connections.reply(request, Deadline(self.timeout_s)) as reply:
                self.tally.add(asked.verb, reply.status)
                if reply.status == http.HTTPStatus.OK:
                    for line in reply.lines(Deadline(timeout_s + _LATE_S), _LONGEST_LINE):
                        yield self._event(asked, line)
                    return
                refusal = self._words.refusal(asked, reply.whole())
            if reply.status != http.HTTPStatus.UNAUTHORIZED or not self._bearer.has_another(token):
                raise refusal

    def _event(self, asked: Asked, line: bytes) -> WatchEvent:
        document = self._words.parsed(asked, line)
        kind, found = document.get("type"), document.get("object")
        if not isinstance(found, dict):
            raise self._words.strange(asked, "an event has no object")
        if kind == "ERROR":
            raise self._words.of_status(asked, found)
        if kind not in _CHANGES or not isinstance(found.get("metadata"), dict):
            raise self._words.strange(asked, "an event is of no known kind")
        return WatchEvent(str(kind), found)

    def _pages(self, resource: Resource, limit: int, selectors: Mapping[str, str]) -> Listing:
        asked = Asked("list", resource)
        items: list[dict[str, Any]] = []
        follows = ""
        while True:
            query: dict[str, str | int] = {"limit": limit, "continue": follows, **selectors}
            page = self._call(asked, "GET", query=query)
            about, found = page.get("metadata"), page.get("items", ())
            # An empty list is null where Go made it.
            found = [] if found is None else found
            if not isinstance(about, dict) or not about.get("resourceVersion") or not isinstance(found, list):
                raise self._words.strange(asked, "the answer is no list of Kubernetes")
            items += found
            follows = about.get("continue") or ""
            if not follows:
                return Listing(items, str(about["resourceVersion"]))

    def _call(
        self,
        asked: Asked,
        method: str,
        document: object = None,
        content_type: str = _JSON,
        query: Mapping[str, str | int] | None = None,
    ) -> dict[str, Any]:
        deadline = Deadline(self.timeout_s)
        body = None if document is None else json.dumps(document).encode()
        path = asked.path(**(query or {}))
        token = self._bearer.token()
        answer = self._sent(asked, Request(method, path, self._headers(token, content_type), body), deadline)
        if answer.status == http.HTTPStatus.UNAUTHORIZED and self._bearer.has_another(token):
            headers = self._headers(self._bearer.token(), content_type)
            answer = self._sent(asked, Request(method, path, headers, body), deadline)
        return self._words.document(asked, answer)

    def _sent(self, asked: Asked, request: Request, deadline: Deadline) -> Answer:
        status = 0
        try:
            answer = self._connections.exchange(request, deadline)
            status = answer.status
            return answer
        except TooLong as fault:
            raise self._words.strange(asked, str(fault)) from fault
        except _FAILED as fault:
            self._words.raise_for(asked, fault, deadline.timeout_s)
        finally:
            self.tally.add(asked.verb, status)

    def _headers(self, token: str, content_type: str = "") -> dict[str, str]:
        headers = {"Accept": _JSON, "User-Agent": self._agent}
        if content_type:
            headers["Content-Type"] = content_type
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _new_connections(self) -> Connections:
        access = self._access
        return Connections(server_of(access.server), access.tls_server_name, self._tls)


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
