"""What the tests themselves say to the API server: who may do all, by plain HTTP of the standard library.

Rule: it shares nothing with the client that is tested; its answers are what that one is held against.
"""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

__all__ = ["Admin", "Document", "Refused"]

Document = dict[str, Any]

_TIMEOUT_S = 30.0

_PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Refused(AssertionError):
    """The API server answered an error; `status` is its HTTP code, `reason` Kubernetes' word for it."""

    def __init__(self, asked: str, status: int, document: Document) -> None:
        super().__init__(f"{asked}: {status} {document.get('reason', '')}: {document.get('message', '')}")
        self.status = status
        self.reason: str = document.get("reason", "")


class Admin:
    """Requests with one token. A path is the whole one: "/api/v1/nodes/win-1"."""

    def __init__(self, server: str, ca: Path, token: str) -> None:
        self.server = server
        self._token = token
        self._trust = ssl.create_default_context(cafile=str(ca))

    def get(self, path: str, **query: str) -> Document:
        return self._ask("GET", path, query)

    def items(self, path: str, **query: str) -> list[Document]:
        """The objects of a collection."""
        found: list[Document] = self.get(path, **query)["items"]
        return found

    def has(self, path: str) -> bool:
        """Whether there is such an object."""
        try:
            self.get(path)
        except Refused as answer:
            if answer.status != http.client.NOT_FOUND:
                raise
            return False
        return True

    def create(self, path: str, document: Document, **query: str) -> Document:
        """Into this collection."""
        return self._ask("POST", path, query, document)

    def replace(self, path: str, document: Document) -> Document:
        return self._ask("PUT", path, {}, document)

    def patch(self, path: str, patch: Any, kind: str = "merge", **query: str) -> Document:
        return self._ask("PATCH", path, query, patch, _PATCHES[kind])

    def delete(self, path: str, *, grace_s: int = 0) -> None:
        """The object, at once; that it is not there is fine."""
        try:
            self._ask("DELETE", path, {"gracePeriodSeconds": str(grace_s)})
        except Refused as answer:
            if answer.status != http.client.NOT_FOUND:
                raise

    def delete_all(self, path: str, **query: str) -> None:
        """Every object of this collection, or what the selectors in the query choose of it."""
        self._ask("DELETE", path, {"gracePeriodSeconds": "0", **query})

    def is_ready(self) -> bool:
        """Whether the server answers that it is."""
        try:
            return self._send("GET", "/readyz", None, {})[0] == http.client.OK
        except OSError:
            return False

    def _ask(
        self, verb: str, path: str, query: dict[str, str], body: Any = None, kind: str = "application/json"
    ) -> Document:
        whole = quote(path) + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._send(verb, whole, data, {"Content-Type": kind} if data else {})
        document: Document = json.loads(answer)
        if status >= http.client.BAD_REQUEST:
            raise Refused(f"{verb} {path}", status, document)
        return document

    def _send(self, verb: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(
            urlsplit(self.server).netloc, timeout=_TIMEOUT_S, context=self._trust
        )
        try:
            known = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **headers}
            connection.request(verb, path, data, known)
            with connection.getresponse() as response:
                return response.status, response.read()
        except http.client.HTTPException as fault:
            # The server was ended within its answer: to who asked, that is a connection that broke.
            raise ConnectionError(f"{verb} {path}: {fault!r}") from fault
        finally:
            connection.close()
