"""Restarts of the service and of the machine, and what is left of the node."""

from __future__ import annotations

import os

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import ZERO, Caller, Failed, code

EVERYTHING = ("networks", "endpoints", "namespaces", "loadbalancers", "routes")


def test_what_hns_keeps_is_there_after_a_restart(caller: Caller, simulator: Simulator) -> None:
    namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
    caller.add(namespace, endpoint)
    before = simulator.dump()
    simulator.restart_hns()
    assert simulator.dump() == before


def test_what_is_not_persistent_goes_with_its_endpoints(caller: Caller, simulator: Simulator) -> None:
    caller.endpoint(caller.network("Overlay", Flags=8))
    kept = caller.network("Overlay", name="kept", prefix="10.8.0.0/24")
    simulator.restart_hns()
    assert (caller.ids("Network"), caller.ids("Endpoint")) == ([kept], [])


def test_a_restart_may_lose_what_it_should_keep(caller: Caller, simulator: Simulator) -> None:
    network = caller.network()
    lost, kept = caller.endpoint(network), caller.endpoint(network, Name="kept")
    simulator.restart_hns(lose=[lost])
    assert caller.ids("Endpoint") == [kept]
    simulator.restart_hns(lose=["kept"])
    assert caller.ids("Endpoint") == []
    simulator.restart_hns(lose=["net"])
    assert caller.ids("Network") == []


def test_a_gateway_in_the_way_keeps_a_network_from_loading(caller: Caller, simulator: Simulator) -> None:
    caller.network()
    simulator.set_options(loopback_addresses=["10.9.3.1"])
    simulator.restart_hns()
    assert caller.ids("Network") == []


class TestHandles:
    """Handles are context handles of one run of the service."""

    def test_they_die(self, caller: Caller, simulator: Simulator) -> None:
        network = caller.network()
        handle = caller.open("Network", network)
        simulator.restart_hns()
        with pytest.raises(Failed, match=code(0x800706BA)) as failure:
            caller.query("Network", handle)
        assert failure.value.record == ""
        assert caller.close("Network", handle) == 0
        fresh = caller.open("Network", network)
        assert caller.query("Network", fresh)["ID"] == network
        caller.close("Network", fresh)

    def test_an_endpoint_is_not_made_through_one(self, caller: Caller, simulator: Simulator) -> None:
        handle = caller.open("Network", caller.network())
        simulator.restart_hns()
        with pytest.raises(Failed, match=code(0x800706BA)):
            caller.opened("HcnCreateEndpoint", handle, caller.guid(ZERO), caller.wide("{}"))
        caller.close("Network", handle)
        assert caller.ids("Endpoint") == []

    def test_both_codes_are_options(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(stale_handle_hresult=0x800706BE, stale_close_hresult=0x80070006)
        handle = caller.open("Network", caller.network())
        simulator.restart_hns()
        with pytest.raises(Failed, match=code(0x800706BE)):
            caller.query("Network", handle)
        assert caller.close("Network", handle) == 0x80070006


class TestMachine:
    def test_a_restart_of_the_service_is_seen(self, simulator: Simulator) -> None:
        machine = simulator.machine()
        start, boot = machine.hns_start(), machine.boot_id()
        simulator.restart_hns()
        assert machine.hns_start() != start
        assert machine.boot_id() == boot

    def test_a_boot_is_seen(self, simulator: Simulator) -> None:
        machine = simulator.machine()
        start, boot = machine.hns_start(), machine.boot_id()
        simulator.reboot()
        assert machine.hns_start() != start
        assert machine.boot_id() != boot

    def test_the_plugins_own_state_lies_in_the_folder(self, simulator: Simulator) -> None:
        assert simulator.machine().state_folder() == os.path.join(simulator.folder, "cni-hns")


class TestReboot:
    def test_containers_and_namespaces_are_gone_and_endpoints_are_not(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
        caller.add(namespace, endpoint)
        simulator.start_container(namespace, "c1")
        simulator.reboot()
        assert len(caller.ids("Namespace")) == 1
        document = caller.get("Endpoint", endpoint)
        assert document["State"] == 4
        assert document["HostComputeNamespace"] == "00000000-0000-0000-0000-000000000000"

    def test_by_option_namespaces_stay_without_a_compartment(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        simulator.set_options(namespaces_survive_reboot=True)
        namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
        caller.add(namespace, endpoint)
        simulator.start_container(namespace, "c1")
        simulator.reboot()
        assert caller.get("Namespace", namespace)["NamespaceId"] == 0
        assert caller.get("Endpoint", endpoint)["HostComputeNamespace"] == namespace

    @pytest.mark.parametrize(("version", "kept"), [("7.2", 1), ("9.3", 0)])
    def test_nat_is_forgotten_from_2019_on(
        self, caller: Caller, simulator: Simulator, version: str, kept: int
    ) -> None:
        simulator.set_options(hns_version=version)
        caller.network("NAT")
        simulator.restart_hns()
        assert len(caller.ids("Network")) == 1
        simulator.reboot()
        assert len(caller.ids("Network")) == kept

    def test_it_may_lose_more(self, caller: Caller, simulator: Simulator) -> None:
        caller.network()
        simulator.reboot(lose=["net"])
        assert caller.ids("Network") == []


class TestOthers:
    def test_anything_can_be_removed_behind_everybodys_back(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        network, namespace = caller.network(), caller.namespace()
        endpoint = caller.endpoint(network)
        caller.add(namespace, endpoint)
        simulator.start_container(namespace, "c1")
        route = {"HostComputeEndpoints": [endpoint], "Routes": [{"DestinationPrefix": "10.96.0.0/12"}]}
        balancer = {
            "HostComputeEndpoints": [endpoint],
            "PortMappings": [{"Protocol": 6, "InternalPort": 1, "ExternalPort": 1}],
        }
        made = [caller.create("SdnRoute", route), caller.create("LoadBalancer", balancer)]
        for guid in (namespace, *made, endpoint, network):
            assert simulator.remove("{" + guid.upper() + "}") == 1
            assert simulator.remove(guid) == 0
        left = simulator.dump()
        assert {name: len(left[name]) for name in EVERYTHING} == {
            **dict.fromkeys(EVERYTHING, 0),
            "namespaces": 1,
        }

    def test_a_network_can_be_swapped(self, caller: Caller, simulator: Simulator) -> None:
        before = caller.network()
        caller.endpoint(before)
        after = simulator.swap_network("net")
        assert caller.ids("Network", Name="net") == [after] != [before]
        assert caller.ids("Endpoint") == []
        caller.endpoint(after)
        assert simulator.swap_network("gone") == ""

    def test_objects_are_planted_without_a_call(self, caller: Caller, simulator: Simulator) -> None:
        network = simulator.plant("network", {"Name": "nat", "Type": "NAT"})
        simulator.plant_endpoint("nat", Name="theirs")
        simulator.plant_endpoint(network.upper(), Name="theirs")
        made = simulator.plant_endpoints(network, 300)
        local = simulator.plant_endpoints(network, 3, remote=False)
        assert simulator.journal() == []
        assert len({str(caller.get("Endpoint", guid)["IpConfigurations"]) for guid in made}) == 300
        assert caller.get("Endpoint", made[0])["Flags"] == 1
        assert caller.get("Endpoint", local[0])["Flags"] == 0
        assert len(caller.ids("Endpoint")) == 305
