"""Connections: the first of a host's addresses that takes one, and time that is shared."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from cni_hns.cluster.api.faults import Closed
from cni_hns.cluster.api.stream import Bell, connected
from cni_hns.deadline import Deadline

Address = tuple[str, int]


@pytest.fixture
def bell() -> Iterator[Bell]:
    made = Bell()
    yield made
    made.put_away()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def full() -> Iterator[Address]:
    """An address that swallows each try: its queue is full."""
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        first.connect(server.getsockname())
        yield server.getsockname()


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the name of the host means."""

    def set_addresses(*addresses: Address) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    return set_addresses


def test_after_an_address_that_refuses_and_one_that_swallows_the_next_is_tried(
    bell: Bell, listening: socket.socket, full: Address, resolve: Callable[..., None]
) -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        resolve(gone.getsockname(), full, listening.getsockname())
        stream = connected("api", 6443, bell, Deadline(1.0))
        stream.end()
        listening.accept()[0].close()


def test_each_address_has_its_share_of_what_is_left(
    bell: Bell, resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []

    def connect(opened: socket.socket, address: object, bell: Bell, within_s: float) -> None:
        shares.append(within_s)
        raise TimeoutError

    class Still(Deadline):
        def left_s(self) -> float:
            return 9.0

    resolve(("192.0.2.1", 1), ("192.0.2.2", 1), ("192.0.2.3", 1))
    monkeypatch.setattr("cni_hns.cluster.api.stream._connect", connect)
    with pytest.raises(TimeoutError):
        connected("api", 6443, bell, Still(9.0))
    assert shares == [3.0, 4.5, 9.0]


def test_all_addresses_together_have_the_time_of_one_request(
    bell: Bell, full: Address, resolve: Callable[..., None]
) -> None:
    resolve(full, full)
    with pytest.raises(TimeoutError):
        connected("api", 6443, bell, Deadline(0.2))


def test_a_name_without_an_address_is_told(bell: Bell, resolve: Callable[..., None]) -> None:
    resolve()
    with pytest.raises(OSError, match='"api" has no address'):
        connected("api", 6443, bell, Deadline(1.0))


@pytest.mark.parametrize("rings", [True, False])
def test_looking_up_a_name_is_left_to_itself(
    bell: Bell, monkeypatch: pytest.MonkeyPatch, join_threads: Callable[[], None], rings: bool
) -> None:
    """The system's call for it cannot be ended."""
    hangs, let_go = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        hangs.set()
        let_go.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    def ring() -> None:
        hangs.wait(60)
        bell.ring()

    bell_boy = threading.Thread(target=ring)
    if rings:
        bell_boy.start()
    with pytest.raises(Closed if rings else TimeoutError):
        connected("api", 6443, bell, Deadline(3600.0 if rings else 0.1))
    if rings:
        bell_boy.join()
    let_go.set()
    join_threads()


def test_the_bell_ends_each_kind_of_waiting(
    bell: Bell, listening: socket.socket, full: Address, resolve: Callable[..., None]
) -> None:
    resolve(listening.getsockname())
    stream = connected("api", 6443, bell, Deadline(3600.0))
    other, _ = listening.accept()
    waiting = threading.Event()
    caught: list[type] = []

    def read() -> None:
        waiting.set()
        try:
            stream.read_into(bytearray(1))
        except Closed:
            caught.append(Closed)

    thread = threading.Thread(target=read)
    thread.start()
    waiting.wait(60)
    bell.ring()
    bell.ring()
    thread.join(60)
    assert caught == [Closed]
    resolve(full)
    with pytest.raises(Closed):
        connected("api", 6443, bell, Deadline(3600.0))
    stream.end()
    other.close()


def test_what_is_sent_to_a_slow_reader_arrives_whole(
    bell: Bell, listening: socket.socket, resolve: Callable[..., None]
) -> None:
    resolve(listening.getsockname())
    stream = connected("api", 6443, bell, Deadline(60.0))
    other, _ = listening.accept()
    sent = bytes(range(256)) * 40_000
    came = bytearray()

    def read() -> None:
        while piece := other.recv(4096):
            came.extend(piece)

    thread = threading.Thread(target=read)
    thread.start()
    stream.sendall(sent)
    stream.end()
    thread.join(60)
    assert bytes(came) == sent
    other.close()


def test_a_reader_that_takes_nothing_is_given_up(
    bell: Bell, listening: socket.socket, resolve: Callable[..., None]
) -> None:
    resolve(listening.getsockname())
    stream = connected("api", 6443, bell, Deadline(0.2))
    with pytest.raises(TimeoutError):
        stream.sendall(bytes(64 << 20))
    stream.end()
