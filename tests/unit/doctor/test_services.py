"""What the doctor says of load balancers: one finding for each cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.doctor.checks import services
from cni_hns.services.fault import KINDS
from tests.unit.services.conftest import FAR, SOURCE_VIP, VIP, Cluster, port


@pytest.fixture
def overlay(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "node", "overlay")
    yield made
    made.close()


def findings(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """By kind; only those about services."""
    found = json.loads(cluster.sim.command("doctor", "--json").stdout)
    told = [one for one in found if one["kind"] in services.AREA.kinds]
    assert len({one["kind"] for one in told}) == len(told)
    return {one["kind"]: one for one in told}


def test_a_healthy_node_has_none(overlay: Cluster) -> None:
    overlay.web(FAR, ports=[port(nodePort=30080)], externalIPs=["203.0.113.7"])
    assert findings(overlay) == {}


def test_a_back_end_that_is_gone_is_told_once_for_all_its_front_ends(overlay: Cluster) -> None:
    overlay.web(FAR, ports=[port(nodePort=30080)])
    gone = overlay.locals[0].id
    overlay.sim.hcn.endpoints.delete(gone)
    one = findings(overlay)["backend-missing"]
    assert (one["severity"], one["subject"]) == ("ill", f"services {VIP}:80/tcp, *:30080/tcp")
    assert gone in one["cause"]
    assert "Restart-Service kube-proxy" in one["remedy"]


def test_a_route_that_came_late(overlay: Cluster) -> None:
    overlay.lose_route()
    overlay.web(FAR)
    overlay.route()
    one = findings(overlay)["source-vip-is-node"]
    assert (one["subject"], "the route came after" in one["cause"]) == (f"service {VIP}:80/tcp", True)


def test_a_source_vip_that_nothing_keeps_from_pods(overlay: Cluster) -> None:
    overlay.web(FAR, ports=[port(nodePort=30080)])
    overlay.sim.drop_leases()
    overlay.pod()
    one = findings(overlay)["source-vip-unreserved"]
    command = f"cni-hns ipam reserve --network pods --owner kube-proxy --address {SOURCE_VIP}"
    assert (one["severity"], one["remedy"]) == ("warning", command)
    assert overlay.sim.command(*command.split()[1:]).exit_code == 0
    assert findings(overlay) == {}


def test_a_node_port_that_windows_has_taken_since(overlay: Cluster) -> None:
    overlay.web(FAR, ports=[port(nodePort=30080)])
    overlay.sim.simulator.set_options(excluded_ports=[[6, 30000, 30100]])
    one = findings(overlay)["node-port-excluded"]
    assert (one["severity"], one["subject"]) == ("ill", "service *:30080/tcp")
    assert "delete excludedportrange protocol=tcp startport=30000 numberofports=101" in one["remedy"]


def test_kinds_that_need_the_cluster_or_are_told_elsewhere_are_left_out() -> None:
    assert set(services.AREA.kinds) < set(KINDS)
    assert "load-balancer-missing" not in services.AREA.kinds
