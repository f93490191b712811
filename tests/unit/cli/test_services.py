"""`cni-hns service`: what an operator types and reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Printed
from tests.unit.services.conftest import FAR, VIP, Cluster, port, service


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "node", "overlay")
    yield made
    made.close()


def typed(cluster: Cluster, *arguments: str) -> Printed:
    return cluster.sim.command("service", *arguments)


def facts(cluster: Cluster, *arguments: str) -> Any:
    return json.loads(typed(cluster, *arguments, "--json").stdout)


def saved(cluster: Cluster, folder: Path) -> str:
    path = folder / "objects.json"
    # As PowerShell's redirection writes it.
    path.write_text(json.dumps({"kind": "List", "items": cluster.items}), encoding="utf-8-sig")
    return str(path)


class TestList:
    def test_none(self, cluster: Cluster) -> None:
        assert typed(cluster, "list").stdout == "no load balancers\n"
        assert facts(cluster, "list") == []

    def test_a_row_for_each_front_end(self, cluster: Cluster) -> None:
        cluster.web(FAR, ports=[port(nodePort=30080)])
        (one, other) = facts(cluster, "list")
        head, *rows = typed(cluster, "list").stdout.splitlines()
        assert re.split(" {2,}", head) == ["FRONT END", "KIND", "BACK ENDS", "ID"]
        assert [re.split(" {2,}", row) for row in rows] == [
            [f"{VIP}:80/tcp", "ClusterIP", "1 local, 1 remote", one["id"]],
            ["*:30080/tcp", "NodePort", "1 local, 1 remote", other["id"]],
        ]
        assert "DSR, source VIP 10.88.0.250" in typed(cluster, "list", "-o", "wide").stdout
        assert typed(cluster, "list", "-q").stdout.split() == [one["id"], other["id"]]
        assert (one["vip"], one["port"], one["kinds"]) == (VIP, 80, ["ClusterIP"])
        assert [each["place"] for each in one["backEnds"]] == ["local", "remote"]
        assert (one["network"], one["sourceVIP"], one["dsr"]) == ("pods", "10.88.0.250", True)


class TestPortsOfTheHost:
    """A range that was excluded after kube-proxy had the port: HNS refuses it at the next start."""

    def test_a_node_port_among_them_does_not_answer(self, cluster: Cluster) -> None:
        cluster.web(FAR, ports=[port(nodePort=30080)])
        cluster.sim.simulator.set_options(excluded_ports=[[6, 30000, 30100]])
        done = typed(cluster, "explain", "30080")
        assert done.exit_code == 1
        assert "port 30080/tcp lies in 30000-30100, which Windows excludes from use" in done.stdout

    def test_a_netsh_that_hangs_is_noted_and_all_else_told(self, cluster: Cluster) -> None:
        cluster.web(FAR, ports=[port(nodePort=30080)])
        cluster.sim.simulator.set_options(netsh_hangs=True)
        done = typed(cluster, "verify")
        assert done.exit_code == 0
        assert "netsh" in done.stderr


class TestExplain:
    @pytest.mark.parametrize("which", [f"{VIP}:80", f"{VIP}:80/tcp"])
    def test_a_healthy_service(self, cluster: Cluster, which: str) -> None:
        cluster.web(FAR)
        done = typed(cluster, "explain", which)
        assert (done.exit_code, done.stdout.splitlines()[0]) == (0, f"{VIP}:80/tcp: ok")
        (row,) = cluster.sim.rows()
        assert f"    10.88.0.2 local\n      pod {row.key.container_id}\n" in done.stdout
        assert f"    {FAR} remote\n      node 192.168.9.2\n" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80

    def test_the_first_thing_that_is_wrong_and_what_to_do(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        gone = cluster.locals[0]
        cluster.sim.hcn.endpoints.delete(gone.id)
        (guid,) = cluster.sim.hcn.load_balancers.ids()
        done = typed(cluster, "explain", guid)
        assert done.exit_code == 1
        assert f"back end {gone.id} is not in HNS" in " ".join(done.stdout.split())
        (told,) = facts(cluster, "explain", guid)
        assert (told["verdict"], [one["kind"] for one in told["faults"]]) == ("ill", ["backend-missing"])
        assert told["next"].startswith("`Restart-Service kube-proxy`")

    def test_by_the_name_that_kubernetes_has(self, cluster: Cluster, tmp_path: Path) -> None:
        cluster.web(FAR)
        (guid,) = cluster.sim.hcn.load_balancers.ids()
        cluster.sim.hcn.load_balancers.delete(guid)
        done = typed(cluster, "explain", "shop/web", "--objects", saved(cluster, tmp_path))
        assert done.exit_code == 1
        assert "HNS no load balancer" in done.stdout

    def test_a_name_needs_the_objects(self, cluster: Cluster) -> None:
        done = typed(cluster, "explain", "shop/web")
        assert done.exit_code == 1
        assert "kubectl get svc,endpointslices -A -o json" in done.stderr

    def test_another_port_of_an_address_is_near(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        assert f"its address has {VIP}:80/tcp" in typed(cluster, "explain", f"{VIP}:81").stderr
        assert "cni-hns service list" in typed(cluster, "explain", "10.96.9.9:81").stderr

    def test_a_file_that_has_no_objects(self, cluster: Cluster, tmp_path: Path) -> None:
        path = tmp_path / "objects.json"
        path.write_text("{}")
        done = typed(cluster, "explain", "shop/web", "--objects", str(path))
        assert (done.exit_code, "Next: kubectl get" in done.stderr) == (1, True)

    def test_an_hns_that_does_not_tell(self, cluster: Cluster) -> None:
        cluster.sim.simulator.inject(function="HcnEnumerateLoadBalancers", hresult=0x800706BA, count=0)
        done = typed(cluster, "verify")
        assert (done.exit_code, "does not tell its load balancers" in done.stderr) == (1, True)


class TestVerify:
    def test_all_is_well(self, cluster: Cluster, tmp_path: Path) -> None:
        cluster.web(FAR, ports=[port(nodePort=30080)])
        done = typed(cluster, "verify", "--objects", saved(cluster, tmp_path))
        assert (done.exit_code, done.stdout) == (0, "2 front ends, 0 of them ill\n")
        assert facts(cluster, "verify") == {"ok": True, "frontEnds": 2, "faulty": []}

    def test_what_is_ill_is_told_whole(self, cluster: Cluster, tmp_path: Path) -> None:
        cluster.web(FAR)
        cluster.items.append(service("lost", "10.96.0.44"))
        for one in cluster.items:
            if one["kind"] == "EndpointSlice":
                named = {"kubernetes.io/service-name": "lost"}
                cluster.items.append({**one, "metadata": {**one["metadata"], "labels": named}})
                break
        told = facts(cluster, "verify", "--objects", saved(cluster, tmp_path))
        assert (told["ok"], told["frontEnds"]) == (False, 2)
        assert [one["frontEnd"] for one in told["faulty"]] == ["10.96.0.44:80/tcp"]
        assert typed(cluster, "verify", "--objects", saved(cluster, tmp_path)).exit_code == 1


class TestMaking:
    WEB = ("--vip", "10.96.0.50", "--port", "80", "--target-port", "8080", "--source-vip", "10.88.0.250")

    def test_one_as_kube_proxy_makes_it(self, cluster: Cluster) -> None:
        made = facts(cluster, "create", *self.WEB, "--backend", "10.88.0.2", "--dsr")
        assert (made["frontEnd"], made["kinds"], made["dsr"]) == ("10.96.0.50:80/tcp", ["ClusterIP"], True)
        (guid,) = cluster.sim.hcn.load_balancers.ids()
        document = cluster.sim.hcn.load_balancers.get(guid)
        assert (document["Owner"], document["PortMappings"][0]["InternalPort"]) == ("cni-hns", 8080)
        assert typed(cluster, "delete", "10.96.0.50:80").exit_code == 0
        assert cluster.sim.hcn.load_balancers.ids() == []

    @pytest.mark.parametrize("kind", ["node-port", "external-ip", "load-balancer"])
    def test_the_other_kinds(self, cluster: Cluster, kind: str) -> None:
        vip = () if kind == "node-port" else ("--vip", "203.0.113.5")
        common = ("--port", "30080", "--backend", "10.88.0.2", "--source-vip", "10.88.0.250")
        made = facts(cluster, "create", "--kind", kind, *vip, *common)
        wanted = {"node-port": "NodePort", "external-ip": "ExternalIP", "load-balancer": "LoadBalancer"}
        assert wanted[kind] in made["kinds"]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param((), "needs a back end", id="no back end"),
            pytest.param(("--backend", "10.88.0.99"), "no endpoint has the address", id="nobody's address"),
            pytest.param(("--backend", "web"), 'endpoint "web" not found', id="no endpoint"),
            pytest.param(("--backend", "10.88.0.2", "--source-vip", ""), "needs a source VIP", id="source"),
            pytest.param(
                ("--backend", "10.88.0.2", "--source-vip", "10.88.0.1"), "is the gateway", id="gateway"
            ),
            pytest.param(
                ("--backend", "10.88.0.2", "--source-vip", "10.88.0.255"), "first or last", id="broadcast"
            ),
            pytest.param(("--backend", "10.88.0.2", "--vip", ""), "needs a VIP", id="no VIP"),
            pytest.param(
                ("--backend", "10.88.0.2", "--kind", "node-port"), "has no VIP", id="node port with one"
            ),
            pytest.param(("--backend", "10.88.0.2", "--vip", "fd00::a"), "no IPv6 address", id="family"),
        ],
    )
    def test_what_hns_would_refuse_is_refused_with_words(
        self, cluster: Cluster, change: tuple[str, ...], words: str
    ) -> None:
        done = typed(cluster, "create", *self.WEB, *change)
        assert (done.exit_code, words in done.stderr) == (1, True), done.stderr
        assert cluster.sim.hcn.load_balancers.ids() == []

    def test_a_front_end_that_another_has(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        (guid,) = cluster.sim.hcn.load_balancers.ids()
        done = typed(cluster, "create", *self.WEB, "--vip", VIP, "--backend", "10.88.0.2")
        assert f"load balancer {guid} has {VIP}:80/tcp already" in done.stderr

    def test_one_of_kube_proxys_is_deleted_only_by_force(self, cluster: Cluster) -> None:
        cluster.web(FAR)
        (guid,) = cluster.sim.hcn.load_balancers.ids()
        done = typed(cluster, "delete", f"{VIP}:80")
        assert (done.exit_code, "--force" in done.stderr) == (1, True)
        assert "would delete" in typed(cluster, "delete", guid, "--dry-run", "--force").stdout
        assert cluster.sim.hcn.load_balancers.ids() == [guid]
        assert f"deleted load balancer {guid}" in typed(cluster, "delete", guid, "--force").stdout
        assert cluster.sim.hcn.load_balancers.ids() == []
