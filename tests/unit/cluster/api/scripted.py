"""An API server for tests that says what it is told to: HTTPS of the standard library, on loopback."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import trustme

__all__ = ["Lines", "Reply", "ScriptedApi", "Seen", "failure", "listing", "node", "served"]

Document = dict[str, Any]
# How long a test waits at most for what another thread does.
PATIENCE_S = 30.0


class Seen(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    document: Any


class Reply(NamedTuple):
    """A whole answer. `hangs_up` closes the connection afterwards without having said so."""

    status: int = 200
    document: object = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    hangs_up: bool = False

    def encoded(self) -> bytes:
        return json.dumps(self.document).encode() if self.body is None else self.body


class Lines:
    """The answer to a watch: what is put in comes out at once, until `end`, or `cut` in the middle."""

    def __init__(self, *events: tuple[str, Document]) -> None:
        self.pieces: queue.Queue[bytes | None] = queue.Queue()
        self.is_cut = False
        for kind, document in events:
            self.put(kind, document)

    def put(self, kind: str, document: Document) -> None:
        self.put_raw(json.dumps({"type": kind, "object": document}).encode() + b"\n")

    def put_raw(self, piece: bytes) -> None:
        self.pieces.put(piece)

    def end(self) -> None:
        self.pieces.put(None)

    def cut(self) -> None:
        self.is_cut = True
        self.pieces.put(None)


class Silence:
    """Nothing, until the server ends."""


class Raw(NamedTuple):
    """These bytes in place of HTTP; with `each_s`, one by one after so many seconds."""

    piece: bytes
    each_s: float = 0.0


Answer = Reply | Lines | Silence | Raw
Script = Callable[[Seen], Answer]


class ScriptedApi:
    """Answers by `script`; `seen` has all requests in order."""

    def __init__(self, authority: trustme.CA | None, names: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self.seen: list[Seen] = []
        self.script: Script = lambda _: Reply(500)
        self.ending = threading.Event()
        self.connections = 0
        self._came = threading.Condition()
        self._open: set[socket.socket] = set()
        self._context: ssl.SSLContext | None = None
        if authority is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*names).configure_cert(self._context)
            authority.configure_trust(self._context)
            self._context.verify_mode = ssl.CERT_OPTIONAL
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if authority is not None else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answers(self, *answers: Answer) -> None:
        """These, one after another; the last one again and again."""
        rest = list(answers)

        def script(_: Seen) -> Answer:
            return rest.pop(0) if len(rest) > 1 else rest[0]

        self.script = script

    def wait_for(self, what: Callable[[list[Seen]], bool]) -> None:
        """Until the requests are such."""
        with self._came:
            assert self._came.wait_for(lambda: what(self.seen), PATIENCE_S), self.seen

    def drop_connections(self) -> None:
        """Close all that are open, as a server does that is restarted."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def end(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self.drop_connections()
        self._server.server_close()
        self._thread.join()

    # What the handlers of connections use.

    def opened(self, connection: socket.socket) -> socket.socket:
        self.connections += 1
        if self._context is not None:
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)

    def take(self, seen: Seen) -> Answer:
        with self._came:
            self.seen.append(seen)
            self._came.notify_all()
        return self.script(seen)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, api: ScriptedApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self.api.opened(connection), address

    def shutdown_request(self, request: Any) -> None:
        self.api.closed(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        api = self.server.api
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        document = json.loads(body) if body else None
        answer = api.take(Seen(self.command, parts.path, dict(parse_qsl(parts.query)), headers, document))
        match answer:
            case Reply():
                self._reply(answer)
            case Lines():
                self._lines(answer)
            case Raw():
                self._raw(answer)
            case _:
                api.ending.wait(PATIENCE_S)
                self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the library's names

    def _reply(self, reply: Reply) -> None:
        body = reply.encoded()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **dict(reply.headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if reply.hangs_up:
            self.close_connection = True

    def _lines(self, lines: Lines) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.api.ending.is_set():
            try:
                piece = lines.pieces.get(timeout=0.02)
            except queue.Empty:
                continue
            if piece is None:
                break
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if not lines.is_cut:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def _raw(self, raw: Raw) -> None:
        pieces = [raw.piece[at : at + 1] for at in range(len(raw.piece))] if raw.each_s else [raw.piece]
        for piece in pieces:
            self.wfile.write(piece)
            if self.server.api.ending.wait(raw.each_s):
                break
        self.close_connection = True


@contextlib.contextmanager
def served(
    authority: trustme.CA | None = None, names: tuple[str, ...] = ("127.0.0.1",)
) -> Iterator[ScriptedApi]:
    """One for the time of a test; without an authority it speaks HTTP."""
    api = ScriptedApi(authority, names)
    try:
        yield api
    finally:
        api.end()


def node(name: str, version: str = "1", **more: Any) -> Document:
    """A Node, as far as it matters here."""
    return {"metadata": {"name": name, "resourceVersion": version, "uid": f"uid-of-{name}"}, **more}


def listing(*items: Document, version: str = "10", follows: str = "") -> Reply:
    """A page of a list."""
    about = {"resourceVersion": version, **({"continue": follows} if follows else {})}
    return Reply(document={"kind": "NodeList", "apiVersion": "v1", "metadata": about, "items": list(items)})


def failure(code: int, reason: str, message: str = "because", **headers: str) -> Reply:
    """A Status, as API servers refuse with."""
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(code, {**document, "reason": reason, "message": message}, named)
