"""Containers and processes of vmcompute.dll, as programs of another system call them over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from cni_hns.simulator.server import serve
from tests.unit.simulator.hcs_caller import container
from tests.unit.simulator.wire_process import Connection

PENDING = 0xC0370103
WRONG_STATE = 0xC0370105
INVALID_JSON = 0xC037010D
NOT_FOUND = 0xC037010E
EXISTS = 0xC037010F
STOPPED = 0xC0370110
NOT_SUPPORTED = 0x80070032
SYSTEM_EXITED, CREATED, STARTED, PAUSED, PROCESS_EXITED = 1, 2, 3, 4, 0x10000
CRASH_REPORT, CRASH_INITIATED = 0x6, 0xD

# What Docker sends (hcsshim's ContainerConfig).
SCHEMA_1 = {
    "SystemType": "Container",
    "Name": "box",
    "Owner": "docker",
    "Layers": [],
    "MemoryMaximumInMB": 512,
    "ProcessorWeight": 500,
    "HvPartition": False,
    "TerminateOnLastHandleClosed": True,
}


class Client(Connection):
    """A process that calls vmcompute.dll."""

    def code(self, function: str, *texts: str | None, handle: int = 0) -> int:
        return self.call(function, *texts, handle=handle)[1]

    def told(self, function: str, *texts: str | None, handle: int = 0) -> Any:
        """The document that a call answers."""
        _, hresult, _, text, _ = self.call(function, *texts, handle=handle)
        assert hresult == 0
        return json.loads(text or "null")

    def create(self, document: dict[str, Any], system: str = "box") -> tuple[int, int]:
        """The handle of a new system, and of a callback that has heard that it is there."""
        _, hresult, handle, _, _ = self.call("HcsCreateComputeSystem", system, json.dumps(document))
        assert hresult == PENDING
        callback = self.opened("HcsRegisterComputeSystemCallback", handle=handle)
        assert self.event(callback)[0] == CREATED
        return handle, callback

    def event(self, callback: int) -> tuple[int, int, Any]:
        """Code, status and data of the next notification."""
        _, hresult, number, text, _ = self.call("NextEvent", handle=callback)
        assert hresult == 0
        return number & 0xFFFFFFFF, number >> 32, json.loads(text or "null")


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with serve(simulator) as address:
        connection = Client(address)
        yield connection
        connection.close()


def test_a_container_lives_and_ends(client: Client, simulator: Simulator) -> None:
    box, callback = client.create(container())
    assert client.code("HcsStartComputeSystem", "", handle=box) == PENDING
    assert client.event(callback) == (STARTED, 0, None)
    assert client.told("HcsEnumerateComputeSystems", '{"Owners":["test"]}')[0]["State"] == "Running"
    assert client.code("HcsShutdownComputeSystem", "", handle=box) == PENDING
    code, status, data = client.event(callback)
    assert (code, status, data["ExitType"]) == (SYSTEM_EXITED, 0, "GracefulExit")
    assert client.code("HcsTerminateComputeSystem", "", handle=box) == STOPPED
    assert client.code("HcsUnregisterComputeSystemCallback", handle=callback) == 0
    assert client.code("HcsCloseComputeSystem", handle=box) == 0
    client.leave()
    assert simulator.leaks() == []


@pytest.mark.parametrize(
    ("function", "code"),
    [("HcsStartComputeSystem", WRONG_STATE), ("HcsPauseComputeSystem", NOT_SUPPORTED)],
)
def test_a_refusal_comes_at_once_with_its_document(
    client: Client, simulator: Simulator, function: str, code: int
) -> None:
    simulator.run_container("box")
    box = client.opened("HcsOpenComputeSystem", "box")
    _, hresult, _, _, record = client.call(function, "", handle=box)
    assert (hresult, json.loads(record or "")["Error"]) == (code, code - (1 << 32))


def test_an_id_is_there_once(client: Client) -> None:
    client.create(container())
    assert client.code("HcsCreateComputeSystem", "box", json.dumps(container())) == EXISTS


def test_a_crash_is_told_by_the_old_numbers_and_then_the_end_with_its_status(
    client: Client, simulator: Simulator
) -> None:
    simulator.run_container("box")
    box = client.opened("HcsOpenComputeSystem", "box")
    callback = client.opened("HcsRegisterComputeSystemCallback", handle=box)
    simulator.crash_container("box")
    told = [client.event(callback)[:2] for _ in range(3)]
    assert told == [(CRASH_INITIATED, 0), (CRASH_REPORT, 0), (SYSTEM_EXITED, 0xC0370106)]


def test_a_restart_of_the_service_disconnects(client: Client, simulator: Simulator) -> None:
    simulator.run_container("box")
    box = client.opened("HcsOpenComputeSystem", "box")
    callback = client.opened("HcsRegisterComputeSystemCallback", handle=box)
    simulator.restart_hcs()
    assert client.event(callback)[0] == 0x01000000
    assert client.code("HcsGetComputeSystemProperties", "", handle=box) == 0xC037011E


def test_a_process_lives_and_ends(client: Client, simulator: Simulator) -> None:
    simulator.run_container("box")
    box = client.opened("HcsOpenComputeSystem", "box")
    _, hresult, process, pid, _ = client.call("HcsCreateProcess", '{"CommandLine":"ping -t"}', handle=box)
    assert hresult == 0
    callback = client.opened("HcsRegisterProcessCallback", handle=process)
    again = client.opened("HcsOpenProcess", pid, handle=box)
    assert client.told("HcsGetProcessInfo", handle=again) == int(pid or "")
    assert client.code("HcsTerminateProcess", handle=again) == 0
    assert client.event(callback)[0] == PROCESS_EXITED
    assert client.told("HcsGetProcessProperties", handle=process)["ExitCode"] == 1067
    assert client.code("HcsTerminateProcess", handle=process) == 0x8037011F
    for handle in (process, again):
        assert client.code("HcsCloseProcess", handle=handle) == 0


class TestSchema1:
    """Documents that Docker sends."""

    def test_what_it_may_use_is_kept(self, client: Client, simulator: Simulator) -> None:
        client.create(SCHEMA_1)
        (system,) = simulator.dump()["systems"]
        assert (system["owner"], system["state"]) == ("docker", "Created")
        assert system["resources"] == {"Memory": {"SizeInMB": 512}, "Processor": {"Weight": 500}}

    def test_it_ends_with_its_last_handle(self, client: Client, simulator: Simulator) -> None:
        box, _ = client.create(SCHEMA_1)
        client.code("HcsCloseComputeSystem", handle=box)
        assert simulator.dump()["systems"] == []

    def test_its_endpoints_are_attached_at_its_start_and_counted(
        self, client: Client, simulator: Simulator
    ) -> None:
        simulator.plant("network", {"Name": "nat", "Type": "NAT"})
        endpoint = simulator.plant_endpoint("nat")
        box, _ = client.create({**SCHEMA_1, "EndpointList": [endpoint.upper()]})
        client.code("HcsStartComputeSystem", "", handle=box)
        (found,) = simulator.dump()["endpoints"]
        assert found["Health"]["Extra"]["SharedContainers"] == ["box"]
        properties = client.told(
            "HcsGetComputeSystemProperties", '{"PropertyTypes":["Statistics"]}', handle=box
        )
        assert [one["EndpointId"] for one in properties["Statistics"]["Network"]] == [endpoint.upper()]

    def test_a_hypervisor_isolated_one_can_be_paused(self, client: Client) -> None:
        box, callback = client.create({**SCHEMA_1, "HvPartition": True})
        client.code("HcsStartComputeSystem", "", handle=box)
        assert client.code("HcsPauseComputeSystem", "", handle=box) == PENDING
        assert [client.event(callback)[0] for _ in range(2)] == [STARTED, PAUSED]

    def test_schema_2_counts_no_network(self, client: Client) -> None:
        box, _ = client.create(container())
        client.code("HcsStartComputeSystem", "", handle=box)
        query = '{"PropertyTypes":["Statistics","MappedVirtualDisk"]}'
        properties = client.told("HcsGetComputeSystemProperties", query, handle=box)
        assert "Network" not in properties["Statistics"]
        assert properties["MappedVirtualDiskControllers"] == {}

    def test_what_is_no_container_is_refused(self, client: Client) -> None:
        document = json.dumps({**SCHEMA_1, "SystemType": "VirtualMachine"})
        assert client.code("HcsCreateComputeSystem", "box", document) == INVALID_JSON


def test_limits_are_changed_by_a_path(client: Client, simulator: Simulator) -> None:
    simulator.run_container("box")
    box = client.opened("HcsOpenComputeSystem", "box")
    change = {"ResourcePath": "Container/Memory/SizeInMB", "RequestType": "Update", "Settings": 256}
    assert client.code("HcsModifyComputeSystem", json.dumps(change), handle=box) == 0
    (system,) = simulator.dump()["systems"]
    assert system["resources"] == {"Memory": {"SizeInMB": 256}}


def test_what_is_kept_is_a_leak(client: Client, simulator: Simulator) -> None:
    client.create(container())
    client.leave()
    assert [leak.text for leak in simulator.leaks()] == [
        "compute system box",
        "compute system's callback box",
    ]


@pytest.mark.parametrize("function", ["HcsStartComputeSystem", "HcsCloseComputeSystem", "HcsCloseProcess"])
def test_a_number_is_no_handle(client: Client, simulator: Simulator, function: str) -> None:
    assert client.code(function, "", handle=1) == 0x80070006
    assert [leak.kind for leak in simulator.leaks()] == ["violation"]
