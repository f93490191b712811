"""kube-proxy as it was released on an overlay network that the agent made, with its source VIP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import objects
from tests.cluster.control_plane import ControlPlane
from tests.cluster.serving import Serving, flannel_of, serving_overlay
from tests.cluster.waiting import until
from tests.cluster.windows_node import pod_cidrs_of
from tests.lane import Lane

_LATE, _LATE_ADDRESS = "win-late", "192.0.2.213"


@pytest.fixture
def node(plane: ControlPlane, wine: None, lane: Lane, tmp_path: Path) -> Iterator[Serving]:
    with serving_overlay(plane, tmp_path / "serving", lane) as found:
        yield found


def test_services_go_by_the_source_vip_that_the_agent_reserved(node: Serving, tmp_path: Path) -> None:
    made = node.make("web", kind="NodePort")["spec"]
    (reserved,) = [one.address for one in node.node.sim.leases() if one.origin == "reserved"]
    for vip, port in ((made["clusterIP"], 80), ("", made["ports"][0]["nodePort"])):
        assert node.await_front(vip, port, [*node.near, node.far]).source_vip == reserved
    until("all to be right", lambda: node.verify(tmp_path).exit_code == 0)


def test_a_route_that_comes_after_the_first_service_is_told(node: Serving, tmp_path: Path) -> None:
    node.admin.create(objects.NODES, objects.node(_LATE, _LATE_ADDRESS))
    cidr = pod_cidrs_of(node.admin, _LATE)[0]
    pod = cidr.replace(".0/24", ".9")
    vip = node.make("web", objects.endpoint(pod, _LATE))["spec"]["clusterIP"]
    node.await_front(vip, 80, [pod])
    annotations = {"metadata": {"annotations": flannel_of(_LATE_ADDRESS)}}
    node.admin.patch(f"{objects.NODES}/{_LATE}", annotations)
    until("the route", lambda: node.routes().get(cidr) == _LATE_ADDRESS)
    (told,) = [one for one in node.faults(tmp_path) if one["kind"] == "backend-wrong-node"]
    # A new start alone keeps the endpoint as it is; what is advised mends it.
    (advised,) = re.findall("`cni-hns (endpoint delete [^`]+)`", told["next"])
    assert node.node.sim.command(*advised.split()).exit_code == 0
    node.proxy.stop()
    node.proxy.start()
    node.await_front(vip, 80, [pod])
    until("all to be right", lambda: node.verify(tmp_path).exit_code == 0)
