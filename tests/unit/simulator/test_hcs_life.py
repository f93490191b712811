"""The life of compute systems: states, codes, exits, and the namespace that a container joins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cni_hns.binding._generated_computecore import ffi
from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller
from tests.unit.simulator.hcs_caller import (
    ALREADY_STOPPED,
    ELEMENT_NOT_FOUND,
    INVALID_ARGUMENT,
    INVALID_JSON,
    NOT_IMPLEMENTED,
    NOT_SUPPORTED,
    SYSTEM_EXISTS,
    SYSTEM_NOT_FOUND,
    WRONG_STATE,
    HcsCaller,
    Told,
    container,
    machine,
)

NO_NAMESPACE = "5f0c3b1e-0000-4111-8222-333344445555"
ATTACH_FAILED = 0x803B002E
SERVICE_DISCONNECT = 0x8037011E

ATTACHED, SHARING, DETACHED = 2, 3, 4


def networked(**networking: Any) -> dict[str, Any]:
    """A container with this network."""
    return {**container(), "Container": {"Networking": networking}}


def sharing(other: str) -> dict[str, Any]:
    """A container in the network of another."""
    return networked(NetworkSharedContainerName=other)


def refused(call: Any, *arguments: Any) -> int:
    with pytest.raises(Told) as caught:
        call(*arguments)
    return caught.value.hresult


class TestStates:
    def test_a_new_system_is_created_runs_and_is_gone(self, hcs: HcsCaller) -> None:
        box = hcs.create("box", container())
        assert hcs.states() == {"box": "Created"}
        hcs.ask("HcsStartComputeSystem", box)
        assert hcs.states() == {"box": "Running"}
        hcs.ask("HcsShutDownComputeSystem", box)
        assert hcs.states() == {}
        hcs.close(box)

    def test_a_second_start_is_of_the_wrong_state(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        assert hcs.code("HcsStartComputeSystem", box) == WRONG_STATE
        hcs.ask("HcsTerminateComputeSystem", box)
        assert hcs.code("HcsStartComputeSystem", box) == WRONG_STATE
        hcs.close(box)

    def test_only_what_runs_can_be_shut_down(self, hcs: HcsCaller) -> None:
        box = hcs.create("box", container())
        assert hcs.code("HcsShutDownComputeSystem", box) == WRONG_STATE
        assert hcs.states() == {"box": "Created"}
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    @pytest.mark.parametrize("what", ["ShutDown", "Terminate", "Pause", "Resume", "Save", "Crash"])
    def test_what_has_ended_does_nothing_more(self, hcs: HcsCaller, what: str) -> None:
        box = hcs.running("box")
        hcs.ask("HcsTerminateComputeSystem", box)
        assert hcs.code(f"Hcs{what}ComputeSystem", box) == ALREADY_STOPPED
        hcs.close(box)

    def test_what_has_ended_tells_its_end_to_who_holds_it(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        hcs.ask("HcsTerminateComputeSystem", box)
        found = hcs.properties(box)
        assert (found["State"], found["Stopped"], found["ExitType"]) == ("Stopped", True, "ForcedExit")
        hcs.close(box)

    def test_what_has_ended_cannot_be_opened_and_its_id_is_free(self, hcs: HcsCaller) -> None:
        old = hcs.running("box")
        hcs.ask("HcsTerminateComputeSystem", old)
        assert refused(hcs.open, "box") == SYSTEM_NOT_FOUND
        new = hcs.create("box", container())
        assert hcs.properties(old)["State"] == "Stopped"
        assert hcs.properties(new)["State"] == "Created"
        assert hcs.properties(old)["RuntimeId"] != hcs.properties(new)["RuntimeId"]
        hcs.ask("HcsTerminateComputeSystem", new)
        hcs.close(new)
        hcs.close(old)

    def test_the_service_forgets_what_has_ended_with_its_last_handle(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        hcs.ask("HcsTerminateComputeSystem", box)
        assert [one["id"] for one in hcs.simulator.dump()["systems"]] == ["box"]
        hcs.close(box)
        assert hcs.simulator.dump()["systems"] == []

    def test_a_shutdown_that_is_not_obeyed_succeeds_and_ends_nothing(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(shutdown_obeyed=False)
        box = hcs.running("box")
        hcs.ask("HcsShutDownComputeSystem", box)
        assert hcs.states() == {"box": "Running"}
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)


class TestCreation:
    def test_an_id_is_taken_once(self, hcs: HcsCaller) -> None:
        box = hcs.create("box", container())
        assert refused(hcs.create, "box", container()) == SYSTEM_EXISTS
        assert hcs.states() == {"box": "Created"}
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    @pytest.mark.parametrize(
        "document",
        [
            "{",
            "[]",
            {"SchemaVersion": {"Major": 2, "Minor": 1}},
            {"SchemaVersion": {"Major": 1, "Minor": 0}, "Container": {}},
            {"SchemaVersion": {"Major": 2, "Minor": 1}, "Container": []},
            {**container(), "Owner": 1},
            {**container(), "Container": {"Networking": {"NetworkSharedContainerName": 1}}},
            {**container(), "Container": {"Networking": {"NetworkAdapters": "one"}}},
        ],
    )
    def test_a_document_that_cannot_be_read_is_refused_with_the_reason(
        self, hcs: HcsCaller, document: object
    ) -> None:
        with pytest.raises(Told) as caught:
            hcs.create("box", document)
        assert caught.value.hresult == INVALID_JSON
        assert caught.value.document["Error"] == INVALID_JSON - (1 << 32)
        assert caught.value.document["ErrorEvents"][0]["Message"]
        assert hcs.states() == {}

    def test_members_may_be_written_in_any_case(self, hcs: HcsCaller) -> None:
        document = json.loads(json.dumps(container()).lower())
        box = hcs.create("box", document)
        assert hcs.properties(box)["Owner"] == "test"
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_an_empty_id_is_none(self, hcs: HcsCaller) -> None:
        assert refused(hcs.create, "", container()) == INVALID_ARGUMENT

    def test_a_system_that_is_not_there_cannot_be_opened(self, hcs: HcsCaller) -> None:
        assert refused(hcs.open, "box") == SYSTEM_NOT_FOUND

    @pytest.mark.parametrize("access", [0, 1, 0x80000000])
    def test_one_is_opened_for_everything_or_not_at_all(self, hcs: HcsCaller, access: int) -> None:
        box, slot = hcs.create("box", container()), ffi.new("HCS_SYSTEM *")
        open_ = hcs.function("HcsOpenComputeSystem")
        assert open_(hcs.wide("box"), access, slot) & 0xFFFFFFFF == INVALID_ARGUMENT
        assert slot[0] == ffi.NULL
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_members_that_nobody_knows_are_passed_over(self, hcs: HcsCaller) -> None:
        box = hcs.running("box", {**container(), "Newer": {"A": [1]}, "Container": {"Newest": None}})
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_a_handle_of_a_failed_creation_stands_for_nothing(self, hcs: HcsCaller) -> None:
        slot = ffi.new("HCS_SYSTEM *")
        document, name = hcs.wide("{"), hcs.wide("box")
        create = hcs.function("HcsCreateComputeSystem")
        with pytest.raises(Told):
            hcs.run("create", lambda operation: int(create(name, document, operation, ffi.NULL, slot)))
        assert hcs.code("HcsTerminateComputeSystem", slot[0]) == SYSTEM_NOT_FOUND
        hcs.close(slot[0])


class TestIsolation:
    @pytest.mark.parametrize("what", ["Pause", "Resume", "Save", "Crash"])
    def test_what_shares_the_hosts_kernel_is_for_no_virtual_machine(self, hcs: HcsCaller, what: str) -> None:
        box = hcs.running("box")
        assert hcs.code(f"Hcs{what}ComputeSystem", box) == NOT_SUPPORTED
        assert hcs.states() == {"box": "Running"}
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_a_virtual_machine_is_paused_saved_and_goes_on(self, hcs: HcsCaller) -> None:
        vm = hcs.running("vm", machine())
        assert hcs.code("HcsSaveComputeSystem", vm) == WRONG_STATE
        assert hcs.code("HcsResumeComputeSystem", vm) == WRONG_STATE
        hcs.ask("HcsPauseComputeSystem", vm, "")
        assert hcs.states() == {"vm": "Paused"}
        hcs.ask("HcsSaveComputeSystem", vm)
        assert hcs.code("HcsPauseComputeSystem", vm) == WRONG_STATE
        hcs.ask("HcsResumeComputeSystem", vm)
        assert hcs.states() == {"vm": "Running"}
        hcs.ask("HcsCrashComputeSystem", vm)
        assert hcs.exit_of("HcsWaitForComputeSystemExit", vm)["ExitType"] == "UnexpectedExit"
        hcs.close(vm)

    @pytest.mark.parametrize("hosted", [False, True])
    def test_one_that_is_saved_as_a_template_only_ends(self, hcs: HcsCaller, hosted: bool) -> None:
        vm = hcs.running("vm", machine())
        one = hcs.running("one", {**container(), "HostingSystemId": "vm"} if hosted else machine())
        template = {"SaveType": "asTemplate"}
        assert hcs.code("HcsSaveComputeSystem", one, template) == WRONG_STATE
        hcs.ask("HcsPauseComputeSystem", one, {"HostedNotification": {"Reason": "Template"}})
        hcs.ask("HcsSaveComputeSystem", one, template)
        assert hcs.states() == {"vm": "Running", "one": "SavedAsTemplate"}
        for what in ("Start", "ShutDown", "Pause", "Resume", "Save", "Crash"):
            assert hcs.code(f"Hcs{what}ComputeSystem", one) == WRONG_STATE, what
        hcs.ask("HcsTerminateComputeSystem", one)
        assert hcs.states() == {"vm": "Running"}
        hcs.ask("HcsTerminateComputeSystem", vm)
        hcs.close(one)
        hcs.close(vm)

    @pytest.mark.parametrize(
        ("what", "options", "hresult"),
        [
            ("Pause", "{", INVALID_JSON),
            ("Pause", {"SuspensionLevel": "Deep"}, INVALID_JSON),
            ("Save", {"SaveType": "ToCloud"}, INVALID_JSON),
            ("ShutDown", {"Mechanism": "Power"}, INVALID_JSON),
            ("ShutDown", {"Type": "Sleep"}, INVALID_JSON),
            ("ShutDown", {"Type": "Reboot"}, NOT_IMPLEMENTED),
        ],
    )
    def test_options_are_of_their_words(
        self, hcs: HcsCaller, what: str, options: object, hresult: int
    ) -> None:
        vm = hcs.running("vm", machine())
        assert hcs.code(f"Hcs{what}ComputeSystem", vm, options) == hresult
        assert hcs.states() == {"vm": "Running"}
        assert hcs.code("HcsShutDownComputeSystem", vm, {"Type": "shutdown", "Reason": "night"}) == 0
        hcs.close(vm)

    def test_options_that_are_reserved_are_none_or_empty(self, hcs: HcsCaller) -> None:
        vm = hcs.create("vm", machine())
        for what in ("Start", "Pause", "Resume", "Terminate"):
            name = f"Hcs{what}ComputeSystem"
            if what != "Pause":
                assert hcs.code(name, vm, {}) == INVALID_ARGUMENT
            assert hcs.code(name, vm, "") == 0
        hcs.close(vm)

    def test_a_process_isolated_container_is_shut_down_without_options(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        assert hcs.code("HcsShutDownComputeSystem", box, {"Type": "Shutdown"}) == NOT_SUPPORTED
        assert hcs.states() == {"box": "Running"}
        assert hcs.code("HcsShutDownComputeSystem", box, "") == 0
        hcs.close(box)

    def test_a_hosted_container_needs_its_host_and_ends_with_it(self, hcs: HcsCaller) -> None:
        hosted = {**container(), "HostingSystemId": "vm"}
        assert refused(hcs.create, "box", hosted) == SYSTEM_NOT_FOUND
        vm = hcs.running("vm", machine())
        box = hcs.running("box", hosted)
        assert hcs.properties(box)["HostingSystemId"] == "vm"
        hcs.ask("HcsPauseComputeSystem", box)
        hcs.ask("HcsResumeComputeSystem", box)
        hcs.ask("HcsTerminateComputeSystem", vm)
        assert hcs.states() == {}
        assert hcs.exit_of("HcsWaitForComputeSystemExit", box)["ExitType"] == "UnexpectedExit"
        hcs.close(box)
        hcs.close(vm)


class TestExit:
    @pytest.mark.parametrize(
        ("what", "kind", "detail"),
        [("ShutDown", "GracefulExit", "Shutdown"), ("Terminate", "ForcedExit", "Terminate")],
    )
    def test_tells_how_it_ended(self, hcs: HcsCaller, what: str, kind: str, detail: str) -> None:
        box = hcs.running("box")
        hcs.ask(f"Hcs{what}ComputeSystem", box)
        assert hcs.exit_of("HcsWaitForComputeSystemExit", box) == {
            "Status": 0,
            "ExitType": kind,
            "Attribution": [{"SystemExit": {"Detail": detail, "Initiator": "Client"}}],
        }
        hcs.close(box)

    def test_a_crash_has_its_own_code(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        hcs.simulator.crash_container("box")
        found = hcs.exit_of("HcsWaitForComputeSystemExit", box)
        assert (found["Status"], found["ExitType"]) == (0x80370106 - (1 << 32), "UnexpectedExit")
        hcs.close(box)

    def test_a_crash_is_told_twice_before_the_end(self, hcs: HcsCaller, simulator: Simulator) -> None:
        box = hcs.running("box")
        told = hcs.events("HcsSetComputeSystemCallback", box)
        simulator.crash_container("box")
        (begun, first), (reported, second), (ended, last) = (told.get(timeout=60) for _ in range(3))
        assert (begun, reported, ended) == (2, 3, 1)
        assert first["SystemId"] == "box"
        assert first == second
        assert len(first["CrashParameters"]) == 5
        assert last["Attribution"] == [{"GuestCrash": {"CrashParameters": first["CrashParameters"]}}]
        hcs.close(box)

    def test_a_virtual_machine_that_is_made_to_crash_tells_it_too(self, hcs: HcsCaller) -> None:
        vm = hcs.running("vm", machine())
        told = hcs.events("HcsSetComputeSystemCallback", vm)
        assert hcs.code("HcsCrashComputeSystem", vm, {"Type": "Hang"}) == INVALID_JSON
        hcs.ask("HcsCrashComputeSystem", vm, {"Type": "CrashGuest"})
        assert [told.get(timeout=60)[0] for _ in range(3)] == [2, 3, 1]
        hcs.close(vm)

    @pytest.mark.parametrize(
        ("build", "members"),
        [
            (17763, {"SystemId", "ActivityId"}),
            (19041, {"SystemId", "ActivityId", "CrashParameters"}),
            (
                20348,
                {
                    "SystemId",
                    "ActivityId",
                    "CrashParameters",
                    "Status",
                    "PreOSId",
                    "CrashStackUnavailable",
                },
            ),
        ],
    )
    def test_what_a_crash_report_has_came_with_the_builds(
        self, hcs: HcsCaller, simulator: Simulator, build: int, members: set[str]
    ) -> None:
        simulator.set_options(windows_build=build)
        box = hcs.running("box")
        told = hcs.events("HcsSetComputeSystemCallback", box)
        simulator.crash_container("box")
        assert set(told.get(timeout=60)[1]) == members
        hcs.close(box)

    def test_an_old_windows_holds_nobody_responsible_and_has_no_wait(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(windows_build=17763)
        box = hcs.create("box", container())
        told = hcs.events("HcsSetComputeSystemCallback", box)
        hcs.ask("HcsTerminateComputeSystem", box)
        assert told.get(timeout=60) == (1, {"Status": 0, "ExitType": "ForcedExit"})
        with pytest.raises(AttributeError):
            hcs.function("HcsWaitForComputeSystemExit")
        hcs.close(box)


class TestNamespace:
    def test_the_start_joins_it_and_the_end_leaves_it(self, hcs: HcsCaller, caller: Caller) -> None:
        network = caller.network()
        endpoint, namespace = caller.endpoint(network), caller.namespace()
        caller.add(namespace, endpoint)
        box = hcs.create("box", container(namespace.upper()))
        assert not caller.get("Namespace", namespace).get("Containers")
        hcs.ask("HcsStartComputeSystem", box)
        assert caller.get("Namespace", namespace)["Containers"] == ["box"]
        assert caller.get("Endpoint", endpoint)["State"] == 3
        hcs.ask("HcsTerminateComputeSystem", box)
        assert not caller.get("Namespace", namespace).get("Containers")
        assert caller.get("Endpoint", endpoint)["State"] != 3
        hcs.close(box)

    def test_an_endpoint_that_cannot_be_attached_fails_the_start(
        self, hcs: HcsCaller, caller: Caller
    ) -> None:
        endpoint, namespace = caller.endpoint(caller.network()), caller.namespace()
        caller.add(namespace, endpoint)
        hcs.simulator.degrade_endpoint(endpoint)
        box = hcs.create("box", container(namespace))
        assert hcs.code("HcsStartComputeSystem", box) == ATTACH_FAILED
        assert hcs.states() == {"box": "Created"}
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_or_the_making_by_option_and_the_id_stays_taken(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(namespace_joined_at="create")
        assert refused(hcs.create, "box", container(NO_NAMESPACE)) == ELEMENT_NOT_FOUND
        assert hcs.states() == {"box": "Created"}
        assert refused(hcs.create, "box", container()) == SYSTEM_EXISTS
        left = hcs.open("box")
        assert hcs.code("HcsStartComputeSystem", left) == ELEMENT_NOT_FOUND
        hcs.ask("HcsTerminateComputeSystem", left)
        hcs.close(left)
        again = hcs.create("box", container())
        hcs.ask("HcsTerminateComputeSystem", again)
        hcs.close(again)

    def test_a_failed_making_leaves_nothing_that_ends_with_its_last_handle(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(namespace_joined_at="create")
        document = container(NO_NAMESPACE, ShouldTerminateOnLastHandleClosed=True)
        assert refused(hcs.create, "box", document) == ELEMENT_NOT_FOUND
        assert hcs.simulator.dump()["systems"] == []

    def test_or_nothing_at_all_by_option(self, hcs: HcsCaller) -> None:
        hcs.simulator.set_options(namespace_joined_at="create", failed_create_keeps_id=False)
        assert refused(hcs.create, "box", container(NO_NAMESPACE)) == ELEMENT_NOT_FOUND
        assert hcs.states() == {}

    def test_one_that_is_not_there_fails_the_start(self, hcs: HcsCaller) -> None:
        box = hcs.create("box", container(NO_NAMESPACE))
        assert hcs.code("HcsStartComputeSystem", box) == ELEMENT_NOT_FOUND
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_a_second_container_keeps_what_the_first_leaves(self, hcs: HcsCaller, caller: Caller) -> None:
        endpoint, namespace = caller.endpoint(caller.network()), caller.namespace()
        caller.add(namespace, endpoint)
        pause, work = hcs.running("pause", container(namespace)), hcs.running("work", container(namespace))
        assert caller.get("Namespace", namespace)["Containers"] == ["pause", "work"]
        hcs.ask("HcsTerminateComputeSystem", pause)
        assert caller.get("Endpoint", endpoint)["State"] == SHARING
        hcs.ask("HcsShutDownComputeSystem", work)
        assert caller.get("Endpoint", endpoint)["State"] == DETACHED
        hcs.close(pause)
        hcs.close(work)

    def test_who_shares_the_network_of_a_pod_is_in_its_namespace(
        self, hcs: HcsCaller, caller: Caller
    ) -> None:
        namespace = caller.namespace()
        pause = hcs.running("pause", container(namespace))
        work = hcs.running("work", sharing("pause"))
        more = hcs.running("more", sharing("work"))
        hcs.ask("HcsTerminateComputeSystem", pause)
        assert caller.get("Namespace", namespace)["Containers"] == ["work", "more"]
        for handle in (work, more):
            hcs.ask("HcsTerminateComputeSystem", handle)
        assert not caller.get("Namespace", namespace).get("Containers")
        for handle in (pause, work, more):
            hcs.close(handle)

    def test_endpoints_are_given_by_their_ids_too_and_shared_by_name(
        self, hcs: HcsCaller, caller: Caller
    ) -> None:
        endpoint = caller.endpoint(caller.network())
        pause = hcs.running("pause", networked(NetworkAdapters=[endpoint.upper()]))
        assert caller.get("Endpoint", endpoint)["State"] == ATTACHED
        work = hcs.running("work", sharing("pause"))
        assert caller.get("Endpoint", endpoint)["State"] == SHARING
        hcs.ask("HcsTerminateComputeSystem", pause)
        assert caller.get("Endpoint", endpoint)["State"] == SHARING
        hcs.ask("HcsTerminateComputeSystem", work)
        assert caller.get("Endpoint", endpoint)["State"] == DETACHED
        hcs.close(pause)
        hcs.close(work)

    @pytest.mark.parametrize(
        ("networking", "hresult"),
        [
            ({"NetworkSharedContainerName": "nobody"}, SYSTEM_NOT_FOUND),
            ({"NetworkSharedContainerName": "new"}, SYSTEM_NOT_FOUND),
            ({"NetworkAdapters": [NO_NAMESPACE]}, 0x803B0002),
        ],
    )
    def test_a_network_that_is_not_there_fails_the_start(
        self, hcs: HcsCaller, networking: dict[str, Any], hresult: int
    ) -> None:
        new = hcs.create("new", container())
        box = hcs.create("box", networked(**networking))
        assert hcs.code("HcsStartComputeSystem", box) == hresult
        assert hcs.states() == {"new": "Created", "box": "Created"}
        for handle in (new, box):
            hcs.ask("HcsTerminateComputeSystem", handle)
            hcs.close(handle)

    def test_what_leaked_shares_nothing(self, hcs: HcsCaller, simulator: Simulator) -> None:
        simulator.start_container(simulator.plant("namespace"), "pod")
        simulator.stop_container("pod", stuck=True)
        box = hcs.create("box", sharing("pod"))
        assert hcs.code("HcsStartComputeSystem", box) == SYSTEM_NOT_FOUND
        hcs.ask("HcsTerminateComputeSystem", box)
        hcs.close(box)

    def test_what_tests_start_by_hand_are_systems_too(self, hcs: HcsCaller, simulator: Simulator) -> None:
        namespace = simulator.plant("namespace")
        simulator.start_container(namespace, "pod")
        simulator.run_container("by-hand")
        owners = {one["Id"]: one["Owner"] for one in hcs.systems()}
        assert owners == {"pod": "containerd-shim-runhcs-v1.exe", "by-hand": "docker"}
        simulator.stop_container("pod")
        simulator.stop_container("by-hand")
        assert hcs.systems() == []

    def test_a_leaked_one_keeps_its_id(self, hcs: HcsCaller, simulator: Simulator) -> None:
        simulator.start_container(simulator.plant("namespace"), "pod")
        simulator.stop_container("pod", stuck=True)
        assert hcs.states() == {"pod": "Unknown"}
        assert refused(hcs.create, "pod", container()) == SYSTEM_EXISTS
        pod = hcs.open("pod")
        assert hcs.code("HcsTerminateComputeSystem", pod) == ALREADY_STOPPED
        hcs.close(pod)
        assert hcs.states() == {"pod": "Unknown"}
        simulator.reboot()
        assert hcs.states() == {}


_HOLDER = """
import sys
from cni_hns.simulator import Simulator
from tests.unit.simulator.hcs_caller import HcsCaller, container
hcs = HcsCaller(Simulator(sys.argv[1]))
hcs.running("box", container(ShouldTerminateOnLastHandleClosed=True))
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has made a container which ends with its last handle."""
    program = [sys.executable, "-c", _HOLDER, folder]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


class TestLastHandle:
    def test_ends_what_was_made_so(self, hcs: HcsCaller) -> None:
        first = hcs.running("box", container(ShouldTerminateOnLastHandleClosed=True))
        second = hcs.open("box")
        hcs.close(first)
        assert hcs.states() == {"box": "Running"}
        hcs.close(second)
        assert hcs.states() == {}

    def test_and_nothing_else(self, hcs: HcsCaller) -> None:
        hcs.close(hcs.running("box"))
        assert hcs.states() == {"box": "Running"}

    def test_of_a_process_that_was_killed_counts_no_more(self, hcs: HcsCaller) -> None:
        program = (
            "import os, sys\n"
            "from cni_hns.simulator import Simulator\n"
            "from tests.unit.simulator.hcs_caller import HcsCaller, container\n"
            "hcs = HcsCaller(Simulator(sys.argv[1]))\n"
            "hcs.running('box', container(ShouldTerminateOnLastHandleClosed=True))\n"
            "assert hcs.states() == {'box': 'Running'}\n"
            "os._exit(7)\n"
        )
        ended = subprocess.run([sys.executable, "-c", program, hcs.simulator.folder], check=False)
        assert ended.returncode == 7
        assert hcs.states() == {}

    def test_of_a_process_that_was_killed_and_is_not_buried_counts_no_more(self, hcs: HcsCaller) -> None:
        with holder(hcs.simulator.folder) as process:
            held = hcs.open("box")
            process.kill()
            # It has ended, and nobody has asked how: its id is still taken.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert hcs.properties(held)["State"] == "Running"
            hcs.close(held)
            assert hcs.states() == {}

    def test_of_a_process_whose_id_another_has_now_counts_no_more(self, hcs: HcsCaller) -> None:
        with holder(hcs.simulator.folder) as process:
            assert hcs.states() == {"box": "Running"}
            # The ids cannot be made to come round: the one that held it had started before this one.
            with hcs.simulator.store.transaction() as state:
                assert state.run("UPDATE holders SET start = '1' WHERE pid = ?", process.pid) == 1
            assert hcs.states() == {}
            process.kill()

    def test_of_a_process_that_ends_in_good_order_counts_no_more(
        self, hcs: HcsCaller, simulator: Simulator
    ) -> None:
        node = Simulator(simulator.folder)
        HcsCaller(node).running("box", container(ShouldTerminateOnLastHandleClosed=True))
        assert hcs.states() == {"box": "Running"}
        node.close()
        assert hcs.states() == {}
        assert [leak.kind for leak in simulator.leaks()] == ["handle"]
        simulator.forget_leaks()


class TestRestart:
    def test_what_ends_with_its_last_handle_waits_for_the_next_one(self, hcs: HcsCaller) -> None:
        box = hcs.running("box", container(ShouldTerminateOnLastHandleClosed=True))
        hcs.simulator.restart_hcs()
        assert hcs.code("HcsGetComputeSystemProperties", box) == SERVICE_DISCONNECT
        assert refused(hcs.exit_of, "HcsWaitForComputeSystemExit", box) == SERVICE_DISCONNECT
        hcs.close(box)
        assert hcs.states() == {"box": "Running"}
        hcs.close(hcs.open("box"))
        assert hcs.states() == {}

    def test_it_is_the_last_thing_that_an_old_handle_tells(self, hcs: HcsCaller) -> None:
        old = hcs.running("box")
        told = hcs.events("HcsSetComputeSystemCallback", old)
        hcs.simulator.restart_hcs()
        assert told.get(timeout=60)[0] == 0x02000000
        new = hcs.open("box")
        now = hcs.events("HcsSetComputeSystemCallback", new)
        hcs.ask("HcsTerminateComputeSystem", new)
        assert now.get(timeout=60)[0] == 1
        hcs.close(old)
        assert told.empty()
        hcs.close(new)

    def test_an_old_handle_cannot_be_listened_to(self, hcs: HcsCaller) -> None:
        box = hcs.running("box")
        hcs.simulator.restart_hcs()
        set_callback = hcs.function("HcsSetComputeSystemCallback")
        callback = ffi.callback("HCS_EVENT_CALLBACK", lambda _event, _context: None)
        assert set_callback(box, 0, ffi.NULL, callback) & 0xFFFFFFFF == SERVICE_DISCONNECT
        assert set_callback(box, 0, ffi.NULL, ffi.NULL) == 0
        hcs.close(box)

    def test_an_old_handle_is_none_of_those_that_hold_it_now(self, hcs: HcsCaller) -> None:
        old = hcs.running("box", container(ShouldTerminateOnLastHandleClosed=True))
        hcs.simulator.restart_hcs()
        new = hcs.open("box")
        hcs.close(old)
        assert hcs.properties(new)["State"] == "Running"
        hcs.close(new)
        assert hcs.states() == {}

    def test_by_option_it_ends_with_the_service(self, hcs: HcsCaller, simulator: Simulator) -> None:
        simulator.set_options(restart_ends_systems=True)
        box = hcs.running("box", container(ShouldTerminateOnLastHandleClosed=True))
        other = hcs.running("other")
        told = hcs.events("HcsSetComputeSystemCallback", box)
        simulator.restart_hcs()
        code, document = told.get(timeout=60)
        assert (code, document["ExitType"]) == (1, "ForcedExit")
        assert document["Attribution"][0]["SystemExit"] == {
            "Detail": "ServiceStop",
            "Initiator": "Internal",
        }
        assert told.get(timeout=60) == (0x02000000, None)
        assert hcs.states() == {"other": "Running"}
        hcs.close(other)
        hcs.close(box)

    def test_a_call_on_its_way_is_lost(self, hcs: HcsCaller, simulator: Simulator) -> None:
        slot = ffi.new("HCS_SYSTEM *")
        document, name = hcs.wide(container()), hcs.wide("box")
        create = hcs.function("HcsCreateComputeSystem")
        simulator.inject(function="HcsCreateComputeSystem", held="before")

        def begin(operation: Any) -> int:
            begun = int(create(name, document, operation, ffi.NULL, slot))
            simulator.restart_hcs()
            simulator.clear_faults()
            return begun

        assert refused(hcs.run, "HcsCreateComputeSystem", begin) == SERVICE_DISCONNECT
        hcs.close(slot[0])
        assert hcs.states() == {}

    def test_nothing_is_left_of_what_had_ended(self, hcs: HcsCaller, simulator: Simulator) -> None:
        box = hcs.running("box")
        hcs.ask("HcsTerminateComputeSystem", box)
        simulator.restart_hcs()
        assert simulator.dump()["systems"] == []
        assert simulator.store.rows("SELECT * FROM processes") == []
        hcs.close(box)

    def test_of_hns_says_nothing_of_the_handles_of_hcs(self, hcs: HcsCaller, simulator: Simulator) -> None:
        simulator.set_options(stale_close_hresult=0x800706BA)
        box = hcs.running("box")
        simulator.restart_hns()
        hcs.close(box)
        assert simulator.journal(closings=True)[-1].hresult == 0
