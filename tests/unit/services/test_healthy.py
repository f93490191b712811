"""What kube-proxy made is read as what it was made of, and nothing is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.services.service import services_of
from tests.unit.services.conftest import FAR, VIP, VIP6, Cluster, port

MODES = pytest.mark.parametrize("cluster", ["l2bridge", "overlay"], indirect=True)
BOTH_LOCAL = {"internalTrafficPolicy": "Local", "externalTrafficPolicy": "Local"}
NODE_PORT = {"type": "NodePort", "ports": [port(nodePort=30080)]}
PRESERVED = {"meta": {"annotations": {"preserve-destination": "true"}}}


@MODES
@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        pytest.param({}, {"10.96.0.10:80/tcp": "ClusterIP"}, id="ClusterIP"),
        pytest.param({"sessionAffinity": "ClientIP"}, {"10.96.0.10:80/tcp": "ClusterIP"}, id="affinity"),
        pytest.param({"internalTrafficPolicy": "Local"}, {"10.96.0.10:80/tcp": "ClusterIP"}, id="inside"),
        pytest.param(NODE_PORT, {"10.96.0.10:80/tcp": "ClusterIP", "*:30080/tcp": "NodePort"}, id="NodePort"),
        pytest.param(
            {**NODE_PORT, "externalTrafficPolicy": "Local"},
            {"10.96.0.10:80/tcp": "ClusterIP", "*:30080/tcp": "NodePort"},
            id="NodePort, Local",
        ),
        pytest.param(
            {"externalIPs": ["203.0.113.7"]},
            {"10.96.0.10:80/tcp": "ClusterIP", "203.0.113.7:80/tcp": "ExternalIP or LoadBalancer"},
            id="ExternalIP",
        ),
        pytest.param(
            {"ingress": ["203.0.113.8"], **BOTH_LOCAL},
            {"10.96.0.10:80/tcp": "ClusterIP", "203.0.113.8:80/tcp": "ExternalIP or LoadBalancer"},
            id="LoadBalancer, Local",
        ),
        pytest.param(
            {"ingress": ["203.0.113.8"], **NODE_PORT, **PRESERVED},
            {"10.96.0.10:80/tcp": "ClusterIP", "203.0.113.8:80/tcp": "LoadBalancer"},
            id="LoadBalancer, preserved",
        ),
    ],
)
def test_each_kind_is_told_by_its_shape_and_is_well(
    cluster: Cluster, spec: dict[str, Any], kinds: dict[str, str]
) -> None:
    cluster.pod()
    cluster.web(FAR, **spec)
    assert cluster.proxy.refused == []
    assert {one.frontend.words: one.kind for one in services_of(cluster.around())} == kinds
    assert cluster.faults(with_objects=False) == {}
    assert cluster.faults() == {}


@MODES
def test_the_health_check_of_a_load_balancer_goes_to_the_node(cluster: Cluster) -> None:
    root = cluster.sim.simulator.plant_endpoint(
        "pods", Name="pods_ep", IpConfigurations=[{"IpAddress": "10.88.0.200"}]
    )
    cluster.start_proxy(root_endpoint=root)
    local = {"externalTrafficPolicy": "Local", "healthCheckNodePort": 32000}
    cluster.web(FAR, ingress=["203.0.113.8"], **local)
    found = {one.frontend.words: one.kind for one in services_of(cluster.around())}
    assert found["203.0.113.8:32000/tcp"] == "HealthCheck"
    assert (cluster.faults(False), cluster.faults()) == ({}, {})


@pytest.mark.parametrize("cluster", ["dual"], indirect=True)
def test_a_dual_stack_service_is_two_front_ends_side_by_side(cluster: Cluster) -> None:
    cluster.web(FAR, "fd00:88:2::7", vips=[VIP, VIP6], **NODE_PORT)
    assert cluster.proxy.refused == []
    found = [(one.frontend.words, one.frontend.family) for one in services_of(cluster.around())]
    assert found == [
        ("10.96.0.10:80/tcp", "IPv4"),
        ("[fd00:96::a]:80/tcp", "IPv6"),
        ("*:30080/tcp", "IPv4"),
        ("*:30080/tcp", "IPv6"),
    ]
    assert (cluster.faults(False), cluster.faults()) == ({}, {})


def test_a_back_end_that_is_a_node_has_the_nodes_address_as_source(overlay: Cluster) -> None:
    """A pod of another node's own network: the API server, for one."""
    overlay.web("192.168.9.2")
    (one,) = services_of(overlay.around())
    assert one.balancer.source_vip == overlay.node_ip
    assert (overlay.faults(False), overlay.faults()) == ({}, {})


def test_a_back_end_outside_the_cluster_needs_no_route(overlay: Cluster) -> None:
    overlay.web("198.51.100.9")
    assert (overlay.faults(False), overlay.faults()) == ({}, {})


def test_back_ends_have_their_pods_and_their_nodes(overlay: Cluster) -> None:
    overlay.web(FAR)
    (one,) = services_of(overlay.around())
    (row,) = overlay.sim.rows()
    (network,) = {one.network.name for one in services_of(overlay.around()) if one.network}
    told = [(each.place, each.addresses, each.pod, each.provider) for each in one.backends]
    assert network == "pods"
    assert told == [
        ("local", ["10.88.0.2"], row.key.container_id, overlay.node_ip),
        ("remote", [FAR], "", "192.168.9.2"),
    ]
    assert [each.is_of_kube_proxy for each in one.backends] == [False, True]
    assert (one.has_dsr, one.has_affinity, one.balancer.source_vip) == (True, False, "10.88.0.250")
