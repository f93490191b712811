"""HTTP to one server, over connections that are kept from request to request.

Nothing is followed, and nothing is sent twice but a GET whose kept connection the server had just closed.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.cluster.api.answers import Answer
from cni_hns.cluster.api.faults import Closed
from cni_hns.cluster.api.stream import Bell, Stream, connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cni_hns.cluster.api.credentials import Server
    from cni_hns.cluster.api.tls import Tls
    from cni_hns.deadline import Deadline

__all__ = ["Connections", "Request", "TooLong"]

# Five hundred Nodes of a page, each with fifty images and its annotations, are about 20 MiB.
_LARGEST = 64 << 20


class TooLong(Exception):
    """The answer has more bytes than anybody needs; `str()` says how many are taken."""


class Request(NamedTuple):
    """What goes out; `path` begins after the server's own."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Connections:
    """One for each request that is under way; `close` ends them all."""

    def __init__(self, server: Server, server_name: str, tls: Tls) -> None:
        self._server = server
        self._server_name = server_name or server.host
        self._tls = tls
        self._bell = Bell()
        self._lock = threading.Lock()
        self._kept: list[_Connection] = []
        self._in_use = 0

    def exchange(self, request: Request, deadline: Deadline) -> Answer:
        """The whole answer.

        Raises: OSError, http.client.HTTPException: there is none. TooLong. Closed. ValueError (`Tls`).
        """
        connection = self._take_kept()
        if connection is not None:
            try:
                return self._ask(connection, request, deadline)
            except ConnectionError:
                # It had waited too long for the server's taste. What changes something may have been done.
                if request.method != "GET":
                    raise
        return self._ask(self._opened(deadline), request, deadline)

    @contextmanager
    def reply(self, request: Request, deadline: Deadline) -> Iterator[Reply]:
        """An answer that is read while it comes, on a connection of its own.

        Raises: as `exchange`.
        """
        connection = self._opened(deadline)
        try:
            yield Reply(connection.ask(request, deadline), connection.stream)
        finally:
            connection.end()
            self._left()

    def close(self) -> None:
        """Whoever waits is answered with Closed, and so is each that comes later."""
        self._bell.ring()
        with self._lock:
            kept, self._kept = self._kept, []
            is_last = not self._in_use
        for one in kept:
            one.end()
        if is_last:
            self._bell.put_away()

    def _ask(self, connection: _Connection, request: Request, deadline: Deadline) -> Answer:
        is_whole = False
        try:
            response = connection.ask(request, deadline)
            body = _body(response)
            headers = {name.lower(): value for name, value in response.getheaders()}
            is_whole = not response.will_close
            return Answer(response.status, headers, body)
        finally:
            if not is_whole or not self._keep(connection):
                connection.end()
            self._left()

    def _opened(self, deadline: Deadline) -> _Connection:
        self._entered()
        try:
            context = self._tls.context() if self._server.is_tls else None
            stream = connected(self._server.host, self._server.port, self._bell, deadline)
            try:
                if context is not None:
                    stream.encrypt(context, self._server_name)
                return _Connection(self._server, stream)
            except BaseException:
                stream.end()
                raise
        except BaseException:
            self._left()
            raise

    def _take_kept(self) -> _Connection | None:
        """One that the server has not closed meanwhile, as far as can be seen."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                connection = self._kept.pop()
            if not connection.stream.has_news:
                try:
                    self._entered()
                except Closed:
                    connection.end()
                    raise
                return connection
            connection.end()

    def _keep(self, connection: _Connection) -> bool:
        with self._lock:
            if self._bell.has_rung:
                return False
            self._kept.append(connection)
            return True

    def _entered(self) -> None:
        with self._lock:
            if self._bell.has_rung:
                raise Closed("the client of the API server was closed on this side")
            self._in_use += 1

    def _left(self) -> None:
        with self._lock:
            self._in_use -= 1
            is_last = self._bell.has_rung and not self._in_use
        if is_last:
            self._bell.put_away()


class Reply:
    """An answer whose body comes by and by."""

    def __init__(self, response: http.client.HTTPResponse, stream: Stream) -> None:
        self._response = response
        self._stream = stream
        self.status = response.status

    def whole(self) -> Answer:
        """All of it, where it is a refusal."""
        headers = {name.lower(): value for name, value in self._response.getheaders()}
        return Answer(self.status, headers, _body(self._response))

    def lines(self, deadline: Deadline, longest: int) -> Iterator[bytes]:
        """Each whole line. The end of the answer within one is an IncompleteRead.

        Raises: as `Connections.exchange`.
        """
        self._stream.deadline = deadline
        begun = bytearray()
        while came := self._response.read1(1 << 16):
            begun += came
            *whole, rest = begun.split(b"\n")
            if len(rest) > longest:
                raise TooLong(f"a line has more than {longest >> 20} MiB")
            yield from (bytes(one) for one in whole if one.strip())
            begun = bytearray(rest)
        if begun.strip():
            raise http.client.IncompleteRead(bytes(begun[:1]))


class _Connection:
    def __init__(self, server: Server, stream: Stream) -> None:
        self._before = server.path
        self.stream = stream
        self._http = http.client.HTTPConnection(server.host, server.port)
        self._http.auto_open = 0
        self._http.sock = stream  # it has the three methods that are called

    def ask(self, request: Request, deadline: Deadline) -> http.client.HTTPResponse:
        self.stream.deadline = deadline
        self._http.request(request.method, self._before + request.path, request.body, dict(request.headers))
        return self._http.getresponse()

    def end(self) -> None:
        self._http.close()
        self.stream.end()


def _body(response: http.client.HTTPResponse) -> bytes:
    """Raises: TooLong. IncompleteRead: less than was announced."""
    if (response.length or 0) > _LARGEST or len(body := response.read(_LARGEST + 1)) > _LARGEST:
        raise TooLong(f"the answer has more than {_LARGEST >> 20} MiB")
    # http.client does not look when it is told how much to read at most.
    if response.length:
        raise http.client.IncompleteRead(body[:1], response.length)
    return body
