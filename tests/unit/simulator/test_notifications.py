"""Service notifications."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from queue import Queue
from typing import Any

import pytest

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator import Simulator, open_simulator
from tests.unit.simulator.caller import Caller

Seen = tuple[int, int, str, bool]


class Listener:
    """A registered callback that keeps what it hears."""

    def __init__(self, caller: Caller) -> None:
        self.heard: Queue[Seen] = Queue()
        self.pointer = ffi.callback("HCN_NOTIFICATION_CALLBACK", self._hear)
        slot = ffi.new("HCN_CALLBACK *")
        context = ffi.cast("void *", 77)
        assert caller.function("HcnRegisterServiceCallback")(self.pointer, context, slot) == 0
        self.handle = slot[0]
        self.caller = caller
        self.kept: Any = None

    def _hear(self, code: int, context: Any, status: int, data: Any) -> None:
        self.kept = data
        document = json.loads(ffi.string(data))
        foreign = threading.current_thread() is not threading.main_thread()
        self.heard.put((code, int(ffi.cast("uintptr_t", context)) + status, document["ID"], foreign))

    def next(self) -> Seen:
        return self.heard.get(timeout=30)

    def unregister(self) -> int:
        return int(self.caller.function("HcnUnregisterServiceCallback")(self.handle)) & 0xFFFFFFFF


@pytest.fixture
def listener(caller: Caller) -> Iterator[Listener]:
    """A listener that is registered for the length of the test."""
    found = Listener(caller)
    yield found
    if simulator_handles(caller):
        assert found.unregister() == 0


def simulator_handles(caller: Caller) -> list[str]:
    return [held.what for held in caller.simulator.live() if held.what.startswith("callback")]


def test_networks_and_namespaces_are_told_of_on_another_thread(caller: Caller, listener: Listener) -> None:
    network = caller.network()
    namespace = caller.namespace()
    caller.delete("Namespace", namespace)
    caller.delete("Network", network)
    assert [listener.next() for _ in range(6)] == [
        (1, 77, network, True),
        (2, 77, network, True),
        (5, 77, namespace, True),
        (6, 77, namespace, True),
        (3, 77, network, True),
        (4, 77, network, True),
    ]


def test_what_other_processes_do_is_told_too(
    caller: Caller, simulator: Simulator, listener: Listener
) -> None:
    other = open_simulator(simulator.folder)
    namespace = other.plant("namespace")
    assert listener.next()[:3] == (5, 77, namespace)
    other.restart_hns()
    assert listener.next()[:3] == (0x01000000, 77, "")
    other.close()


def test_nothing_of_before_and_nothing_after(caller: Caller, simulator: Simulator) -> None:
    caller.network()
    listener = Listener(caller)
    assert listener.unregister() == 0
    caller.namespace()
    assert listener.heard.empty()


def test_the_text_is_the_services_own(caller: Caller, listener: Listener) -> None:
    caller.network()
    listener.next()
    listener.next()
    # Whoever kept the pointer past the call reads nonsense. The thread goes on to fill it after the callback.
    assert listener.unregister() == 0
    assert ord(listener.kept[0]) == 0xDDDD


def test_a_registration_that_is_left_is_a_leak(simulator: Simulator) -> None:
    sloppy = Caller(simulator)
    Listener(sloppy)
    sloppy.libraries.close()
    assert [(leak.kind, leak.text) for leak in simulator.leaks()] == [("handle", "callback")]


def test_a_handle_of_another_kind_is_none(simulator: Simulator) -> None:
    sinner = Caller(simulator)
    handle = sinner.open("Network", sinner.network())
    assert sinner.function("HcnUnregisterServiceCallback")(handle) & 0xFFFFFFFF == 0x80070006
    assert "in place of a callback" in simulator.leaks()[0].text


def test_a_failed_registration_registers_nothing(caller: Caller, simulator: Simulator) -> None:
    simulator.inject(function="HcnRegisterServiceCallback", hresult=0x800706BA)
    slot = ffi.new("HCN_CALLBACK *")
    pointer = ffi.callback("HCN_NOTIFICATION_CALLBACK", lambda *_: None)
    answer = caller.function("HcnRegisterServiceCallback")(pointer, ffi.NULL, slot)
    assert answer & 0xFFFFFFFF == 0x800706BA
    assert slot[0] == ffi.NULL


def test_a_failed_unregistration_goes_on_telling(
    caller: Caller, simulator: Simulator, listener: Listener
) -> None:
    simulator.inject(function="HcnUnregisterServiceCallback", hresult=0x80004005)
    assert listener.unregister() == 0x80004005
    namespace = caller.namespace()
    assert listener.next()[2] == namespace


def test_only_the_newest_events_are_kept(caller: Caller, simulator: Simulator) -> None:
    for _ in range(3):
        network = simulator.plant("network", {"Name": "net", "Type": "Internal"})
        simulator.remove(network)
    with simulator._store.transaction() as state:
        state.run("UPDATE events SET id = id - 1000 WHERE id <= 6")
    caller.namespace()
    assert simulator._store.rows("SELECT min(id) FROM events")[0][0] > 0
