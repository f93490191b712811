"""Processes in a compute system, on scripted C functions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cni_hns.binding.compute_errors import OutcomeUnknown, ProcessStopped
from cni_hns.binding.errors import AccessDenied
from cni_hns.hcs.client import ComputeSystems
from cni_hns.hcs.documents.processes import ProcessModifyRequest, ProcessParameters
from cni_hns.hcs.documents.words import ProcessSignal
from cni_hns.hcs.systems import OpenSystem
from tests.unit.binding.scripted_compute import TIMED_OUT, Answer, ScriptedCompute

ACCESS_DENIED = 0x80070005
STOPPED = 0x8037011F


@pytest.fixture
def box(systems: ComputeSystems) -> Iterator[OpenSystem]:
    with systems.open("box") as system:
        yield system


def test_one_is_created_and_ends(hcs: ScriptedCompute, box: OpenSystem) -> None:
    hcs.says("HcsCreateProcess", Answer(pid=4711))
    hcs.says("HcsWaitForProcessExit", Answer(text='{"ProcessId":4711,"Exited":true,"ExitCode":3}'))
    parameters = ProcessParameters(command_line="cmd /c exit 3", working_directory="C:\\")
    with box.create_process(parameters) as process:
        assert process.id == 4711
        assert process.wait_for_exit(60.0).exit_code == 3
    sent = json.loads(hcs.arguments("HcsCreateProcess")[1])
    assert sent == {"CommandLine": "cmd /c exit 3", "WorkingDirectory": "C:\\"}


def test_one_that_runs_on_has_an_unknown_outcome(hcs: ScriptedCompute, box: OpenSystem) -> None:
    hcs.says("HcsWaitForProcessExit", Answer(call=TIMED_OUT))
    with box.open_process(4711) as process, pytest.raises(OutcomeUnknown):
        process.wait_for_exit(0.0)


def test_one_whose_end_nobody_tells_any_more_has_ended(hcs: ScriptedCompute, box: OpenSystem) -> None:
    hcs.says("HcsWaitForProcessExit", Answer(call=STOPPED))
    with box.open_process(4711) as process:
        assert process.wait_for_exit(60.0).exited is True


def test_one_is_signalled_asked_and_changed(hcs: ScriptedCompute, box: OpenSystem) -> None:
    hcs.says("HcsGetProcessProperties", Answer(text='{"ProcessId":4711,"Exited":false}'))
    with box.open_process(4711) as process:
        process.signal(ProcessSignal.CTRL_BREAK)
        assert process.status().exited is False
        process.modify(ProcessModifyRequest.of({"Operation": "ConsoleSize", "ConsoleSize": {"Height": 25}}))
    assert hcs.arguments("HcsSignalProcess")[2] == '{"Signal": "CtrlBreak"}'


def test_a_signal_to_one_that_has_ended_is_told(hcs: ScriptedCompute, box: OpenSystem) -> None:
    hcs.says("HcsSignalProcess", Answer(call=STOPPED))
    with box.open_process(4711) as process, pytest.raises(ProcessStopped):
        process.signal(ProcessSignal.CTRL_C)


class TestTerminating:
    def test_one_that_has_ended_is_no_failure(self, hcs: ScriptedCompute, box: OpenSystem) -> None:
        hcs.says("HcsTerminateProcess", Answer(result=STOPPED))
        with box.open_process(4711) as process:
            process.terminate()

    @pytest.mark.parametrize("second", [Answer(call=STOPPED), Answer(result=ACCESS_DENIED)])
    def test_a_second_time_shortly_after_the_first_is_no_failure(
        self, hcs: ScriptedCompute, box: OpenSystem, second: Answer
    ) -> None:
        hcs.says("HcsTerminateProcess", Answer(), second)
        with box.open_process(4711) as process:
            process.terminate()
            process.terminate()

    def test_what_is_denied_the_first_time_is_denied(self, hcs: ScriptedCompute, box: OpenSystem) -> None:
        hcs.says("HcsTerminateProcess", Answer(result=ACCESS_DENIED))
        hcs.says("HcsGetProcessProperties", Answer(text='{"Exited":false}'))
        with box.open_process(4711) as process, pytest.raises(AccessDenied):
            process.terminate()

    def test_what_is_denied_because_it_just_ended_is_no_failure(
        self, hcs: ScriptedCompute, box: OpenSystem
    ) -> None:
        hcs.says("HcsTerminateProcess", Answer(result=ACCESS_DENIED))
        hcs.says("HcsGetProcessProperties", Answer(text='{"Exited":true}'))
        with box.open_process(4711) as process:
            process.terminate()

    def test_a_second_handle_serves_where_the_first_hangs_in_a_signal(
        self, hcs: ScriptedCompute, box: OpenSystem
    ) -> None:
        with box.open_process(4711) as first, box.open_process(4711) as second:
            hcs.says("HcsSignalProcess", Answer(result=TIMED_OUT))
            with pytest.raises(OutcomeUnknown):
                first.signal(ProcessSignal.CTRL_C, 0.0)
            second.terminate()
        assert hcs.called.count("HcsOpenProcess") == 2
