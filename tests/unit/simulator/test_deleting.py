"""Deleting networks and endpoints, and what goes with them."""

from __future__ import annotations

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, address, code


def test_a_networks_endpoints_vanish_with_it(caller: Caller) -> None:
    network, namespace = caller.network(), caller.namespace()
    endpoint = caller.endpoint(network, IpConfigurations=[address("10.9.3.7")])
    caller.add(namespace, endpoint)
    caller.delete("Network", network)
    assert caller.ids("Endpoint") == []
    assert caller.get("Namespace", namespace)["Resources"] == []
    again = caller.network()
    caller.endpoint(again, IpConfigurations=[address("10.9.3.7")])


def test_a_network_that_a_container_uses_goes_too_unless_told_otherwise(
    caller: Caller, simulator: Simulator
) -> None:
    network, namespace = caller.network(), caller.namespace()
    caller.add(namespace, caller.endpoint(network))
    simulator.start_container(namespace, "c1")
    simulator.set_options(network_delete_in_use_hresult=0x803B002C)
    with pytest.raises(Failed, match=code(0x803B002C)):
        caller.delete("Network", network)
    simulator.set_options(network_delete_in_use_hresult=0)
    caller.delete("Network", network)
    assert caller.ids("Endpoint") == []


@pytest.mark.parametrize(("family", "hresult"), [("Network", 0x803B0001), ("Endpoint", 0x803B0002)])
def test_twice(caller: Caller, family: str, hresult: int) -> None:
    network = caller.network()
    guid = network if family == "Network" else caller.endpoint(network)
    caller.delete(family, guid)
    with pytest.raises(Failed, match=code(hresult)):
        caller.delete(family, guid)


def test_an_endpoint_that_a_container_uses_goes_without_complaint(
    caller: Caller, simulator: Simulator
) -> None:
    namespace, endpoint = caller.namespace(), caller.endpoint(caller.network())
    caller.add(namespace, endpoint)
    simulator.start_container(namespace, "c1")
    caller.delete("Endpoint", endpoint)
    assert caller.ids("Endpoint") == []


def test_an_open_handle_outlives_the_object_and_says_so(caller: Caller) -> None:
    network = caller.network()
    handle = caller.open("Network", network)
    caller.delete("Network", network)
    with pytest.raises(Failed, match=code(0x803B0001)):
        caller.query("Network", handle)
    caller.close("Network", handle)


def test_an_endpoint_is_not_made_in_a_network_that_is_gone(caller: Caller) -> None:
    network = caller.network()
    handle = caller.open("Network", network)
    caller.delete("Network", network)
    with pytest.raises(Failed, match=code(0x803B0001)):
        caller.opened("HcnCreateEndpoint", handle, caller.guid(network), caller.wide("{}"))
    caller.close("Network", handle)


def test_an_endpoint_that_a_load_balancer_names_goes_unless_told_otherwise(
    caller: Caller, simulator: Simulator
) -> None:
    endpoint = caller.endpoint(caller.network())
    mapping = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 80}
    caller.create("LoadBalancer", {"HostComputeEndpoints": [endpoint], "PortMappings": [mapping]})
    simulator.set_options(backend_deleted_hresult=0x803B002C)
    with pytest.raises(Failed, match=code(0x803B002C)):
        caller.delete("Endpoint", endpoint)
    simulator.set_options(backend_deleted_hresult=0)
    caller.delete("Endpoint", endpoint)
