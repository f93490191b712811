"""The service as a whole: who may call it, whether it runs, and what its answers carry."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code


def test_without_administrators_rights_everything_is_refused(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(elevated=False)
    with pytest.raises(Failed, match=code(0x80070005)):
        caller.ids("Network")
    with pytest.raises(Failed, match=code(0x80070005)):
        caller.rest("GET", "/globals/version")


@pytest.mark.parametrize("hresult", [0x80070426, 0x800706BA])
def test_a_service_that_does_not_run(caller: Caller, simulator: Simulator, hresult: int) -> None:
    simulator.set_options(service_stopped_hresult=hresult)
    with pytest.raises(Failed, match=code(hresult)) as failure:
        caller.ids("Network")
    assert failure.value.record == ""
    with pytest.raises(Failed, match=code(hresult)) as failure:
        caller.rest("GET", "/globals/version")
    assert failure.value.record == ""


def test_a_degraded_endpoint_is_refused(caller: Caller, simulator: Simulator) -> None:
    endpoint = caller.endpoint(caller.network())
    simulator.degrade_endpoint(endpoint)
    assert caller.get("Endpoint", endpoint)["State"] == 5
    with pytest.raises(Failed, match=code(0x803B0017)):
        caller.modify("Endpoint", endpoint, {"ResourceType": "Policy", "RequestType": "Add", "Settings": {}})
    with pytest.raises(Failed, match=code(0x803B0017)):
        caller.rest("POST", f"/endpoints/{endpoint}/attach", {})
    caller.delete("Endpoint", endpoint)


def test_a_degraded_network_can_only_be_deleted(caller: Caller, simulator: Simulator) -> None:
    network = caller.network()
    handle = caller.open("Network", network)
    simulator.degrade_network("net")
    with pytest.raises(Failed, match=code(0x803B0017)):
        caller.open("Network", network)
    with pytest.raises(Failed, match=code(0x803B0017)):
        caller.opened("HcnCreateEndpoint", handle, caller.guid(network), caller.wide("{}"))
    caller.close("Network", handle)
    caller.delete("Network", network)


def test_what_a_half_deleted_network_left_holds_its_name(caller: Caller, simulator: Simulator) -> None:
    simulator.leave_ghost_network("net")
    with pytest.raises(Failed, match=code(0x803B0010)):
        caller.network()
    assert caller.ids("Network", Name="net") == []
    simulator.restart_hns()
    caller.network()


def test_an_endpoint_whose_attach_would_fail_is_not_added_beside_a_container(
    caller: Caller, simulator: Simulator
) -> None:
    namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
    simulator.start_container(namespace, "c1")
    simulator.degrade_endpoint(endpoint)
    with pytest.raises(Failed, match=code(0x803B002E)):
        caller.add(namespace, endpoint)
    assert caller.get("Namespace", namespace)["Resources"] == [{"Type": "Container", "Data": {"Id": "c1"}}]


def test_answers_carry_members_that_no_schema_lists(caller: Caller) -> None:
    network = caller.network()
    document = caller.get("Network", network)
    assert {"ActivityId", "AdditionalParams", "Health", "State", "Version"} <= set(document)
    assert document["Health"]["Extra"]["SwitchGuid"] == network.upper()
    v1 = caller.get("Network", network, 1)
    assert {"ActivityId", "Extensions", "LayeredOn", "MacPools", "Resources", "DNSServerCompartment"} <= set(
        v1
    )
    endpoint = caller.get("Endpoint", caller.endpoint(network), 1)
    assert {"CreateProcessingStartTime", "Health", "Resources", "StartTime", "Type"} <= set(endpoint)


def test_a_folder_of_another_version_is_told_apart(tmp_path: Path) -> None:
    Simulator(str(tmp_path)).close()
    with sqlite3.connect(tmp_path / "hns.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(ValueError, match="another version of the simulator"):
        Simulator(str(tmp_path))


def test_closing_a_node_closes_its_libraries(tmp_path: Path) -> None:
    node = Simulator(str(tmp_path))
    caller = Caller(node)
    caller.open("Network", caller.network())
    node.close()
    again = Simulator(str(tmp_path))
    assert [leak.kind for leak in again.leaks()] == ["handle"]
    again.close()


def test_an_id_in_use_is_refused_even_without_a_code(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(existing_id_hresult=0)
    namespace = caller.namespace()
    with pytest.raises(Failed, match=code(0x800700B7)):
        caller.namespace(ID=namespace)
