"""The agent's health on a port of this machine: /healthz, /readyz and /metrics, for kubelet and Prometheus.

Rule 1: an answer is made of what the agent knows already: nobody who asks makes it call HNS or the API.
Rule 2: only GET, only on loopback, a few at a time, each for a few seconds.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["HealthFault", "Page", "serve"]

_AT_ONCE = 8
_PATIENCE_S = 5.0


class HealthFault(Exception):
    """The port cannot be had."""


class Page(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    text: str
    kind: str = "text/plain; charset=utf-8"


@contextmanager
def serve(address: tuple[str, int], pages: Mapping[str, Callable[[], Page]]) -> Iterator[tuple[str, int]]:
    """Answer for these paths while in the `with`; where it listens (port 0 is any that is free).

    Raises: HealthFault.
    """
    try:
        server = _Server(address, pages)
    except OSError as fault:
        raise HealthFault(
            f"health cannot be told at {address[0]}:{address[1]}: {fault.strerror or fault}. Next: end who "
            "listens there, or set another port (health)"
        ) from fault
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True)
    thread.start()
    try:
        yield (server.server_address[0], server.server_address[1])  # type: ignore[misc] # of IPv6 it has more
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """Each answer in a thread; its end waits for them, who have a few seconds."""

    daemon_threads = False
    # On Windows it would let two programs listen at one port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, address: tuple[str, int], pages: Mapping[str, Callable[[], Page]]) -> None:
        self.pages = pages
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Those that are too many are not answered."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has gone: nobody to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S
    server_version = f"cni-hns/{__version__}"
    sys_version = ""

    def do_GET(self) -> None:
        make = self.server.pages.get(self.path.partition("?")[0])
        known = ", ".join(self.server.pages)
        page = make() if make is not None else Page(HTTPStatus.NOT_FOUND, f"there is only {known}\n")
        body = page.text.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Probes come every few seconds."""
