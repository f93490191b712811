"""Input and output of a process, passed on: the process is scripted, the pipes are real."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from cni_hns.hcs.client import ComputeSystems
from cni_hns.hcs.documents.processes import ProcessParameters
from cni_hns.hcs.processes import OpenProcess
from cni_hns.hcs.relay import Ours, Relay
from tests.unit.binding.scripted_compute import Answer, ScriptedCompute

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a handle is a descriptor here")

LONG_S = 60.0
MUCH = 1 << 20
STOPPED = 0x8037011F


class Theirs(NamedTuple):
    """The process's own ends, as files."""

    stdin: int
    stdout: int
    stderr: int


class Us:
    """Our own ends: an input of these pieces, and what came out."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.out, self.err = bytearray(), bytearray()
        self.ours = Ours(self._read, self.out.extend, self.err.extend)

    def _read(self, _size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


@pytest.fixture
def piped(hcs: ScriptedCompute, systems: ComputeSystems) -> Iterator[tuple[OpenProcess, Theirs]]:
    """A process with all three streams; at the end ours are closed, by the last thread that uses them."""
    (their_in, our_in), (our_out, their_out), (our_err, their_err) = os.pipe(), os.pipe(), os.pipe()
    hcs.says("HcsCreateProcess", Answer(pid=4711, streams=(our_in, our_out, our_err)))
    with systems.open("box") as box, box.create_process(ProcessParameters(command_line="cmd")) as process:
        yield process, Theirs(their_in, their_out, their_err)
    while any(is_open(descriptor) for descriptor in (our_in, our_out, our_err)):
        time.sleep(0.001)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def all_of(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


def write_all(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(data)


def at_once(*works: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


def test_all_three_pass_at_once(piped: tuple[OpenProcess, Theirs]) -> None:
    process, theirs = piped
    sent, out, err = os.urandom(MUCH), os.urandom(MUCH), os.urandom(MUCH)
    us, read = Us(*[sent[at : at + 1000] for at in range(0, MUCH, 1000)]), bytearray()
    relay = Relay(process, us.ours)

    # Each is more than a pipe holds, and none waits for another one.
    at_once(
        lambda: read.extend(all_of(theirs.stdin)),
        lambda: write_all(theirs.stderr, err),
        lambda: write_all(theirs.stdout, out),
    )
    assert relay.ends_within(LONG_S)
    relay.stop()
    assert (bytes(read), bytes(us.out), bytes(us.err)) == (sent, out, err)


def test_the_end_of_our_input_is_told_to_the_service_and_seen_in_the_pipe(
    piped: tuple[OpenProcess, Theirs], hcs: ScriptedCompute
) -> None:
    process, theirs = piped
    relay = Relay(process, Us(b"last words").ours)
    assert all_of(theirs.stdin) == b"last words"
    relay.stop()
    sent = hcs.arguments("HcsModifyProcess")[2]
    assert sent == '{"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}}'
    os.close(theirs.stdout)
    os.close(theirs.stderr)


def test_a_service_that_does_not_take_the_end_of_the_input_is_no_failure(
    piped: tuple[OpenProcess, Theirs], hcs: ScriptedCompute
) -> None:
    process, theirs = piped
    hcs.says("HcsModifyProcess", Answer(call=STOPPED))
    relay = Relay(process, Us(b"x").ours)
    assert all_of(theirs.stdin) == b"x"
    relay.stop()
    os.close(theirs.stdout)
    os.close(theirs.stderr)


def test_a_process_that_has_enough_of_its_input_goes_on(piped: tuple[OpenProcess, Theirs]) -> None:
    process, theirs = piped
    os.close(theirs.stdin)
    us = Us(*[b"more"] * 100)
    relay = Relay(process, us.ours)
    write_all(theirs.stdout, b"done")
    os.close(theirs.stderr)
    assert relay.ends_within(LONG_S)
    relay.stop()
    assert (bytes(us.out), relay.fault) == (b"done", None)


def test_one_output_that_is_closed_early_does_not_end_the_other(piped: tuple[OpenProcess, Theirs]) -> None:
    process, theirs = piped
    os.close(theirs.stdout)
    us = Us()
    relay = Relay(process, us.ours)
    assert not relay.ends_within(0.0)
    write_all(theirs.stderr, b"still here")
    assert relay.ends_within(LONG_S)
    relay.stop()
    assert bytes(us.err) == b"still here"
    os.close(theirs.stdin)


def test_output_that_nobody_takes_is_a_fault_and_the_process_notices(
    piped: tuple[OpenProcess, Theirs],
) -> None:
    process, theirs = piped

    def refuse(_data: bytes) -> None:
        raise BrokenPipeError

    relay = Relay(process, Us().ours._replace(write=refuse))
    os.write(theirs.stdout, b"x")
    os.close(theirs.stderr)
    assert relay.ends_within(LONG_S)
    assert isinstance(relay.fault, BrokenPipeError)
    with pytest.raises(BrokenPipeError):
        os.write(theirs.stdout, b"y")
    relay.stop()
    os.close(theirs.stdout)
    os.close(theirs.stdin)


def test_after_the_stop_our_input_reaches_the_service_no_more(
    piped: tuple[OpenProcess, Theirs], hcs: ScriptedCompute
) -> None:
    process, theirs = piped
    asked, go_on = threading.Event(), threading.Event()

    def read(_size: int) -> bytes:
        asked.set()
        go_on.wait(LONG_S)
        return b""

    relay = Relay(process, Us().ours._replace(read=read))
    assert asked.wait(LONG_S)
    relay.stop()
    go_on.set()
    os.close(theirs.stdout)
    os.close(theirs.stderr)
    assert relay.ends_within(LONG_S)
    assert "HcsModifyProcess" not in hcs.called
    process.close()
    assert all_of(theirs.stdin) == b""
