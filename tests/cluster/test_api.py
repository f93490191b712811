"""The API client with the API server that everybody runs."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cluster.api.access import Access, from_kubeconfig, in_cluster
from cni_hns.cluster.api.client import Api, Resource
from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import (
    Away,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    Missing,
    Unauthorized,
    Untrusted,
)
from cni_hns.cluster.api.mirror import Mirror, Pauses
from tests.cluster import objects
from tests.cluster.admin import Admin
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import ControlPlane
from tests.cluster.proxy import Proxy
from tests.cluster.waiting import until
from tests.lane import Lane

NODES = Resource("v1", "nodes")
EVENTS = Resource("v1", "events", "default")
MAPS = Resource("v1", "configmaps", "default")
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_RULE = re.compile(r'apiGroups (\[".*?"\]), resources (\[".*?"\]), verbs (\[".*?"\])')


@pytest.fixture
def access(plane: ControlPlane) -> Access:
    return from_kubeconfig(str(plane.kubeconfig("for-the-client")))


@pytest.fixture
def api(access: Access) -> Iterator[Api]:
    with Api(access, timeout_s=60.0) as made:
        yield made


@pytest.fixture
def mirrored(plane: ControlPlane, proxy: Proxy) -> Iterator[Mirror]:
    """All Nodes, by the way that the test breaks."""
    file = plane.kubeconfig("through-the-proxy", server=proxy.server)
    with Api(from_kubeconfig(str(file)), timeout_s=60.0) as api:
        mirror = Mirror(api, NODES, lambda: None, pauses=Pauses(0.1, 0.5))
        mirror.start()
        yield mirror
        mirror.stop()


def make_nodes(admin: Admin, *names: str) -> None:
    for number, name in enumerate(names, start=1):
        admin.create(objects.NODES, objects.node(name, f"192.0.2.{number}"))


def bind(admin: Admin, name: str, rules: list[dict[str, Any]]) -> None:
    """Let this service account do so much, and no more."""
    admin.create(f"{_RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    binding = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
    admin.create(f"{_RBAC}/clusterrolebindings", binding)


class TestObjects:
    def test_pages_are_one_list(self, api: Api, admin: Admin) -> None:
        make_nodes(admin, *(f"win-{number}" for number in range(7)))
        found = api.list(NODES, limit=3)
        assert {one["metadata"]["name"] for one in found.items} == {f"win-{number}" for number in range(7)}
        assert api.tally.counts() == {("list", 200): 3}
        assert api.list(NODES, label_selector="kubernetes.io/hostname=win-3").items == [
            one for one in found.items if one["metadata"]["name"] == "win-3"
        ]
        assert len(api.list(NODES, field_selector="metadata.name=win-3").items) == 1

    def test_a_list_whose_pages_were_compacted_away_is_whole_all_the_same(
        self, api: Api, admin: Admin, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_nodes(admin, "win-1", "win-2", "win-3")
        send = api._sent

        def send_and_compact(*arguments: Any) -> Any:
            answer = send(*arguments)
            monkeypatch.setattr(api, "_sent", send)
            make_nodes(admin, "win-4")
            compact(plane)
            return answer

        monkeypatch.setattr(api, "_sent", send_and_compact)
        found = api.list(NODES, limit=1)
        assert [one["metadata"]["name"] for one in found.items] == ["win-1", "win-2", "win-3", "win-4"]
        assert api.tally.counts() == {("list", 200): 2, ("list", 410): 1}

    def test_each_kind_of_patch_is_taken(self, api: Api, admin: Admin) -> None:
        make_nodes(admin, "win-1")
        annotations = {"metadata": {"annotations": {"a": "1"}}}
        assert api.patch(NODES, "win-1", annotations)["metadata"]["annotations"]["a"] == "1"
        condition = {"type": "NetworkUnavailable", "status": "False", "reason": "r", "message": "m"}
        strategic = {"status": {"conditions": [condition]}}
        patched = api.patch(NODES, "win-1", strategic, kind="strategic", subresource="status")
        assert patched["status"]["conditions"][0]["type"] == "NetworkUnavailable"
        by_pointer = [{"op": "replace", "path": "/metadata/annotations/a", "value": "2"}]
        assert api.patch(NODES, "win-1", by_pointer, kind="json")["metadata"]["annotations"]["a"] == "2"
        applied = {"apiVersion": "v1", "kind": "Node", "metadata": {"annotations": {"a": "3"}}}
        with pytest.raises(Conflict):
            api.patch(NODES, "win-1", applied, kind="apply", field_manager="somebody")
        api.patch(NODES, "win-1", applied, kind="apply", field_manager="somebody", force=True, dry_run=True)
        assert api.get(NODES, "win-1")["metadata"]["annotations"]["a"] == "2"
        api.patch(NODES, "win-1", applied, kind="apply", field_manager="somebody", force=True)
        assert api.get(NODES, "win-1")["metadata"]["annotations"]["a"] == "3"

    def test_two_cannot_make_the_same_object(self, api: Api) -> None:
        made = api.create(MAPS, {"metadata": {"name": "block"}})
        with pytest.raises(Conflict) as caught:
            api.create(MAPS, {"metadata": {"name": "block"}})
        assert (caught.value.status, caught.value.reason) == (409, "AlreadyExists")
        assert made["metadata"]["uid"] == api.get(MAPS, "block")["metadata"]["uid"]

    def test_only_the_object_that_is_meant_is_deleted(self, api: Api) -> None:
        about = api.create(MAPS, {"metadata": {"name": "block"}})["metadata"]
        with pytest.raises(Conflict):
            api.delete(MAPS, "block", uid="00000000-0000-4000-8000-000000000000")
        api.patch(MAPS, "block", {"data": {"a": "b"}})
        with pytest.raises(Conflict):
            api.delete(MAPS, "block", uid=about["uid"], resource_version=about["resourceVersion"])
        with pytest.raises(Conflict) as caught:
            api.patch(MAPS, "block", {"metadata": {"resourceVersion": about["resourceVersion"]}, "data": {}})
        assert caught.value.reason == "Conflict"
        api.delete(MAPS, "block", uid=about["uid"])
        with pytest.raises(Missing, match='configmaps "block" in namespace "default"'):
            api.delete(MAPS, "block")

    def test_what_is_wrong_or_unknown_is_told(self, api: Api) -> None:
        with pytest.raises(Invalid, match="422 Invalid"):
            api.create(MAPS, {"metadata": {"name": "Not A Name"}})
        with pytest.raises(Missing, match="apply its CustomResourceDefinition"):
            api.list(Resource("nowhere.example.com/v1", "things"))


class TestWatch:
    def test_changes_come_one_by_one(self, api: Api, admin: Admin) -> None:
        start = api.list(NODES).resource_version
        events = (one for one in api.watch(NODES, start, timeout_s=60) if one.kind != "BOOKMARK")
        make_nodes(admin, "win-1")
        assert next(events).kind == "ADDED"
        admin.delete(f"{objects.NODES}/win-1")
        deleted = next(one for one in events if one.kind == "DELETED")
        assert deleted.object["metadata"]["name"] == "win-1"
        events.close()

    def test_the_server_ends_it_after_its_time(self, api: Api) -> None:
        assert [one.kind for one in api.watch(NODES, api.list(NODES).resource_version, timeout_s=1)] in (
            [],
            ["BOOKMARK"],
        )

    def test_a_version_that_is_no_longer_kept_has_expired(
        self, api: Api, admin: Admin, plane: ControlPlane
    ) -> None:
        """A server that was started anew keeps nothing of before."""
        old = api.list(NODES).resource_version
        make_nodes(admin, "win-1")
        plane.restart_api()
        with pytest.raises(Expired):
            list(api.watch(NODES, old, timeout_s=60))


class TestWhoAsks:
    def test_a_token_that_was_renewed_in_its_file_is_taken_when_the_old_one_is_refused(
        self, plane: ControlPlane, admin: Admin, tmp_path: Path
    ) -> None:
        token = tmp_path / "token"
        token.write_text(plane.service_account_token("agent"))
        (tmp_path / "ca.crt").write_bytes(plane.authority.certificate.read_bytes())
        bind(admin, "agent", [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}])
        variables = {"KUBERNETES_SERVICE_HOST": plane.host, "KUBERNETES_SERVICE_PORT": str(plane.port)}
        with Api(in_cluster(str(tmp_path), variables), timeout_s=60.0) as api:
            until("the role", lambda: not raised(lambda: api.list(NODES)))
            # With its account, the token is gone: the next account of this name is another one.
            admin.delete("/api/v1/namespaces/default/serviceaccounts/agent")
            fault = until("refused", lambda: raised(lambda: api.list(NODES)))
            assert isinstance(fault, Unauthorized)
            token.write_text(plane.service_account_token("agent"))
            assert api.list(NODES).items == []

    @pytest.mark.parametrize(
        "ask",
        [
            pytest.param(lambda api: api.list(NODES), id="list nodes"),
            pytest.param(lambda api: api.get(NODES, "win-1"), id="get nodes"),
            pytest.param(
                lambda api: api.patch(NODES, "win-1", {}, subresource="status"), id="patch nodes/status"
            ),
            pytest.param(lambda api: list(api.watch(NODES, "", timeout_s=1)), id="watch nodes"),
            pytest.param(
                lambda api: api.list(Resource("discovery.k8s.io/v1", "endpointslices")), id="of a group"
            ),
        ],
    )
    def test_what_is_forbidden_is_allowed_by_the_rule_that_the_fault_names(
        self, plane: ControlPlane, admin: Admin, ask: Callable[[Api], object]
    ) -> None:
        make_nodes(admin, "win-1")
        file = plane.kubeconfig("least", plane.service_account_token("least"))
        with Api(from_kubeconfig(str(file)), timeout_s=60.0) as api:
            with pytest.raises(Forbidden) as caught:
                ask(api)
            named = _RULE.search(str(caught.value))
            assert named is not None
            groups, resources, verbs = (json.loads(one) for one in named.groups())
            bind(admin, "least", [{"apiGroups": groups, "resources": resources, "verbs": verbs}])
            until("the role", lambda: not raised(lambda: ask(api)))

    def test_a_server_of_another_authority_is_told_no_token(
        self, plane: ControlPlane, tmp_path: Path
    ) -> None:
        stranger = Authority(tmp_path, "stranger")
        file = plane.kubeconfig("wrong-ca", ca=stranger.certificate)
        with (
            Api(from_kubeconfig(str(file))) as api,
            pytest.raises(Untrusted, match="not of the certificate authority"),
        ):
            api.list(NODES)


class TestOutages:
    def test_what_was_known_stays_until_a_server_that_is_back_says_otherwise(
        self, mirrored: Mirror, admin: Admin, proxy: Proxy
    ) -> None:
        make_nodes(admin, "win-1", "win-2")
        until("both", lambda: set(mirrored.objects()) == {"win-1", "win-2"})
        proxy.refuse()
        until("away", lambda: isinstance(mirrored.fault, Away))
        admin.delete(f"{objects.NODES}/win-1")
        make_nodes(admin, "win-3")
        assert set(mirrored.objects()) == {"win-1", "win-2"}
        proxy.work()
        until("current", lambda: set(mirrored.objects()) == {"win-2", "win-3"} and mirrored.fault is None)

    def test_a_server_that_was_killed_and_started(
        self, mirrored: Mirror, admin: Admin, plane: ControlPlane
    ) -> None:
        make_nodes(admin, "win-1")
        until("there", lambda: "win-1" in mirrored.objects())
        plane.stop_api()
        until("away", lambda: isinstance(mirrored.fault, Away))
        assert "win-1" in mirrored.objects()
        plane.start_api()
        make_nodes(admin, "win-2")
        until("current", lambda: set(mirrored.objects()) == {"win-1", "win-2"} and mirrored.fault is None)

    def test_connections_that_are_cut_again_and_again_lose_no_change(
        self, mirrored: Mirror, admin: Admin, proxy: Proxy
    ) -> None:
        for number in range(4):
            make_nodes(admin, f"win-{number}")
            proxy.cut()
            until("there", lambda number=number: f"win-{number}" in mirrored.objects())  # type: ignore[misc] # a default is how a lambda keeps it

    def test_a_slow_way_is_a_way(self, mirrored: Mirror, admin: Admin, proxy: Proxy) -> None:
        proxy.slow(latency_s=0.02, bytes_per_s=200_000)
        make_nodes(admin, "win-1", "win-2", "win-3")
        until("all", lambda: len(mirrored.objects()) == 3)

    def test_one_that_hangs_is_left_in_time(self, plane: ControlPlane, proxy: Proxy) -> None:
        file = plane.kubeconfig("hangs", server=proxy.server)
        with Api(from_kubeconfig(str(file)), timeout_s=0.3) as api:
            proxy.hang()
            with pytest.raises(Away, match=r"nothing within 0\.3 s"):
                api.list(NODES)


class TestEvents:
    def test_kubectl_shows_them_with_the_node_and_counts_them(
        self, api: Api, admin: Admin, plane: ControlPlane, lane: Lane
    ) -> None:
        make_nodes(admin, "win-1")
        now_s = [0.0]
        events = Events(api, "cni-hns-agent", "win-1", clock_s=lambda: now_s[0])
        for _ in range(2):
            events.tell("PodCIDRChanged", "drain this node", warning=True)
            assert events.flush(60)
            now_s[0] += 1000
        events.close()
        (made,) = api.list(EVENTS, field_selector="reason=PodCIDRChanged").items
        assert (made["count"], made["involvedObject"]["name"]) == (2, "win-1")
        kubectl = str(lane.kubernetes("kubectl"))
        file = str(plane.kubeconfig("for-kubectl"))
        told = subprocess.run(
            [kubectl, "--kubeconfig", file, "describe", "node", "win-1"], stdout=-1, check=True
        ).stdout.decode()
        (line,) = (one for one in told.splitlines() if "PodCIDRChanged" in one)
        assert re.search(r"Warning +PodCIDRChanged +.*\(x2 over .*\) +cni-hns-agent +drain this node", line)

    def test_creating_and_patching_is_all_that_they_need(
        self, plane: ControlPlane, admin: Admin, api: Api
    ) -> None:
        bind(admin, "tells", [{"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}])
        file = plane.kubeconfig("tells", plane.service_account_token("tells"))
        now_s = [0.0]
        with Api(from_kubeconfig(str(file)), timeout_s=60.0) as teller:
            until("the role", lambda: not raised(lambda: teller.create(EVENTS, {}, dry_run=True), Forbidden))
            events = Events(teller, "cni-hns-agent", "win-1", clock_s=lambda: now_s[0])
            for _ in range(2):
                events.tell("NoRoutes", "ä" * 2000, warning=False)
                assert events.flush(60)
                now_s[0] += 1000
            events.close()
        (made,) = api.list(EVENTS).items
        assert (made["count"], made["type"]) == (2, "Normal")


def raised(ask: Callable[[], object], kind: type[Exception] = Exception) -> Exception | None:
    """What of this kind it raises, if anything."""
    try:
        ask()
    except Exception as fault:
        return fault if isinstance(fault, kind) else None
    return None


def compact(plane: ControlPlane) -> None:
    """Let etcd forget all but what is now: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/."""
    (etcd,) = (one for one in plane._etcd() if one.startswith("--listen-client-urls="))
    url = etcd.partition("=")[2]

    def ask(path: str, document: object) -> Any:
        request = urllib.request.Request(f"{url}/v3/kv/{path}", json.dumps(document).encode())  # noqa: S310 - it is ours
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            return json.load(answer)

    now = ask("range", {"key": "AA=="})["header"]["revision"]
    ask("compaction", {"revision": now, "physical": True})
