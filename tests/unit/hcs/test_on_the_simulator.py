"""The client of HCS on a simulated node: the life of a container, beside the HNS whose namespace it joins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cni_hns.binding.compute import Compute
from cni_hns.binding.compute_errors import DocumentRefused, OutcomeUnknown, SystemStopped, WrongState
from cni_hns.binding.errors import (
    AccessDenied,
    AlreadyExists,
    NotSupported,
    ServiceError,
    SystemNotFound,
    Unreachable,
)
from cni_hns.binding.service import Service
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.documents import add_endpoint
from cni_hns.hcs.client import ComputeSystems
from cni_hns.hcs.documents.processes import ProcessParameters
from cni_hns.hcs.documents.properties import SystemQuery
from cni_hns.hcs.documents.requests import ModifySettingRequest
from cni_hns.hcs.documents.system import ComputeSystem
from cni_hns.hcs.documents.words import NotificationType, ProcessSignal, State, SystemPropertyType
from cni_hns.hcs.isolation import Isolation, Refused, isolation_of
from cni_hns.hcs.usage import usage
from cni_hns.log import Log
from cni_hns.schema import Schema
from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import network_document

LONG_S = 60.0


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Simulator]:
    """At its end no process holds anything."""
    simulator = Simulator(str(tmp_path / "node"), management_address_after_calls=0)
    yield simulator
    assert simulator.live() == []
    simulator.close()


@pytest.fixture
def systems(node: Simulator) -> ComputeSystems:
    return ComputeSystems(Compute(node.libraries(), Log(stderr=False)))


@pytest.fixture
def namespace(node: Simulator) -> str:
    """One with an endpoint."""
    network = node.plant("network", network_document("L2Bridge", "net", "10.1.0.0/24"))
    found = node.plant("namespace")
    endpoint = node.plant_endpoint(network, Name="first")
    libraries = node.libraries()
    with Hcn(Service(libraries, Log(stderr=False))).namespaces.open(found) as opened:
        opened.modify(add_endpoint(endpoint))
    libraries.close()
    return found


def document(namespace: str = "", *, closes: bool = False) -> ComputeSystem:
    """A process-isolated container."""
    return ComputeSystem.of(
        {
            "Owner": "cni-hns",
            "SchemaVersion": {"Major": 2, "Minor": 1},
            "ShouldTerminateOnLastHandleClosed": closes,
            "Container": {"Networking": {"Namespace": namespace}} if namespace else {},
        }
    )


def running(systems: ComputeSystems, namespace: str = "") -> None:
    """The system "box" runs, and nobody holds it."""
    with systems.create("box", document(namespace)) as box:
        box.start()


def endpoint_state(node: Simulator) -> int:
    return int(node.dump()["endpoints"][0]["State"])


class TestTheWholeStory:
    def test_of_a_container_in_a_namespace(
        self, node: Simulator, systems: ComputeSystems, namespace: str
    ) -> None:
        box = systems.create("box", document(namespace))
        assert [(one.id, one.state) for one in systems.enumerate()] == [("box", State.CREATED)]
        assert systems.statistics("box") is None
        box.start()
        assert endpoint_state(node) == 3
        (found,) = systems.enumerate(SystemQuery(owners=("cni-hns",)))
        assert (found.state, isolation_of(found)) == (State.RUNNING, Isolation.PROCESS)

        before = systems.statistics("box")
        node.let_pass(10)
        now = systems.statistics("box")
        assert before is not None
        assert now is not None
        assert now.uptime_100ns - before.uptime_100ns >= 100_000_000
        percent = usage(before, now).cpu_percent
        assert percent is not None
        assert 9.0 <= percent <= 11.0

        parameters = ProcessParameters(command_line="ping -t 10.1.0.1")
        with box.create_process(parameters) as process:
            assert process.id in [one.process_id for one in systems.processes("box")]
        systems.set_processor("box", maximum=2500)
        systems.set_memory("box", 511)
        assert node.dump()["systems"][0]["resources"] == {
            "Processor": {"Maximum": 2500},
            "Memory": {"SizeInMB": 512},
        }
        with pytest.raises(Refused, match="process-isolated"):
            systems.pause("box")

        stopped = box.stop()
        assert stopped.how == "shut down"
        assert stopped.exit is not None
        assert stopped.exit.exit_type == NotificationType.GRACEFUL_EXIT
        assert [event.name for event in box.events(LONG_S)] == ["SystemExited"]
        box.close()
        assert endpoint_state(node) != 3
        assert systems.enumerate() == []
        assert systems.stop("box").how == "not there"
        assert len(node.dump()["endpoints"]) == 1
        assert namespace in [one["ID"] for one in node.dump()["namespaces"]]

    def test_of_a_container_on_a_windows_that_has_no_wait_for_its_exit(
        self, node: Simulator, systems: ComputeSystems
    ) -> None:
        node.set_options(windows_build=17763)
        running(systems)
        ended = systems.terminate("box")
        assert ended is not None
        assert ended.exit_type == NotificationType.FORCED_EXIT
        assert systems.enumerate() == []

    def test_of_a_container_that_does_not_obey(self, node: Simulator, systems: ComputeSystems) -> None:
        node.set_options(shutdown_obeyed=False)
        running(systems)
        assert systems.stop("box", shutdown_s=0.05).how == "terminated"

    def test_of_processes(self, node: Simulator, systems: ComputeSystems) -> None:
        running(systems)
        with systems.open("box") as box:
            with box.create_process(ProcessParameters(command_line="first")) as process:
                with pytest.raises(OutcomeUnknown):
                    process.wait_for_exit(0.05)
                node.exit_process("box", process.id, 3)
                assert process.wait_for_exit(LONG_S).exit_code == 3
                process.terminate()
            with box.create_process(ProcessParameters(command_line="second")) as process:
                process.signal(ProcessSignal.CTRL_C)
                assert process.wait_for_exit(LONG_S).exited
        systems.terminate("box")

    def test_of_one_that_ends_with_its_last_handle(self, systems: ComputeSystems) -> None:
        """Who opens, asks and closes neither ends it nor keeps it."""
        with systems.create("box", document(closes=True)) as box:
            box.start()
            asked = systems.properties("box", SystemPropertyType.TERMINATE_ON_LAST_HANDLE_CLOSED)
            assert asked.terminate_on_last_handle_closed
            assert systems.properties("box").state == State.RUNNING
        assert systems.enumerate() == []

    def test_of_one_in_a_virtual_machine(self, systems: ComputeSystems) -> None:
        version = {"Major": 2, "Minor": 1}
        machine = {"Owner": "x", "SchemaVersion": version, "VirtualMachine": {"StopOnReset": True}}
        hosted = {"Owner": "x", "SchemaVersion": version, "Container": {}, "HostingSystemId": "vm"}
        with systems.create("vm", ComputeSystem.of(machine)) as vm:
            vm.start()
            with systems.create("box", ComputeSystem.of(hosted)) as box:
                box.start()
                assert isolation_of(box.properties()) is Isolation.HYPERV
                systems.pause("box")
                assert box.properties().state == State.PAUSED
                systems.resume("box")
                assert box.properties().state == State.RUNNING
                vm.terminate()
                assert box.properties().stopped

    def test_of_the_service(self, systems: ComputeSystems) -> None:
        assert systems.schema_versions()[-1] == Schema(major=2, minor=7)


class TestFailures:
    def test_an_id_that_is_taken(self, systems: ComputeSystems) -> None:
        running(systems)
        with pytest.raises(AlreadyExists):
            systems.create("box", document())
        assert systems.properties("box").state == State.RUNNING

    def test_a_namespace_that_is_not_there(self, systems: ComputeSystems) -> None:
        with systems.create("box", document("5f0c3b1e-0000-4111-8222-333344445555")) as box:
            with pytest.raises(ServiceError, match="80070490"):
                box.start()
            box.terminate()

    def test_an_endpoint_that_cannot_be_attached(
        self, node: Simulator, systems: ComputeSystems, namespace: str
    ) -> None:
        node.degrade_endpoint(node.dump()["endpoints"][0]["ID"])
        with systems.create("box", document(namespace)) as box:
            with pytest.raises(ServiceError, match="803B002E"):
                box.start()
            box.terminate()

    def test_a_document_of_another_schema(self, node: Simulator, systems: ComputeSystems) -> None:
        with pytest.raises(DocumentRefused, match="SchemaVersion"):
            systems.create("box", ComputeSystem.of({"Owner": "x", "SchemaVersion": {"Major": 1, "Minor": 0}}))
        assert node.dump()["systems"] == []

    def test_starting_twice_and_after_the_end(self, systems: ComputeSystems) -> None:
        with systems.create("box", document()) as box:
            box.start()
            with pytest.raises(WrongState):
                box.start()
            box.terminate()
            with pytest.raises(SystemStopped):
                box.modify(ModifySettingRequest.of({"ResourcePath": "Container/Processor", "Settings": {}}))
        with pytest.raises(SystemNotFound):
            systems.start("box")

    def test_limits_on_an_old_build(self, node: Simulator, systems: ComputeSystems) -> None:
        running(systems)
        node.set_options(windows_build=19041)
        with pytest.raises(NotSupported):
            systems.set_memory("box", 512)

    def test_a_start_that_takes_too_long_goes_on(self, node: Simulator, systems: ComputeSystems) -> None:
        with systems.create("box", document()) as box:
            fault = node.inject(function="HcsStartComputeSystem", held="before")
            with pytest.raises(OutcomeUnknown):
                box.start(0.05)
            assert node.fired(fault) == 1
            node.clear_faults()
            for _ in range(6000):
                if box.properties().state == State.RUNNING:
                    break
                time.sleep(0.01)
            assert box.properties().state == State.RUNNING

    def test_the_service_goes_away_and_comes_back(self, node: Simulator, systems: ComputeSystems) -> None:
        running(systems)
        with systems.open("box", listen=True) as box:
            node.restart_hcs()
            with pytest.raises(Unreachable):
                box.properties()
            assert [event.name for event in box.events(LONG_S)] == ["ServiceDisconnect"]
        assert systems.properties("box").state == State.RUNNING

    def test_a_caller_that_is_no_administrator(self, node: Simulator, systems: ComputeSystems) -> None:
        node.set_options(elevated=False)
        with pytest.raises(AccessDenied):
            systems.enumerate()

    @pytest.mark.parametrize("function", ["HcsStartComputeSystem", "HcsGetComputeSystemProperties"])
    def test_what_the_service_says_of_a_failure_is_in_the_error(
        self, node: Simulator, systems: ComputeSystems, function: str
    ) -> None:
        with systems.create("box", document()) as box:
            node.inject(function=function, object="box", hresult=0x80370101)
            with pytest.raises(ServiceError, match="80370101"):
                box.start() if "Start" in function else box.properties()
            node.clear_faults()
            box.terminate()
