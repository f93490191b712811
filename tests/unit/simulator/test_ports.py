"""Host ports that endpoints map."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code


def _mapping(port: int = 8080, protocol: int = 6, **more: Any) -> dict[str, Any]:
    settings = {"Protocol": protocol, "InternalPort": 80, "ExternalPort": port, **more}
    return {"Type": "PortMapping", "Settings": settings}


@pytest.mark.parametrize("kind", ["NAT", "L2Bridge", "Overlay"])
def test_one_external_port_and_protocol_has_one_endpoint(caller: Caller, kind: str) -> None:
    network = caller.network(kind)
    caller.endpoint(network, Policies=[_mapping()])
    with pytest.raises(Failed, match=code(0x803B0013)):
        caller.endpoint(network, Policies=[_mapping()])
    assert len(caller.ids("Endpoint")) == 1


def test_networks_share_the_hosts_ports(caller: Caller) -> None:
    caller.endpoint(caller.network("NAT"), Policies=[_mapping()])
    with pytest.raises(Failed, match=code(0x803B0013)):
        caller.endpoint(caller.network("L2Bridge", "other", "10.8.0.0/24"), Policies=[_mapping()])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(_mapping(protocol=17), id="another protocol"),
        pytest.param(_mapping(8081), id="another port"),
        pytest.param(_mapping(VIP="192.0.2.200"), id="another address"),
        pytest.param(_mapping(Flags=3), id="the other family"),
    ],
)
def test_what_does_not_meet(caller: Caller, other: dict[str, Any]) -> None:
    network = caller.network("NAT")
    caller.endpoint(network, Policies=[_mapping(VIP="")])
    caller.endpoint(network, Policies=[other])


def test_both_families_of_one_endpoint(caller: Caller) -> None:
    caller.endpoint(caller.network(), Policies=[_mapping(Flags=1), _mapping(Flags=3)])


def test_one_endpoint_cannot_map_a_port_twice(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0013)):
        caller.endpoint(caller.network(), Policies=[_mapping(), _mapping()])


@pytest.mark.parametrize(
    ("settings", "hresult"),
    [
        pytest.param({"Protocol": 132}, 0x803B000D, id="SCTP"),
        pytest.param({"InternalPort": 0}, 0x803B002D, id="no internal port"),
        pytest.param({"ExternalPort": 65536}, 0x803B000D, id="no port at all"),
        pytest.param({"VIP": "host"}, 0x803B000D, id="no address"),
        pytest.param({"Protocol": "TCP"}, 0x803B000D, id="a V1 protocol name"),
    ],
)
def test_a_mapping_that_is_none(caller: Caller, settings: dict[str, Any], hresult: int) -> None:
    policy = {"Type": "PortMapping", "Settings": {**_mapping()["Settings"], **settings}}
    with pytest.raises(Failed, match=code(hresult)):
        caller.endpoint(caller.network(), Policies=[policy])


def test_a_port_that_the_host_holds(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(excluded_ports=[[6, 8000, 8099]])
    network = caller.network("NAT")
    with pytest.raises(Failed, match=code(0x803B0013)):
        caller.endpoint(network, Policies=[_mapping()])
    caller.endpoint(network, Policies=[_mapping(protocol=17)])


def test_by_option_a_type_maps_none(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(mapping_refused_on=["Transparent"])
    with pytest.raises(Failed, match=code(0x803B0016)):
        caller.endpoint(caller.network("Transparent"), Policies=[_mapping()])


class TestRelease:
    def test_a_deleted_endpoints_port_is_free(self, caller: Caller) -> None:
        network = caller.network("NAT")
        caller.delete("Endpoint", caller.endpoint(network, Policies=[_mapping()]))
        caller.endpoint(network, Policies=[_mapping()])

    def test_by_option_it_stays_held(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(ports_stay_reserved=True)
        network = caller.network("NAT")
        gone = caller.endpoint(network, Policies=[_mapping()])
        caller.delete("Endpoint", gone)
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.endpoint(network, Policies=[_mapping()])
        assert caller.rest("GET", "/portpools") == [{"Protocol": 6, "Port": 8080, "Owner": gone.upper()}]
        simulator.restart_hns()
        assert caller.rest("GET", "/portpools") == []
        caller.endpoint(network, Policies=[_mapping()])

    def test_a_removed_policys_port_is_free_and_a_new_ones_is_held(self, caller: Caller) -> None:
        network = caller.network("NAT")
        one, other = caller.endpoint(network, Policies=[_mapping()]), caller.endpoint(network)
        request = {"ResourceType": "Policy", "RequestType": "Remove", "Settings": {"Policies": [_mapping()]}}
        with pytest.raises(Failed, match=code(0x803B0013)):
            caller.modify("Endpoint", other, {**request, "RequestType": "Add"})
        caller.modify("Endpoint", one, request)
        caller.modify("Endpoint", other, {**request, "RequestType": "Add"})
