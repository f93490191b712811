"""Waiting for an end on every Windows: by its own call, by the event, by the state."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cni_hns.binding.compute import Compute, Held
from cni_hns.binding.compute_errors import OutcomeUnknown
from cni_hns.binding.compute_events import PROCESS_EXITED, SERVICE_DISCONNECT, SYSTEM_EXITED
from cni_hns.binding.errors import ServiceError, Unreachable
from cni_hns.deadline import Deadline
from cni_hns.hcs import exits
from cni_hns.hcs.exits import wait_for_exit
from tests.unit.binding.scripted_compute import (
    ALREADY_STOPPED,
    E_FAIL,
    SYSTEM_NOT_FOUND,
    TIMED_OUT,
    Answer,
    ScriptedCompute,
)

RUNNING = Answer(text='{"Id":"box","State":"Running"}')
EXITED = '{"Status":0,"ExitType":"GracefulExit"}'


@pytest.fixture
def old_windows(hcs: ScriptedCompute) -> ScriptedCompute:
    """Windows Server 2019: no call waits for an exit."""
    hcs.missing |= {"HcsWaitForComputeSystemExit", "HcsWaitForProcessExit"}
    return hcs


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "_FIRST_PAUSE_S", 0.001)


def ends(compute: Compute, held: Held, timeout_s: float = 60.0) -> str:
    try:
        return wait_for_exit(compute, held, Deadline(timeout_s))
    finally:
        compute.close(held)


class TestWhereWindowsWaits:
    def test_its_own_call_is_asked_and_nothing_else(self, hcs: ScriptedCompute, compute: Compute) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(text=EXITED))
        assert ends(compute, compute.open("box")) == EXITED
        assert "HcsGetComputeSystemProperties" not in hcs.called

    @pytest.mark.parametrize("code", [SYSTEM_NOT_FOUND, ALREADY_STOPPED])
    def test_one_that_is_gone_has_ended(self, hcs: ScriptedCompute, compute: Compute, code: int) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(call=code))
        assert ends(compute, compute.open("box")) == ""

    @pytest.mark.parametrize(("code", "error"), [(TIMED_OUT, OutcomeUnknown), (0x8037011E, Unreachable)])
    def test_another_failure_is_no_end(
        self, hcs: ScriptedCompute, compute: Compute, code: int, error: type[ServiceError]
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(call=code))
        with pytest.raises(error):
            ends(compute, compute.open("box"))


class TestWhereItDoesNot:
    def test_the_event_is_the_end(self, old_windows: ScriptedCompute, compute: Compute) -> None:
        old_windows.says("HcsGetComputeSystemProperties", RUNNING)
        held = compute.open("box", listen=True)
        old_windows.tell(SYSTEM_EXITED, EXITED)
        assert ends(compute, held) == EXITED

    def test_one_that_ended_before_anyone_listened_is_seen_by_its_state(
        self, old_windows: ScriptedCompute, compute: Compute
    ) -> None:
        stopped = {"Id": "box", "State": "Stopped", "ExitType": "ForcedExit"}
        old_windows.says("HcsGetComputeSystemProperties", Answer(text=json.dumps(stopped)))
        assert json.loads(ends(compute, compute.open("box", listen=True))) == {"ExitType": "ForcedExit"}

    @pytest.mark.parametrize(
        ("last", "document"),
        [
            (Answer(result=SYSTEM_NOT_FOUND), ""),
            (Answer(call=ALREADY_STOPPED), ""),
            (Answer(text='{"Id":"box","State":"Stopped"}'), ""),
            (Answer(text='{"Id":"box","Stopped":true}'), ""),
        ],
    )
    def test_the_state_is_looked_at_until_it_has_ended(
        self, old_windows: ScriptedCompute, compute: Compute, no_pauses: None, last: Answer, document: str
    ) -> None:
        old_windows.says("HcsGetComputeSystemProperties", RUNNING, RUNNING, last)
        assert ends(compute, compute.open("box")) == document
        assert old_windows.called.count("HcsGetComputeSystemProperties") == 3

    @pytest.mark.parametrize("listen", [False, True])
    def test_one_that_runs_on_has_an_unknown_outcome(
        self, old_windows: ScriptedCompute, compute: Compute, listen: bool
    ) -> None:
        old_windows.says("HcsGetComputeSystemProperties", RUNNING)
        with pytest.raises(OutcomeUnknown, match="HcsWaitForComputeSystemExit failed on compute system box"):
            ends(compute, compute.open("box", listen=listen), 0.0)

    def test_the_end_of_the_service_is_not_the_end_of_the_system(
        self, old_windows: ScriptedCompute, compute: Compute
    ) -> None:
        old_windows.says("HcsGetComputeSystemProperties", RUNNING)
        held = compute.open("box", listen=True)
        old_windows.tell(SERVICE_DISCONNECT)
        with pytest.raises(Unreachable, match="vmcompute"):
            ends(compute, held)

    def test_a_failing_look_is_no_end(self, old_windows: ScriptedCompute, compute: Compute) -> None:
        old_windows.says("HcsGetComputeSystemProperties", Answer(result=E_FAIL))
        with pytest.raises(ServiceError, match="E_FAIL"):
            ends(compute, compute.open("box"))


class TestProcesses:
    @pytest.fixture
    def process(self, compute: Compute) -> Callable[[bool], Held]:
        def opened(listen: bool) -> Held:
            system = compute.open("box")
            try:
                return compute.open_process(system, 4711, listen=listen)
            finally:
                compute.close(system)

        return opened

    def test_end_by_their_call(
        self, hcs: ScriptedCompute, compute: Compute, process: Callable[[bool], Held]
    ) -> None:
        hcs.says("HcsWaitForProcessExit", Answer(text='{"ExitCode":3}'))
        assert ends(compute, process(False)) == '{"ExitCode":3}'

    def test_end_by_their_event(
        self, old_windows: ScriptedCompute, compute: Compute, process: Callable[[bool], Held]
    ) -> None:
        old_windows.says("HcsGetProcessProperties", Answer(text='{"Exited":false}'))
        held = process(True)
        old_windows.tell(PROCESS_EXITED, '{"ExitCode":3}')
        assert ends(compute, held) == '{"ExitCode":3}'

    @pytest.mark.parametrize(
        ("last", "document"),
        [
            (Answer(text='{"Exited":true,"ExitCode":3}'), '{"Exited":true,"ExitCode":3}'),
            (Answer(result=0x8037011F), ""),
        ],
    )
    def test_end_by_their_status(
        self,
        old_windows: ScriptedCompute,
        compute: Compute,
        process: Callable[[bool], Held],
        no_pauses: None,
        last: Answer,
        document: str,
    ) -> None:
        old_windows.says("HcsGetProcessProperties", Answer(text='{"Exited":false}'), last)
        assert ends(compute, process(False)) == document
