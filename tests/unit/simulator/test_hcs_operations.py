"""Operations of the simulated computecore.dll: misuse, time, faults, and what is given back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from cni_hns.binding import computecore
from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator import Simulator
from tests.unit.simulator.hcs_caller import (
    CALLBACK_SET,
    INVALID_ARGUMENT,
    INVALID_JSON,
    LONG_MS,
    NOT_IMPLEMENTED,
    OPERATION_NOT_STARTED,
    OPERATION_PENDING,
    OPERATION_STARTED,
    OPERATION_TIMEOUT,
    PROCESS_INFO_NOT_AVAILABLE,
    HcsCaller,
    Told,
    container,
)

INVALID_HANDLE = 0x80070006
ACCESS_DENIED = 0x8037011B
SERVICE_DISCONNECT = 0x8037011E
SERVICE_GONE = 0x800706BA

OPERATION_CALLBACK = 0x01000000
ENABLE_OPERATION_CALLBACKS = 1
NO_ID = (1 << 64) - 1
PLANTED = "hunter2-hunter2"


def pointer(number: int) -> Any:
    return ffi.cast("void *", number)


class Operation:
    """One operation, whose functions answer codes."""

    def __init__(self, hcs: HcsCaller, callback: Any = ffi.NULL, context: int = 0) -> None:
        self.hcs = hcs
        self.handle = hcs.function("HcsCreateOperation")(pointer(context), callback)
        self.text = ""

    def of(self, name: str, *arguments: Any) -> Any:
        """A function of operations; where it answers a number, unsigned."""
        answer = self.hcs.function(name)(self.handle, *arguments)
        return answer & 0xFFFFFFFF if isinstance(answer, int) and answer < 0 else answer

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


def test_a_result_may_be_asked_for_again(hcs: HcsCaller, operation: Operation) -> None:
    assert hcs.function("HcsEnumerateComputeSystems")(ffi.NULL, operation.handle) == 0
    for ask in (operation.wait, operation.wait, operation.result):
        assert (ask(), operation.text) == (0, "[]")


def test_one_may_never_end(hcs: HcsCaller, box: Any, operation: Operation) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", hang=True)
    assert operation.start(box) == 0
    assert operation.wait(1) == OPERATION_TIMEOUT
    assert hcs.states() == {"box": "Created"}


def test_work_may_be_done_though_its_call_failed(hcs: HcsCaller, box: Any, operation: Operation) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", hresult=0x80004005, took_effect=True)
    operation.start(box)
    assert operation.wait() == 0x80004005
    assert hcs.states() == {"box": "Running"}


@pytest.mark.parametrize(("moment", "state"), [("before", "Created"), ("after", "Running")])
def test_a_caller_may_be_killed_in_a_call(hcs: HcsCaller, box: Any, moment: str, state: str) -> None:
    hcs.simulator.inject(function="HcsStartComputeSystem", die=moment)
    program = (
        "import sys\n"
        "from cni_hns.simulator import Simulator\n"
        "from tests.unit.simulator.hcs_caller import HcsCaller\n"
        "hcs = HcsCaller(Simulator(sys.argv[1]))\n"
        "hcs.ask('HcsStartComputeSystem', hcs.open('box'))\n"
        "print('survived')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, hcs.simulator.folder], capture_output=True, text=True, check=False
    )
    assert (ended.returncode != 0, ended.stdout) == (True, "")
    assert hcs.states() == {"box": state}


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


class TestWhatAnOperationKnows:
    def test_before_its_call_it_is_of_no_type_number_system_or_process(self, operation: Operation) -> None:
        assert operation.of("HcsGetOperationType") == 0xFFFFFFFF
        assert operation.of("HcsGetOperationId") == NO_ID
        assert operation.of("HcsGetComputeSystemFromOperation") == ffi.NULL
        assert operation.of("HcsGetProcessFromOperation") == ffi.NULL

    def test_its_call_gives_it_type_number_and_the_callers_own_handle(
        self, hcs: HcsCaller, box: Any, operation: Operation
    ) -> None:
        operation.start(box)
        assert operation.of("HcsGetOperationType") == 2
        assert operation.of("HcsGetComputeSystemFromOperation") == box
        assert operation.of("HcsGetProcessFromOperation") == ffi.NULL
        assert operation.wait() == 0
        other = Operation(hcs)
        other.start(box, "Terminate")
        assert other.wait() == 0
        assert other.of("HcsGetOperationType") == 7
        assert other.of("HcsGetOperationId") != operation.of("HcsGetOperationId") != NO_ID
        other.close()

    def test_a_creation_knows_the_new_handle(self, hcs: HcsCaller, operation: Operation) -> None:
        slot = ffi.new("HCS_SYSTEM *")
        document = hcs.wide(container())
        create = hcs.function("HcsCreateComputeSystem")
        assert create(hcs.wide("box"), document, operation.handle, ffi.NULL, slot) == 0
        assert operation.wait() == 0
        assert operation.of("HcsGetOperationType") == 1
        assert operation.of("HcsGetComputeSystemFromOperation") == slot[0]
        hcs.ask("HcsTerminateComputeSystem", slot[0])
        hcs.close(slot[0])

    def test_a_call_about_a_process_knows_the_handle_that_is_to_be_closed(
        self, hcs: HcsCaller, box: Any, operation: Operation
    ) -> None:
        hcs.ask("HcsStartComputeSystem", box)
        slot = ffi.new("HCS_PROCESS *")
        parameters = hcs.wide({"CommandLine": "cmd"})
        create = hcs.function("HcsCreateProcess")
        assert create(box, parameters, operation.handle, ffi.NULL, slot) == 0
        assert operation.wait() == 0
        assert operation.of("HcsGetOperationType") == 10
        assert operation.of("HcsGetProcessFromOperation") == slot[0]
        assert operation.of("HcsGetComputeSystemFromOperation") == box
        information = Operation(hcs)
        assert hcs.function("HcsGetProcessInfo")(slot[0], information.handle) == 0
        assert information.wait() == 0
        assert information.of("HcsGetProcessFromOperation") == slot[0]
        information.close()
        hcs.function("HcsCloseProcess")(operation.of("HcsGetProcessFromOperation"))

    def test_its_context_is_the_last_that_was_set(self, hcs: HcsCaller) -> None:
        operation = Operation(hcs, context=7)
        assert operation.of("HcsGetOperationContext") == pointer(7)
        assert operation.of("HcsSetOperationContext", pointer(8)) == 0
        assert operation.of("HcsGetOperationContext") == pointer(8)
        operation.close()

    def test_a_resource_is_taken_until_its_call(self, box: Any, operation: Operation) -> None:
        add, uri = "HcsAddResourceToOperation", operation.hcs.wide("hcs:/file")
        assert operation.of(add, 1, uri, ffi.NULL) == 0
        assert operation.of(add, 5, uri, ffi.NULL) == INVALID_ARGUMENT
        assert operation.of(add, 1, ffi.NULL, ffi.NULL) == INVALID_ARGUMENT
        operation.start(box)
        assert operation.of(add, 1, uri, ffi.NULL) == OPERATION_STARTED
        operation.wait()

    def test_what_a_process_is_only_a_call_about_one_tells(
        self, hcs: HcsCaller, box: Any, operation: Operation
    ) -> None:
        information, slot = ffi.new("HCS_PROCESS_INFORMATION *"), ffi.new("PWSTR *")
        function = hcs.function("HcsGetOperationResultAndProcessInfo")
        query = hcs.function("HcsGetComputeSystemProperties")
        assert query(box, operation.handle, ffi.NULL) == 0
        assert operation.wait() == 0
        assert function(operation.handle, ffi.NULL, ffi.NULL) == 0
        told = function(operation.handle, information, slot)
        assert told & 0xFFFFFFFF == PROCESS_INFO_NOT_AVAILABLE
        assert json.loads(hcs.take(slot))["Id"] == "box"

    def test_a_failure_is_told_before_that(self, hcs: HcsCaller, box: Any, operation: Operation) -> None:
        hcs.simulator.inject(function="HcsStartComputeSystem", hresult=0x80370101)
        operation.start(box)
        operation.wait()
        information = ffi.new("HCS_PROCESS_INFORMATION *")
        function = hcs.function("HcsGetOperationResultAndProcessInfo")
        assert function(operation.handle, information, ffi.NULL) & 0xFFFFFFFF == 0x80370101


class TestCompletion:
    """https://learn.microsoft.com/virtualization/api/hcs/Reference/OperationCompletionSample"""

    @pytest.fixture
    def ended(self) -> SimpleQueue[tuple[Any, Any]]:
        return SimpleQueue()

    @pytest.fixture
    def callback(self, ended: SimpleQueue[tuple[Any, Any]]) -> Any:
        return ffi.callback("HCS_OPERATION_COMPLETION", lambda *told: ended.put(told))

    def test_a_callback_may_be_set_until_the_call(
        self, box: Any, operation: Operation, ended: SimpleQueue[tuple[Any, Any]], callback: Any
    ) -> None:
        assert operation.of("HcsSetOperationCallback", ffi.NULL, ffi.NULL) == INVALID_ARGUMENT
        assert operation.of("HcsSetOperationCallback", pointer(42), callback) == 0
        operation.start(box)
        assert operation.of("HcsSetOperationCallback", pointer(43), callback) == OPERATION_STARTED
        assert ended.get(timeout=60) == (operation.handle, pointer(42))
        assert ended.empty()

    def test_the_callback_of_a_system_may_hear_of_its_operations(self, hcs: HcsCaller, box: Any) -> None:
        told = hcs.events("HcsSetComputeSystemCallback", box, ENABLE_OPERATION_CALLBACKS)
        operation = Operation(hcs)
        operation.start(box)
        assert told.get(timeout=60) == (OPERATION_CALLBACK, operation.handle)
        assert operation.result() == 0
        operation.close()

    def test_it_hears_of_those_of_its_own_handle(self, hcs: HcsCaller, box: Any) -> None:
        other = hcs.open("box")
        told = hcs.events("HcsSetComputeSystemCallback", other, ENABLE_OPERATION_CALLBACKS)
        plain = hcs.events("HcsSetComputeSystemCallback", box)
        hcs.ask("HcsStartComputeSystem", box)
        operation = Operation(hcs)
        operation.start(other, "ShutDown")
        events = {told.get(timeout=60)[0], told.get(timeout=60)[0]}
        assert events == {OPERATION_CALLBACK, 1}
        assert plain.get(timeout=60)[0] == 1
        assert plain.empty()
        operation.close()
        hcs.close(other)

    def test_it_may_close_what_it_hears_of(self, hcs: HcsCaller, box: Any) -> None:
        done: SimpleQueue[int] = SimpleQueue()

        @ffi.callback("HCS_EVENT_CALLBACK")
        def callback(event: Any, _context: Any) -> None:
            hcs.function("HcsCloseOperation")(event.Operation)
            done.put(event.Type)

        set_callback = hcs.function("HcsSetComputeSystemCallback")
        assert set_callback(box, ENABLE_OPERATION_CALLBACKS, ffi.NULL, callback) == 0
        Operation(hcs).start(box)
        assert done.get(timeout=60) == OPERATION_CALLBACK
        assert set_callback(box, 0, ffi.NULL, ffi.NULL) == 0

    def test_both_kinds_of_callback_cannot_be_had(
        self, hcs: HcsCaller, box: Any, ended: SimpleQueue[tuple[Any, Any]], callback: Any
    ) -> None:
        hcs.events("HcsSetComputeSystemCallback", box, ENABLE_OPERATION_CALLBACKS)
        operation = Operation(hcs, callback)
        assert operation.start(box) == CALLBACK_SET
        assert operation.result() == OPERATION_NOT_STARTED
        assert hcs.states() == {"box": "Created"}
        assert hcs.function("HcsSetComputeSystemCallback")(box, 0, ffi.NULL, ffi.NULL) == 0
        assert operation.start(box) == 0
        assert ended.get(timeout=60)[0] == operation.handle
        operation.close()

    def test_the_callback_of_a_process_may_hear_of_its_operations(self, hcs: HcsCaller, box: Any) -> None:
        hcs.ask("HcsStartComputeSystem", box)
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        told = hcs.events("HcsSetProcessCallback", process, ENABLE_OPERATION_CALLBACKS)
        operation = Operation(hcs)
        get_properties = hcs.function("HcsGetProcessProperties")
        assert get_properties(process, operation.handle, ffi.NULL) == 0
        assert told.get(timeout=60) == (OPERATION_CALLBACK, operation.handle)
        operation.close()
        hcs.function("HcsCloseProcess")(process)


def test_every_function_that_no_client_here_uses_says_so(simulator: Simulator) -> None:
    caller = HcsCaller(simulator)
    declared = set(re.findall(r"\b(Hcs\w+)\(", computecore.DECLARATIONS))
    made = {name: caller.function(name) for name in declared}
    assert len(made) > 50
    assert made["HcsGrantVmAccess"](ffi.NULL, ffi.NULL) & 0xFFFFFFFF == NOT_IMPLEMENTED
    assert made["HcsSubmitWerReport"](ffi.NULL) & 0xFFFFFFFF == NOT_IMPLEMENTED
    assert made["HcsCreateOperationWithNotifications"](0, ffi.NULL, ffi.NULL) == ffi.NULL
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

    def test_keeps_what_changing_calls_sent_where_that_is_asked_for(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        assert {call.document for call in hcs.simulator.journal()} == {""}
        hcs.simulator.set_options(journal_documents=True)
        hcs.simulator.reset_journal()
        hcs.modify(box, "Container/Memory/SizeInMB", 80)
        hcs.properties(box, "Statistics")
        hcs.close(hcs.open("box"))
        process, _ = hcs.process(box, {"CommandLine": "cmd"})
        hcs.ask("HcsSignalProcess", process, {"Signal": "CtrlC"})
        hcs.ask("HcsShutDownComputeSystem", box)
        sent = {call.function: json.loads(call.document) for call in hcs.simulator.journal() if call.document}
        assert sent.pop("HcsModifyComputeSystem")["Settings"] == 80
        assert sent == {"HcsCreateProcess": {"CommandLine": "cmd"}, "HcsSignalProcess": {"Signal": "CtrlC"}}
        hcs.function("HcsCloseProcess")(process)
        hcs.close(box)

    def test_keeps_no_secret_of_a_container_in_it(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(journal_documents=True)
        guard = {"Cookie": PLANTED, "RpcEndpoint": "pipe", "credentialSpec": PLANTED}
        box = hcs.running("box", {**container(), "Container": {"ContainerCredentialGuard": guard}})
        process, _ = hcs.process(box, {"CommandLine": "cmd", "environment": {"TOKEN": PLANTED}})
        for broken in (f'{{"Environment": {{"TOKEN": "{PLANTED}"}}', f'["{PLANTED}"]'):
            with pytest.raises(Told):
                hcs.process(box, broken)
        kept = "".join(call.document for call in hcs.simulator.journal())
        assert PLANTED not in kept
        assert '"TOKEN":"***"' in kept
        assert '"RpcEndpoint":"pipe"' in kept
        hcs.function("HcsCloseProcess")(process)
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    @staticmethod
    def _asked(hcs: HcsCaller, query: object) -> Any:
        slot = ffi.new("PWSTR *")
        assert hcs.function("HcsGetServiceProperties")(hcs.wide(query), slot) == 0
        return json.loads(hcs.take(slot))["Properties"]
