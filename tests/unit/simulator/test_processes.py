"""One node, many processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator, open_simulator
from tests.unit.simulator.caller import Caller

_CREATOR = """
import sys
from cni_hns.simulator import open_simulator
from tests.unit.simulator.caller import Caller, Failed, network_document
caller = Caller(open_simulator(sys.argv[1]))
try:
    caller.network(name="shared", prefix="10.9.0.0/16")
except Failed as failure:
    assert failure.hresult == 0x803B0010, failure
network, = caller.ids("Network", Name="shared")
for number in range(3):
    caller.endpoint(network, Name=sys.argv[2])
caller.libraries.close()
print("done")
"""


def _start(folder: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _CREATOR, folder, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_many_start_on_a_node_that_is_not_there_yet(tmp_path: Path) -> None:
    folder = str(tmp_path / "deep" / "node")
    processes = [_start(folder, f"p{number}") for number in range(12)]
    outputs = [process.communicate(timeout=100) for process in processes]
    assert [output for output in outputs if output[0] != "done\n"] == []
    node = Simulator(folder)
    caller = Caller(node)
    endpoints = [caller.get("Endpoint", guid) for guid in caller.ids("Endpoint")]
    addresses = {endpoint["IpConfigurations"][0]["IpAddress"] for endpoint in endpoints}
    assert (len(endpoints), len(addresses)) == (36, 36)
    calls = node.journal()
    assert [call.seq for call in calls] == list(range(1, len(calls) + 1))
    assert len({call.pid for call in calls}) == 13
    assert sorted(file.name for file in (tmp_path / "deep" / "node").iterdir()) == [
        "hns.db",
        "hns.db-shm",
        "hns.db-wal",
    ]
    node.close()


def test_options_stay_with_the_folder(tmp_path: Path) -> None:
    first = Simulator(str(tmp_path), hns_version="13.3", state_of_shared=2)
    second = open_simulator(str(tmp_path))
    assert (second.options.version, second.options.state_of_shared) == ((13, 3), 2)
    third = Simulator(str(tmp_path), state_of_shared=3)  # given to a node that is there: changed from now on
    for node in (first, second, third):
        assert (node.options.version, node.options.state_of_shared) == ((13, 3), 3)
        node.close()


def test_the_journal_is_everybodys(simulator: Simulator, caller: Caller) -> None:
    other = open_simulator(simulator.folder)
    Caller(other).network()
    caller.ids("Network")
    assert [call.function for call in simulator.journal()] == [
        "HcnCreateNetwork",
        "HcnQueryNetworkProperties",
        "HcnEnumerateNetworks",
    ]
    other.close()


class TestJournal:
    def test_a_call_names_its_object(self, simulator: Simulator, caller: Caller) -> None:
        network = caller.network()
        endpoint = caller.endpoint(network, Name="pod")
        caller.ids("Endpoint", Name="pod")
        caller.rest("GET", "/globals/version")
        caller.delete("Endpoint", endpoint)
        assert [(call.function, call.object) for call in simulator.journal()] == [
            ("HcnCreateNetwork", network),
            ("HcnQueryNetworkProperties", network),
            ("HcnOpenNetwork", network),
            ("HcnCreateEndpoint", endpoint),
            ("HcnQueryEndpointProperties", endpoint),
            ("HcnEnumerateEndpoints", "pod"),
            ("HNSCall", "GET /globals/version"),
            ("HcnDeleteEndpoint", endpoint),
        ]

    def test_a_refused_creation_names_what_was_asked_for(self, simulator: Simulator, caller: Caller) -> None:
        caller.network()
        with pytest.raises(Exception, match="0x803B0010"):
            caller.network()
        call = simulator.journal()[-1]
        assert (call.object, call.hresult) == ("net", 0x803B0010)

    def test_closings_are_apart(self, simulator: Simulator, caller: Caller) -> None:
        network = caller.network()
        (closing,) = simulator.journal(closings=True)
        assert (closing.function, closing.object, closing.hresult) == ("HcnCloseNetwork", network, 0)
        assert "HcnCloseNetwork" not in [call.function for call in simulator.journal()]

    def test_it_keeps_what_changing_calls_sent_where_that_is_asked_for(
        self, simulator: Simulator, caller: Caller
    ) -> None:
        network = caller.network()
        assert {call.document for call in simulator.journal()} == {""}
        simulator.set_options(journal_documents=True)
        simulator.reset_journal()
        endpoint = caller.endpoint(network, Name="pod")
        caller.add(caller.namespace(), endpoint)
        caller.rest("POST", "/endpoints/", {"VirtualNetwork": network})
        caller.rest("GET", "/endpoints/", "unread")
        sent = {call.function: json.loads(call.document) for call in simulator.journal() if call.document}
        assert (sent["HcnCreateEndpoint"]["Name"], sent["HNSCall"]) == ("pod", {"VirtualNetwork": network})
        assert sent["HcnModifyNamespace"]["Settings"] == {"EndpointId": endpoint}
        assert set(sent) == {"HcnCreateEndpoint", "HcnCreateNamespace", "HcnModifyNamespace", "HNSCall"}

    def test_it_can_be_reset_and_goes_on(self, simulator: Simulator, caller: Caller) -> None:
        caller.network()
        simulator.reset_journal()
        assert simulator.journal() == simulator.journal(closings=True) == []
        caller.ids("Network")
        assert [call.seq for call in simulator.journal()] == [3]


class TestOptions:
    def test_an_unknown_one_is_an_error_that_names_the_known(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match=r"unknown option colour; there are .*hns_version"):
            Simulator(str(tmp_path), colour="green")

    def test_one_that_does_not_exist_cannot_be_read(self, simulator: Simulator) -> None:
        with pytest.raises(AttributeError):
            _ = simulator.options.colour

    def test_every_one_has_a_reason(self) -> None:
        from cni_hns.simulator.core.faults import FIELDS
        from cni_hns.simulator.core.options import OPTIONS

        for table in (OPTIONS, FIELDS):
            for name, (_, why) in table.items():
                assert len(why) > 10, name

    def test_every_one_is_used(self) -> None:
        """An option that no rule reads would be a promise that nothing keeps."""
        from cni_hns.simulator.core.faults import FIELDS
        from cni_hns.simulator.core.options import OPTIONS

        folder = Path(__file__).parents[3] / "cni_hns" / "simulator"
        text = "\n".join(
            file.read_text() for file in folder.rglob("*.py") if file.name not in ("options.py",)
        )
        for name in OPTIONS:
            if name != "hns_version":
                assert f"options.{name}" in text, name
        for name in FIELDS:
            assert f"fault.{name}" in text, name


def test_the_adapters_can_be_read_and_set(simulator: Simulator) -> None:
    simulator.adapters = [{"name": "Second", "kind": "physical", "address": "198.51.100.2"}]
    assert open_simulator(simulator.folder).adapters[0]["name"] == "Second"


_BUSY = """
import sys
from cni_hns.simulator import open_simulator
from tests.unit.simulator.caller import Caller
caller = Caller(open_simulator(sys.argv[1]))
network, = caller.ids("Network")
namespace = caller.namespace()
print("ready", flush=True)
while True:
    policy = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080}
    endpoint = caller.endpoint(network, Policies=[{"Type": "PortMapping", "Settings": policy}])
    caller.add(namespace, endpoint)
    caller.delete("Endpoint", endpoint)
"""


def test_a_killed_process_leaves_whole_objects(caller: Caller, simulator: Simulator) -> None:
    network = caller.network()
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", _BUSY, simulator.folder], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        before = len(simulator.journal())
        while len(simulator.journal()) < before + 20:
            assert process.poll() is None
        process.kill()
        process.communicate()
        held = simulator._store.rows("SELECT endpoint FROM addresses")
        mapped = simulator._store.rows("SELECT endpoint FROM ports")
        there = [(guid,) for guid in caller.ids("Endpoint")]
        assert held == mapped == there
        assert caller.get("Network", network, 1)["CurrentEndpointCount"] == len(there) <= 1
        for (guid,) in there:
            caller.delete("Endpoint", guid)  # the next process would meet its port
