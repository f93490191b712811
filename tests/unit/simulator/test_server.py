"""A served node: processes of another system call it over the wire."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.simulator import Simulator, wire
from cni_hns.simulator.server import main, serve
from tests.unit.simulator.wire_process import Connection

ZERO = "00000000-0000-0000-0000-000000000000"
SCHEMA = {"SchemaVersion": {"Major": 2, "Minor": 0}}
ROUTE = {"NextHop": "10.1.0.1", "DestinationPrefix": "0.0.0.0/0"}
NETWORK = {
    **SCHEMA,
    "Name": "pods",
    "Type": "L2Bridge",
    "Ipams": [{"Type": "Static", "Subnets": [{"IpAddressPrefix": "10.1.0.0/24", "Routes": [ROUTE]}]}],
}


@pytest.fixture
def process(address: str) -> Iterator[Connection]:
    connection = Connection(address)
    yield connection
    connection.close()


def namespace(process: Connection) -> int:
    return process.opened("HcnCreateNamespace", ZERO, json.dumps(SCHEMA))


def leaks(simulator: Simulator) -> list[tuple[int, str, str]]:
    return [(each.pid, each.kind, each.text) for each in simulator.leaks()]


def test_only_this_machine_is_served(address: str) -> None:
    assert address.startswith("127.0.0.1:")


def test_a_process_sees_the_node_of_the_folder_and_the_folder_what_it_does(
    process: Connection, simulator: Simulator
) -> None:
    planted = simulator.plant("namespace", {})
    _, hresult, _, text, record = process.call("HcnEnumerateNamespaces", "")
    assert (hresult, record) == (0, None)
    assert planted in json.loads(text or "")
    network = process.opened("HcnCreateNetwork", ZERO, json.dumps(NETWORK))
    endpoint = process.opened("HcnCreateEndpoint", ZERO, json.dumps(SCHEMA), handle=network)
    _, _, _, text, _ = process.call("HcnQueryEndpointProperties", "", handle=endpoint)
    (found,) = simulator.dump()["endpoints"]
    assert json.loads(text or "")["ID"] == found["ID"]
    for function, handle in (("HcnCloseEndpoint", endpoint), ("HcnCloseNetwork", network)):
        assert process.call(function, handle=handle)[1] == 0
    assert process.call("HcnDeleteEndpoint", found["ID"])[1] == 0
    assert simulator.dump()["endpoints"] == []


def test_the_journal_names_the_process_that_called(process: Connection, simulator: Simulator) -> None:
    process.call("HcnEnumerateNetworks", "")
    (call,) = simulator.journal()
    assert (call.function, call.pid) == ("HcnEnumerateNetworks", 4321)


def test_a_refusal_has_its_code_and_record(process: Connection) -> None:
    _, hresult, handle, text, record = process.call("HcnOpenNamespace", ZERO)
    assert (hresult, handle, text) == (0x80070490, 0, None)
    assert json.loads(record or "") == {
        "Success": False,
        "Error": "Element not found. ",
        "ErrorCode": 0x80070490,
    }


@pytest.mark.parametrize("name", ["Pods Größe", "容器", "\U0001f433\U0010ffff"])
def test_texts_are_those_of_windows(process: Connection, name: str) -> None:
    process.opened("HcnCreateNetwork", ZERO, json.dumps({**NETWORK, "Name": name}, ensure_ascii=False))
    (guid,) = json.loads(process.call("HcnEnumerateNetworks", "")[3] or "")
    opened = process.opened("HcnOpenNetwork", guid)
    text = process.call("HcnQueryNetworkProperties", "", handle=opened)[3] or ""
    assert json.loads(text)["Name"] == name


def test_half_a_surrogate_pair_is_refused_and_hurts_nobody(process: Connection) -> None:
    assert process.call("HcnCreateNamespace", ZERO, '{"Type": "\ud800"}')[1] == 0x803B001B
    assert process.call("HcnEnumerateNetworks", "")[1] == 0


def test_null_is_not_the_empty_text(process: Connection, simulator: Simulator) -> None:
    simulator.set_options(null_query_accepted=False)
    assert process.call("HcnEnumerateNetworks", "")[1] == 0
    assert process.call("HcnEnumerateNetworks", None)[1] != 0


class TestHnsCall:
    """V1: the failure is in the envelope."""

    def test_it_answers(self, process: Connection) -> None:
        _, hresult, _, text, record = process.call("HNSCall", "GET", "/networks/", "")
        assert (hresult, json.loads(text or ""), record) == (0, {"Success": True, "Output": []}, None)

    @pytest.mark.parametrize(("version", "code"), [("15.4", 0x803B0002), ("8.1", 0)])
    def test_older_services_say_no_in_the_envelope_alone(
        self, simulator: Simulator, version: str, code: int
    ) -> None:
        simulator.set_options(hns_version=version)
        with serve(simulator) as address:
            process = Connection(address)
            _, hresult, _, text, record = process.call("HNSCall", "GET", f"/endpoints/{ZERO}", "")
            process.close()
        assert (hresult, record) == (code, None)
        assert json.loads(text or "")["Success"] is False


class TestHandles:
    """A handle is one process's."""

    def test_two_processes_never_have_the_same(self, address: str) -> None:
        one, other = Connection(address), Connection(address)
        assert namespace(one) != namespace(other)
        one.close()
        other.close()

    def test_another_connection_of_the_process_has_them_too(self, address: str, process: Connection) -> None:
        opened = namespace(process)
        second = Connection(address, process=process.process)
        assert second.process == process.process
        assert second.call("HcnQueryNamespaceProperties", "", handle=opened)[1] == 0
        second.close()

    def test_another_process_does_not(self, address: str, process: Connection, simulator: Simulator) -> None:
        opened = namespace(process)
        other = Connection(address, pid=99)
        assert other.call("HcnCloseNamespace", handle=opened)[1] == 0x80070006
        other.close()
        words = "HcnCloseNamespace: a number in place of a Namespace handle"
        assert leaks(simulator) == [(99, "violation", words)]

    def test_one_that_is_closed_is_no_handle(self, process: Connection, simulator: Simulator) -> None:
        opened = namespace(process)
        assert process.call("HcnCloseNamespace", handle=opened)[1] == 0
        assert process.call("HcnCloseNamespace", handle=opened)[1] == 0x80070006
        words = "HcnCloseNamespace: a Namespace handle that is closed"
        assert leaks(simulator) == [(4321, "violation", words)]

    def test_they_die_with_the_service(self, process: Connection, simulator: Simulator) -> None:
        opened = namespace(process)
        simulator.restart_hns()
        assert process.call("HcnQueryNamespaceProperties", "", handle=opened)[1] == 0x800706BA


class TestLeaks:
    """What was not given back is held against a process that ended in good order."""

    def test_a_handle_and_a_buffer(self, process: Connection, simulator: Simulator) -> None:
        namespace(process)
        (made,) = [one for one in simulator.dump()["namespaces"] if one["Type"] != "HostDefault"]
        process.leave("HcnQueryNamespaceProperties")
        assert leaks(simulator) == [
            (4321, "handle", f"Namespace {made['ID']}"),
            (4321, "buffer", "HcnQueryNamespaceProperties"),
        ]

    def test_nothing_where_everything_was_closed(self, process: Connection, simulator: Simulator) -> None:
        process.call("HcnCloseNamespace", handle=namespace(process))
        process.leave()
        assert leaks(simulator) == []

    def test_nothing_of_a_process_that_was_killed(
        self, address: str, process: Connection, simulator: Simulator
    ) -> None:
        namespace(process)
        process.close()
        Connection(address).leave()
        assert leaks(simulator) == []

    def test_nothing_of_a_process_that_ends_in_the_middle_of_a_call(
        self, address: str, process: Connection, simulator: Simulator
    ) -> None:
        namespace(process)
        simulator.inject(function="HcnEnumerateNetworks", hang=True)
        process.send("HcnEnumerateNetworks", "")
        while simulator.journal()[-1].function != "HcnEnumerateNetworks":
            pass
        Connection(address, process=process.process).leave()
        assert leaks(simulator) == []

    def test_a_violation_with_a_buffer_is_written_down(
        self, process: Connection, simulator: Simulator
    ) -> None:
        process.call("Violation", "CoTaskMemFree: a buffer that is freed")
        assert leaks(simulator) == [(4321, "violation", "CoTaskMemFree: a buffer that is freed")]


class TestFaults:
    """They are those of the node, and mean the process that calls."""

    def test_a_code_and_a_record(self, process: Connection, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hresult=0x80004005, record="words")
        assert process.call("HcnEnumerateNetworks", "") == (0, 0x80004005, 0, None, "words")

    @pytest.mark.parametrize(("moment", "left"), [("before", 0), ("after", 1)])
    def test_killed_is_the_order_to_end(
        self, process: Connection, simulator: Simulator, moment: str, left: int
    ) -> None:
        before = len(simulator.dump()["namespaces"])
        simulator.inject(function="HcnCreateNamespace", die=moment)
        assert process.call("HcnCreateNamespace", ZERO, json.dumps(SCHEMA))[0] == wire.END_YOURSELF
        assert len(simulator.dump()["namespaces"]) == before + left

    def test_a_call_that_hangs_holds_nobody_up(
        self, address: str, process: Connection, simulator: Simulator
    ) -> None:
        simulator.inject(function="HcnEnumerateNetworks", hang=True)
        process.send("HcnEnumerateNetworks", "")
        other = Connection(address)
        while not simulator.journal():
            assert other.call("HcnEnumerateEndpoints", "")[1] == 0
        assert other.call("HcnEnumerateEndpoints", "")[1] == 0
        process.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            process.socket.recv(1)
        other.close()

    def test_a_server_that_stops_waits_for_no_late_answer(self, simulator: Simulator) -> None:
        simulator.inject(function="HcnEnumerateNetworks", latency_s=3600)
        with serve(simulator) as address:
            process = Connection(address)
            process.send("HcnEnumerateNetworks", "")
            while not simulator.journal():
                pass
        assert process.socket.recv(1) == b""
        process.close()

    @pytest.mark.parametrize(
        ("option", "hresult"),
        [
            ({"missing_functions": ["HcnOpenSdnRoute"]}, 0x8007007F),
            ({"missing_libraries": ["computenetwork"]}, 0x8007007E),
        ],
        ids=["function", "library"],
    )
    def test_what_this_windows_does_not_have(
        self, simulator: Simulator, option: dict[str, Any], hresult: int
    ) -> None:
        simulator.set_options(**option)
        with serve(simulator) as address:
            process = Connection(address)
            assert process.call("HcnOpenSdnRoute", ZERO)[1] == hresult
            process.close()

    def test_a_function_that_the_simulated_service_does_not_have(self, process: Connection) -> None:
        assert process.call("HcnCreateGuestNetworkService", ZERO, "{}")[1] == 0x80004001


class TestNotifications:
    """Who registered is told, one event per request."""

    def test_what_another_process_does_is_heard(self, address: str, process: Connection) -> None:
        callback = process.opened("HcnRegisterServiceCallback")
        ear = Connection(address, process=process.process)
        ear.send("NextEvent", handle=callback)
        other = Connection(address)
        namespace(other)
        _, hresult, code, data, _ = ear.receive()
        assert (hresult, code) == (0, 5)
        assert json.loads(data or "")["Flags"] == 0
        other.close()
        ear.close()

    def test_unregistering_ends_the_waiting(self, address: str, process: Connection) -> None:
        callback = process.opened("HcnRegisterServiceCallback")
        ear = Connection(address, process=process.process)
        ear.send("NextEvent", handle=callback)
        assert process.call("HcnUnregisterServiceCallback", handle=callback)[1] == 0
        assert ear.receive()[1] == 0x80004004
        ear.close()

    def test_a_registration_left_open_is_a_leak(self, process: Connection, simulator: Simulator) -> None:
        process.opened("HcnRegisterServiceCallback")
        process.leave()
        assert leaks(simulator) == [(4321, "handle", "callback")]


class TestAttachingByHand:
    """The old Host Compute System API, as far as Docker's way of attaching needs it."""

    @pytest.fixture
    def endpoint(self, simulator: Simulator) -> str:
        simulator.plant("network", NETWORK)
        return simulator.plant_endpoint("pods")

    def test_an_endpoint_goes_into_a_container_and_out(
        self, process: Connection, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.run_container("box")
        system = process.opened("HcsOpenComputeSystem", "box")
        callback = process.opened("HcsRegisterComputeSystemCallback", handle=system)
        properties = json.loads(process.call("HcsGetComputeSystemProperties", "", handle=system)[3] or "")
        assert (properties["Id"], properties["SystemType"]) == ("box", "Container")
        for kind, users in (("Add", ["box"]), ("Remove", [])):
            change = {"ResourceType": "Network", "Settings": endpoint, "RequestType": kind}
            assert process.call("HcsModifyComputeSystem", json.dumps(change), handle=system)[1] == 0
            assert users_of(simulator) == users
        assert process.call("HcsUnregisterComputeSystemCallback", handle=callback)[1] == 0
        assert process.call("HcsCloseComputeSystem", handle=system)[1] == 0
        process.leave()
        assert leaks(simulator) == []

    def test_a_container_that_ends_lets_it_go(
        self, process: Connection, simulator: Simulator, endpoint: str
    ) -> None:
        simulator.run_container("box")
        system = process.opened("HcsOpenComputeSystem", "box")
        change = json.dumps({"ResourceType": "Network", "Settings": endpoint, "RequestType": "Add"})
        assert process.call("HcsModifyComputeSystem", change, handle=system)[1] == 0
        simulator.stop_container("box")
        assert users_of(simulator) == []
        assert process.call("HcsModifyComputeSystem", change, handle=system)[1] == 0xC037010E

    def test_a_container_that_there_is_not_cannot_be_opened(self, process: Connection) -> None:
        assert process.call("HcsOpenComputeSystem", "box")[1:3] == (0xC037010E, 0)

    @pytest.mark.parametrize(
        "change", [{"ResourceType": "Memory"}, {"ResourceType": "Network", "RequestType": "Update"}]
    )
    def test_other_changes_are_refused(
        self, process: Connection, simulator: Simulator, change: dict[str, str]
    ) -> None:
        simulator.run_container("box")
        system = process.opened("HcsOpenComputeSystem", "box")
        assert process.call("HcsModifyComputeSystem", json.dumps(change), handle=system)[1] == 0x80004001


def users_of(simulator: Simulator) -> list[str]:
    (endpoint,) = simulator.dump()["endpoints"]
    found: list[str] = endpoint["Health"]["Extra"]["SharedContainers"]
    return found


class TestNonsense:
    """Whoever does not speak the language is hung up on; the others go on."""

    @pytest.mark.parametrize(
        "sent",
        [
            wire.message(b""),
            wire.message(b"\0" * 9),
            wire.request("HcnEnumerateNetworks", 0, ""),
            wire.request("Join", 0, "no number"),
            b"\xff\xff\xff\xff",
            wire.message(b"\0" * 8 + b"\x10\0\0\0ab"),
        ],
        ids=["empty", "cut", "not joined", "no process id", "endless", "a text too long"],
    )
    def test_it(self, address: str, sent: bytes) -> None:
        with socket.create_connection(("127.0.0.1", int(address.partition(":")[2])), timeout=30) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(1) == b""
        Connection(address).leave()


def test_sixty_four_processes_at_once(address: str, simulator: Simulator) -> None:
    failed: list[str] = []

    def work(pid: int) -> None:
        try:
            process = Connection(address, pid=pid)
            process.call("HcnCloseNamespace", handle=namespace(process))
            process.leave()
        except Exception as fault:
            failed.append(str(fault))

    threads = [threading.Thread(target=work, args=(pid,)) for pid in range(1, 65)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {call.pid for call in simulator.journal()} == set(range(1, 65))
    assert leaks(simulator) == []


def test_the_command_serves_until_its_stdin_ends(simulator: Simulator) -> None:
    command = [sys.executable, "-m", "cni_hns.simulator.server", simulator.folder]
    with subprocess.Popen(command, stdin=-1, stdout=-1, env={**os.environ, "PYTHONSAFEPATH": ""}) as server:
        assert server.stdout is not None
        process = Connection(server.stdout.readline().decode().strip())
        assert process.call("HcnEnumerateNetworks", "")[1] == 0
        process.close()
        assert server.stdin is not None
        server.stdin.close()
        assert server.wait(30) == 0
    assert [call.function for call in simulator.journal()] == ["HcnEnumerateNetworks"]


@pytest.mark.parametrize("given", [[], ["folder", "server-2012"], ["folder", "server-2019", "more"]])
def test_the_command_wants_a_folder_and_no_more_than_a_profile(
    capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    assert main(given) == 2
    words = capsys.readouterr().err
    assert "FOLDER" in words
    assert "server-2019" in words


def test_the_command_serves_the_windows_that_it_is_told(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main([simulator.folder, "server-2019"]) == 0
    assert simulator.options.version == (9, 3)
