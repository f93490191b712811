"""The control plane of the tests is a real one, and fails as tests need it to."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.cluster import objects
from tests.cluster.admin import Admin, Document, Refused
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import POD_CIDRS, ControlPlane
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import until
from tests.lane import Lane

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


def test_a_node_gets_a_subnet_of_each_family(admin: Admin) -> None:
    admin.create(objects.NODES, objects.node("win-1", "192.0.2.11"))
    given = until("podCIDRs", lambda: admin.get(f"{objects.NODES}/win-1")["spec"].get("podCIDRs"))
    assert [ip_network(one).subnet_of(ip_network(whole)) for one, whole in zip(given, POD_CIDRS, strict=True)]  # type: ignore[arg-type]


def test_two_nodes_never_have_one_subnet(admin: Admin) -> None:
    for number in range(1, 5):
        admin.create(objects.NODES, objects.node(f"win-{number}", f"192.0.2.1{number}"))
    given = until("podCIDRs", lambda: _whole([one["spec"].get("podCIDR", "") for one in _nodes(admin)]))
    assert len(set(given)) == 4


def test_a_service_account_may_what_its_roles_say(plane: ControlPlane, admin: Admin) -> None:
    token = plane.service_account_token("agent")
    agent = Admin(plane.server, plane.authority.certificate, token)
    with pytest.raises(Refused) as refused:
        agent.items(objects.NODES)
    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
    rules = [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
    admin.create(f"{_RBAC}/clusterroles", {"metadata": {"name": "agent"}, "rules": rules})
    admin.create(
        f"{_RBAC}/clusterrolebindings",
        {
            "metadata": {"name": "agent"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "agent"},
            "subjects": [{"kind": "ServiceAccount", "name": "agent", "namespace": "default"}],
        },
    )
    until("the role", lambda: _may(agent))


def test_a_token_of_nobody_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(Refused) as refused:
        Admin(plane.server, plane.authority.certificate, "of-nobody").items(objects.NODES)
    assert refused.value.status == 401


def test_who_trusts_another_authority_does_not_trust_it(plane: ControlPlane, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    with pytest.raises(ssl.SSLCertVerificationError):
        Admin(plane.server, stranger.certificate, "any").items(objects.NODES)


def test_objects_outlive_the_api_server(plane: ControlPlane, admin: Admin) -> None:
    admin.create(objects.NODES, objects.node("win-1", "192.0.2.11"))
    plane.stop_api()
    with pytest.raises(OSError, match="refused"):
        admin.items(objects.NODES)
    plane.start_api()
    assert [one["metadata"]["name"] for one in _nodes(admin)] == ["win-1"]


def test_two_planes_run_side_by_side(plane: ControlPlane, admin: Admin, tmp_path: Path, lane: Lane) -> None:
    admin.create(objects.NODES, objects.node("win-1", "192.0.2.11"))
    with ControlPlane(tmp_path / "second", lane) as second:
        assert _nodes(second.admin()) == []


def test_kubectl_takes_its_kubeconfig(plane: ControlPlane, admin: Admin, lane: Lane) -> None:
    admin.create(objects.NODES, objects.node("win-1", "192.0.2.11"))
    kubectl = str(lane.kubernetes("kubectl"))
    file = str(plane.kubeconfig("for-kubectl"))
    ran = subprocess.run([kubectl, "--kubeconfig", file, "get", "nodes", "-o", "name"], stdout=-1, check=True)
    assert ran.stdout == b"node/win-1\n"


def test_servers_end_with_a_killed_test(plane: ControlPlane, tmp_path: Path) -> None:
    folder = tmp_path / "plane"
    script = (
        "import pathlib, sys\n"
        "from tests.cluster.control_plane import ControlPlane\n"
        "from tests.lane import Lane\n"
        f"with ControlPlane(pathlib.Path({str(folder)!r}), Lane.here()) as plane:\n"
        "    print(*(one.pid for one in plane._running.values()), flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1)
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        pids = child.stdout.readline().split()
        assert len(pids) == 3
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
    for pid in pids:
        until("its end", lambda pid=pid: not Path(f"/proc/{pid.decode()}/exe").exists())  # type: ignore[misc]


class TestProxy:
    """The way to the API that tests break."""

    @pytest.fixture
    def through(self, plane: ControlPlane, proxy: Proxy) -> Admin:
        return Admin(proxy.server, plane.authority.certificate, "the-tests-themselves")

    def test_all_passes(self, through: Admin) -> None:
        assert through.items(objects.NODES) == []

    def test_nothing_passes_while_it_hangs(
        self, through: Admin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tests.cluster.admin._TIMEOUT_S", 0.2)
        proxy.hang()
        with pytest.raises(TimeoutError):
            through.items(objects.NODES)
        monkeypatch.undo()
        proxy.work()
        assert through.items(objects.NODES) == []

    def test_it_refuses_and_comes_back_at_the_same_port(self, through: Admin, proxy: Proxy) -> None:
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            through.items(objects.NODES)
        proxy.work()
        assert through.items(objects.NODES) == []

    def test_a_slow_one_is_still_right(self, through: Admin, admin: Admin, proxy: Proxy) -> None:
        proxy.slow(latency_s=0.01, bytes_per_s=100_000)
        assert [one["metadata"]["name"] for one in through.items("/api/v1/namespaces")] == [
            one["metadata"]["name"] for one in admin.items("/api/v1/namespaces")
        ]

    def test_open_connections_are_cut(self, through: Admin, proxy: Proxy) -> None:
        with socket.create_connection((proxy.host, proxy.port)) as connection:
            until("accepted", lambda: proxy.connections)
            proxy.cut()
            with pytest.raises(ConnectionResetError):
                assert connection.recv(1)
        assert through.items(objects.NODES) == []


def _nodes(admin: Admin) -> list[Document]:
    return admin.items(objects.NODES)


def _may(client: Admin) -> bool:
    try:
        client.items(objects.NODES)
    except Refused:
        return False
    return True


def _whole(texts: list[str]) -> list[str]:
    return texts if all(texts) else []
