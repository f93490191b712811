"""The host's own endpoint on l2bridge: the pods' gateway, made and attached once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.binding.errors import ServiceError
from cni_hns.cluster import host_endpoint, network
from cni_hns.cluster.network import ClusterNetwork
from tests.harness import SimulatedNode
from tests.unit.cluster.simulated import BRIDGE, POD_CIDR, node_of, turned

BOTH = (POD_CIDR, "fd00:244:3::/64")
ATTACHED = 2


@pytest.fixture
def bridge(node: SimulatedNode) -> ClusterNetwork:
    with node_of(node) as opened:
        return network.ensure(BRIDGE, BOTH, opened, turned())


def ensured(node: SimulatedNode, bridge: ClusterNetwork) -> tuple[str, ...]:
    with node_of(node) as opened:
        return host_endpoint.ensure(bridge, opened)


@pytest.mark.needs("DualStack")
def test_it_has_the_third_address_of_each_subnet_and_the_host_has_it(
    node: SimulatedNode, bridge: ClusterNetwork
) -> None:
    assert ensured(node, bridge) == ("10.244.3.2", "fd00:244:3::2")
    (made,) = node.endpoints()
    assert (made.name, made.state) == ("cbr0_ep", ATTACHED)
    assert made.addresses == [("10.244.3.2", 24), ("fd00:244:3::2", 64)]


def test_a_second_call_changes_nothing(node: SimulatedNode, bridge: ClusterNetwork) -> None:
    ensured(node, bridge)
    node.simulator.reset_journal()
    ensured(node, bridge)
    assert node.calls() == ["HcnOpenEndpoint", "HcnQueryEndpointProperties"]


def test_one_that_was_made_and_not_attached_is_attached(node: SimulatedNode, bridge: ClusterNetwork) -> None:
    node.simulator.inject(function="HNSCall", hresult=0x800706BE)
    with pytest.raises(ServiceError):
        ensured(node, bridge)
    (made,) = node.endpoints()
    assert made.state != ATTACHED
    ensured(node, bridge)
    (found,) = node.endpoints()
    assert (found.id, found.state) == (made.id, ATTACHED)


def test_one_that_hns_lost_is_made_again(node: SimulatedNode, bridge: ClusterNetwork) -> None:
    ensured(node, bridge)
    (before,) = node.endpoints()
    node.simulator.remove(before.id)
    ensured(node, bridge)
    (after,) = node.endpoints()
    assert (after.id, after.state) == (before.id, ATTACHED)


def test_after_a_boot_it_is_replaced_and_not_attached_again(
    node: SimulatedNode, bridge: ClusterNetwork
) -> None:
    ensured(node, bridge)
    node.simulator.reboot()
    node.simulator.reset_journal()
    ensured(node, bridge)
    (found,) = node.endpoints()
    assert found.state == ATTACHED
    assert "HcnCreateEndpoint" in node.calls()


def test_one_whose_state_hns_does_not_tell_is_attached_and_left(
    node: SimulatedNode, bridge: ClusterNetwork
) -> None:
    ensured(node, bridge)
    with node.simulator.store.transaction() as state:
        state.run("UPDATE endpoints SET state = 0")
    node.simulator.reset_journal()
    ensured(node, bridge)
    calls = ["HcnOpenEndpoint", "HcnQueryEndpointProperties", "HNSCall", "HNSCall"]
    assert node.calls() == calls


def test_an_address_that_somebody_else_has_is_told(node: SimulatedNode, bridge: ClusterNetwork) -> None:
    stranger = node.simulator.plant_endpoint("cbr0", IpConfigurations=[{"IpAddress": "10.244.3.2"}])
    with pytest.raises(ServiceError):
        ensured(node, bridge)
    assert [one.id for one in node.endpoints()] == [stranger]


def test_the_doctor_finds_nothing_wrong_with_it(
    node: SimulatedNode, bridge: ClusterNetwork, tmp_path: Path
) -> None:
    ensured(node, bridge)
    nowhere = str(tmp_path / "nowhere")
    said = node.command("doctor", "--json", "--conf-dir", nowhere, "--bin-dir", nowhere)
    # The agent writes the configuration last.
    assert [one["kind"] for one in json.loads(said.stdout)] == ["configuration-missing"], said.stdout
    assert node.command("gc").exit_code == 0
    assert len(node.endpoints()) == 1
