"""computecore.dll under Wine: the real one's ABI, the simulated HCS's rules."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.windows.program import Program, ended

DOCUMENT: dict[str, Any] = {
    "Owner": "test",
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Container": {"Memory": {"SizeInMB": 512}},
}
LIMIT = {"ResourcePath": "Container/Memory/SizeInMB", "RequestType": "Update", "Settings": 1024}
CLOSING = {**DOCUMENT, "ShouldTerminateOnLastHandleClosed": True}


def text(document: dict[str, Any]) -> str:
    return json.dumps(document)


def states(simulator: Simulator) -> list[tuple[str, str]]:
    return [(system["id"], system["state"]) for system in simulator.dump()["systems"]]


def wait_until_none_is_left(simulator: Simulator) -> None:
    """Reading alone: who looks all the time must not hold up those who write."""
    while simulator.store.rows("SELECT 1 FROM systems"):
        time.sleep(0.01)


def line_of(process: subprocess.Popen[bytes]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


class TestALife:
    """One program makes a container, uses it and ends it."""

    @pytest.fixture
    def lines(self, computer: Program) -> list[str]:
        return computer.lines("life", "box", text(DOCUMENT), text(LIMIT))

    def test_every_step_answers_as_the_service_does(self, lines: list[str]) -> None:
        codes = [" ".join(line.split(" ")[:2]) for line in lines if not line.startswith("event")]
        assert codes == [
            "create 00000000",
            "listen 00000000",
            "listen 80370119",
            "start 00000000",
            "start 80370105",
            "pause 80070032",
            "modify 00000000",
            "properties 00000000",
            "enumerate 00000000",
            "process 00000000",
            "listen 00000000",
            "open 00000000",
            "terminate 00000000",
            "exit 00000000",
            "shutdown 00000000",
            "pause 80370110",
        ]

    def test_what_comes_out_is_the_service_s(self, lines: list[str]) -> None:
        said = {line.split(" ")[0]: line.partition(" ")[2][9:] for line in lines}
        assert json.loads(said["properties"])["ProcessList"][0]["ImageName"] == "smss.exe"
        assert [one["Id"] for one in json.loads(said["enumerate"])] == ["box"]
        assert said["process"] == "a pid, no pipe"
        assert json.loads(said["exit"])["ExitCode"] == 1067
        assert json.loads(said["pause"])["Error"] == 0x80370110 - (1 << 32)

    def test_each_callback_hears_its_own_end(self, lines: list[str]) -> None:
        process, system = [line.split(" ", 3)[1:] for line in lines if line.startswith("event")]
        assert (process[:2], json.loads(process[2])["ExitCode"]) == (["10000", "ping"], 1067)
        assert (system[:2], json.loads(system[2])["ExitType"]) == (["1", "box"], "GracefulExit")

    def test_nothing_is_left(self, lines: list[str], simulator: Simulator) -> None:
        assert lines
        assert simulator.leaks() == []
        assert states(simulator) == []


def test_an_operation_with_a_callback_tells_its_end_with_its_context(
    computer: Program, simulator: Simulator
) -> None:
    assert computer.lines("completion") == ["completed 00000000 context"]
    assert simulator.leaks() == []


def test_the_service_tells_its_schemas(computer: Program) -> None:
    (line,) = computer.lines("service")
    assert "SupportedSchemaVersions" in line


def test_processes_with_pipes_leave_no_handle_behind(computer: Program, simulator: Simulator) -> None:
    """The program comes to its end once it has as many handles as before."""
    simulator.run_container("box")
    piped = ["piped 00000000 input and output", "exit 00000000 the same text"]
    assert computer.lines("pipes", "box") == ["open 00000000", *piped * 9]
    assert simulator.leaks() == []


def test_an_operation_that_does_not_end_is_given_up(computer: Program, simulator: Simulator) -> None:
    simulator.run_container("box")
    simulator.inject(function="HcsTerminateComputeSystem", hang=True)
    assert computer.lines("give-up", "box") == [
        "open 00000000",
        "result 80370115 not begun",
        "terminate 00000000",
        "wait 80370118",
        "cancel 80004001",
    ]
    assert simulator.leaks() == []


def test_a_program_waits_for_the_end_that_another_makes(computer: Program, simulator: Simulator) -> None:
    simulator.run_container("box")
    process = computer.start("exit", "box")
    assert line_of(process) == "open 00000000"
    simulator.crash_container("box")
    (line, _) = ended(process).lines
    assert json.loads(line[len("exit 00000000 ") :])["ExitType"] == "UnexpectedExit"


def test_wrong_handles_are_refused_and_written_down(computer: Program, simulator: Simulator) -> None:
    simulator.run_container("box")
    assert computer.lines("wrong", "box") == [
        "open 00000000",
        "get 80070006 another kind",
        "open 80070057 no place for the handle",
    ]
    assert [(leak.kind, leak.text) for leak in simulator.leaks()] == [
        ("violation", "HcsGetOperationResult: a handle of a HCS system in place of a HCS operation"),
        ("violation", "HcsCloseComputeSystem: a HCS system handle that is closed"),
    ]


class TestTheLastHandle:
    """A container that is made so ends with the last handle of it, whoever gives that up."""

    def test_a_program_that_leaves_has_leaked_it(self, computer: Program, simulator: Simulator) -> None:
        assert computer.lines("keep", "box", text(CLOSING)) == ["create 00000000"]
        # Its end is seen here before the server sees that of its connection.
        wait_until_none_is_left(simulator)
        assert [(leak.kind, leak.text) for leak in simulator.leaks()] == [("handle", "HCS system box")]

    def test_a_killed_program_held_it_until_then(self, computer: Program, simulator: Simulator) -> None:
        process = computer.start("hold", "box", text(CLOSING))
        assert [line_of(process), line_of(process)] == ["create 00000000", "held"]
        assert states(simulator) == [("box", "Created")]
        process.kill()
        ended(process)
        wait_until_none_is_left(simulator)
        assert simulator.leaks() == []

    def test_another_container_stays(self, computer: Program, simulator: Simulator) -> None:
        computer.lines("keep", "box", text(DOCUMENT))
        assert states(simulator) == [("box", "Created")]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_fault_that_kills_ends_the_program_which_waits_for_the_operation(
    computer: Program, simulator: Simulator, moment: str
) -> None:
    simulator.inject(function="HcsCreateComputeSystem", die=moment)
    assert computer.run("keep", "box", text(CLOSING)) == (137, [])
    wait_until_none_is_left(simulator)
    assert simulator.leaks() == []


def test_a_function_that_this_windows_does_not_have_is_told_as_a_loader_does(
    computer: Program, simulator: Simulator
) -> None:
    simulator.set_options(missing_functions=["HcsGetServiceProperties"])
    assert computer.lines("service") == ["service 8007007F"]
