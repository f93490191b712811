"""kube-proxy as it was released keeps the services of a simulated node, and `cni-hns service` judges them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import objects
from tests.cluster.control_plane import ControlPlane
from tests.cluster.serving import DSR, EXTERNAL, LOCAL_ROUTED, TCP, Serving, serving
from tests.cluster.waiting import until
from tests.lane import Lane


@pytest.fixture(scope="module")
def running(
    running_plane: ControlPlane, wine: None, lane: Lane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """kube-proxy runs for all tests here; they ask for `node`."""
    with serving(running_plane, tmp_path_factory.mktemp("serving"), lane) as found:
        yield found


@pytest.fixture
def node(running: Serving) -> Serving:
    """The node without a Service."""
    running.clean()
    return running


class TestFrontEnds:
    def test_a_cluster_ip_has_all_back_ends(self, node: Serving) -> None:
        made = node.make("web")
        front = node.await_front(made["spec"]["clusterIP"], 80, [*node.near, node.far])
        assert (front.protocol, front.target, front.by_client) == (TCP, 8080, False)
        assert (front.flags & DSR, front.mapping) == (0, 0)

    def test_a_node_port_is_one_more(self, node: Serving) -> None:
        made = node.make("web", kind="NodePort")
        (port,) = made["spec"]["ports"]
        front = node.await_front("", port["nodePort"], [*node.near, node.far])
        assert front.mapping == LOCAL_ROUTED | EXTERNAL
        node.await_front(made["spec"]["clusterIP"], 80, [*node.near, node.far])

    def test_an_ingress_address_is_served_once_a_cloud_gave_it(self, node: Serving) -> None:
        made = node.make("web", kind="LoadBalancer")
        node.await_front(made["spec"]["clusterIP"], 80, [*node.near, node.far])
        assert node.front("203.0.113.5", 80) is None
        node.give_ingress("web", "203.0.113.5")
        front = node.await_front("203.0.113.5", 80, [*node.near, node.far])
        assert front.mapping == EXTERNAL

    def test_affinity(self, node: Serving) -> None:
        made = node.make("web", sessionAffinity="ClientIP")
        assert node.await_front(made["spec"]["clusterIP"], 80, [*node.near, node.far]).by_client

    def test_local_external_traffic_stays_on_the_node(self, node: Serving) -> None:
        made = node.make("web", kind="NodePort", externalTrafficPolicy="Local")
        node.await_front("", made["spec"]["ports"][0]["nodePort"], node.near)
        node.await_front(made["spec"]["clusterIP"], 80, [*node.near, node.far])

    def test_local_internal_traffic_stays_on_the_node(self, node: Serving) -> None:
        made = node.make("web", internalTrafficPolicy="Local")
        node.await_front(made["spec"]["clusterIP"], 80, node.near)


class TestChanges:
    def test_a_pod_that_is_no_longer_ready_leaves(self, node: Serving) -> None:
        vip = node.make("web")["spec"]["clusterIP"]
        node.await_front(vip, 80, [*node.near, node.far])
        one, two, far = node.back_ends
        node.change("web", one, objects.endpoint(node.near[1], "win-k", ready=False, serving=False), far)
        node.await_front(vip, 80, [node.near[0], node.far])
        node.change("web", one, two, far)
        node.await_front(vip, 80, [*node.near, node.far])

    def test_a_deleted_service_leaves_nothing(self, node: Serving) -> None:
        vip = node.make("web", kind="NodePort")["spec"]["clusterIP"]
        node.await_front(vip, 80, [*node.near, node.far])
        node.clean()
        until("no remote endpoint", lambda: node.far not in node.addresses())


class TestVerify:
    """`cni-hns service verify` with the objects of the same API server."""

    def test_all_that_kube_proxy_made_is_right(self, node: Serving, tmp_path: Path) -> None:
        fronts = [
            (node.make("plain")["spec"]["clusterIP"], 80),
            ("", node.make("port", kind="NodePort")["spec"]["ports"][0]["nodePort"]),
            (node.make("sticky", sessionAffinity="ClientIP")["spec"]["clusterIP"], 80),
        ]
        local = node.make("local", kind="NodePort", externalTrafficPolicy="Local")["spec"]
        inside = node.make("inside", internalTrafficPolicy="Local")["spec"]
        for vip, port in fronts:
            node.await_front(vip, port, [*node.near, node.far])
        node.await_front("", local["ports"][0]["nodePort"], node.near)
        node.await_front(inside["clusterIP"], 80, node.near)
        node.make("cloud", kind="LoadBalancer")
        node.give_ingress("cloud", "203.0.113.5")
        node.await_front("203.0.113.5", 80, [*node.near, node.far])
        said = node.verify(tmp_path)
        assert said.exit_code == 0, said
        assert said.stdout.endswith("0 of them ill\n")

    def test_a_load_balancer_deleted_behind_its_back_is_missing(self, node: Serving, tmp_path: Path) -> None:
        front = node.await_front(node.make("web")["spec"]["clusterIP"], 80, [*node.near, node.far])
        node.node.sim.hcn.load_balancers.delete(front.guid)
        assert node.kinds(tmp_path) == {"load-balancer-missing"}

    def test_a_back_end_whose_endpoint_is_gone_is_missing(self, node: Serving, tmp_path: Path) -> None:
        node.await_front(node.make("web")["spec"]["clusterIP"], 80, [*node.near, node.far])
        node.node.sim.simulator.remove(node.addresses()[node.far])
        assert "backend-missing" in node.kinds(tmp_path)

    def test_one_that_is_half_made_is_told(self, node: Serving, tmp_path: Path) -> None:
        front = node.await_front(node.make("web")["spec"]["clusterIP"], 80, [*node.near, node.far])
        node.proxy.stop()  # this version does not outlive the sight of one
        node.half_make(front.guid)
        assert "load-balancer-half-made" in node.kinds(tmp_path)
        node.proxy.start()

    def test_a_new_start_mends_what_is_missing(self, node: Serving, tmp_path: Path) -> None:
        vip = node.make("web")["spec"]["clusterIP"]
        front = node.await_front(vip, 80, [*node.near, node.far])
        node.proxy.stop()
        node.node.sim.hcn.load_balancers.delete(front.guid)
        node.proxy.start()
        node.await_front(vip, 80, [*node.near, node.far])
        assert node.verify(tmp_path).exit_code == 0
