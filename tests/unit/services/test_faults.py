"""Each fault of the field is injected, and found with its cause; what is first in the way comes first."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.host import PortRange
from cni_hns.services.drift import missing
from cni_hns.services.expected import expected_of
from cni_hns.services.fault import KINDS
from cni_hns.services.objects import objects_of
from cni_hns.services.walk import remedy
from cni_hns.simulator.core import loadbalancers
from tests.commands import COMMANDS
from tests.unit.services.conftest import (
    ELSEWHERE,
    FAR,
    PROVIDER,
    SOURCE_VIP,
    VIP,
    Cluster,
    endpoint,
    port,
    service,
    slice_of,
)

FRONT = f"{VIP}:80/tcp"


def only_balancer(cluster: Cluster) -> str:
    (guid,) = cluster.sim.hcn.load_balancers.ids()
    return guid


def plant_raw(cluster: Cluster, guid: str, **members: Any) -> None:
    """HNS has a load balancer as no call could make it."""
    with cluster.sim.simulator.store.transaction() as state:
        document = json.dumps({**loadbalancers.load(state, guid), **members})
        state.run("UPDATE loadbalancers SET document = ? WHERE id = ?", document, guid)


class TestFrontEnds:
    def test_a_load_balancer_lost_out_of_band_is_not_made_again(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.sim.hcn.load_balancers.delete(only_balancer(cluster))
        cluster.proxy.sync(cluster.items)
        assert cluster.faults(with_objects=False) == {}
        assert cluster.faults() == {FRONT: ["load-balancer-missing"]}
        cluster.start_proxy().sync(cluster.items)
        assert cluster.faults() == {}

    def test_one_without_ports_is_half_made(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        plant_raw(cluster, only_balancer(cluster), PortMappings=[])
        assert list(cluster.faults(False).values()) == [["load-balancer-half-made"]]

    def test_two_on_one_front_end(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        first = only_balancer(cluster)
        other = cluster.sim.simulator.plant(
            "loadbalancer",
            {
                "HostComputeEndpoints": [cluster.locals[0].id],
                "FrontendVIPs": ["10.96.0.99"],
                "PortMappings": [{"Protocol": 6, "InternalPort": 8080, "ExternalPort": 80}],
            },
        )
        plant_raw(cluster, other, FrontendVIPs=[VIP])
        found = cluster.explained(False)
        assert [[each.kind for each in one.faults] for one in found] == [["load-balancer-twice"]] * 2
        words = found[0].faults[0].words
        assert (first in words, other in words) == (True, True)

    def test_a_node_port_that_windows_keeps(self, cluster: Cluster) -> None:
        cluster.sim.simulator.set_options(excluded_ports=[[6, 30000, 30100]])
        cluster.web(FAR, ports=[port(nodePort=30080)])
        assert len(cluster.proxy.refused) == 1
        around = cluster.around()
        around.excluded = [PortRange("tcp", 30000, 30100)]
        assert cluster.faults() == {"*:30080/tcp": ["load-balancer-missing"]}
        (one,) = objects_of(json.dumps({"kind": "List", "items": cluster.items})).services
        fault = missing(expected_of(one, "win-1")[1], around)
        assert fault is not None
        assert (fault.kind, "startport=30000 numberofports=101" in remedy(fault)) == (
            "node-port-excluded",
            True,
        )

    def test_an_ipv6_address_without_the_flag(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.change(FrontendVIPs=["fd00:96::a"])
        assert cluster.faults(False)["[fd00:96::a]:80/tcp"][0] == "load-balancer-family"


class TestSourceVips:
    def test_one_that_a_pod_has(self, overlay: Cluster) -> None:
        overlay.web(FAR)
        pod = overlay.locals[0]
        overlay.change(SourceVIP=pod.addresses[0][0])
        (fault,) = overlay.explained(False)[0].faults
        (row,) = overlay.sim.rows()
        assert (fault.kind, fault.pods) == ("source-vip-leased", (row.key.container_id,))

    def test_one_that_nothing_keeps_from_pods(self, overlay: Cluster) -> None:
        overlay.web(FAR)
        assert overlay.sim.command("ipam", "release", "kube-proxy").exit_code in (0, 1)
        overlay.sim.drop_leases()
        overlay.pod()
        (one,) = overlay.explained(False)
        assert (one.verdict, one.faults[0].kind) == ("warning", "source-vip-unreserved")
        assert one.next_step == (
            f"cni-hns ipam reserve --network pods --owner kube-proxy --address {SOURCE_VIP}"
        )

    def test_one_whose_endpoint_is_gone(self, overlay: Cluster) -> None:
        overlay.web(FAR)
        overlay.sim.hcn.endpoints.delete(overlay.source)
        assert overlay.faults(False) == {FRONT: ["source-vip-without-endpoint"]}

    def test_the_nodes_own_because_the_route_came_late(self, overlay: Cluster) -> None:
        overlay.lose_route()
        overlay.web(FAR)
        overlay.route()
        assert overlay.faults(False) == {FRONT: ["source-vip-is-node", "backend-wrong-node"]}

    def test_none_on_overlay(self, overlay: Cluster) -> None:
        overlay.web(FAR)
        plant_raw(overlay, only_balancer(overlay), SourceVIP="")
        assert overlay.faults(False) == {FRONT: ["source-vip-empty"]}


class TestBackEnds:
    def test_a_route_that_came_late_leaves_the_back_end_on_the_wrong_node(self, overlay: Cluster) -> None:
        overlay.lose_route()
        overlay.web(FAR)
        overlay.route()
        (one,) = overlay.explained(False)
        words = next(each.words for each in one.faults if each.kind == "backend-wrong-node")
        assert f"sent to {overlay.node_ip}, this node" in words
        assert f"leads to {PROVIDER}" in words

    def test_one_on_the_wrong_node_is_mended_by_what_is_advised(self, overlay: Cluster) -> None:
        overlay.lose_route()
        overlay.web(FAR)
        overlay.route()
        overlay.start_proxy().sync(overlay.items)
        (told,) = overlay.explained(False)[0].faults
        endpoint = told.names["endpoint"]
        assert f"`cni-hns endpoint delete {endpoint}`" in remedy(told)
        overlay.sim.hcn.endpoints.delete(endpoint)
        overlay.start_proxy().sync(overlay.items)
        assert overlay.faults() == {}

    def test_a_route_that_is_missing(self, overlay: Cluster) -> None:
        overlay.route("10.88.3.0/24", "192.168.9.3")
        overlay.web("10.88.2.7", "10.88.3.7")
        document = overlay.network.policies
        route = next(one for one in document if one["Settings"].get("DestinationPrefix") == "10.88.2.0/24")
        overlay._policy("Remove", route["Settings"])
        (one,) = overlay.explained(False)
        assert [each.kind for each in one.faults] == ["backend-without-route"]
        assert "10.88.2.7" in one.faults[0].words

    def test_one_that_is_deleted(self, cluster: Cluster) -> None:
        gone = cluster.pod()
        cluster.web(FAR)
        cluster.sim.hcn.endpoints.delete(gone.id)
        (one,) = cluster.explained(False)
        assert [each.kind for each in one.faults] == ["backend-missing"]
        assert gone.id in one.faults[0].words

    def test_a_pod_that_moved_here_leaves_a_remote_endpoint(self, cluster: Cluster) -> None:
        cluster.serve(service(), slice_of("web", endpoint("10.88.0.3", ELSEWHERE)))
        moved = cluster.pod()
        assert moved.addresses[0][0] == "10.88.0.3"
        (one,) = cluster.explained(False)
        assert [each.kind for each in one.faults] == ["backend-address-twice"]
        assert f"local endpoint {moved.id}" in one.faults[0].words

    def test_two_local_endpoints_with_one_address(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.sim.simulator.set_options(duplicate_address_hresult=0)
        twin = cluster.sim.foreign("leaked", "10.88.0.2")
        (one,) = cluster.explained(False)
        assert [each.kind for each in one.faults] == ["backend-address-twice"]
        assert f"local endpoint {twin}" in one.faults[0].words

    def test_one_in_no_namespace(self, cluster: Cluster) -> None:
        leaked = cluster.sim.foreign("leaked", "10.88.0.77")
        cluster.serve(service(), slice_of("web", endpoint("10.88.0.77")))
        (one,) = cluster.explained(False)
        assert [each.kind for each in one.faults] == ["backend-without-pod"]
        assert leaked in one.faults[0].words

    def test_one_that_hns_could_not_make_work(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.sim.simulator.degrade_endpoint(cluster.locals[0].id)
        assert cluster.faults(False) == {FRONT: ["backend-degraded"]}

    def test_none(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        plant_raw(cluster, only_balancer(cluster), HostComputeEndpoints=[])
        assert cluster.faults(False) == {FRONT: ["no-backends"]}

    def test_overlay_without_the_endpoint_of_the_cluster_ip(self, overlay: Cluster) -> None:
        overlay.web(FAR)
        (vip,) = [one for one in overlay.sim.endpoints() if one.addresses[0][0] == VIP]
        overlay.sim.hcn.endpoints.delete(vip.id)
        assert overlay.faults(False) == {FRONT: ["vip-endpoint-missing"]}


class TestPods:
    def test_outbound_nat_that_does_not_except_the_service(self, cluster: Cluster) -> None:
        cluster.config = {**cluster.config, "outboundNat": {"exceptions": ["10.88.0.0/16"]}}
        cluster.pod()
        cluster.web(FAR)
        (one,) = cluster.explained(False)
        assert [(each.kind, len(each.pods)) for each in one.faults] == [("nat-hides-pods", 1)]

    def test_an_acl_that_blocks_everything(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        block = {"Action": "Block", "Direction": "Out", "RuleType": "Switch", "Priority": 200}
        with cluster.sim.hcn.endpoints.open(cluster.locals[0].id) as opened:
            opened.modify(
                {
                    "ResourceType": "Policy",
                    "RequestType": "Add",
                    "Settings": {"Policies": [{"Type": "ACL", "Settings": block}]},
                }
            )
        (one,) = cluster.explained(False)
        assert (one.verdict, [each.kind for each in one.faults]) == ("warning", ["acl-blocks"])


class TestWhatKubernetesWants:
    def test_a_change_that_hns_took_and_did_not_make(self, tmp_path: Path) -> None:
        cluster = Cluster(tmp_path, "l2bridge", hns_version="15.4")
        try:
            cluster.web(FAR)
            pod = cluster.pod()
            cluster.items = [service(), *cluster.slices(FAR)]
            (one,) = cluster.explained()
            assert [each.kind for each in one.faults] == ["backend-lacking"]
            assert pod.addresses[0][0] in one.faults[0].words
            assert "HNS 15.4" in one.faults[0].words
        finally:
            cluster.close()

    def test_a_back_end_that_is_not_ready_any_more(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        here = cluster.locals[0].addresses[0][0]
        cluster.items = [service(), slice_of("web", endpoint(here), endpoint(FAR, ELSEWHERE, ready=False))]
        assert cluster.faults() == {FRONT: ["backend-surplus"]}

    def test_remote_back_ends_though_the_policy_is_local(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.items = [service(internalTrafficPolicy="Local"), *cluster.slices(FAR)]
        assert cluster.faults() == {FRONT: ["policy-local"]}

    def test_local_without_a_local_pod_has_no_load_balancer_and_that_is_right(self, cluster: Cluster) -> None:
        local = service(internalTrafficPolicy="Local")
        cluster.serve(local, slice_of("web", endpoint(FAR, ELSEWHERE)))
        (one,) = cluster.explained()
        assert (one.service, one.verdict) == (None, "ok")

    def test_none_is_ready(self, cluster: Cluster) -> None:
        cluster.serve(service(), slice_of("web", endpoint(FAR, ELSEWHERE, ready=False)))
        (one,) = cluster.explained()
        assert (one.verdict, [each.kind for each in one.faults]) == ("warning", ["no-ready-endpoints"])
        assert "kubectl -n shop get pods" in one.next_step

    def test_pods_that_end_serve_on_only_behind_an_ingress_address(self, cluster: Cluster) -> None:
        ending = endpoint(FAR, ELSEWHERE, ready=False, serving=True, terminating=True)
        cluster.serve(service(ingress=["203.0.113.8"]), slice_of("web", ending))
        found = {one.frontend.words: (one.verdict, one.service is not None) for one in cluster.explained()}
        assert found[FRONT] == ("ok", True)
        assert found["203.0.113.8:80/tcp"][1] is False

    def test_a_named_port_with_two_numbers(self, cluster: Cluster) -> None:
        named = service(ports=[port(name="http", targetPort="http")])
        here, far = endpoint(cluster.locals[0].addresses[0][0]), endpoint(FAR, ELSEWHERE)
        first = slice_of("web", here, port_name="http")
        cluster.serve(named, first, slice_of("web", far, number=9090, port_name="http"))
        (one,) = cluster.explained()
        assert [each.kind for each in one.faults] == ["named-port-differs"]
        assert "8080, 9090" in one.faults[0].words

    def test_another_target_port(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        cluster.items = [service(ports=[port(targetPort=9090)]), *cluster.slices(FAR, number=9090)]
        assert cluster.faults() == {FRONT: ["wrong-port"]}

    @pytest.mark.parametrize(
        ("spec", "kind"),
        [
            pytest.param({"sessionAffinity": "ClientIP"}, "affinity-missing", id="affinity"),
            pytest.param(
                {"externalIPs": ["203.0.113.7"], "externalTrafficPolicy": "Local"}, "dsr-missing", id="DSR"
            ),
        ],
    )
    def test_what_an_old_hns_leaves_out(self, tmp_path: Path, spec: dict[str, Any], kind: str) -> None:
        cluster = Cluster(tmp_path, "l2bridge", hns_version="10.1")
        try:
            cluster.web(FAR, **spec)
            found = [each for one in cluster.explained() for each in one.faults]
            assert {one.kind for one in found} == {kind}
            assert "this HNS cannot do" in found[0].words
        finally:
            cluster.close()

    def test_a_service_that_is_deleted(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        kubernetes = service("kubernetes", "10.96.0.1", meta={"namespace": "default"})
        cluster.items = [kubernetes]
        assert cluster.faults()[FRONT] == ["load-balancer-surplus"]


def test_every_command_of_a_remedy_is_one() -> None:
    named = [
        found for kind in KINDS.values() for found in re.findall(r"cni-hns ([a-z]+ ?[a-z]*)", kind.remedy)
    ]
    paths = {" ".join(path) for path in COMMANDS}
    assert {one for one in named if one.strip() not in paths} == set()
