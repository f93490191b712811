"""computecore.dll of a served node: programs of another system call it over the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.unit.simulator import hcs_caller as hcs
from tests.unit.simulator.wire_process import Connection

ALL = str(hcs.ALL)
INFINITE = str(0xFFFFFFFF)
E_ABORT = 0x80004004


class Computer(Connection):
    """A process that calls computecore.dll."""

    def hcs(self, function: str, *arguments: int | str | None) -> tuple[int, int, str]:
        """HRESULT, handle and text of a call."""
        texts = [str(one) if isinstance(one, int) else one for one in arguments]
        order, hresult, number, text, _ = self.call(f"computecore!{function}", *texts)
        assert order == 0
        return hresult, number, text or ""

    def operation(self, callback: str | None = None) -> int:
        return self.hcs("HcsCreateOperation", None, callback)[1]

    def run(self, function: str, *arguments: int | str | None, at: int = 1) -> tuple[int, str]:
        """Code and document of a call under an operation, which is its argument number `at`."""
        operation = self.operation()
        hresult, _, _ = self.hcs(function, *arguments[:at], operation, *arguments[at:])
        assert hresult == 0
        hresult, _, document = self.hcs("HcsWaitForOperationResult", operation, INFINITE)
        self.hcs("HcsCloseOperation", operation)
        return hresult, document

    def open_system(self, system_id: str) -> int:
        hresult, system, _ = self.hcs("HcsOpenComputeSystem", system_id, ALL)
        assert hresult == 0
        return system


@pytest.fixture
def computer(address: str) -> Iterator[Computer]:
    connection = Computer(address)
    yield connection
    connection.close()


@pytest.fixture
def box(computer: Computer, simulator: Simulator) -> int:
    """A handle of a running container."""
    simulator.run_container("box")
    return computer.open_system("box")


def test_a_refusal_has_its_code_and_document(computer: Computer, box: int) -> None:
    code, text = computer.run("HcsPauseComputeSystem", box, None)
    assert code == hcs.NOT_SUPPORTED
    assert json.loads(text)["ErrorEvents"] == [{"Message": "box is process-isolated"}]


def test_the_journal_names_the_process_that_called(
    computer: Computer, simulator: Simulator, box: int
) -> None:
    computer.run("HcsTerminateComputeSystem", box, None)
    assert [(call.function, call.pid) for call in simulator.journal()] == [
        ("HcsOpenComputeSystem", 4321),
        ("HcsTerminateComputeSystem", 4321),
    ]


def test_a_wait_has_its_time(computer: Computer, simulator: Simulator, box: int) -> None:
    simulator.inject(function="HcsTerminateComputeSystem", hang=True)
    operation = computer.operation()
    assert computer.hcs("HcsTerminateComputeSystem", box, operation, None)[0] == 0
    assert computer.hcs("HcsGetOperationResult", operation)[0] == hcs.OPERATION_PENDING
    assert computer.hcs("HcsWaitForOperationResult", operation, 30)[0] == hcs.OPERATION_TIMEOUT


class TestEvents:
    """They wait until the process asks for them."""

    def test_a_crash_is_told_and_then_the_end_of_the_system(
        self, computer: Computer, simulator: Simulator, box: int
    ) -> None:
        assert computer.hcs("HcsSetComputeSystemCallback", box, 0, box, "1")[0] == 0
        simulator.crash_container("box")
        told = [computer.call("NextEvent", handle=box) for _ in range(3)]
        assert [code for _, _, code, _, _ in told] == [2, 3, 1]
        assert json.loads(told[-1][3] or "")["ExitType"] == "UnexpectedExit"

    def test_nobody_is_told_after_the_close(self, computer: Computer, box: int) -> None:
        computer.hcs("HcsSetComputeSystemCallback", box, 0, box, "1")
        computer.hcs("HcsCloseComputeSystem", box)
        assert computer.call("NextEvent", handle=box)[1] == E_ABORT

    def test_a_close_ends_the_question_of_another_thread(
        self, computer: Computer, address: str, box: int
    ) -> None:
        computer.hcs("HcsSetComputeSystemCallback", box, 0, box, "1")
        other = Connection(address, process=computer.process)
        other.send("NextEvent", handle=box)
        computer.hcs("HcsSetComputeSystemCallback", box, 0, box, None)
        assert other.receive()[1] == E_ABORT
        other.close()

    def test_an_operation_that_has_ended_says_so(self, computer: Computer) -> None:
        operation = computer.operation("1")
        computer.hcs("HcsEnumerateComputeSystems", None, operation)
        assert computer.call("NextEvent", handle=operation)[1:4] == (0, 0, None)
        assert computer.hcs("HcsGetOperationResult", operation)[2] == "[]"


class TestTheEndOfAProcess:
    """What it held is given back, however it ended."""

    DOCUMENT = json.dumps(hcs.container(ShouldTerminateOnLastHandleClosed=True))

    @pytest.fixture
    def made(self, computer: Computer) -> int:
        operation = computer.operation()
        hresult, system, _ = computer.hcs("HcsCreateComputeSystem", "box", self.DOCUMENT, operation)
        assert (hresult, computer.hcs("HcsWaitForOperationResult", operation, INFINITE)[0]) == (0, 0)
        computer.hcs("HcsCloseOperation", operation)
        return system

    def test_what_it_had_open_is_a_leak(self, computer: Computer, simulator: Simulator, made: int) -> None:
        computer.leave()
        assert made
        assert [tuple(leak) for leak in simulator.leaks()] == [(4321, "handle", "HCS system box")]

    @pytest.mark.parametrize("waiting", ["HcsWaitForComputeSystemExit", "NextEvent"])
    def test_one_that_is_killed_while_it_waits_holds_nothing(
        self, computer: Computer, simulator: Simulator, made: int, waiting: str
    ) -> None:
        if waiting == "NextEvent":
            computer.hcs("HcsSetComputeSystemCallback", made, 0, made, "1")
            computer.send(waiting, handle=made)
        else:
            computer.send(f"computecore!{waiting}", str(made), INFINITE)
        assert len(simulator.dump()["systems"]) == 1
        computer.close()
        # Reading alone: who looks all the time must not hold up those who write.
        while simulator.store.rows("SELECT 1 FROM systems"):
            time.sleep(0.01)
        assert simulator.leaks() == []

    def test_a_fault_that_kills_reaches_it_while_it_waits_for_the_operation(
        self, computer: Computer, simulator: Simulator, made: int
    ) -> None:
        simulator.inject(function="HcsStartComputeSystem", die="before")
        operation = computer.operation()
        assert computer.hcs("HcsStartComputeSystem", made, operation, None)[0] == 0
        assert computer.call("computecore!HcsWaitForOperationResult", str(operation), INFINITE)[0] == 1


def test_a_server_stops_while_processes_wait(simulator: Simulator) -> None:
    simulator.run_container("box")
    with serve(simulator) as address:
        computer = Computer(address)
        system = computer.open_system("box")
        computer.send("computecore!HcsWaitForComputeSystemExit", str(system), INFINITE)
    assert computer.reader.read() == b""
    computer.close()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"missing_functions": ["HcsGetServiceProperties"]}, 0x8007007F),
        ({"missing_libraries": ["computecore"]}, 0x8007007E),
        ({"elevated": False}, 0x8037011B),
    ],
)
def test_what_is_not_there_is_told_by_a_code(
    simulator: Simulator, options: dict[str, Any], code: int
) -> None:
    simulator.set_options(**options)
    with serve(simulator) as address:
        computer = Computer(address)
        assert computer.hcs("HcsGetServiceProperties", None)[0] == code
        computer.close()


def test_what_is_no_number_ends_the_connection(computer: Computer) -> None:
    computer.send("computecore!HcsCloseOperation", "one")
    assert computer.reader.read() == b""
