"""kube-proxy's address on the overlay: kept from pods, with its endpoint, and nothing wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.cluster import conflist, network, source_vip
from cni_hns.cluster.network import ClusterNetwork
from cni_hns.cluster.network_faults import NoSourceVip
from cni_hns.hcn.views import REMOTE, EndpointView
from cni_hns.ipam import reservations
from tests.harness import SimulatedNode, container_id
from tests.unit.cluster.simulated import OVERLAY, POD_CIDR, node_of, turned

HOST_MAC = "02-00-C0-00-02-0A"


@pytest.fixture
def overlay(node: SimulatedNode) -> ClusterNetwork:
    with node_of(node) as opened:
        return network.ensure(OVERLAY, [POD_CIDR], opened, turned())


def ensured(node: SimulatedNode, overlay: ClusterNetwork) -> str:
    with node_of(node) as opened:
        return source_vip.ensure(overlay, opened)


def only(node: SimulatedNode) -> EndpointView:
    (found,) = node.endpoints()
    return found


def planted(node: SimulatedNode, address: str, **members: object) -> str:
    given = {"IpConfigurations": [{"IpAddress": address}], **members}
    return node.simulator.plant_endpoint("flannel.4096", **given)


def add(node: SimulatedNode, overlay: ClusterNetwork, pod: str = "") -> tuple[str, str, str]:
    """A pod on the agent's configuration: its container, its namespace, its address."""
    listed = conflist.document(OVERLAY, overlay)
    config = {"cniVersion": "1.0.0", "name": listed["name"], **listed["plugins"][0]}
    pod, namespace = pod or container_id(), node.namespace()
    answer = node.call("ADD", config, pod, namespace)
    assert answer.exit_code == 0, answer.words
    node.simulator.start_container(namespace, pod)
    return pod, namespace, answer.addresses[0]


def test_the_endpoint_is_as_kube_proxy_would_make_it(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    assert address == "10.244.3.2"
    made = only(node)
    assert (made.name, made.network, made.namespace) == ("source-vip", overlay.id, None)
    assert made.addresses == [(address, 24)]
    assert made.mac == HOST_MAC
    assert not made.flags & REMOTE
    (lease,) = node.leases()
    assert (lease.address, lease.container_id, lease.origin) == (address, "kube-proxy", "reserved")


def test_a_second_call_changes_nothing(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    node.simulator.reset_journal()
    assert ensured(node, overlay) == address
    assert node.calls() == ["HcnOpenEndpoint", "HcnQueryEndpointProperties"]


def test_what_ipam_reserve_answers_is_the_address(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    said = node.command(
        "ipam", "reserve", "--network", overlay.name, "--owner", "kube-proxy", "--address", address, "--json"
    )
    assert said.exit_code == 0, said.stderr
    (row,) = json.loads(said.stdout)
    assert row["address"] == address


def test_an_address_that_was_reserved_by_hand_is_kept(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    with node_of(node) as opened:
        reservations.reserve_address(opened.ledger, overlay.name, "kube-proxy", "10.244.3.200")
    assert ensured(node, overlay) == "10.244.3.200"
    assert only(node).addresses == [("10.244.3.200", 24)]


def test_an_endpoint_that_hns_lost_is_made_again(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    before = only(node).id
    node.simulator.remove(before)
    assert ensured(node, overlay) == address
    assert only(node).id == before


def test_an_address_that_the_ledger_lost_is_read_from_the_endpoint(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    with node_of(node) as opened:
        reservations.reserve_address(opened.ledger, overlay.name, "kube-proxy", "10.244.3.77")
    ensured(node, overlay)
    node.drop_leases()
    assert ensured(node, overlay) == "10.244.3.77"
    assert [one.address for one in node.leases()] == ["10.244.3.77"]


def test_an_endpoint_that_kube_proxy_made_itself_is_left(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    address = ensured(node, overlay)
    node.simulator.remove(only(node).id)
    theirs = planted(node, address, MacAddress=HOST_MAC.replace("-", ":").lower())
    assert ensured(node, overlay) == address
    assert only(node).id == theirs


def test_another_endpoint_with_the_address_makes_it_the_next_one(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    address = ensured(node, overlay)
    node.simulator.remove(only(node).id)
    stranger = planted(node, address)
    found = ensured(node, overlay)
    assert found != address
    assert {one.id for one in node.endpoints()} == {stranger, source_vip.own_id(overlay.name)}
    assert [one.address for one in node.leases()] == [found]


def test_a_remote_endpoint_with_the_address_makes_it_the_next_one_too(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    """kube-proxy would take it for the source VIP's: it looks for the address alone."""
    address = ensured(node, overlay)
    node.simulator.remove(only(node).id)
    planted(node, address, Flags=REMOTE, MacAddress="02-11-0A-F4-03-02")
    assert ensured(node, overlay) != address


def test_an_address_of_an_earlier_pod_cidr_is_given_up(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    with node_of(node) as opened:
        reservations.reserve_address(opened.ledger, overlay.name, "kube-proxy", "10.244.9.2")
    assert ensured(node, overlay) == "10.244.3.2"
    assert [one.address for one in node.leases()] == ["10.244.3.2"]


def test_a_host_with_another_mac_gets_the_endpoint_made_anew(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    address = ensured(node, overlay)
    (adapter,) = node.simulator.adapters
    node.simulator.adapters = [{**adapter, "mac": "00-50-56-01-02-03"}]
    assert ensured(node, overlay) == address
    assert only(node).mac == "00-50-56-01-02-03"


def test_no_pod_gets_the_address(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    with node_of(node) as opened:
        small = overlay._replace(prefixes=("10.244.3.0/29",))
        assert source_vip.ensure(small, opened) == address
    assert f"{address}/24" not in [add(node, overlay)[2] for _ in range(5)]


def test_a_full_range_is_told_and_nothing_is_held(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    small = overlay._replace(prefixes=("10.244.3.0/30",))
    planted(node, "10.244.3.2")
    with pytest.raises(NoSourceVip, match="no address is left"):
        ensured(node, small)
    assert node.leases() == []


def test_a_host_without_a_mac_is_told(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    (adapter,) = node.simulator.adapters
    node.simulator.adapters = [{**adapter, "mac": ""}]
    with pytest.raises(
        NoSourceVip, match=r"no interface of this node with a MAC has its address 192\.0\.2\.10"
    ):
        ensured(node, overlay)


def test_gc_leaves_endpoint_and_reservation(node: SimulatedNode, overlay: ClusterNetwork) -> None:
    address = ensured(node, overlay)
    listed = conflist.document(OVERLAY, overlay)
    config = {"cniVersion": "1.1.0", "name": listed["name"], **listed["plugins"][0]}
    answer = node.call("GC", {**config, "cni.dev/valid-attachments": []})
    assert answer.exit_code == 0, answer.words
    assert node.command("gc").exit_code == 0
    assert only(node).id == source_vip.own_id(overlay.name)
    assert [one.address for one in node.leases()] == [address]


def test_the_doctor_finds_nothing_wrong_with_it(
    node: SimulatedNode, overlay: ClusterNetwork, tmp_path: Path
) -> None:
    address = ensured(node, overlay)
    add(node, overlay)
    pod = next(one for one in node.endpoints() if one.namespace)
    balancer = {
        "SourceVIP": address,
        "FrontendVIPs": ["10.96.0.7"],
        "HostComputeEndpoints": [pod.id],
        "PortMappings": [{"Protocol": 6, "InternalPort": 80, "ExternalPort": 80}],
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }
    node.simulator.plant("loadbalancer", balancer)
    planted(node, "10.96.0.7", Flags=REMOTE, MacAddress=HOST_MAC)
    nowhere = str(tmp_path / "nowhere")
    said = node.command("doctor", "--json", "--conf-dir", nowhere, "--bin-dir", nowhere)
    # The agent writes the configuration last.
    assert [one["kind"] for one in json.loads(said.stdout)] == ["configuration-missing"], said.stdout
    assert node.command("service", "verify").exit_code == 0


def test_removed_it_leaves_neither_endpoint_nor_reservation(
    node: SimulatedNode, overlay: ClusterNetwork
) -> None:
    ensured(node, overlay)
    for _ in range(2):
        with node_of(node) as opened:
            source_vip.remove(overlay.name, opened)
        node.assert_clean()
