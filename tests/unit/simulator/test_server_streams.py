"""The pipes of processes over the wire: programs of another system read and write them by their numbers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.hcs_caller import ALL
from tests.unit.simulator.wire_process import Connection

INFINITE = str(0xFFFFFFFF)
BROKEN_PIPE = 0x8007006D
INVALID_HANDLE = 0x80070006
PROCESS_EXITED = 0x10000
# More than a pipe holds.
MUCH = bytes(range(256)) * 1024


class Piped(NamedTuple):
    """A process, and the numbers of its pipes."""

    handle: int
    stdin: int
    stdout: int
    stderr: int


Start = Callable[[Connection, str], Piped]


def by_computecore(client: Connection, command: str) -> Piped:
    def call(function: str, *texts: str | None) -> int:
        _, hresult, number, _, _ = client.call(f"computecore!{function}", *texts)
        assert hresult == 0
        return number

    system = str(call("HcsOpenComputeSystem", "box", str(ALL)))
    operation = str(call("HcsCreateOperation", None, None))
    handle = call("HcsCreateProcess", system, parameters(command), operation)
    call("HcsWaitForOperationResultAndProcessInfo", operation, INFINITE)
    piped = Piped(handle, *client.streams)
    call("HcsCloseOperation", operation)
    call("HcsCloseComputeSystem", system)
    return piped


def by_vmcompute(client: Connection, command: str) -> Piped:
    system = client.opened("HcsOpenComputeSystem", "box")
    handle = client.opened("HcsCreateProcess", parameters(command), handle=system)
    piped = Piped(handle, *client.streams)
    client.opened("HcsCloseComputeSystem", handle=system)
    return piped


def parameters(command: str) -> str:
    pipes = dict.fromkeys(("CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe"), True)
    return json.dumps({"CommandLine": command, **pipes})


@pytest.fixture(autouse=True)
def box(simulator: Simulator) -> None:
    """A container that runs."""
    simulator.run_container("box")


@pytest.fixture
def client(address: str) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


@pytest.fixture(params=[by_computecore, by_vmcompute], ids=["computecore", "vmcompute"])
def start(request: pytest.FixtureRequest) -> Start:
    found: Start = request.param
    return found


def read_all(client: Connection, number: int) -> bytes:
    pieces = iter(lambda: client.call("ReadStream", handle=number)[3], "")
    return b"".join(bytes.fromhex(piece or "") for piece in pieces)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_a_program_writes_is_read(client: Connection, start: Start) -> None:
    piped = start(client, "cmd /c echo hello")
    assert (read_all(client, piped.stdout), read_all(client, piped.stderr)) == (b"hello\r\n", b"")


def test_what_is_written_to_it_it_reads_to_the_end(client: Connection, address: str, start: Start) -> None:
    piped = start(client, "more")
    feeder = Connection(address, process=client.process)
    feeder.send("WriteStream", MUCH.hex(), handle=piped.stdin)
    got = b""
    while len(got) < len(MUCH):
        got += bytes.fromhex(client.call("ReadStream", handle=piped.stdout)[3] or "")
    assert feeder.receive()[1] == 0
    assert feeder.call("CloseStream", handle=piped.stdin)[1] == 0
    assert (got, read_all(client, piped.stdout)) == (MUCH, b"")
    feeder.close()


def test_nobody_reads_the_input_of_what_has_ended(client: Connection, start: Start) -> None:
    piped = start(client, "cmd /c exit 3")
    read_all(client, piped.stdout)
    assert client.call("WriteStream", "00", handle=piped.stdin)[1] == BROKEN_PIPE


def test_pipes_are_given_once(client: Connection, start: Start) -> None:
    piped = start(client, "more")
    if start is by_vmcompute:
        client.opened("HcsGetProcessInfo", handle=piped.handle)
        assert client.streams == (0, 0, 0)
    assert len({piped.stdin, piped.stdout, piped.stderr, 0}) == 4


@pytest.mark.parametrize("function", ["ReadStream", "WriteStream", "CloseStream"])
def test_a_closed_number_is_none(client: Connection, start: Start, function: str) -> None:
    piped = start(client, "more")
    assert client.call("CloseStream", handle=piped.stdin)[1] == 0
    assert client.call(function, "00", handle=piped.stdin)[1] == INVALID_HANDLE


def test_the_end_of_a_process_is_told_to_who_listens_after_it(client: Connection) -> None:
    piped = by_vmcompute(client, "cmd /c exit 3")
    while not json.loads(client.call("HcsGetProcessProperties", handle=piped.handle)[3] or "")["Exited"]:
        time.sleep(0.01)
    callback = client.opened("HcsRegisterProcessCallback", handle=piped.handle)
    _, hresult, code, text, _ = client.call("NextEvent", handle=callback)
    assert (hresult, code, json.loads(text or "")["ExitCode"]) == (0, PROCESS_EXITED, 3)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted in /proc")
def test_no_descriptor_outlives_who_asked_for_it(simulator: Simulator, address: str, start: Start) -> None:
    before = descriptors()
    client = Connection(address)
    piped = start(client, "more")
    waiting = Connection(address, process=client.process)
    waiting.send("ReadStream", handle=piped.stdout)
    assert descriptors() > before
    for one in (client, waiting):
        one.close()
    while descriptors() > before:
        time.sleep(0.01)
    assert simulator.leaks() == []
