"""The client of HCS on scripted C functions: what it asks, what it makes of answers, what it gives back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cni_hns.binding.compute import Compute
from cni_hns.binding.compute_errors import OutcomeUnknown, SystemStopped, WrongState
from cni_hns.binding.compute_events import SERVICE_DISCONNECT, SYSTEM_EXITED
from cni_hns.binding.errors import (
    AccessDenied,
    AlreadyExists,
    MalformedAnswer,
    NotSupported,
    ServiceError,
    SystemNotFound,
    Unreachable,
)
from cni_hns.hcs.client import ComputeSystems
from cni_hns.hcs.documents.properties import Properties, SystemQuery
from cni_hns.hcs.documents.requests import ModifySettingRequest
from cni_hns.hcs.documents.system import ComputeSystem
from cni_hns.hcs.documents.words import NotificationType, State, SystemPropertyType, SystemType
from cni_hns.hcs.isolation import Isolation, Refused, isolation_of
from tests.unit.binding.scripted_compute import (
    ALREADY_STOPPED,
    E_FAIL,
    SYSTEM_NOT_FOUND,
    TIMED_OUT,
    Answer,
    ScriptedCompute,
)

PROCESS = {
    "Id": "box",
    "SystemType": "Container",
    "State": "Running",
    "Owner": "containerd-shim-runhcs-v1.exe",
}
HYPERV = {**PROCESS, "HostingSystemId": "box@vm"}
MACHINE = {"Id": "box@vm", "SystemType": "VirtualMachine", "State": "Running"}
EXITED = '{"Status":0,"ExitType":"GracefulExit"}'
FORCED = '{"Status":0,"ExitType":"ForcedExit"}'


def are(hcs: ScriptedCompute, document: dict[str, Any]) -> None:
    """Every question about properties is answered so."""
    hcs.says("HcsGetComputeSystemProperties", Answer(text=json.dumps(document)))


class TestReading:
    def test_lists_the_systems_that_a_query_selects(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(text=json.dumps([PROCESS, MACHINE])))
        found = systems.enumerate(SystemQuery(owners=("docker",)))
        assert [(one.id, one.system_type, one.state) for one in found] == [
            ("box", SystemType.CONTAINER, State.RUNNING),
            ("box@vm", SystemType.VIRTUAL_MACHINE, State.RUNNING),
        ]
        assert hcs.arguments("HcsEnumerateComputeSystems")[0] == '{"Owners": ["docker"]}'

    @pytest.mark.parametrize("text", ["", "[]", "null"])
    def test_a_node_without_systems(self, hcs: ScriptedCompute, systems: ComputeSystems, text: str) -> None:
        hcs.says("HcsEnumerateComputeSystems", Answer(text=text))
        if text == "null":
            with pytest.raises(MalformedAnswer):
                systems.enumerate()
        else:
            assert systems.enumerate() == []

    def test_a_system_is_opened_asked_and_closed_at_once(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        """Whoever keeps one open keeps it alive."""
        are(hcs, PROCESS)
        assert systems.properties("box").owner == "containerd-shim-runhcs-v1.exe"
        assert hcs.called == ["HcsOpenComputeSystem", "HcsGetComputeSystemProperties"]
        assert hcs.calls[-1][0] == "HcsCloseComputeSystem"
        assert hcs.arguments("HcsGetComputeSystemProperties")[2] is None

    def test_several_properties_are_one_question(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        are(hcs, PROCESS)
        systems.properties("box", SystemPropertyType.STATISTICS, SystemPropertyType.PROCESS_LIST)
        asked = json.loads(hcs.arguments("HcsGetComputeSystemProperties")[2])
        assert asked == {"PropertyTypes": ["Statistics", "ProcessList"]}
        assert hcs.called.count("HcsGetComputeSystemProperties") == 1

    @pytest.mark.parametrize(
        "text", ["nonsense", "[]", '{"State": 5}', '{"ProcessList": [{"ProcessId": -1}]}']
    )
    def test_an_answer_that_cannot_be_read_is_an_error_that_quotes_it(
        self, hcs: ScriptedCompute, systems: ComputeSystems, text: str
    ) -> None:
        hcs.says("HcsGetComputeSystemProperties", Answer(text=text))
        with pytest.raises(MalformedAnswer, match=r"on compute system box .*It answered: "):
            systems.properties("box")

    def test_statistics_and_processes_are_typed(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        process = {"ProcessId": 4, "ImageName": "cmd.exe", "KernelTime100ns": 7}
        are(hcs, {**PROCESS, "Statistics": {"Uptime100ns": 9}, "ProcessList": [process]})
        statistics = systems.statistics("box")
        assert statistics is not None
        assert statistics.uptime_100ns == 9
        (found,) = systems.processes("box")
        assert (found.image_name, found.kernel_time_100ns) == ("cmd.exe", 7)

    @pytest.mark.parametrize(
        "code",
        [SYSTEM_NOT_FOUND, 0x80070490, 0x80370105, 0xC0370105, 0x80070005, 0x80070006, ALREADY_STOPPED],
    )
    def test_a_container_with_nothing_to_count_has_no_statistics(
        self, hcs: ScriptedCompute, systems: ComputeSystems, code: int
    ) -> None:
        hcs.says("HcsGetComputeSystemProperties", Answer(result=code))
        assert systems.statistics("box") is None

    @pytest.mark.parametrize("code", [0x8037011E, 0x800706BA, E_FAIL, TIMED_OUT])
    def test_a_service_that_cannot_answer_is_not_a_container_without_statistics(
        self, hcs: ScriptedCompute, systems: ComputeSystems, code: int
    ) -> None:
        hcs.says("HcsGetComputeSystemProperties", Answer(result=code))
        with pytest.raises(ServiceError):
            systems.statistics("box")

    def test_not_being_allowed_to_open_is_no_missing_statistics(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsOpenComputeSystem", Answer(call=0x8037011B, handle=False))
        with pytest.raises(AccessDenied):
            systems.statistics("box")

    def test_the_service_says_its_schema_versions(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        versions = [{"Major": 1, "Minor": 0}, {"Major": 2, "Minor": 5}]
        answer = {"Properties": [{"SupportedSchemaVersions": versions}]}
        hcs.says("HcsGetServiceProperties", Answer(text=json.dumps(answer)))
        assert [(one.major, one.minor) for one in systems.schema_versions()] == [(1, 0), (2, 5)]
        assert hcs.arguments("HcsGetServiceProperties")[0] == '{"PropertyTypes": ["Basic"]}'

    @pytest.mark.parametrize("text", ["", "{}", '{"Properties": [5]}'])
    def test_a_service_without_basic_properties_is_malformed(
        self, hcs: ScriptedCompute, systems: ComputeSystems, text: str
    ) -> None:
        hcs.says("HcsGetServiceProperties", Answer(text=text))
        with pytest.raises(MalformedAnswer):
            systems.schema_versions()


class TestLife:
    def test_a_system_is_created_from_its_document_and_started(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        document = ComputeSystem.of(
            {"Owner": "me", "SchemaVersion": {"Major": 2, "Minor": 1}, "Container": {}}
        )
        with systems.create("box", document) as system:
            assert system.id == "box"
            system.start()
        assert json.loads(hcs.arguments("HcsCreateComputeSystem")[1]) == document.to_document()
        assert hcs.called[-1] == "HcsStartComputeSystem"

    def test_an_id_that_is_taken(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        hcs.says("HcsCreateComputeSystem", Answer(call=0x8037010F, handle=False))
        with pytest.raises(AlreadyExists, match="choose another ID, or terminate the one that is there"):
            systems.create("box", ComputeSystem())

    def test_a_start_in_the_wrong_state(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        hcs.says("HcsStartComputeSystem", Answer(call=0x80370105))
        with pytest.raises(WrongState):
            systems.start("box")

    @pytest.mark.parametrize("what", ["pause", "resume"])
    def test_a_process_isolated_container_is_refused_before_the_call_with_the_reason(
        self, hcs: ScriptedCompute, systems: ComputeSystems, what: str
    ) -> None:
        are(hcs, PROCESS)
        with pytest.raises(Refused, match=rf"compute system box cannot be {what}d: it is process-isolated"):
            getattr(systems, what)("box")
        assert hcs.called[-1] == "HcsGetComputeSystemProperties"

    @pytest.mark.parametrize("document", [HYPERV, MACHINE])
    @pytest.mark.parametrize("what", ["Pause", "Resume"])
    def test_what_a_hypervisor_isolates_is_paused_and_resumed(
        self, hcs: ScriptedCompute, systems: ComputeSystems, document: dict[str, Any], what: str
    ) -> None:
        are(hcs, document)
        getattr(systems, what.lower())("box")
        assert hcs.called[-1] == f"Hcs{what}ComputeSystem"

    @pytest.mark.parametrize("kind", [SystemPropertyType.MEMORY, SystemPropertyType.GUEST_CONNECTION])
    def test_a_property_that_only_virtual_machines_have_is_refused_for_others(
        self, hcs: ScriptedCompute, systems: ComputeSystems, kind: SystemPropertyType
    ) -> None:
        are(hcs, PROCESS)
        with pytest.raises(Refused, match=f"cannot tell {kind}"):
            systems.properties("box", kind)
        are(hcs, MACHINE)
        assert systems.properties("box", kind).id == "box@vm"

    @pytest.mark.parametrize(
        ("document", "isolation"),
        [(PROCESS, Isolation.PROCESS), (HYPERV, Isolation.HYPERV), (MACHINE, Isolation.VIRTUAL_MACHINE)],
    )
    def test_isolation_is_seen_from_outside(self, document: dict[str, Any], isolation: Isolation) -> None:
        assert isolation_of(Properties.of(document)) is isolation


class TestStopping:
    def test_a_shutdown_ends_with_the_exit_and_not_with_its_success(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(text=EXITED))
        ended = systems.shut_down("box")
        assert ended is not None
        assert ended.exit_type == NotificationType.GRACEFUL_EXIT
        assert hcs.called == [
            "HcsOpenComputeSystem",
            "HcsSetComputeSystemCallback",
            "HcsShutDownComputeSystem",
            "HcsWaitForComputeSystemExit",
        ]

    def test_a_wait_tells_how_it_ended_or_that_nobody_does(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        with systems.open("box") as system:
            hcs.says("HcsWaitForComputeSystemExit", Answer(text=FORCED), Answer(call=ALREADY_STOPPED))
            ended = system.wait_for_exit(60.0)
            assert ended is not None
            assert ended.exit_type == NotificationType.FORCED_EXIT
            assert system.wait_for_exit(60.0) is None

    def test_one_that_runs_on_after_its_success_has_an_unknown_outcome(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(call=TIMED_OUT))
        with pytest.raises(OutcomeUnknown):
            systems.terminate("box")

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Answer(call=ALREADY_STOPPED), id="already stopped"),
            pytest.param(Answer(result=0xC0370110), id="already stopped, old API"),
            pytest.param(Answer(call=SYSTEM_NOT_FOUND), id="not found"),
            pytest.param(Answer(result=0x8037010E), id="not found, later"),
            pytest.param(Answer(result=0x80370117), id="still pending"),
            pytest.param(Answer(call=0xC0370103), id="pending, old API"),
            pytest.param(Answer(result=TIMED_OUT), id="its own wait timed out"),
        ],
    )
    def test_the_codes_of_one_that_has_ended_or_is_ending_are_no_failure(
        self, hcs: ScriptedCompute, systems: ComputeSystems, answer: Answer
    ) -> None:
        hcs.says("HcsTerminateComputeSystem", answer)
        hcs.says("HcsWaitForComputeSystemExit", Answer(text=FORCED))
        ended = systems.terminate("box")
        assert ended is not None
        assert ended.exit_type == NotificationType.FORCED_EXIT

    def test_stop_shuts_down_and_leaves_it_there_if_that_ends_it(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(text=EXITED))
        stopped = systems.stop("box")
        assert stopped.how == "shut down"
        assert "HcsTerminateComputeSystem" not in hcs.called

    @pytest.mark.parametrize(
        "shutdown",
        [
            pytest.param(Answer(call=0x80370105), id="it is not running"),
            pytest.param(Answer(result=0x80370109), id="its guest does not answer"),
            pytest.param(Answer(call=0x80070032), id="it cannot be shut down"),
        ],
    )
    def test_stop_terminates_what_cannot_be_shut_down(
        self, hcs: ScriptedCompute, systems: ComputeSystems, shutdown: Answer
    ) -> None:
        hcs.says("HcsShutDownComputeSystem", shutdown)
        hcs.says("HcsWaitForComputeSystemExit", Answer(text=FORCED))
        stopped = systems.stop("box")
        assert (stopped.how, hcs.called[-2:]) == (
            "terminated",
            ["HcsTerminateComputeSystem", "HcsWaitForComputeSystemExit"],
        )

    def test_stop_terminates_what_a_shutdown_does_not_end_in_time(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        hcs.says("HcsWaitForComputeSystemExit", Answer(call=TIMED_OUT), Answer(text=FORCED))
        assert systems.stop("box").how == "terminated"

    @pytest.mark.parametrize(("code", "error"), [(0x8037011B, AccessDenied), (0x8037011E, Unreachable)])
    def test_stop_does_not_go_on_where_it_may_not_or_nobody_answers(
        self, hcs: ScriptedCompute, systems: ComputeSystems, code: int, error: type[ServiceError]
    ) -> None:
        hcs.says("HcsShutDownComputeSystem", Answer(call=code))
        with pytest.raises(error):
            systems.stop("box")
        assert "HcsTerminateComputeSystem" not in hcs.called

    @pytest.mark.parametrize("code", [SYSTEM_NOT_FOUND, 0xC037010E, ALREADY_STOPPED])
    def test_to_stop_what_is_not_there_is_no_failure(
        self, hcs: ScriptedCompute, systems: ComputeSystems, code: int
    ) -> None:
        hcs.says("HcsOpenComputeSystem", Answer(call=code, handle=False))
        assert systems.stop("box") == ("not there", None)
        with pytest.raises((SystemNotFound, SystemStopped)):
            systems.terminate("box")


class TestResources:
    @pytest.mark.parametrize(
        ("share", "settings"),
        [
            ({"count": 2}, {"Count": 2}),
            ({"maximum": 5000}, {"Maximum": 5000}),
            ({"weight": 0}, {"Weight": 0}),
        ],
    )
    def test_a_share_of_the_processors_is_one_member(
        self, hcs: ScriptedCompute, systems: ComputeSystems, share: dict[str, int], settings: dict[str, int]
    ) -> None:
        are(hcs, PROCESS)
        systems.set_processor("box", **share)
        assert json.loads(hcs.arguments("HcsModifyComputeSystem")[2]) == {
            "ResourcePath": "Container/Processor",
            "RequestType": "Update",
            "Settings": settings,
        }

    @pytest.mark.parametrize(("asked", "sent"), [(512, 512), (511, 512), (1, 2)])
    def test_memory_is_a_bare_even_number(
        self, hcs: ScriptedCompute, systems: ComputeSystems, asked: int, sent: int
    ) -> None:
        are(hcs, HYPERV)
        systems.set_memory("box", asked)
        assert json.loads(hcs.arguments("HcsModifyComputeSystem")[2]) == {
            "ResourcePath": "Container/Memory/SizeInMB",
            "RequestType": "Update",
            "Settings": sent,
        }

    @pytest.mark.parametrize(
        "share",
        [
            {},
            {"count": 1, "maximum": 1},
            {"count": 0},
            {"maximum": 0},
            {"maximum": 10_001},
            {"weight": -1},
            {"weight": 10_001},
            {"count": 2**32},
        ],
    )
    def test_a_share_that_is_none_is_not_sent(
        self, hcs: ScriptedCompute, systems: ComputeSystems, share: dict[str, int]
    ) -> None:
        with pytest.raises(ValueError, match="processor"):
            systems.set_processor("box", **share)
        with pytest.raises(ValueError, match="memory 0 MB"):
            systems.set_memory("box", 0)
        assert "HcsModifyComputeSystem" not in hcs.called

    @pytest.mark.parametrize(
        ("build", "refused"), [(17763, True), (19041, True), (19042, False), (None, False)]
    )
    def test_an_old_windows_is_not_asked(
        self, hcs: ScriptedCompute, compute: Compute, build: int | None, refused: bool
    ) -> None:
        are(hcs, PROCESS)
        systems = ComputeSystems(compute, build)
        if refused:
            with pytest.raises(Refused, match=f"this Windows has build {build}.* from 19042 on"):
                systems.set_memory("box", 512)
        else:
            systems.set_memory("box", 512)
        assert ("HcsModifyComputeSystem" in hcs.called) is not refused

    def test_a_windows_that_does_not_say_its_build_may_still_refuse(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        are(hcs, PROCESS)
        hcs.says("HcsModifyComputeSystem", Answer(result=0x80070032))
        with pytest.raises(NotSupported, match="Update Container/Processor"):
            systems.set_processor("box", count=1)

    def test_the_virtual_machine_of_a_pod_is_left_to_its_runtime(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        are(hcs, MACHINE)
        with pytest.raises(Refused, match="change the containers in it"):
            systems.set_memory("box@vm", 512)

    def test_a_network_card_by_path_is_refused_where_the_namespace_brings_it(
        self, hcs: ScriptedCompute, systems: ComputeSystems
    ) -> None:
        path = "VirtualMachine/Devices/NetworkAdapters/b90e"
        request = ModifySettingRequest(resource_path=path, request_type="Add", settings={})
        are(hcs, PROCESS)
        with systems.open("box") as system:
            with pytest.raises(Refused, match="add an endpoint to the namespace"):
                system.modify(request)
            are(hcs, MACHINE)
            system.modify(request)
            are(hcs, PROCESS)
            system.modify(ModifySettingRequest(resource_path="Container/MappedDirectories"))
        assert hcs.called.count("HcsModifyComputeSystem") == 2


class TestEvents:
    def test_come_typed_until_the_exit(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        with systems.open("box", listen=True) as system:
            hcs.tell(2, '{"SystemId":"box"}')
            hcs.tell(0x99)
            hcs.tell(SYSTEM_EXITED, EXITED)
            hcs.tell(6)
            told = list(system.events(60.0))
        assert [one.name for one in told] == ["SystemCrashInitiated", "event 0x00000099", "SystemExited"]
        assert told[-1].document.to_document() == {"Status": 0, "ExitType": "GracefulExit"}

    def test_end_with_the_service(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        with systems.open("box", listen=True) as system:
            hcs.tell(SERVICE_DISCONNECT)
            assert [one.name for one in system.events(60.0)] == ["ServiceDisconnect"]

    def test_end_with_the_time(self, systems: ComputeSystems) -> None:
        with systems.open("box", listen=True) as system:
            assert list(system.events(0.0)) == []

    def test_of_one_that_nobody_listens_to(self, systems: ComputeSystems) -> None:
        with systems.open("box") as system, pytest.raises(ValueError, match="listen=True"):
            list(system.events(0.0))

    def test_that_cannot_be_read_are_told(self, hcs: ScriptedCompute, systems: ComputeSystems) -> None:
        with systems.open("box", listen=True) as system:
            hcs.tell(SYSTEM_EXITED, '{"Status":"zero"}')
            with pytest.raises(MalformedAnswer, match="HcsEventSystemExited"):
                list(system.events(60.0))
