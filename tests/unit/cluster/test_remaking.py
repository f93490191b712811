"""Another podCIDR: the network goes once no pod is on it, with all that is the node's own, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.cluster import conflist, host_endpoint, network, remaking, source_vip
from cni_hns.cluster.network import ClusterNetwork
from cni_hns.cluster.network_faults import HeldByPods, Unfitting
from cni_hns.cluster.wanted import NetworkWanted
from cni_hns.hcn.views import REMOTE
from tests.harness import SimulatedNode, container_id
from tests.unit.cluster.simulated import BRIDGE, OVERLAY, POD_CIDR, node_of, turned

OTHER_CIDR = "10.244.9.0/24"


def made(node: SimulatedNode, wanted: NetworkWanted, cidr: str = POD_CIDR) -> ClusterNetwork:
    with node_of(node) as opened:
        there = network.ensure(wanted, [cidr], opened, turned())
        if wanted.mode == "overlay":
            source_vip.ensure(there, opened)
        else:
            host_endpoint.ensure(there, opened)
        return there


def held_by(node: SimulatedNode, there: ClusterNetwork) -> list[str]:
    with node_of(node) as opened:
        holders = remaking.held_by(opened, there.name, there.id)
        assert remaking.may_be_remade(opened, there.name, there.id) == (not holders)
        return holders


def remove(node: SimulatedNode, there: ClusterNetwork) -> None:
    with node_of(node) as opened:
        remaking.remove(opened, there.name, there.id)


def pod_config(wanted: NetworkWanted, there: ClusterNetwork) -> dict[str, object]:
    listed = conflist.document(wanted, there)
    return {"cniVersion": "1.0.0", "name": listed["name"], **listed["plugins"][0]}


@pytest.mark.parametrize("wanted", [OVERLAY, BRIDGE], ids=["overlay", "l2bridge"])
def test_without_pods_it_is_made_anew_for_the_new_pod_cidr(
    node: SimulatedNode, wanted: NetworkWanted
) -> None:
    there = made(node, wanted)
    with pytest.raises(Unfitting), node_of(node) as opened:
        network.ensure(wanted, [OTHER_CIDR], opened, turned())
    assert held_by(node, there) == []
    remove(node, there)
    node.assert_clean()
    assert node.simulator.dump()["networks"] == []
    with node_of(node) as opened:
        assert opened.ledger.fact(f"cluster network {there.name}") is None
    anew = made(node, wanted, OTHER_CIDR)
    assert (anew.prefixes, anew.id != there.id) == ((OTHER_CIDR,), True)


@pytest.mark.parametrize("wanted", [OVERLAY, BRIDGE], ids=["overlay", "l2bridge"])
def test_a_pod_on_it_keeps_it_and_is_named(node: SimulatedNode, wanted: NetworkWanted) -> None:
    there = made(node, wanted)
    config, pod, namespace = pod_config(wanted, there), container_id(), node.namespace()
    answer = node.call("ADD", config, pod, namespace, args="K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1")
    assert answer.exit_code == 0, answer.words
    (holder,) = held_by(node, there)
    assert "shop/web-1" in holder
    before = {one.id for one in node.endpoints()}
    with pytest.raises(HeldByPods, match="shop/web-1"):
        remove(node, there)
    assert {one.id for one in node.endpoints()} == before
    assert node.call("DEL", config, pod, namespace).exit_code == 0
    assert held_by(node, there) == []


def test_an_endpoint_that_no_row_names_keeps_it_too(node: SimulatedNode) -> None:
    there = made(node, OVERLAY)
    lost = node.simulator.plant_endpoint(
        "flannel.4096", Name="web", IpConfigurations=[{"IpAddress": "10.244.3.9"}]
    )
    assert held_by(node, there) == [f'endpoint "web" ({lost}, 10.244.3.9)']


def test_what_is_left_of_an_add_that_hns_may_still_do_does_not_keep_it(node: SimulatedNode) -> None:
    there = made(node, OVERLAY)
    config, pod, namespace = pod_config(OVERLAY, there), container_id(), node.namespace()
    node.simulator.inject(function="HcnCreateEndpoint", hresult=0x800706BE, late_after_calls=10**6)
    assert node.call("ADD", config, pod, namespace).exit_code == 1
    assert node.call("DEL", config, pod, namespace).exit_code == 0
    assert [row.phase for row in node.rows()] == ["tombstone"]
    assert held_by(node, there) == []


def test_what_kube_proxy_has_on_it_does_not(node: SimulatedNode) -> None:
    there = made(node, OVERLAY)
    own = source_vip.own_id(there.name)
    address = node.endpoint(own).addresses[0][0]
    node.simulator.remove(own)
    node.simulator.plant_endpoint(there.name, IpConfigurations=[{"IpAddress": address}])
    remote = {"Flags": REMOTE, "MacAddress": "02-11-0A-F4-01-02"}
    node.simulator.plant_endpoint(there.name, IpConfigurations=[{"IpAddress": "10.244.1.2"}], **remote)
    assert held_by(node, there) == []
    remove(node, there)
    node.assert_clean()


@pytest.mark.parametrize("wanted", [OVERLAY, BRIDGE], ids=["overlay", "l2bridge"])
def test_a_removal_that_was_broken_off_is_finished_by_the_next(
    node: SimulatedNode, wanted: NetworkWanted
) -> None:
    there = made(node, wanted)
    node.simulator.reset_journal()
    remove(node, there)
    calls = len(node.calls())
    for nth in range(1, calls + 1):
        there = made(node, wanted)
        node.simulator.inject(nth=nth, hresult=0x800706BE)
        with pytest.raises(Exception, match="0x800706BE"):
            remove(node, there)
        node.simulator.clear_faults()
        remove(node, there)
        node.assert_clean()
        assert node.simulator.dump()["networks"] == []


@pytest.mark.parametrize("wanted", [OVERLAY, BRIDGE], ids=["overlay", "l2bridge"])
def test_pods_can_go_and_none_comes_until_the_last_has_gone(
    node: SimulatedNode, tmp_path: Path, wanted: NetworkWanted
) -> None:
    """containerd removes no pod while it has no configuration: the file stays, and refuses an ADD."""
    there, folder, name = made(node, wanted), str(tmp_path), conflist.FILE_NAME
    conflist.write(folder, name, conflist.document(wanted, there))
    pod, namespace = container_id(), node.namespace()
    assert node.call("ADD", pod_config(wanted, there), pod, namespace).exit_code == 0

    def new_pod_cidr() -> None:
        with node_of(node) as opened:
            with pytest.raises(Unfitting) as told:
                network.ensure(wanted, [OTHER_CIDR], opened, turned())
            remaking.make_way(told.value, wanted, [OTHER_CIDR], opened, folder=folder, file_name=name)

    with pytest.raises(HeldByPods):
        new_pod_cidr()
    listed = json.loads((tmp_path / name).read_text())
    config = {"cniVersion": "1.1.0", "name": listed["name"], **listed["plugins"][0]}
    refused = node.call("ADD", config, container_id(), node.namespace())
    assert f"the configured subnet {OTHER_CIDR} lies in none of them" in refused.words
    assert node.call("STATUS", config).exit_code == 1
    assert node.call("DEL", config, pod, namespace).exit_code == 0
    new_pod_cidr()
    node.assert_clean()
    assert not (tmp_path / name).exists()
    anew = made(node, wanted, OTHER_CIDR)
    assert node.call("ADD", pod_config(wanted, anew), pod, namespace).exit_code == 0


def test_without_a_file_of_the_agents_none_is_written_on_the_way(node: SimulatedNode, tmp_path: Path) -> None:
    there, folder = made(node, OVERLAY), tmp_path / "net.d"
    node.simulator.plant_endpoint(there.name, Name="web", IpConfigurations=[{"IpAddress": "10.244.3.9"}])
    with node_of(node) as opened:
        with pytest.raises(Unfitting) as told:
            network.ensure(OVERLAY, [OTHER_CIDR], opened, turned())
        with pytest.raises(HeldByPods):
            remaking.make_way(
                told.value, OVERLAY, [OTHER_CIDR], opened, folder=str(folder), file_name=conflist.FILE_NAME
            )
    assert not folder.exists()
