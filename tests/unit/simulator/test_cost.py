"""No call grows with the number of endpoints on the node: counted in SQLite's own steps, not by a clock."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, address, network_document

_FOREIGN = 2000


def _steps(simulator: Simulator, work: Callable[[], object]) -> int:
    """Hundreds of virtual-machine instructions that SQLite executes meanwhile."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    simulator._store._db.set_progress_handler(step, 100)
    try:
        work()
    finally:
        simulator._store._db.set_progress_handler(None, 0)
    return steps


def _add(caller: Caller, network: str, namespace: str, number: int) -> str:
    """The calls of one ADD, and of its DEL."""
    own = address(f"10.9.200.{number}")
    endpoint = caller.endpoint(network, Name=f"pod{number}", IpConfigurations=[own])
    caller.add(namespace, endpoint)
    caller.get("Endpoint", endpoint)
    caller.get("Network", network, 1)
    caller.ids("Endpoint", Name=f"pod{number}")
    caller.ids("Endpoint", ID=endpoint)
    caller.rest("GET", f"/endpoints/{endpoint}")
    caller.take_out(namespace, endpoint)
    caller.delete("Endpoint", endpoint)
    return endpoint


@pytest.mark.parametrize("remote", [True, False])
def test_an_add_costs_the_same_among_many_endpoints(
    caller: Caller, simulator: Simulator, remote: bool
) -> None:
    document = network_document("L2Bridge", "net", "10.9.0.0/16")
    # HNS chooses from the first half, so that the foreign endpoints never take the pods' addresses.
    halves = [{"IpAddressPrefix": "10.9.0.0/17"}, {"IpAddressPrefix": "10.9.128.0/17"}]
    document["Ipams"][0]["Subnets"][0]["IpSubnets"] = halves
    network = caller.create("Network", document)
    namespace = caller.namespace()
    _add(caller, network, namespace, 2)
    alone = _steps(simulator, lambda: _add(caller, network, namespace, 3))
    simulator.plant_endpoints(network, _FOREIGN, remote=remote)
    among_many = _steps(simulator, lambda: _add(caller, network, namespace, 4))
    assert among_many <= alone + 5


def test_an_address_of_hns_s_choice_costs_the_same_too(caller: Caller, simulator: Simulator) -> None:
    network = caller.network(prefix="10.9.0.0/16")
    alone = _steps(simulator, lambda: caller.endpoint(network))
    simulator.plant_endpoints(network, _FOREIGN, remote=False)
    assert _steps(simulator, lambda: caller.endpoint(network)) <= alone + 5


def test_a_listing_is_read_once(caller: Caller, simulator: Simulator) -> None:
    network = caller.network()
    simulator.plant_endpoints(network, _FOREIGN)
    assert len(caller.ids("Endpoint", VirtualNetwork=network)) == _FOREIGN
    assert len(json.dumps(caller.ids("Endpoint"))) > _FOREIGN * 36
