"""Operations of the simulated computecore.dll: misuse, time, faults, and what is given back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from cni_hns.binding import computecore
from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator import Simulator
from tests.unit.simulator.hcs_caller import (
    INVALID_ARGUMENT,
    INVALID_JSON,
    LONG_MS,
    NOT_IMPLEMENTED,
    OPERATION_NOT_STARTED,
    OPERATION_PENDING,
    OPERATION_STARTED,
    OPERATION_TIMEOUT,
    HcsCaller,
    Told,
    container,
)

INVALID_HANDLE = 0x80070006
ACCESS_DENIED = 0x8037011B
SERVICE_DISCONNECT = 0x8037011E
SERVICE_GONE = 0x800706BA


class Operation:
    """One operation, whose functions answer codes."""

    def __init__(self, hcs: HcsCaller) -> None:
        self.hcs = hcs
        self.handle = hcs.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        self.text = ""

    def start(self, system: Any, what: str = "Start") -> int:
        function = self.hcs.function(f"Hcs{what}ComputeSystem")
        return int(function(system, self.handle, ffi.NULL)) & 0xFFFFFFFF

    def result(self) -> int:
        return self._told(self.hcs.function("HcsGetOperationResult"))

    def wait(self, timeout_ms: int = LONG_MS) -> int:
        return self._told(self.hcs.function("HcsWaitForOperationResult"), timeout_ms)

    def close(self) -> None:
        self.hcs.function("HcsCloseOperation")(self.handle)

    def _told(self, function: Any, *arguments: Any) -> int:
        slot = ffi.new("PWSTR *")
        hresult = int(function(self.handle, *arguments, slot)) & 0xFFFFFFFF
        self.text = self.hcs.take(slot)
        return hresult


@pytest.fixture
def box(hcs: HcsCaller) -> Any:
    """A system that is created, and ended at the end of the test."""
    handle = hcs.create("box", container())
    yield handle
    hcs.simulator.clear_faults()
    hcs.code("HcsTerminateComputeSystem", handle)
    hcs.close(handle)


@pytest.fixture
def operation(hcs: HcsCaller) -> Any:
    made = Operation(hcs)
    yield made
    made.close()


def test_one_that_was_not_used_has_no_result(operation: Operation) -> None:
    assert operation.result() == OPERATION_NOT_STARTED
    assert operation.wait(0) == OPERATION_NOT_STARTED


def test_one_is_for_one_call(box: Any, operation: Operation) -> None:
    assert operation.start(box) == 0
    assert operation.wait() == 0
    assert operation.start(box, "Terminate") == OPERATION_STARTED
    assert operation.hcs.states() == {"box": "Running"}


def test_a_call_without_one_is_refused(hcs: HcsCaller, box: Any) -> None:
    function = hcs.function("HcsStartComputeSystem")
    assert function(box, ffi.NULL, ffi.NULL) & 0xFFFFFFFF == INVALID_ARGUMENT
    assert hcs.states() == {"box": "Created"}


def test_a_failure_is_the_result_and_has_a_document(hcs: HcsCaller, box: Any, operation: Operation) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", object="box", hresult=0x80370101)
    assert operation.start(box) == 0
    assert operation.wait() == 0x80370101
    assert json.loads(operation.text)["Error"] == 0x80370101 - (1 << 32)


def test_a_fault_may_say_what_the_document_is(hcs: HcsCaller, box: Any, operation: Operation) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", hresult=0x80370101, record='{"Error": 1}')
    operation.start(box)
    assert operation.wait() == 0x80370101
    assert operation.text == '{"Error": 1}'


def test_a_fault_of_another_system_is_not_for_this_one(hcs: HcsCaller, box: Any) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", object="other", hresult=0x80370101)
    assert hcs.code("HcsStartComputeSystem", box) == 0


def test_a_wait_that_timed_out_lets_the_work_go_on(hcs: HcsCaller, box: Any, operation: Operation) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", held="before")
    operation.start(box)
    assert operation.wait(1) == OPERATION_TIMEOUT
    assert operation.result() == OPERATION_PENDING
    assert hcs.states() == {"box": "Created"}
    hcs.simulator.clear_faults()
    assert operation.wait() == 0
    assert hcs.states() == {"box": "Running"}


def test_closing_one_that_runs_lets_the_work_go_on(hcs: HcsCaller, box: Any) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", held="before")
    told = hcs.events("HcsSetComputeSystemCallback", box)
    first, second = Operation(hcs), Operation(hcs)
    first.start(box)
    first.close()
    hcs.simulator.clear_faults()
    # The started system is told of by its end; before it runs it cannot be shut down.
    while second.start(box, "ShutDown") == 0 and second.wait() != 0:
        second.close()
        second = Operation(hcs)
    second.close()
    assert told.get(timeout=60)[1]["ExitType"] == "GracefulExit"


def test_a_creation_closed_before_its_end_leaves_no_system_that_ends_with_its_last_handle(
    hcs: HcsCaller, operation: Operation
) -> None:
    hcs.simulator.inject(function="HcsCreateComputeSystem", held="before")
    slot = ffi.new("HCS_SYSTEM *")
    document = hcs.wide(container(ShouldTerminateOnLastHandleClosed=True))
    create = hcs.function("HcsCreateComputeSystem")
    assert create(hcs.wide("box"), document, operation.handle, ffi.NULL, slot) == 0
    hcs.close(slot[0])
    hcs.simulator.clear_faults()
    assert operation.wait() == 0
    assert hcs.states() == {}
    assert hcs.simulator.dump()["systems"] == []


def test_cancelling_is_not_implemented(operation: Operation) -> None:
    cancel = operation.hcs.function("HcsCancelOperation")
    assert cancel(operation.handle) & 0xFFFFFFFF == NOT_IMPLEMENTED


def test_its_callback_is_called_when_it_ends(hcs: HcsCaller, box: Any) -> None:
    ended: SimpleQueue[tuple[int, int]] = SimpleQueue()

    @ffi.callback("HCS_OPERATION_COMPLETION")
    def callback(operation: Any, context: Any) -> None:
        ended.put((int(ffi.cast("uintptr_t", operation)), int(ffi.cast("uintptr_t", context))))

    context = ffi.cast("void *", 42)
    handle = hcs.function("HcsCreateOperation")(context, callback)
    assert hcs.function("HcsStartComputeSystem")(box, handle, ffi.NULL) == 0
    assert ended.get(timeout=60) == (int(ffi.cast("uintptr_t", handle)), 42)
    hcs.function("HcsCloseOperation")(handle)


def test_every_function_that_no_client_here_uses_says_so(simulator: Simulator) -> None:
    caller = HcsCaller(simulator)
    declared = set(re.findall(r"\b(Hcs\w+)\(", computecore.DECLARATIONS))
    made = {name: caller.function(name) for name in declared}
    assert len(made) > 50
    assert made["HcsGrantVmAccess"](ffi.NULL, ffi.NULL) & 0xFFFFFFFF == NOT_IMPLEMENTED
    assert made["HcsSubmitWerReport"](ffi.NULL) & 0xFFFFFFFF == NOT_IMPLEMENTED
    assert made["HcsGetOperationContext"](ffi.NULL) == ffi.NULL
    assert made["HcsGetOperationType"](ffi.NULL) == -1
    with pytest.raises(AttributeError):
        caller.function("HcsThatNobodyHas")


class TestHandles:
    def test_what_is_not_given_back_is_counted(self, tmp_path: Path) -> None:
        node = Simulator(str(tmp_path / "other"))
        caller = HcsCaller(node)
        caller.create("box", container())
        caller.function("HcsCreateOperation")(ffi.NULL, ffi.NULL)
        caller.function("HcsGetServiceProperties")(ffi.NULL, ffi.new("PWSTR *"))
        caller.libraries.close()
        assert sorted((leak.kind, leak.text) for leak in node.leaks()) == [
            ("buffer", "HcsGetServiceProperties"),
            ("handle", "HCS operation"),
            ("handle", "HCS system box"),
        ]
        node.close()

    def test_a_handle_that_is_closed_is_a_violation(self, tmp_path: Path) -> None:
        node = Simulator(str(tmp_path / "other"))
        caller = HcsCaller(node)
        handle = caller.create("box", container())
        caller.close(handle)
        caller.close(handle)
        assert caller.code("HcsStartComputeSystem", handle) == INVALID_HANDLE
        assert [leak.kind for leak in node.leaks()] == ["violation", "violation"]
        node.close()

    def test_one_of_a_process_is_none_of_a_system(self, tmp_path: Path) -> None:
        node = Simulator(str(tmp_path / "other"))
        caller = HcsCaller(node)
        handle = caller.create("box", container())
        assert caller.code("HcsTerminateProcess", handle) == INVALID_HANDLE
        assert [leak.kind for leak in node.leaks()] == ["violation"]
        node.close()


class TestTheService:
    def test_that_was_started_again_knows_no_old_handle(self, hcs: HcsCaller, box: Any) -> None:
        hcs.ask("HcsStartComputeSystem", box)
        hcs.simulator.restart_hcs()
        assert hcs.code("HcsTerminateComputeSystem", box) == SERVICE_DISCONNECT
        assert hcs.states() == {"box": "Running"}
        again = hcs.open("box")
        hcs.ask("HcsTerminateComputeSystem", again)
        hcs.close(again)

    def test_that_hns_was_started_again_means_nothing(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.restart_hns()
        assert hcs.code("HcsStartComputeSystem", box) == 0

    def test_that_does_not_run_answers_nothing(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(hcs_stopped_hresult=SERVICE_GONE)
        with pytest.raises(Told) as caught:
            hcs.systems()
        assert (caught.value.hresult, caught.value.document) == (SERVICE_GONE, None)

    def test_serves_administrators_only(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(elevated=False)
        with pytest.raises(Told) as caught:
            hcs.systems()
        assert caught.value.hresult == ACCESS_DENIED

    def test_may_be_missing(self, simulator: Simulator) -> None:
        simulator.set_options(missing_libraries=["computecore"])
        with pytest.raises(OSError, match="computecore"):
            HcsCaller(simulator).function("HcsCreateOperation")

    def test_tells_the_schema_of_its_build(self, hcs: HcsCaller) -> None:
        for build, minor in ((17763, 1), (20348, 5), (26100, 7)):
            hcs.simulator.set_options(windows_build=build)
            versions = self._asked(hcs, {"PropertyTypes": ["Basic"]})[0]["SupportedSchemaVersions"]
            assert versions[-1] == {"Major": 2, "Minor": minor}

    def test_answers_in_the_order_of_the_question(self, hcs: HcsCaller) -> None:
        found = self._asked(hcs, {"PropertyTypes": ["QoSCapabilities", "Basic"]})
        assert [list(one) for one in found] == [["ProcessorQoSSupported"], ["SupportedSchemaVersions"]]

    @pytest.mark.parametrize(
        ("query", "hresult"),
        [("{", INVALID_JSON), ({"PropertyTypes": ["CpuGroup"]}, NOT_IMPLEMENTED)],
    )
    def test_says_what_it_cannot_tell(self, hcs: HcsCaller, query: object, hresult: int) -> None:
        slot = ffi.new("PWSTR *")
        function = hcs.function("HcsGetServiceProperties")
        assert function(hcs.wide(query), slot) & 0xFFFFFFFF == hresult
        assert json.loads(hcs.take(slot))["Error"] == hresult - (1 << 32)

    def test_keeps_a_journal_of_calls_by_the_systems_id(self, hcs: HcsCaller, box: Any) -> None:
        hcs.simulator.reset_journal()
        hcs.ask("HcsStartComputeSystem", box)
        hcs.systems({"Owners": ["nobody"]})
        told = [(call.function, call.object, call.hresult) for call in hcs.simulator.journal()]
        assert told == [("HcsStartComputeSystem", "box", 0), ("HcsEnumerateComputeSystems", "", 0)]
        hcs.close(hcs.open("box"))
        (closed,) = hcs.simulator.journal(closings=True)
        assert (closed.function, closed.object) == ("HcsCloseComputeSystem", "box")

    @staticmethod
    def _asked(hcs: HcsCaller, query: object) -> Any:
        slot = ffi.new("PWSTR *")
        assert hcs.function("HcsGetServiceProperties")(hcs.wide(query), slot) == 0
        return json.loads(hcs.take(slot))["Properties"]
