"""The calls of computecore.dll: one operation each, and everything given back, on scripted C functions."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event as Flag

import pytest

from cni_hns.binding import patience
from cni_hns.binding.compute import PROCESS, Compute, Held
from cni_hns.binding.compute_errors import OutcomeUnknown, SystemStopped
from cni_hns.binding.compute_events import PROCESS_EXITED, SERVICE_DISCONNECT, SYSTEM_EXITED, Event
from cni_hns.binding.errors import (
    AccessDenied,
    AlreadyExists,
    FunctionMissing,
    MalformedAnswer,
    ServiceError,
    SystemNotFound,
    Unreachable,
)
from cni_hns.binding.libraries import Libraries
from cni_hns.binding.patience import Patience
from cni_hns.deadline import Deadline
from cni_hns.log import Log
from tests.unit.binding.scripted_compute import (
    ALREADY_STOPPED,
    E_FAIL,
    SYSTEM_NOT_FOUND,
    TIMED_OUT,
    Answer,
    ScriptedCompute,
)

E_INVALIDARG = 0x80070057
of_descriptors = pytest.mark.skipif(os.name == "nt", reason="a handle is a descriptor here")

INVALID_HANDLE_VALUE = 0xFFFFFFFF_FFFFFFFF
OPERATIONS = ["HcsCreateOperation", "HcsWaitForOperationResult", "HcsCloseOperation"]


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(60.0)


def names(hcs: ScriptedCompute) -> list[str]:
    return [call[0] for call in hcs.calls]


class TestOneCall:
    def test_has_an_operation_of_its_own_that_is_waited_for_and_closed(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(text='[{"Id":"ä"}]'))
        assert compute.enumerate('{"Owners":["x"]}', deadline) == '[{"Id":"ä"}]'
        compute.enumerate("", deadline)
        each = [OPERATIONS[0], "HcsEnumerateComputeSystems", *OPERATIONS[1:]]
        assert [name for name in names(hcs) if name != "CoTaskMemFree"] == each * 2
        assert hcs.violations == []

    def test_without_a_document_passes_null(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        """An empty text is something else to some versions."""
        compute.enumerate("", deadline)
        assert hcs.arguments("HcsEnumerateComputeSystems")[0] is None

    def test_waits_no_longer_than_its_time(self, hcs: ScriptedCompute, compute: Compute) -> None:
        compute.enumerate("", Deadline(60.0))
        within = hcs.arguments("HcsWaitForOperationResult")[1]
        assert 0 < within <= 60_000
        compute.enumerate("", Deadline(0.0))
        assert hcs.arguments("HcsWaitForOperationResult")[1] == 0
        # The largest number would be "for ever".
        compute.enumerate("", Deadline(1e9))
        assert hcs.arguments("HcsWaitForOperationResult")[1] == 0xFFFFFFFE

    def test_that_fails_at_once_is_asked_for_its_result_error(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(call=0x8037011B, text='{"ErrorMessage":"No rights."}'))
        with pytest.raises(AccessDenied, match='The service says: "No rights'):
            compute.enumerate("", deadline)
        assert "HcsGetOperationResult" in names(hcs)
        assert "HcsWaitForOperationResult" not in names(hcs)

    def test_that_fails_later_has_its_result_error(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(result=E_FAIL, text='{"ErrorMessage":"It broke."}'))
        with pytest.raises(ServiceError, match="It broke") as caught:
            compute.enumerate("", deadline)
        assert (caught.value.operation, caught.value.hresult) == ("HcsEnumerateComputeSystems", E_FAIL)

    def test_that_is_said_to_be_pending_was_accepted(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(call=0x80370117, text="[]"))
        assert compute.enumerate("", deadline) == "[]"

    def test_whose_wait_timed_out_says_nothing_about_the_outcome_and_is_never_cancelled(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(result=TIMED_OUT))
        with pytest.raises(OutcomeUnknown, match="the operation goes on"):
            compute.enumerate("", deadline)
        assert "HcsCancelOperation" not in names(hcs)
        assert names(hcs)[-1] == "HcsCloseOperation"

    def test_without_an_operation_is_not_made(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateOperation", Answer(handle=False))
        with pytest.raises(MalformedAnswer, match="no operation"):
            compute.enumerate("", deadline)
        assert hcs.called == []

    @pytest.mark.parametrize(
        "missing",
        ["HcsCloseOperation", "HcsWaitForOperationResult", "HcsGetOperationResult", "CoTaskMemFree"],
    )
    def test_makes_nothing_that_it_could_not_give_back(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline, missing: str
    ) -> None:
        hcs.missing.add(missing)
        with pytest.raises(FunctionMissing, match=missing):
            compute.enumerate("", deadline)
        assert hcs.calls == []

    def test_of_a_node_without_the_dll_says_what_to_do(self, log: Log, deadline: Deadline) -> None:
        nothing = object()
        with pytest.raises(FunctionMissing, match="Next: "):
            Compute(Libraries(nothing, nothing, nothing, nothing), log).enumerate("", deadline)

    def test_is_one_line_of_the_log_that_names_what_hangs(
        self, hcs: ScriptedCompute, compute: Compute, log: Log, deadline: Deadline
    ) -> None:
        hung: list[str] = []
        hcs.says("HcsEnumerateComputeSystems", Answer(then=lambda: hung.append(log.current_call)))
        compute.enumerate("", deadline)
        assert hung == ["HcsEnumerateComputeSystems compute systems"]
        assert (log.calls, log.current_call) == (1, "")


class TestACallThatDoesNotComeBack:
    @pytest.fixture
    def given_up(self) -> list[tuple[str, float]]:
        return []

    @pytest.fixture
    def impatient(
        self,
        hcs: ScriptedCompute,
        log: Log,
        monkeypatch: pytest.MonkeyPatch,
        given_up: list[tuple[str, float]],
    ) -> Compute:
        monkeypatch.setattr(patience, "_GRACE_S", 0.01)

        def give_up(call: str, seconds: float) -> None:
            given_up.append((call, seconds))
            self.over.set()

        self.over = Flag()
        return Compute(hcs.libraries(), log, Patience(0.0, give_up))

    def _hangs(self) -> None:
        assert self.over.wait(60.0)

    def test_is_given_up_with_its_name_though_it_has_no_deadline(
        self, hcs: ScriptedCompute, impatient: Compute, given_up: list[tuple[str, float]]
    ) -> None:
        hcs.says("HcsOpenComputeSystem", Answer(then=self._hangs))
        impatient.close(impatient.open("box"))
        assert given_up[0] == ("HcsOpenComputeSystem compute system box", 0.01)

    def test_is_given_up_past_its_deadline(
        self, hcs: ScriptedCompute, impatient: Compute, given_up: list[tuple[str, float]]
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(then=self._hangs))
        impatient.enumerate("", Deadline(0.0))
        assert given_up == [("HcsEnumerateComputeSystems compute systems", 0.01)]

    def test_is_told_from_one_that_comes_back_in_time(self, hcs: ScriptedCompute, log: Log) -> None:
        given_up: list[str] = []
        patient = Compute(hcs.libraries(), log, Patience(60.0, lambda call, _: given_up.append(call)))
        patient.enumerate("", Deadline(60.0))
        patient.close(patient.open("box"))
        assert given_up == []


class TestTheService:
    def test_says_its_properties_without_an_operation(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsGetServiceProperties", Answer(text='{"Properties":[]}'))
        assert compute.service_properties('{"PropertyTypes":["Basic"]}') == '{"Properties":[]}'
        assert hcs.arguments("HcsGetServiceProperties")[0] == '{"PropertyTypes":["Basic"]}'
        assert "HcsCreateOperation" not in names(hcs)

    def test_frees_what_it_says_of_a_failure(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsModifyServiceSettings", Answer(call=0x8037010D, text='{"ErrorMessage":"Bad settings"}'))
        with pytest.raises(ServiceError, match="Bad settings"):
            compute.modify_service("{}")


class TestCreating:
    def test_listens_before_anything_can_end_it(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        held = compute.create("box", '{"Container":{}}', deadline)
        order = [name for name in names(hcs) if name != "CoTaskMemFree"]
        assert order == [
            "HcsCreateOperation",
            "HcsCreateComputeSystem",
            "HcsSetComputeSystemCallback",
            "HcsWaitForOperationResult",
            "HcsCloseOperation",
        ]
        assert hcs.arguments("HcsCreateComputeSystem")[:2] == ("box", '{"Container":{}}')
        compute.close(held)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Answer(call=0x80370101), id="refused"),
            pytest.param(Answer(result=0x80370101), id="failed"),
            pytest.param(Answer(result=TIMED_OUT), id="timed out"),
        ],
    )
    def test_that_failed_with_a_handle_terminates_and_closes_it(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline, answer: Answer
    ) -> None:
        """Else the ID stays taken, and the next try says that it exists."""
        hcs.says("HcsCreateComputeSystem", answer)
        with pytest.raises(ServiceError):
            compute.create("box", "{}", deadline)
        assert hcs.called[-1] == "HcsTerminateComputeSystem"
        assert names(hcs)[-1] == "HcsCloseComputeSystem"

    def test_that_failed_without_a_handle_terminates_nothing(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(call=E_FAIL, handle=False))
        with pytest.raises(ServiceError):
            compute.create("box", "{}", deadline)
        assert "HcsTerminateComputeSystem" not in hcs.called

    def test_never_terminates_the_system_that_has_the_id(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(result=0x8037010F))
        with pytest.raises(AlreadyExists):
            compute.create("box", "{}", deadline)
        assert "HcsTerminateComputeSystem" not in hcs.called

    def test_that_failed_says_if_it_could_not_be_undone(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(result=E_FAIL))
        hcs.says("HcsTerminateComputeSystem", Answer(result=0x8037011B))
        with pytest.raises(ServiceError) as caught:
            compute.create("box", "{}", deadline)
        assert "may still be there: HcsTerminateComputeSystem failed" in caught.value.__notes__[0]

    def test_that_failed_and_is_gone_needs_no_word_more(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(result=E_FAIL))
        hcs.says("HcsTerminateComputeSystem", Answer(call=SYSTEM_NOT_FOUND))
        with pytest.raises(ServiceError) as caught:
            compute.create("box", "{}", deadline)
        assert not hasattr(caught.value, "__notes__")

    def test_that_nobody_could_listen_to_is_undone(
        self, hcs: ScriptedCompute, compute: Compute, log: Log, deadline: Deadline
    ) -> None:
        hcs.says("HcsSetComputeSystemCallback", Answer(call=0x80370119))
        with pytest.raises(ServiceError, match="HcsSetComputeSystemCallback failed on compute system box"):
            compute.create("box", "{}", deadline)
        assert hcs.called[-1] == "HcsTerminateComputeSystem"
        assert log.current_call == ""

    def test_with_success_and_no_handle_is_no_success(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(handle=False))
        with pytest.raises(MalformedAnswer, match="no handle"):
            compute.create("box", "{}", deadline)


class TestOpening:
    def test_asks_for_all_rights_and_closes_once(self, hcs: ScriptedCompute, compute: Compute) -> None:
        held = compute.open("box")
        assert hcs.arguments("HcsOpenComputeSystem")[:2] == ("box", 0x10000000)
        compute.close(held)
        compute.close(held)
        assert names(hcs).count("HcsCloseComputeSystem") == 1

    def test_listens_only_where_asked_and_at_once(self, hcs: ScriptedCompute, compute: Compute) -> None:
        compute.close(compute.open("box"))
        assert hcs.called == ["HcsOpenComputeSystem"]
        compute.close(compute.open("box", listen=True))
        assert hcs.called[1:] == ["HcsOpenComputeSystem", "HcsSetComputeSystemCallback"]

    def test_of_one_that_is_not_there(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsOpenComputeSystem", Answer(call=SYSTEM_NOT_FOUND, handle=False))
        with pytest.raises(SystemNotFound, match="compute system box"):
            compute.open("box")

    def test_that_cannot_be_listened_to_is_closed(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsSetComputeSystemCallback", Answer(call=0x8037011E))
        with pytest.raises(Unreachable):
            compute.open("box", listen=True)

    def test_without_a_handle_is_no_success(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsOpenComputeSystem", Answer(handle=False))
        with pytest.raises(MalformedAnswer, match="no handle"):
            compute.open("box")


class TestAsking:
    @pytest.mark.parametrize("what", ["Start", "ShutDown", "Terminate", "Pause", "Resume"])
    def test_is_one_operation_on_the_handle(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline, what: str
    ) -> None:
        held = compute.open("box")
        compute.ask(held, what, deadline)
        assert hcs.called[-1] == f"Hcs{what}ComputeSystem"
        assert hcs.arguments(f"Hcs{what}ComputeSystem")[2] is None
        compute.close(held)

    def test_for_properties_and_changes(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.says("HcsGetComputeSystemProperties", Answer(text='{"Id":"box"}'))
        held = compute.open("box")
        assert compute.properties(held, "", deadline) == '{"Id":"box"}'
        hcs.says("HcsModifyComputeSystem", Answer(call=ALREADY_STOPPED))
        with pytest.raises(SystemStopped, match=r"on compute system box \(memory\)"):
            compute.modify(held, "{}", deadline, "memory")
        compute.close(held)

    def test_with_a_closed_handle_is_a_fault_of_the_program(
        self, compute: Compute, deadline: Deadline
    ) -> None:
        held = compute.open("box")
        compute.close(held)
        with pytest.raises(ValueError, match="handle of compute system box is closed"):
            compute.ask(held, "Start", deadline)


class TestProcesses:
    @pytest.fixture
    def system(self, compute: Compute) -> Held:
        return compute.open("box")

    def test_are_created_listened_to_and_told_by_their_id(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateProcess", Answer(pid=4711))
        process, pid, _ = compute.create_process(system, '{"CommandLine":"cmd"}', deadline)
        assert (pid, process.words) == (4711, "process 4711 in compute system box")
        assert hcs.called[1:] == ["HcsCreateProcess", "HcsSetProcessCallback"]
        compute.close(process)
        compute.close(system)

    def test_that_windows_2022_says_wrongly_failed_are_asked_again(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateProcess", Answer(result=E_INVALIDARG))
        hcs.says("HcsGetProcessInfo", Answer(pid=4711))
        process, pid, _ = compute.create_process(system, "{}", deadline)
        assert pid == 4711
        compute.close(process)
        compute.close(system)

    @of_descriptors
    def test_come_with_the_pipes_that_were_asked_for(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        theirs, ours = os.pipe()
        hcs.says("HcsCreateProcess", Answer(pid=4711, streams=(ours, INVALID_HANDLE_VALUE, 0)))
        process, _, streams = compute.create_process(system, "{}", deadline)
        assert (streams.stdout, streams.stderr) == (None, None)
        assert streams.stdin is not None
        streams.stdin.write(b"a\r\nb\x1a")
        streams.close()
        with open(theirs, "rb") as reader:
            assert reader.read() == b"a\r\nb\x1a"
        compute.close(process)
        compute.close(system)

    @of_descriptors
    def test_whose_pipes_are_told_by_the_second_question_have_them(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        ours, theirs = os.pipe()
        os.close(theirs)
        hcs.says("HcsCreateProcess", Answer(result=E_INVALIDARG))
        hcs.says("HcsGetProcessInfo", Answer(pid=4711, streams=(0, ours, 0)))
        process, _, streams = compute.create_process(system, "{}", deadline)
        assert streams.stdout is not None
        assert streams.stdout.read(1) == b""
        streams.close()
        compute.close(process)
        compute.close(system)

    @of_descriptors
    def test_that_failed_give_back_the_pipes_that_came(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        theirs, ours = os.pipe()
        hcs.says("HcsCreateProcess", Answer(result=E_FAIL, streams=(ours,)))
        with pytest.raises(ServiceError, match="HcsCreateProcess"):
            compute.create_process(system, "{}", deadline)
        with open(theirs, "rb") as reader:
            assert reader.read() == b""  # the end: nobody has the other one
        compute.close(system)

    def test_that_failed_are_terminated_and_closed(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateProcess", Answer(result=E_INVALIDARG))
        hcs.says("HcsGetProcessInfo", Answer(result=0x8037011D))
        with pytest.raises(ServiceError, match="HcsGetProcessInfo"):
            compute.create_process(system, "{}", deadline)
        assert hcs.called[-1] == "HcsTerminateProcess"
        compute.close(system)

    def test_with_wrong_parameters_are_not_asked_again(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        hcs.says("HcsCreateProcess", Answer(call=E_INVALIDARG, handle=False))
        with pytest.raises(ServiceError, match="HcsCreateProcess"):
            compute.create_process(system, "{}", deadline)
        assert "HcsGetProcessInfo" not in hcs.called
        compute.close(system)

    def test_are_opened_by_id_signalled_and_asked(
        self, hcs: ScriptedCompute, compute: Compute, system: Held, deadline: Deadline
    ) -> None:
        hcs.says("HcsGetProcessProperties", Answer(text='{"Exited":false}'))
        process = compute.open_process(system, 4711, listen=True)
        assert process.kind is PROCESS
        compute.ask(process, "Signal", deadline, '{"Signal":"CtrlC"}')
        assert hcs.arguments("HcsSignalProcess")[2] == '{"Signal":"CtrlC"}'
        assert compute.properties(process, "", deadline) == '{"Exited":false}'
        compute.modify(process, "{}", deadline)
        compute.close(process)
        compute.close(system)


class TestWaitingForAnExit:
    def test_gives_the_exit_document(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(text='{"Status":0}'))
        held = compute.open("box")
        assert compute.wait_for_exit(held, Deadline(60.0)) == '{"Status":0}'
        assert 0 < hcs.arguments("HcsWaitForComputeSystemExit")[1] <= 60_000
        compute.close(held)

    @pytest.mark.parametrize("code", [TIMED_OUT, 0x80070102, 0x800705B4])
    def test_that_runs_on_has_no_known_outcome(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline, code: int
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(call=code))
        held = compute.open("box")
        with pytest.raises(OutcomeUnknown):
            compute.wait_for_exit(held, deadline)
        compute.close(held)

    def test_says_where_this_windows_cannot(
        self, hcs: ScriptedCompute, compute: Compute, deadline: Deadline
    ) -> None:
        hcs.missing.add("HcsWaitForComputeSystemExit")
        held = compute.open("box")
        with pytest.raises(FunctionMissing):
            compute.wait_for_exit(held, deadline)
        compute.close(held)


class TestEvents:
    @pytest.fixture
    def held(self, compute: Compute) -> Held:
        return compute.open("box", listen=True)

    def test_are_copied_and_come_in_their_order(
        self, hcs: ScriptedCompute, compute: Compute, held: Held
    ) -> None:
        assert held.events is not None
        hcs.tell(2, '{"SystemId":"ä"}')
        hcs.tell(SYSTEM_EXITED, '{"Status":0}')
        assert held.events.next(60.0) == Event(2, '{"SystemId":"ä"}')
        assert held.events.next(60.0) == Event(SYSTEM_EXITED, '{"Status":0}')
        assert held.events.next(0.0) is None
        compute.close(held)

    @pytest.mark.parametrize(
        ("event", "over"),
        [(SYSTEM_EXITED, True), (PROCESS_EXITED, True), (SERVICE_DISCONNECT, True), (2, False), (6, False)],
    )
    def test_the_end_is_told_from_the_others(
        self, hcs: ScriptedCompute, compute: Compute, held: Held, event: int, over: bool
    ) -> None:
        assert held.events is not None
        hcs.tell(event)
        assert held.events.over_within(0.0) is over
        assert (held.events.exit == Event(event, "")) is over
        compute.close(held)

    def test_the_first_end_is_the_one_that_counts(
        self, hcs: ScriptedCompute, compute: Compute, held: Held
    ) -> None:
        assert held.events is not None
        hcs.tell(SYSTEM_EXITED, '{"Status":0}')
        hcs.tell(SERVICE_DISCONNECT)
        assert held.events.exit == Event(SYSTEM_EXITED, '{"Status":0}')
        compute.close(held)

    def test_run_no_code_of_a_caller_in_the_callback(
        self, hcs: ScriptedCompute, compute: Compute, held: Held
    ) -> None:
        """To close the handle there would wait for itself; here the callback has long returned."""
        assert held.events is not None
        hcs.tell(SYSTEM_EXITED)
        assert held.events.over_within(60.0)
        compute.close(held)
        assert hcs.callbacks == {}

    def test_that_cannot_be_handled_stay_out_of_the_service(
        self,
        hcs: ScriptedCompute,
        compute: Compute,
        held: Held,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        def fails(*_: object) -> Callable[..., None]:
            raise KeyError("secret")

        monkeypatch.setattr("cni_hns.binding.compute_events.Event", fails)
        hcs.tell(2, "{}")
        compute.close(held)
        assert capfd.readouterr().err == ""
