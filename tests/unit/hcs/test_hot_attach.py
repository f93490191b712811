"""Endpoints put into containers by HCS, on the simulated node."""

from __future__ import annotations

import pytest

from cni_hns.binding.errors import NotSupported, ServiceError, SystemNotFound, Unreachable
from cni_hns.binding.service import Service
from cni_hns.hcs.hot_attach import HotAttach
from cni_hns.log import Log
from cni_hns.simulator import Simulator
from tests.harness import SimulatedNode

SUBNET = {
    "IpAddressPrefix": "10.88.0.0/24",
    "Routes": [{"NextHop": "10.88.0.1", "DestinationPrefix": "0.0.0.0/0"}],
}


@pytest.fixture
def simulator(node: SimulatedNode) -> Simulator:
    ipam = {"Type": "Static", "Subnets": [SUBNET]}
    node.simulator.plant("network", {"Name": "pods", "Type": "L2Bridge", "Ipams": [ipam]})
    node.simulator.run_container("box")
    return node.simulator


@pytest.fixture
def hot_attach(node: SimulatedNode) -> HotAttach:
    return HotAttach(Service(node.libraries, Log(stderr=False)))


def _users(simulator: Simulator) -> list[str]:
    (endpoint,) = simulator.dump()["endpoints"]
    found: list[str] = endpoint["Health"]["Extra"]["SharedContainers"]
    return found


def test_an_endpoint_goes_in_and_out(simulator: Simulator, hot_attach: HotAttach) -> None:
    endpoint = simulator.plant_endpoint("pods")
    hot_attach.see("box")
    hot_attach.add("box", endpoint)
    assert _users(simulator) == ["box"]
    hot_attach.remove("box", endpoint)
    assert _users(simulator) == []


def test_nothing_stays_open(simulator: Simulator, hot_attach: HotAttach) -> None:
    """Whoever keeps a compute system open keeps it alive."""
    endpoint = simulator.plant_endpoint("pods")
    hot_attach.see("box")
    hot_attach.add("box", endpoint)
    with pytest.raises(ServiceError):
        hot_attach.add("box", endpoint)
    assert simulator.live() == []


def test_a_container_that_does_not_run(hot_attach: HotAttach) -> None:
    with pytest.raises(SystemNotFound, match="on compute system gone ") as caught:
        hot_attach.see("gone")
    assert caught.value.words.endswith("with the specified identifier does not exist.")
    with pytest.raises(SystemNotFound):
        hot_attach.add("gone", "x")


@pytest.mark.parametrize("code", [0xC037010E, 0xC0370105, 0x80370110])
def test_one_that_ends_meanwhile(simulator: Simulator, hot_attach: HotAttach, code: int) -> None:
    simulator.inject(function="HcsModifyComputeSystem", hresult=code)
    with pytest.raises(SystemNotFound):
        hot_attach.add("box", simulator.plant_endpoint("pods"))
    assert simulator.live() == []


def test_hcs_that_went_away(simulator: Simulator, hot_attach: HotAttach) -> None:
    simulator.inject(function="HcsOpenComputeSystem", hresult=0xC037011E)
    with pytest.raises(Unreachable):
        hot_attach.see("box")


def test_a_document_beside_a_success_is_no_failure(simulator: Simulator, hot_attach: HotAttach) -> None:
    """HCS writes events into it."""
    endpoint = simulator.plant_endpoint("pods")
    simulator.inject(function="HcsModifyComputeSystem", record='{"ErrorEvents": []}')
    hot_attach.add("box", endpoint)
    assert _users(simulator) == ["box"]


def test_a_restart_of_hns_between_opening_and_modifying(simulator: Simulator, hot_attach: HotAttach) -> None:
    endpoint = simulator.plant_endpoint("pods")
    simulator.inject(function="HcsModifyComputeSystem", restart=True)
    hot_attach.add("box", endpoint)
    assert _users(simulator) == ["box"]


def test_a_windows_without_the_function(simulator: Simulator) -> None:
    simulator.set_options(missing_functions=["HcsOpenComputeSystem"])
    with pytest.raises(NotSupported, match="HcsOpenComputeSystem"):
        HotAttach(Service(simulator.libraries(), Log(stderr=False))).see("box")
