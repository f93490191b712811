"""The stand-in DLLs, called by a small Windows program: the real ones' ABI, the simulated node's rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator
from tests.windows.program import Program, ended

HERE = Path(__file__).parent
RPC_SERVER_UNAVAILABLE = "800706BA"

# What hcsshim looks for in vmcompute.dll, and hnslib with it.
VMCOMPUTE = """
HNSCall HcsCloseComputeSystem HcsCloseProcess HcsCreateComputeSystem HcsCreateProcess
HcsEnumerateComputeSystems HcsGetComputeSystemProperties HcsGetProcessInfo HcsGetProcessProperties
HcsGetServiceProperties HcsModifyComputeSystem HcsModifyProcess HcsModifyServiceSettings
HcsOpenComputeSystem HcsOpenProcess HcsPauseComputeSystem HcsRegisterComputeSystemCallback
HcsRegisterProcessCallback HcsResumeComputeSystem HcsSaveComputeSystem HcsShutdownComputeSystem
HcsSignalProcess HcsStartComputeSystem HcsTerminateComputeSystem HcsTerminateProcess
HcsUnregisterComputeSystemCallback HcsUnregisterProcessCallback ActivateLayer CopyLayer CreateLayer
CreateSandboxLayer DeactivateLayer DestroyLayer ExpandSandboxSize ExportLayer GetBaseImages
GetLayerMountPath GrantVmAccess ImportLayer LayerExists NameToGuid PrepareLayer ProcessBaseImage
ProcessUtilityImage UnprepareLayer
"""
# https://learn.microsoft.com/virtualization/api/hcs/Reference/APIOverview
COMPUTECORE = """
HcsEnumerateComputeSystems HcsCreateOperation HcsCloseOperation HcsGetOperationContext
HcsSetOperationContext HcsGetComputeSystemFromOperation HcsGetProcessFromOperation HcsGetOperationType
HcsGetOperationId HcsGetOperationResult HcsGetOperationResultAndProcessInfo HcsWaitForOperationResult
HcsWaitForOperationResultAndProcessInfo HcsSetOperationCallback HcsCancelOperation HcsCreateComputeSystem
HcsOpenComputeSystem HcsCloseComputeSystem HcsStartComputeSystem HcsShutDownComputeSystem
HcsTerminateComputeSystem HcsCrashComputeSystem HcsPauseComputeSystem HcsResumeComputeSystem
HcsSaveComputeSystem HcsGetComputeSystemProperties HcsModifyComputeSystem HcsSetComputeSystemCallback
HcsCreateProcess HcsOpenProcess HcsCloseProcess HcsTerminateProcess HcsSignalProcess HcsGetProcessInfo
HcsGetProcessProperties HcsModifyProcess HcsSetProcessCallback HcsGetServiceProperties
HcsModifyServiceSettings HcsSubmitWerReport HcsCreateEmptyGuestStateFile HcsCreateEmptyRuntimeStateFile
HcsGrantVmAccess HcsRevokeVmAccess HcsGrantVmGroupAccess HcsRevokeVmGroupAccess
HcsWaitForComputeSystemExit HcsWaitForProcessExit HcsCreateOperationWithNotifications
HcsAddResourceToOperation
"""
# https://learn.microsoft.com/virtualization/api/hcn/Reference/hcn, and what Windows exports without a page.
FAMILIES = ("Network", "Endpoint", "Namespace", "LoadBalancer", "SdnRoute", "GuestNetworkService")
FORMS = ["Enumerate{}s", "Create{}", "Open{}", "Modify{}", "Query{}Properties", "Delete{}", "Close{}"]
COMPUTENETWORK = """
HcnQueryEndpointStats HcnQueryEndpointAddresses HcnRegisterServiceCallback HcnUnregisterServiceCallback
HcnRegisterNetworkCallback HcnUnregisterNetworkCallback HcnRegisterGuestNetworkServiceCallback
HcnUnregisterGuestNetworkServiceCallback HcnReserveGuestNetworkServicePort
HcnReserveGuestNetworkServicePortRange HcnReleaseGuestNetworkServicePortReservationHandle
HcnEnumerateGuestNetworkPortReservations HcnFreeGuestNetworkPortReservations
""" + " ".join(f"Hcn{form.format(family)}" for family in FAMILIES for form in FORMS)


@pytest.mark.parametrize(
    ("library", "names"),
    [("computenetwork", COMPUTENETWORK), ("vmcompute", VMCOMPUTE), ("computecore", COMPUTECORE)],
)
def test_every_function_that_programs_look_for_is_found(program: Program, library: str, names: str) -> None:
    assert program.run("exports", f"{library}.dll", *names.split()) == (0, [])


def test_the_look_tells_a_function_that_is_not_there(program: Program) -> None:
    assert program.run("exports", "computenetwork.dll", "HcnNoSuchThing") == (0, ["HcnNoSuchThing"])


class TestCalls:
    """They reach the node, and come back as from Windows."""

    def test_a_query_selects(self, program: Program, simulator: Simulator) -> None:
        name = 'ASCII "quoted", Größe, 容器, \U0001f433\U0010ffff'
        route = {"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}
        subnet = {"IpAddressPrefix": "10.1.0.0/24", "Routes": [route]}
        ipams = [{"Type": "Static", "Subnets": [subnet]}]
        planted = simulator.plant("network", {"Name": name, "Type": "L2Bridge", "Ipams": ipams})
        query = json.dumps({"Filter": json.dumps({"Name": name}, ensure_ascii=False)}, ensure_ascii=False)
        assert program.lines("enumerate", query) == [f'00000000 ["{planted}"]']
        (answer,) = program.lines("hnscall", "GET", f"/networks/{planted}", "")
        assert json.loads(answer[9:])["Output"]["Name"] == name

    def test_a_long_text(self, program: Program, simulator: Simulator) -> None:
        for _ in range(2000):
            simulator.plant("namespace", {})
        (answer,) = program.lines("hnscall", "GET", "/namespaces/", "")
        assert len(json.loads(answer[9:])["Output"]) >= 2000

    def test_a_failure_has_a_code_and_a_record_and_no_handle(self, program: Program) -> None:
        record = '{"Success":false,"Error":"Element not found. ","ErrorCode":2147943568}'
        assert program.lines("missing") == [f"80070490 {record}", "80070490 NULL"]

    def test_what_the_node_does_not_have_is_refused_and_empties_what_goes_out(self, program: Program) -> None:
        assert program.lines("refused") == [
            "80004001 nothing",
            "80004001 nothing",
            "80070057 no place for the answer",
        ]

    def test_events_reach_the_callback_with_its_context_until_it_is_unregistered(
        self, program: Program, simulator: Simulator
    ) -> None:
        lines = program.lines("listen")
        events = [line for line in lines if "context" in line]
        assert len(events) == 1
        assert re.fullmatch(r'5 context 00000000 \{"ID":"[0-9a-f-]{36}","Flags":0,"Data":null\}', events[0])
        assert simulator.leaks() == []


class TestTheRules:
    """What the process does with handles and buffers is seen."""

    def test_nothing_is_held_against_a_process_that_gives_everything_back(
        self, program: Program, simulator: Simulator
    ) -> None:
        program.lines("enumerate", "")
        program.lines("missing")
        assert simulator.leaks() == []

    def test_wrong_handles_are_refused_and_written_down(self, program: Program, simulator: Simulator) -> None:
        lines = program.lines("life")
        assert [line for line in lines if not line.startswith("00000000")] == [
            "80070006 closed before",
            "80070006 another kind",
        ]
        assert [(leak.kind, leak.text) for leak in simulator.leaks()] == [
            ("violation", "HcnCloseNamespace: a Namespace handle that is closed"),
            ("violation", "HcnCloseEndpoint: a handle of a Namespace in place of a Endpoint"),
        ]

    def test_a_call_that_the_service_broke_off_costs_no_handle(
        self, program: Program, simulator: Simulator
    ) -> None:
        """The code is that of a lost connection too, but this one is sound."""
        simulator.inject(function="HcnQueryNamespaceProperties", hresult=0x800706BE)
        assert "800706BE" in " ".join(program.lines("life"))
        assert "HcnCloseNamespace: a number" not in " ".join(leak.text for leak in simulator.leaks())

    def test_what_is_kept_at_the_end_is_a_leak(self, program: Program, simulator: Simulator) -> None:
        program.lines("keep")
        assert [leak.kind for leak in simulator.leaks()] == ["handle", "buffer"]
        assert simulator.leaks()[1].text == "HcnQueryNamespaceProperties"

    def test_a_buffer_is_freed_once(self, program: Program, simulator: Simulator) -> None:
        program.lines("twice")
        assert [(leak.kind, leak.text) for leak in simulator.leaks()] == [
            ("violation", "CoTaskMemFree: a buffer that is freed")
        ]


class TestFaults:
    """They are those of the node."""

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_killed_ends_the_process(self, program: Program, simulator: Simulator, moment: str) -> None:
        before = len(simulator.dump()["namespaces"])
        simulator.inject(function="HcnCreateNamespace", die=moment)
        assert program.run("keep") == (137, [])
        assert len(simulator.dump()["namespaces"]) == before + (moment == "after")
        assert simulator.leaks() == []

    def test_a_call_that_hangs_goes_on_until_the_process_is_ended(
        self, program: Program, simulator: Simulator
    ) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hang=True)
        process = program.start("enumerate", "")
        while not simulator.journal():
            assert process.poll() is None
        assert program.lines("enumerate", "") == ["00000000 []"]
        assert process.poll() is None
        process.kill()
        assert ended(process).lines == []
        assert simulator.leaks() == []

    def test_a_code(self, program: Program, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hresult=0x80004005, record="words")
        assert program.lines("enumerate", "") == ["80004005 words"]


class TestManyAtOnce:
    """Threads and processes do not wait for each other's answers."""

    def test_threads(self, program: Program, simulator: Simulator) -> None:
        (line,) = program.lines("threads", "8", "50")
        assert line.startswith("0 failed")
        assert len(simulator.journal()) == 400

    def test_a_thread_that_hangs_holds_no_other_up(self, program: Program, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hang=True)
        process = program.start("threads", "4", "10")
        while len(simulator.journal()) < 31:
            assert process.poll() is None
        process.kill()
        ended(process)

    def test_sixteen_processes(self, program: Program, simulator: Simulator) -> None:
        started = [program.start("threads", "1", "20") for _ in range(16)]
        answers = [ended(process) for process in started]
        assert {(exit_code, lines[0].split(",")[0]) for exit_code, lines in answers} == {(0, "0 failed")}
        assert len({call.pid for call in simulator.journal()}) == 16
        assert len(simulator.journal()) == 320
        assert simulator.leaks() == []


@pytest.mark.parametrize("address", ["", "127.0.0.1:1", "192.0.2.1:80", "nonsense"])
def test_without_a_server_the_answer_is_that_of_a_stopped_service(program: Program, address: str) -> None:
    stopped = Program(program.lane, program.path, address)
    assert stopped.lines("enumerate", "") == [f"{RPC_SERVER_UNAVAILABLE} "]
    assert stopped.lines("hnscall", "GET", "/networks/", "") == [f"{RPC_SERVER_UNAVAILABLE} "]
