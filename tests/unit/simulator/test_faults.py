"""Injected faults: which calls they are for, and what becomes of those."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from cni_hns.binding._generated_ffi import ffi
from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import ZERO, Caller, Failed, address, code

FAILURE = 0x80004005


def _fails(caller: Caller, function: str = "HcnEnumerateNetworks") -> bool:
    family = function.removeprefix("HcnEnumerate").removesuffix("s")
    try:
        caller.ids(family)
    except Failed as failure:
        return failure.hresult == FAILURE
    return False


class TestMatching:
    def test_once_by_default(self, caller: Caller, simulator: Simulator) -> None:
        fault = simulator.inject(hresult=FAILURE)
        assert [_fails(caller) for _ in range(3)] == [True, False, False]
        assert simulator.fired(fault) == 1

    def test_by_function(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateEndpoints", hresult=FAILURE)
        assert not _fails(caller)
        assert _fails(caller, "HcnEnumerateEndpoints")

    def test_the_nth_matching_call(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", nth=3, hresult=FAILURE)
        assert [_fails(caller) for _ in range(4)] == [False, False, True, False]

    def test_several_or_all_from_then_on(self, caller: Caller, simulator: Simulator) -> None:
        fault = simulator.inject(nth=2, count=2, hresult=FAILURE)
        assert [_fails(caller) for _ in range(4)] == [False, True, True, False]
        simulator.inject(nth=2, count=0, hresult=FAILURE)
        assert [_fails(caller) for _ in range(4)] == [False, True, True, True]
        simulator.clear_faults()
        assert not _fails(caller)
        assert simulator.fired(fault) == 0  # it is forgotten

    def test_by_number_in_the_journal(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(call=3, hresult=FAILURE)
        assert [_fails(caller) for _ in range(4)] == [False, False, True, False]
        assert [call.seq for call in simulator.journal() if call.hresult] == [3]

    def test_a_call_meets_one_fault_and_the_next_call_the_next(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        first = simulator.inject(hresult=FAILURE)
        second = simulator.inject(hresult=FAILURE)
        assert _fails(caller)
        assert (simulator.fired(first), simulator.fired(second)) == (1, 0)
        assert [_fails(caller) for _ in range(2)] == [True, False]

    @pytest.mark.parametrize("by", ["id", "upper", "name"])
    def test_by_object(self, caller: Caller, simulator: Simulator, by: str) -> None:
        network = caller.network()
        other, wanted = caller.endpoint(network, Name="other"), caller.endpoint(network, Name="wanted")
        simulator.inject(
            object={"id": wanted, "upper": wanted.upper(), "name": "wanted"}[by], hresult=FAILURE
        )
        caller.delete("Endpoint", other)
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.delete("Endpoint", wanted)
        caller.delete("Endpoint", wanted)

    def test_by_an_object_that_is_not_yet_made(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        simulator.inject(function="HcnCreateEndpoint", object="wanted", hresult=FAILURE)
        caller.endpoint(network, Name="other")
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.endpoint(network, Name="wanted")

    def test_by_the_endpoint_that_a_namespace_is_to_take(self, caller: Caller, simulator: Simulator) -> None:
        network, namespace = caller.network(), caller.namespace()
        other, wanted = caller.endpoint(network), caller.endpoint(network)
        simulator.inject(function="HcnModifyNamespace", object=wanted, hresult=FAILURE)
        caller.add(namespace, other)
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.add(namespace, wanted)

    def test_by_what_a_filter_looks_for(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(object="wanted", hresult=FAILURE)
        assert caller.ids("Network", Name="other") == []
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.ids("Network", Name="wanted")

    def test_by_path_of_a_v1_call(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HNSCall", object="/networks/", hresult=FAILURE)
        caller.rest("GET", "/globals/version")
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.rest("GET", "/networks/")

    def test_a_closing_can_be_meant_too(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        simulator.inject(function="HcnCloseNetwork", object=network, hresult=FAILURE)
        handle = caller.open("Network", network)
        assert caller.close("Network", handle) == FAILURE
        assert simulator.live() == []

    @pytest.mark.parametrize("fault", [{"functions": "x"}, {"hang": True, "wait": 1}])
    def test_an_unknown_field_is_an_error_that_names_the_known(
        self, simulator: Simulator, fault: dict[str, Any]
    ) -> None:
        with pytest.raises(TypeError, match="there are function, object, call"):
            simulator.inject(**fault)

    @pytest.mark.parametrize("field", ["die", "held"])
    def test_an_unknown_moment(self, simulator: Simulator, field: str) -> None:
        with pytest.raises(ValueError, match="before or after"):
            simulator.inject(**{field: "now"})


class TestFailing:
    def test_nothing_is_done(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnCreateNetwork", hresult=FAILURE)
        with pytest.raises(Failed) as failure:
            caller.network()
        assert json.loads(failure.value.record)["ErrorCode"] == FAILURE
        assert caller.ids("Network") == []

    def test_it_may_take_effect_all_the_same(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnCreateNetwork", hresult=0x800706BE, took_effect=True)
        with pytest.raises(Failed) as failure:
            caller.network()
        assert failure.value.record == ""  # a call that did not come back has no record
        assert len(caller.ids("Network")) == 1
        assert simulator.live() == []

    def test_the_record_can_be_any_text(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(hresult=FAILURE, record="no JSON")
        with pytest.raises(Failed) as failure:
            caller.ids("Network")
        assert failure.value.record == "no JSON"

    def test_a_success_may_come_with_a_record(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnCreateNetwork", record='{"Success":false,"ErrorCode":2147942405}')
        slot, record = ffi.new("void **"), ffi.new("PWSTR *")
        settings = caller.wide('{"Name": "net"}')
        assert caller.function("HcnCreateNetwork")(caller.guid(ZERO), settings, slot, record) == 0
        assert json.loads(caller.take(record))["ErrorCode"] == 0x80070005
        assert caller.query("Network", slot[0])["Name"] == "net"
        caller.close("Network", slot[0])

    def test_ports_may_stay_held(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network("NAT")
        mapping = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080}
        policies = [{"Type": "PortMapping", "Settings": mapping}]
        endpoint = caller.endpoint(network, Policies=policies)
        simulator.inject(function="HcnDeleteEndpoint", keep_ports=True)
        caller.delete("Endpoint", endpoint)
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.endpoint(network, Policies=policies)


class TestLateCompletion:
    """The caller hears that the call broke, and the service finishes it later."""

    def test_the_object_appears_after_so_many_calls(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        simulator.inject(function="HcnCreateEndpoint", late_after_calls=2)
        with pytest.raises(Failed, match=code(0x800706BE)):
            caller.endpoint(network, Name="late", IpConfigurations=[address("10.9.3.7")])
        assert [len(caller.ids("Endpoint")) for _ in range(4)] == [0, 0, 1, 1]
        assert caller.get("Endpoint", caller.ids("Endpoint")[0])["Name"] == "late"

    def test_it_can_be_made_to_finish(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnCreateNetwork", late_after_calls=1000, hresult=FAILURE)
        with pytest.raises(Failed, match=code(FAILURE)):
            caller.network()
        (waiting,) = simulator.dump()["late"]
        assert waiting["function"] == "HcnCreateNetwork"
        assert simulator.finish_late() == 1
        assert len(caller.ids("Network")) == 1
        assert simulator.finish_late() == 0

    def test_what_cannot_be_finished_fails_unheard(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        simulator.inject(function="HcnCreateEndpoint", late_after_calls=1)
        with pytest.raises(Failed):
            caller.endpoint(network)
        caller.delete("Network", network)
        assert caller.ids("Endpoint") == []
        assert simulator.dump()["late"] == []

    def test_a_restart_of_the_service_forgets_it(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnCreateNetwork", late_after_calls=0)
        with pytest.raises(Failed):
            caller.network()
        simulator.restart_hns()
        assert caller.ids("Network") == []


class TestTheNodeBeneath:
    def test_the_service_restarts_before_the_call(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        handle = caller.open("Network", network)
        simulator.inject(function="HcnQueryNetworkProperties", restart=True)
        with pytest.raises(Failed, match=code(0x800706BA)):
            caller.query("Network", handle)
        caller.close("Network", handle)
        simulator.inject(function="HcnOpenNetwork", restart=True)
        handle = caller.open("Network", network)  # a call by GUID goes to the new run
        assert caller.query("Network", handle)["ID"] == network
        caller.close("Network", handle)

    def test_the_machine_restarts(self, caller: Caller, simulator: Simulator) -> None:
        namespace, boot = caller.namespace(), simulator.machine().boot_id()
        simulator.inject(reboot=True)
        assert namespace not in caller.ids("Namespace")
        assert simulator.machine().boot_id() != boot

    def test_an_object_vanishes_just_before(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        handle = caller.open("Network", network)
        simulator.inject(function="HcnCreateEndpoint", vanish=["net"])
        with pytest.raises(Failed, match=code(0x803B0001)):
            caller.opened("HcnCreateEndpoint", handle, caller.guid(network), caller.wide("{}"))
        caller.close("Network", handle)

    def test_a_network_is_swapped_just_before(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        simulator.inject(function="HcnOpenNetwork", swap="net")
        with pytest.raises(Failed, match=code(0x803B0001)):
            caller.open("Network", network)
        assert caller.ids("Network", Name="net") != [network]


class TestTime:
    @pytest.fixture
    def slept(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The seconds that calls would have slept."""
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        return slept

    def test_a_call_takes_its_time(self, caller: Caller, simulator: Simulator, slept: list[float]) -> None:
        simulator.inject(function="HcnEnumerateNetworks", latency_s=5.0, count=0)
        caller.ids("Network")
        caller.ids("Network")
        assert slept == [5.0, 5.0]

    def test_slow_calls_may_queue(
        self, caller: Caller, simulator: Simulator, slept: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        simulator.inject(latency_s=5.0, serial=True, count=0)
        for _ in range(3):
            caller.ids("Network")
        assert slept == [5.0, 10.0, 15.0]
        monkeypatch.setattr(time, "time", lambda: 900_000.0)
        caller.ids("Network")
        monkeypatch.setattr(time, "time", lambda: 10.0)  # the clock was set back
        caller.ids("Network")
        assert slept[3:] == [5.0, 5.0]

    def test_a_closing_takes_its_time_too(
        self, caller: Caller, simulator: Simulator, slept: list[float]
    ) -> None:
        handle = caller.open("Network", caller.network())
        simulator.inject(function="HcnCloseNetwork", latency_s=2.0)
        caller.close("Network", handle)
        assert slept == [2.0]

    def test_a_slow_call_holds_nobody_up(self, caller: Caller, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateEndpoints", hang=True)
        hung = threading.Thread(target=lambda: caller.ids("Endpoint"), daemon=True)
        hung.start()
        while not simulator.journal():
            time.sleep(0.001)
        assert caller.ids("Network") == []
        assert hung.is_alive()
        (waiting, done) = simulator.journal()
        assert (waiting.hresult, done.hresult) == (None, 0)

    @pytest.mark.parametrize(("moment", "done"), [("before", 0), ("after", 1)])
    def test_a_held_call_goes_on_when_the_faults_are_cleared(
        self, caller: Caller, simulator: Simulator, moment: str, done: int
    ) -> None:
        fault = simulator.inject(function="HcnCreateNetwork", held=moment)
        waiting = threading.Thread(target=caller.network, daemon=True)
        waiting.start()
        while not simulator.fired(fault) or (done and simulator.journal()[0].hresult is None):
            time.sleep(0.001)
        assert len(caller.ids("Network")) == done
        assert waiting.is_alive()
        simulator.clear_faults()
        waiting.join()
        assert len(caller.ids("Network")) == 1


_PROGRAM = """
import sys
from cni_hns.simulator import open_simulator
from tests.unit.simulator.caller import ZERO, Caller
caller = Caller(open_simulator(sys.argv[1]))
network = caller.ids("Network")[0]
caller.endpoint(network, Name="made")
print("survived")
"""


def _process(simulator: Simulator) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, simulator.folder], capture_output=True, text=True, check=False
    )


class TestDeath:
    @pytest.mark.parametrize(("moment", "left"), [("before", 0), ("after", 1)])
    def test_the_caller_is_killed(self, caller: Caller, simulator: Simulator, moment: str, left: int) -> None:
        caller.network()
        simulator.inject(function="HcnCreateEndpoint", die=moment)
        died = _process(simulator)
        assert (died.returncode != 0, died.stdout) == (True, "")
        assert len(caller.ids("Endpoint")) == left
        calls = [call for call in simulator.journal() if call.function == "HcnCreateEndpoint"]
        assert [call.hresult for call in calls] == [0 if left else None]
        assert simulator.leaks() == []  # what a dead process held died with it
        assert _process(simulator).stdout == "survived\n"

    def test_the_service_may_finish_what_a_dead_caller_began(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        caller.network()
        simulator.inject(function="HcnCreateEndpoint", late_after_calls=1, die="after")
        assert _process(simulator).stdout == ""
        assert [len(caller.ids("Endpoint")) for _ in range(3)] == [0, 1, 1]

    def test_in_a_closing(self, caller: Caller, simulator: Simulator) -> None:
        caller.network()
        simulator.inject(function="HcnCloseNetwork", die="before")
        assert _process(simulator).stdout == ""
        assert _process(simulator).stdout == "survived\n"
