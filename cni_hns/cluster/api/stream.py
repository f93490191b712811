"""Bytes to and from a server within a time, TLS included; `Bell` ends the waiting from another thread.

Python's own socket timeout is for each read: a server that sends a byte now and then outlasts it. And a
socket that another thread closes does not wake the one that waits for it, on Windows or with TLS.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import selectors
import socket
import ssl
import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cni_hns.background import begin
from cni_hns.cluster.api.faults import Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

    from cni_hns.deadline import Deadline

__all__ = ["Bell", "Stream", "connected"]

_T = TypeVar("_T")

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)}
# A name is looked up by the system, in a call that nothing ends.
_LOOK_S = 0.05
# A server that was switched off is noticed after a minute, also where nothing is to be said.
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


class Bell:
    """Once rung, whoever waits on it stops waiting, and nobody begins to."""

    def __init__(self) -> None:
        self._heard, self._rope = socket.socketpair()
        self._lock = threading.Lock()
        self.has_rung = False

    def ring(self) -> None:
        """More than once is harmless."""
        with self._lock:
            if not self.has_rung:
                self.has_rung = True
                # What waits wakes up by the end of the stream, and each that comes later at once.
                self._rope.close()

    def put_away(self) -> None:
        """After nobody waits any more."""
        self.ring()
        self._heard.close()

    def fileno(self) -> int:
        return self._heard.fileno()

    def wait(self, place: socket.socket, events: int, left_s: float) -> None:
        """Until the socket may be read or written.

        Raises: Closed: it has rung. TimeoutError.
        """
        if self.has_rung:
            raise Closed("the connection to the API server was closed on this side")
        with selectors.DefaultSelector() as selector:
            selector.register(place, events)
            selector.register(self, _READ)
            found = selector.select(left_s)
        if self.has_rung:
            raise Closed("the connection to the API server was closed on this side")
        if not found:
            raise TimeoutError


class Stream:
    """One connection. What fails is an OSError; `deadline` is the caller's to set."""

    def __init__(self, opened: socket.socket, bell: Bell, deadline: Deadline) -> None:
        self._socket = opened
        self._bell = bell
        self.deadline = deadline

    def encrypt(self, context: ssl.SSLContext, server_name: str) -> None:
        """Speak TLS from now on."""
        # Wrapped first and shaken hands afterwards: the socket does not block.
        wrapped = context.wrap_socket(
            self._socket, server_hostname=server_name, do_handshake_on_connect=False
        )
        self._socket = wrapped
        self._patiently(wrapped.do_handshake)

    def read_into(self, buffer: WriteableBuffer) -> int:
        """How many bytes have come, at least one; 0 when the server has closed."""
        return self._patiently(lambda: self._socket.recv_into(buffer))

    def sendall(self, sent: bytes) -> None:
        """All of it, as http.client names it."""
        rest = memoryview(sent)
        while rest:
            rest = rest[self._patiently(partial(self._socket.send, rest), _WRITE) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client reads an answer from; closing it leaves the connection open."""
        return io.BufferedReader(_Incoming(self), 1 << 16)

    def close(self) -> None:
        """Of http.client, which says so before it has read the answer: see `end`."""

    def end(self) -> None:
        """Give the connection up."""
        self._socket.close()

    @property
    def has_news(self) -> bool:
        """Whether something has come unasked; between two requests that is the server's good-bye."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, _READ)
            return bool(selector.select(0))

    def _patiently(self, work: Callable[[], _T], events: int = _READ) -> _T:
        """Raises: TimeoutError, Closed, OSError."""
        while True:
            try:
                return work()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                waited_for = _READ if isinstance(wanted, ssl.SSLWantReadError) else _WRITE
            except BlockingIOError:
                waited_for = events
            self._bell.wait(self._socket, waited_for, self.deadline.left_s())


class _Incoming(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._stream.read_into(buffer)


def connected(host: str, port: int, bell: Bell, deadline: Deadline) -> Stream:
    """A connection to the first of the host's addresses that takes one.

    Raises: OSError: of the last address. TimeoutError, Closed.
    """
    addresses = _addresses(host, port, bell, deadline)
    last: OSError = OSError(f'the name "{host}" has no address')
    for place, (family, address) in enumerate(addresses):
        # One that swallows everything leaves the others their share of the time.
        share_s = deadline.left_s() / (len(addresses) - place)
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            _connect(opened, address, bell, share_s)
        except OSError as fault:
            opened.close()
            last = fault
        except BaseException:
            opened.close()
            raise
        else:
            return Stream(opened, bell, deadline)
    raise last


def _connect(opened: socket.socket, address: tuple[object, ...], bell: Bell, within_s: float) -> None:
    opened.setblocking(False)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEP_ALIVE.items():
        # Windows has them from version 1709 on.
        if hasattr(socket, option):
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    code = opened.connect_ex(address)
    if code in _UNDER_WAY:
        bell.wait(opened, _WRITE, within_s)
        code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _addresses(host: str, port: int, bell: Bell, deadline: Deadline) -> list[tuple[int, tuple[object, ...]]]:
    """Raises: OSError: the name is not known. TimeoutError, Closed: while the system still looks it up."""
    answers: list[list[tuple[int, tuple[object, ...]]]] = []
    faults: list[OSError] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append([(family, address) for family, *_, address in found])
        except (OSError, UnicodeError) as fault:
            faults.append(fault if isinstance(fault, OSError) else OSError(str(fault)))

    has_ended = begin(look_up)
    while not has_ended(min(_LOOK_S, deadline.left_s())):
        if bell.has_rung:
            raise Closed("the connection to the API server was closed on this side")
        if deadline.expired:
            raise TimeoutError
    for fault in faults:
        raise fault
    return answers[0]
