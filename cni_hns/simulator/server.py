"""Serves one simulated node to programs that cannot load it: Windows programs, through stand-in DLLs.

    with serve(folder) as address:      # "127.0.0.1:49152"
        ...

    python -m cni_hns.simulator.server FOLDER [PROFILE]     prints the address, and serves until stdin ends

The node is the same as ever: who opens the folder sees the same objects, faults, journal and leaks. The
server listens on the loopback address only, on a port that the system chooses. `wire.py` says what is spoken.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import sys
import threading
from collections.abc import Iterator

from cni_hns.simulator import wire
from cni_hns.simulator.core.profiles import PROFILES
from cni_hns.simulator.core.store import Store
from cni_hns.simulator.session import HangsForever, Session
from cni_hns.simulator.simulator import Simulator, open_simulator

__all__ = ["main", "serve"]

_LOOPBACK = "127.0.0.1"
_BACKLOG = 256


@contextlib.contextmanager
def serve(node: Simulator | str) -> Iterator[str]:
    """Serve the node, given by its folder or itself, for as long as the context lasts; the address."""
    simulator = open_simulator(node if isinstance(node, str) else node.folder)
    server = _Server(simulator.store)
    try:
        yield server.address
    finally:
        server.stop()
        simulator.close()


class _Server:
    """The listening socket, a thread for it, and one for each connection."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._sessions: dict[int, tuple[Session, set[socket.socket]]] = {}
        self._numbers = itertools.count(1)
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listener = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
        self._port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name="hns-server", daemon=True)
        self._acceptor.start()

    @property
    def address(self) -> str:
        """Where programs find it."""
        return f"{_LOOPBACK}:{self._port}"

    def stop(self) -> None:
        """End every connection, and wait for what is being done."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            socket.create_connection((_LOOPBACK, self._port)).close()  # wakes the thread that accepts
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            open_now = dict(self._connections)
        for connection, thread in open_now.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._attend, args=(connection,), name="hns-call", daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _attend(self, connection: socket.socket) -> None:
        """One connection, from its first request to its end."""
        number = 0
        try:
            # A process that is killed resets its connections.
            with contextlib.suppress(OSError), connection.makefile("rb") as reader:
                number = self._joined(connection, reader)
                if number:
                    self._converse(self._sessions[number][0], connection, reader)
        finally:
            self._gone(number, connection)

    def _joined(self, connection: socket.socket, reader: wire.Reader) -> int:
        """The number of the process that this connection belongs to; 0 if it does not say."""
        body = wire.read_message(reader)
        try:
            number, function, texts = wire.read_request(body or b"")
            pid = int(texts[0] or "", 10)
        except (ValueError, IndexError):
            return 0
        if function != "Join":
            return 0
        with self._lock:
            if number not in self._sessions:
                number = next(self._numbers)
                self._sessions[number] = (Session(self._store, pid, self._stopped), set())
            self._sessions[number][1].add(connection)
        connection.sendall(wire.reply(0, number))
        return number

    def _converse(self, session: Session, connection: socket.socket, reader: wire.Reader) -> None:
        while (body := wire.read_message(reader)) is not None:
            try:
                handle, function, texts = wire.read_request(body)
                reply = session.answer(function, handle, texts, lambda: _has_gone(connection))
            except ValueError:
                return
            except HangsForever:
                reader.read(1)  # until the process ends
                return
            connection.sendall(reply)

    def _gone(self, number: int, connection: socket.socket) -> None:
        with self._lock:
            self._connections.pop(connection, None)
            if number:
                session, connections = self._sessions[number]
                connections.discard(connection)
                if not connections:
                    del self._sessions[number]
                    session.close()
        connection.close()


def _has_gone(connection: socket.socket) -> bool:
    """Whether the other side is no more: one that waits for a reply sends nothing."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable)


def main(arguments: list[str]) -> int:
    """Serve the folder until stdin ends; the exit code."""
    match arguments:
        case [folder]:
            node = open_simulator(folder)
        case [folder, profile] if profile in PROFILES:
            node = open_simulator(folder, profile)
        case _:
            sys.stderr.write(f"usage: python -m cni_hns.simulator.server FOLDER [{'|'.join(PROFILES)}]\n")
            return 2
    with contextlib.closing(node), serve(node) as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
