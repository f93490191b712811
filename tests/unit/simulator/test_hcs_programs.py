"""What runs in a simulated container: programs with real pipes, called as C code calls them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import pytest

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, address
from tests.unit.simulator.hcs_caller import (
    INVALID_JSON,
    NOT_IMPLEMENTED,
    HcsCaller,
    Told,
    container,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a handle is a descriptor here")

FILE_NOT_FOUND = 0x80070002
INVALID_PARAMETER = 0x80070057
KILLED = 1067
LONG_S = 60.0
MUCH = 1 << 20
PIPE_BYTES = 1 << 16
ALL_PIPES = ("CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe")


@pytest.fixture
def box(hcs: HcsCaller) -> Iterator[Any]:
    """A container that runs, and is ended at the end of the test."""
    handle = hcs.running("box")
    yield handle
    hcs.code("HcsTerminateComputeSystem", handle)
    hcs.close(handle)


class Piped:
    """A process with streams, as its maker has it."""

    def __init__(self, hcs: HcsCaller, box: Any, command: str, *pipes: str, **members: object) -> None:
        self.hcs = hcs
        wanted = {"CommandLine": command, **dict.fromkeys(pipes or ALL_PIPES, True), **members}
        self.handle, self.pid, self.streams = hcs.piped(box, wanted)

    def exit_code(self) -> int:
        return int(self.hcs.exit_of("HcsWaitForProcessExit", self.handle)["ExitCode"])

    def close(self) -> None:
        for descriptor in self.streams:
            if descriptor:
                os.close(descriptor)
        self.hcs.function("HcsCloseProcess")(self.handle)


class Ran(NamedTuple):
    """How a program ended, and what it wrote."""

    exit_code: int
    out: bytes
    err: bytes


def run(hcs: HcsCaller, box: Any, command: str, given: bytes = b"", **members: object) -> Ran:
    """Run the command to its end, all its streams at once."""
    process = Piped(hcs, box, command, **members)
    found: dict[int, bytes] = {}

    def read(descriptor: int) -> None:
        with open(descriptor, "rb") as file:
            found[descriptor] = file.read()

    threads = [threading.Thread(target=read, args=(one,)) for one in process.streams[1:]]
    for thread in threads:
        thread.start()
    with open(process.streams[0], "wb") as file:
        file.write(given)
    for thread in threads:
        thread.join(LONG_S)
    ran = Ran(process.exit_code(), *(found[one] for one in process.streams[1:]))
    hcs.function("HcsCloseProcess")(process.handle)
    return ran


def write_for_ever(descriptor: int) -> NoReturn:
    """Into a pipe that may be full for a while."""
    while True:
        with contextlib.suppress(BlockingIOError):
            os.write(descriptor, b"x")


class TestPrograms:
    @pytest.mark.parametrize(
        ("command", "given", "ran"),
        [
            pytest.param("hostname", b"", (0, b"box\r\n", b""), id="hostname"),
            pytest.param("HOSTNAME.EXE", b"", (0, b"box\r\n", b""), id="in any case"),
            pytest.param('"C:\\Windows\\System32\\hostname.exe"', b"", (0, b"box\r\n", b""), id="by path"),
            pytest.param("whoami", b"", (0, b"user manager\\containeradministrator\r\n", b""), id="whoami"),
            pytest.param("more", b"a\n\x1a\r\nb", (0, b"a\n\x1a\r\nb", b""), id="more"),
            pytest.param("sort", b"b\r\nA\r\nc", (0, b"A\r\nb\r\nc\r\n", b""), id="sort"),
            pytest.param('findstr "x y"', b"ax\nb\ncy\n", (0, b"ax\r\ncy\r\n", b""), id="findstr"),
            pytest.param("findstr z", b"ax\n", (1, b"", b""), id="findstr without a find"),
            pytest.param("cmd /c echo a  b", b"", (0, b"a  b\r\n", b""), id="echo"),
            pytest.param('cmd /s /c "echo a"', b"", (0, b"a\r\n", b""), id="cmd with quotes around all"),
            pytest.param("cmd /c echo a 1>&2", b"", (0, b"", b"a\r\n"), id="redirected"),
            pytest.param("cmd /c exit 3", b"", (3, b"", b""), id="exit"),
            pytest.param("cmd /c exit -1", b"", (0xFFFFFFFF, b"", b""), id="exit with a negative number"),
            pytest.param("cmd /c exit", b"", (0, b"", b""), id="exit alone"),
            pytest.param("cmd /c cd", b"", (0, b"C:\\\r\n", b""), id="cd"),
            pytest.param("cmd /c set x", b"", (1, b"", b""), id="set of what is not set"),
            pytest.param("cmd /c hostname", b"", (0, b"box\r\n", b""), id="a program by cmd"),
            pytest.param(
                "ping -n 1 192.0.2.77", b"", (1, b"Request timed out.\r\n", b""), id="ping of nobody"
            ),
        ],
    )
    def test_does(
        self, hcs: HcsCaller, box: Any, command: str, given: bytes, ran: tuple[int, bytes, bytes]
    ) -> None:
        assert run(hcs, box, command, given) == ran

    def test_unknown_to_cmd_is_its_own_failure(self, hcs: HcsCaller, box: Any) -> None:
        ran = run(hcs, box, "cmd /c nothing here")
        assert (ran.exit_code, ran.out) == (1, b"")
        assert b"'nothing'" in ran.err

    def test_sees_user_folder_and_environment(self, hcs: HcsCaller, box: Any) -> None:
        given: Any = {
            "User": "ContainerUser",
            "WorkingDirectory": "C:\\app",
            "Environment": {"Greeting": "good morning"},
        }
        assert run(hcs, box, "whoami", **given).out == b"user manager\\containeruser\r\n"
        assert run(hcs, box, "cmd /c cd", **given).out == b"C:\\app\r\n"
        assert run(hcs, box, "cmd /c echo %GREETING% %other%", **given).out == b"good morning %other%\r\n"
        assert run(hcs, box, "cmd /c set gr", **given).out == b"Greeting=good morning\r\n"

    def test_is_named_by_the_containers_document(self, hcs: HcsCaller) -> None:
        document = container()
        document["Container"]["GuestOs"] = {"HostName": "web-0"}
        named = hcs.running("another", document)
        assert run(hcs, named, "hostname").out == b"web-0\r\n"
        hcs.close(named)

    def test_shows_the_endpoints_of_its_container(
        self, hcs: HcsCaller, caller: Caller, simulator: Simulator
    ) -> None:
        network, namespace = caller.network(prefix="10.1.0.0/24"), caller.namespace()
        mine = caller.endpoint(network, Name="pod_net", IpConfigurations=[address("10.1.0.7", 24)])
        caller.add(namespace, mine)
        other = caller.endpoint(network, IpConfigurations=[address("10.1.0.8", 24)])
        pod = hcs.running("pod", container(namespace))
        out = run(hcs, pod, "ipconfig").out.decode()
        assert "Ethernet adapter vEthernet (pod_net):" in out
        values = [line.partition(": ")[2] for line in out.splitlines()]
        assert {"10.1.0.7", "255.255.255.0"} <= set(values)
        assert "10.1.0.8" not in values
        replied = run(hcs, pod, "ping -n 1 10.1.0.8")
        assert (replied.exit_code, b"Reply from 10.1.0.8" in replied.out) == (0, True)
        simulator.remove(other)
        assert run(hcs, pod, "ping -n 1 10.1.0.8").exit_code == 1
        hcs.close(pod)

    def test_takes_more_than_a_pipe_holds(self, hcs: HcsCaller, box: Any) -> None:
        much = os.urandom(MUCH)
        assert run(hcs, box, "more", much).out == much
        assert run(hcs, box, "cmd /c more 1>&2", much).err == much


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "hresult"),
        [
            pytest.param({"CommandLine": "notepad"}, FILE_NOT_FOUND, id="no such program"),
            pytest.param({"CommandLine": "cmd"}, NOT_IMPLEMENTED, id="cmd that reads commands"),
            pytest.param({"CommandLine": ""}, INVALID_PARAMETER, id="nothing to run"),
            pytest.param({"CommandLine": "more", "Environment": {"a": 1}}, INVALID_JSON, id="environment"),
        ],
    )
    def test_give_no_process_and_no_stream(
        self, hcs: HcsCaller, box: Any, parameters: dict[str, Any], hresult: int
    ) -> None:
        before = hcs.properties(box, "ProcessList")
        with pytest.raises(Told) as caught:
            hcs.piped(box, {**parameters, "CreateStdOutPipe": True})
        assert caught.value.hresult == hresult
        assert len(hcs.properties(box, "ProcessList")["ProcessList"]) == len(before["ProcessList"])


class TestStreams:
    def test_are_those_that_were_asked_for(self, hcs: HcsCaller, box: Any) -> None:
        process = Piped(hcs, box, "hostname", "CreateStdOutPipe")
        stdin, stdout, stderr = process.streams
        assert (stdin, stderr) == (0, 0)
        assert os.read(stdout, 100) == b"box\r\n"
        assert process.exit_code() == 0
        process.close()

    def test_a_process_without_any_runs_no_program(self, hcs: HcsCaller, box: Any) -> None:
        handle, _ = hcs.process(box, {"CommandLine": "cmd /c exit 3"})
        assert not json.loads(hcs.ask("HcsGetProcessProperties", handle))["Exited"]
        hcs.function("HcsCloseProcess")(handle)

    @pytest.mark.parametrize("command", ["more", "ping -t 10.1.0.1"])
    def test_end_with_their_process(self, hcs: HcsCaller, box: Any, command: str) -> None:
        process = Piped(hcs, box, command)
        hcs.ask("HcsTerminateProcess", process.handle)
        with open(process.streams[1], "rb", closefd=False) as file:
            file.read()
        assert process.exit_code() == KILLED
        process.close()

    def test_end_with_their_container(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        process = Piped(hcs, box, "more")
        hcs.ask("HcsTerminateComputeSystem", box)
        assert os.read(process.streams[1], 1) == b""
        assert process.exit_code() == KILLED
        process.close()
        hcs.close(box)

    def test_a_process_that_waits_for_its_reader_is_ended_too(self, hcs: HcsCaller, box: Any) -> None:
        process = Piped(hcs, box, "more")
        os.set_blocking(process.streams[0], False)
        # It has taken more than its output holds: all that was written, but what its input holds.
        taken = 0
        while taken <= 2 * PIPE_BYTES:
            with contextlib.suppress(BlockingIOError):
                taken += os.write(process.streams[0], bytes(1 << 12))
        hcs.ask("HcsTerminateProcess", process.handle)
        assert process.exit_code() == KILLED
        # The process has let go of it.
        with pytest.raises(BrokenPipeError):
            write_for_ever(process.streams[0])
        process.close()

    def test_a_program_whose_output_nobody_reads_ends(self, hcs: HcsCaller, box: Any) -> None:
        process = Piped(hcs, box, "more")
        stdin, stdout, stderr = process.streams
        os.close(stdout)
        os.write(stdin, b"lost")
        assert process.exit_code() == 1
        process.streams = (stdin, 0, stderr)
        process.close()

    def test_that_are_not_closed_are_a_leak(self, hcs: HcsCaller, box: Any, simulator: Simulator) -> None:
        process = Piped(hcs, box, "more")
        stdin, stdout, stderr = process.streams
        os.close(stdin)
        assert [one.what for one in simulator.live()][-2:] == [
            "HCS process's StdOutput",
            "HCS process's StdError",
        ]
        process.streams = (stdout, stderr, 0)
        process.close()

    def test_that_were_not_told_are_told_to_the_next_question(
        self, hcs: HcsCaller, box: Any, simulator: Simulator
    ) -> None:
        """Windows Server 2022 says of a process that it has started that a parameter is wrong."""
        simulator.inject(function="HcsCreateProcess", hresult=INVALID_PARAMETER, took_effect=True)
        slot = ffi.new("HCS_PROCESS *")
        with pytest.raises(Told):
            hcs.piped(box, {"CommandLine": "hostname", "CreateStdOutPipe": True}, slot)
        stdout = hcs.information(slot[0]).StdOutput
        descriptor = int(ffi.cast("uintptr_t", stdout))
        assert os.read(descriptor, 100) == b"box\r\n"
        os.close(descriptor)
        assert hcs.information(slot[0]).StdOutput == ffi.NULL
        hcs.function("HcsCloseProcess")(slot[0])

    def test_that_nobody_was_told_go_with_the_handle(
        self, hcs: HcsCaller, box: Any, simulator: Simulator
    ) -> None:
        before = len(os.listdir("/proc/self/fd"))
        simulator.inject(function="HcsCreateProcess", hresult=INVALID_PARAMETER, took_effect=True)
        slot = ffi.new("HCS_PROCESS *")
        with pytest.raises(Told):
            hcs.piped(box, {"CommandLine": "more", "CreateStdInPipe": True}, slot)
        assert len(os.listdir("/proc/self/fd")) > before
        hcs.function("HcsCloseProcess")(slot[0])
        while len(os.listdir("/proc/self/fd")) > before:
            pass

    def test_one_that_runs_when_its_maker_ends_stays_in_the_list(self, simulator: Simulator) -> None:
        first = HcsCaller(simulator)
        box = first.running("box")
        process = Piped(first, box, "more")
        first.libraries.close()
        assert os.read(process.streams[1], 1) == b""
        second = HcsCaller(simulator)
        kept = second.open("box")
        found = second.properties(kept, "ProcessList")["ProcessList"]
        assert process.pid in [one["ProcessId"] for one in found]
        second.close(kept)
        for descriptor in process.streams:
            os.close(descriptor)
