"""The manifests on a real API server: accepted, with no right too many, and none too few for the agent."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from cni_hns.cluster.api.access import from_kubeconfig
from cni_hns.cluster.api.client import Api
from cni_hns.cluster.api.faults import Forbidden
from cni_hns.cluster.settings import AgentSettings, Source, settings_of
from tests.cluster import objects
from tests.cluster.admin import Admin, Document, Refused
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import (
    AGENT,
    FOLDER,
    NAMESPACE,
    VARIANTS,
    apply,
    bound_token,
    rendered,
    take_away,
    token_of_node,
)
from tests.cluster.needs import BEFORE, EVENTS, NEEDS, POOL, Asking, block, may
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode
from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent
OURS, FLANNELS = "cni-hns.dev/test", "flannel.alpha.coreos.com/backend-data"


@pytest.fixture
def cluster(plane: ControlPlane, admin: Admin) -> Iterator[ControlPlane]:
    """A control plane that forgets our manifests again."""
    yield plane
    take_away(admin)


def one(documents: list[Document], kind: str) -> Document:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


@pytest.mark.parametrize("variant", VARIANTS)
class TestEveryVariant:
    def test_is_accepted_by_the_api_server(
        self, cluster: ControlPlane, admin: Admin, lane: Lane, variant: str
    ) -> None:
        documents = rendered(lane, variant)
        apply(cluster, lane, [one(documents, "Namespace")])
        said = apply(cluster, lane, documents, dry_run=True).splitlines()
        assert len(said) == len(documents)
        apply(cluster, lane, documents)
        # Said again it changes nothing.
        daemons = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{AGENT}"
        before = admin.get(daemons)["metadata"]["generation"]
        apply(cluster, lane, documents)
        assert admin.get(daemons)["metadata"]["generation"] == before

    def test_has_a_pod_that_the_api_server_takes_as_host_process(
        self, cluster: ControlPlane, admin: Admin, lane: Lane, variant: str
    ) -> None:
        documents = rendered(lane, variant)
        apply(cluster, lane, documents)
        template = one(documents, "DaemonSet")["spec"]["template"]
        pod = {"metadata": {**template["metadata"], "name": "agent"}, "spec": template["spec"]}
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        made = admin.create(pods, pod, dryRun="All")
        assert made["spec"]["priority"] > 2_000_000_000
        assert made["spec"]["securityContext"]["windowsOptions"]["hostProcess"] is True

    def test_has_settings_that_the_agent_takes(self, lane: Lane, variant: str) -> None:
        found = settings_in(rendered(lane, variant))
        assert found.mode == ("l2bridge" if variant == "l2bridge" else "overlay")

    def test_is_probed_where_the_agent_tells_its_health(self, lane: Lane, variant: str) -> None:
        documents = rendered(lane, variant)
        (agent,) = one(documents, "DaemonSet")["spec"]["template"]["spec"]["containers"]
        probes = [agent[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
        assert {(probe["host"], probe["port"]) for probe in probes} == {settings_in(documents).health}
        assert [probe["path"] for probe in probes] == ["/healthz", "/readyz"]


def settings_in(documents: list[Document]) -> AgentSettings:
    """What the ConfigMap says, on a node."""
    text = one(documents, "ConfigMap")["data"]["agent.yaml"]
    return settings_of([Source("agent.yaml", yaml.safe_load(text))], {"node_name": "win-1"})


def permissions() -> list[tuple[str, int, int, str, str]]:
    """Each verb on each resource: its file's folder, the number of its document, that of its rule, both."""
    return [
        (folder, at, number, resource, verb)
        for folder in NEEDS
        for at, document in enumerate(account(folder))
        if document["kind"] in ("Role", "ClusterRole")
        for number, rule in enumerate(document["rules"])
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def account(folder: str) -> list[Document]:
    return list(yaml.safe_load_all((FOLDER / folder / "account.yaml").read_text(encoding="utf-8")))


def without(folder: str, at: int, number: int, resource: str, verb: str) -> list[Document]:
    """The file without this one permission; the rule's other ones stay."""
    documents = account(folder)
    rules = documents[at]["rules"]
    rule = rules.pop(number)
    others = [one for one in rule["resources"] if one != resource]
    verbs = [one for one in rule["verbs"] if one != verb]
    rules += [{**copy.deepcopy(rule), "resources": others}] if others else []
    rules += [{**copy.deepcopy(rule), "resources": [resource], "verbs": verbs}] if verbs else []
    return documents


Given = Callable[[str, list[Document]], Asking]


class TestTheRights:
    """Least: each is needed, and all of them are enough."""

    @pytest.fixture
    def given(self, cluster: ControlPlane, admin: Admin, lane: Lane) -> Iterator[Given]:
        """The agent with an account that this file of the folder describes."""
        clients: list[Api] = []

        def made(folder: str, documents: list[Document]) -> Asking:
            for name in ("win-1", "win-2"):
                admin.create(objects.NODES, objects.node(name, "192.0.2.11"))
            namespace = yaml.safe_load((FOLDER / "base" / "namespace.yaml").read_text(encoding="utf-8"))
            before = [namespace, *account("base")] if folder == "pools" else [namespace]
            apply(cluster, lane, [*before, *documents])
            if folder == "pools":
                serve_pools(cluster, admin, lane)
            token = cluster.service_account_token(AGENT, namespace=NAMESPACE)
            file = cluster.kubeconfig("rights.kubeconfig", token)
            clients.append(Api(from_kubeconfig(str(file)), timeout_s=30.0))
            return Asking(clients[0], admin)

        yield made
        for client in clients:
            client.close()

    @pytest.mark.parametrize(
        ("folder", "at", "number", "resource", "verb"),
        [pytest.param(*one, id=f"{one[4]} {one[3]} ({one[0]})") for one in permissions()],
    )
    def test_without_one_of_them_just_what_needs_it_fails(
        self, given: Given, folder: str, at: int, number: int, resource: str, verb: str
    ) -> None:
        agent = given(folder, without(folder, at, number, resource, verb))
        need = NEEDS[folder][resource, verb]
        others = [one for one in NEEDS[folder].values() if one != need and BEFORE.get(one) != need]
        # The API server learns of a role a moment later.
        until("the other rights", lambda: all(may(agent, other) for other in others))
        with pytest.raises(Forbidden):
            need(agent)

    @pytest.mark.parametrize("folder", list(NEEDS))
    def test_all_of_them_are_enough(self, given: Given, folder: str) -> None:
        agent = given(folder, account(folder))
        until("the rights", lambda: all(may(agent, need) for need in NEEDS[folder].values()))


def serve_pools(cluster: ControlPlane, admin: Admin, lane: Lane) -> None:
    """Their kinds, and a pool; the API server deletes and serves a kind some time after it was told."""
    kinds = [one for one in rendered(lane, "pools") if one["kind"] == "CustomResourceDefinition"]
    for kind in kinds:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind['metadata']['name']}"
        until("the kind of another test is gone", lambda path=path: not admin.has(path))  # type: ignore[misc]
    apply(cluster, lane, kinds)
    until("the kind of blocks", partial(admin.get, "/apis/cni-hns.dev/v1alpha1/ipblocks"))
    until("the pool", partial(_pool_made, admin))


def _pool_made(admin: Admin) -> bool:
    """Anew: one that was made while its kind was going may be left."""
    pools = "/apis/cni-hns.dev/v1alpha1/ippools"
    admin.delete(f"{pools}/{POOL['metadata']['name']}")
    return bool(admin.create(pools, POOL))


class TestOfItsOwnNodeOnly:
    """What no role can say, the admission policy does."""

    @pytest.fixture
    def agent(self, cluster: ControlPlane, admin: Admin, lane: Lane) -> Admin:
        """As the pod on win-1, once the policy holds."""
        for name in ("win-1", "win-2"):
            node = objects.node(name, "192.0.2.11")
            node["metadata"]["annotations"] = {"others.example/key": "theirs"}
            admin.create(objects.NODES, node)
        apply(cluster, lane, rendered(lane, "overlay"))
        agent = Admin(cluster.server, cluster.authority.certificate, bound_token(admin, "win-1"))
        until("the role", lambda: changes(agent, "win-1", {OURS: "1"}))
        until("the policy", lambda: not changes(agent, "win-2", {OURS: "1"}))
        return agent

    def test_annotations_of_ours_and_of_flannel_are_written_and_removed(
        self, agent: Admin, admin: Admin
    ) -> None:
        assert changes(agent, "win-1", {OURS: "2", FLANNELS: "{}"})
        assert changes(agent, "win-1", {OURS: None})
        found = admin.get(f"{objects.NODES}/win-1")["metadata"]["annotations"]
        assert found[FLANNELS] == "{}"
        assert OURS not in found

    @pytest.mark.parametrize(
        "patch",
        [
            pytest.param(
                {"metadata": {"annotations": {"others.example/key": "ours"}}}, id="another's annotation"
            ),
            pytest.param({"metadata": {"annotations": {"others.example/key": None}}}, id="one removed"),
            pytest.param({"metadata": {"annotations": {"others.example/new": "1"}}}, id="one made"),
            pytest.param({"metadata": {"labels": {"kubernetes.io/os": "linux"}}}, id="a label"),
            pytest.param({"metadata": {"labels": None}}, id="all labels"),
            pytest.param({"metadata": {"finalizers": ["others.example/never"]}}, id="a finalizer"),
            pytest.param({"spec": {"unschedulable": True}}, id="no pods for it"),
            pytest.param({"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}, id="its pods away"),
        ],
    )
    def test_nothing_else_of_it_is_changed(self, agent: Admin, patch: Document) -> None:
        with pytest.raises(Refused) as refused:
            agent.patch(f"{objects.NODES}/win-1", patch)
        assert refused.value.status == 403
        assert "annotations" in str(refused.value)

    def test_another_node_is_refused_by_its_name(self, agent: Admin) -> None:
        with pytest.raises(Refused, match="is of node win-1: it may not change node win-2") as refused:
            agent.patch(f"{objects.NODES}/win-2", {"metadata": {"annotations": {OURS: "1"}}})
        assert refused.value.status == 403

    def test_a_token_bound_to_the_node_itself_counts_as_of_that_node(
        self, agent: Admin, cluster: ControlPlane, admin: Admin
    ) -> None:
        bound = Admin(cluster.server, cluster.authority.certificate, token_of_node(admin, "win-2"))
        assert changes(bound, "win-2", {OURS: "1"})
        assert not changes(bound, "win-1", {OURS: "1"})

    def test_a_token_of_no_node_changes_none(self, agent: Admin, cluster: ControlPlane) -> None:
        token = cluster.service_account_token(AGENT, namespace=NAMESPACE)
        loose = Admin(cluster.server, cluster.authority.certificate, token)
        with pytest.raises(Refused, match="is of no node"):
            loose.patch(f"{objects.NODES}/win-1", {"metadata": {"annotations": {OURS: "1"}}})

    def test_everybody_else_is_let_alone(self, agent: Admin, admin: Admin) -> None:
        admin.patch(f"{objects.NODES}/win-2", {"metadata": {"labels": {"others.example/label": "1"}}})


def changes(agent: Admin, node: str, annotations: dict[str, str | None]) -> bool:
    try:
        agent.patch(f"{objects.NODES}/{node}", {"metadata": {"annotations": annotations}})
    except Refused as answer:
        if answer.status != 403:
            raise
        return False
    return True


class TestBlocksOfItsOwnNodeOnly:
    """An agent claims no addresses for another node, and says of no other node that it lives."""

    PATH = "/apis/cni-hns.dev/v1alpha1/ipblocks"

    @pytest.fixture
    def agent(self, cluster: ControlPlane, admin: Admin, lane: Lane) -> Admin:
        """As the pod on win-1, once the policy holds."""
        for name in ("win-1", "win-2"):
            admin.create(objects.NODES, objects.node(name, "192.0.2.11"))
        apply(cluster, lane, rendered(lane, "overlay"))
        serve_pools(cluster, admin, lane)
        documents = rendered(lane, "pools")
        apply(cluster, lane, documents)
        # Said again it is accepted, too, and so is a dry run of it.
        assert len(apply(cluster, lane, documents, dry_run=True).splitlines()) == len(documents)
        agent = Admin(cluster.server, cluster.authority.certificate, bound_token(admin, "win-1"))
        until("the role", lambda: self.claims(agent, admin, "win-1"))
        until("the policy", lambda: not self.claims(agent, admin, "win-2"))
        return agent

    def claims(self, agent: Admin, admin: Admin, node: str) -> bool:
        admin.delete_all(self.PATH)
        try:
            agent.create(self.PATH, block(node))
        except Refused as answer:
            if answer.status != 403:
                raise
            return False
        return True

    def test_another_nodes_block_is_neither_claimed_nor_renewed(self, agent: Admin, admin: Admin) -> None:
        with pytest.raises(Refused, match="may not have blocks of node win-2"):
            agent.create(self.PATH, block("win-2"))
        theirs = admin.create(self.PATH, block("win-2"))["metadata"]["name"]
        with pytest.raises(Refused, match="may not have blocks of node win-2"):
            agent.patch(f"{self.PATH}/{theirs}", {"metadata": {"annotations": {"a": "b"}}})

    def test_its_own_is(self, agent: Admin, admin: Admin) -> None:
        admin.delete_all(self.PATH)
        ours = agent.create(self.PATH, block("win-1"))["metadata"]["name"]
        agent.patch(f"{self.PATH}/{ours}", {"metadata": {"annotations": {"a": "b"}}})
        agent.delete(f"{self.PATH}/{ours}")


def test_the_agent_itself_comes_to_its_end_with_them(
    cluster: ControlPlane, admin: Admin, lane: Lane, tmp_path: Path
) -> None:
    """With the settings, the account and the token of its pod: the node is ready, and says so."""
    documents = rendered(lane, "overlay")
    apply(cluster, lane, documents)
    node = WindowsNode(tmp_path / "win-1", "win-1", "192.0.2.11")
    with closing(node):
        node.join(admin)
        settings = tmp_path / "agent.yaml"
        settings.write_text(one(documents, "ConfigMap")["data"]["agent.yaml"], encoding="utf-8")
        file = cluster.kubeconfig("pod.kubeconfig", bound_token(admin, "win-1"))
        until("the role", lambda: agent_once(node, settings, file))
        assert node.configuration()["type"] == "cni-hns"
        annotations = admin.get(f"{objects.NODES}/win-1")["metadata"]["annotations"]
        assert annotations["flannel.alpha.coreos.com/backend-type"] == "vxlan"
        assert [event["reason"] for event in admin.items(EVENTS)] == ["NetworkReady"]


def agent_once(node: WindowsNode, settings: Path, kubeconfig: Path) -> bool:
    """Whether `agent --once` did all its steps."""
    options = {"--config": settings, "--kubeconfig": kubeconfig, "--conf-dir": node.net_d}
    words = [str(word) for option in options.items() for word in option]
    variables: dict[str, Any] = {
        **os.environ,
        "CNI_HNS_SIMULATOR": str(node.sim.folder),
        "NODE_NAME": node.name,
    }
    done = subprocess.run(
        [sys.executable, "-m", "cni_hns", "agent", "--once", *words],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done
    assert done.returncode == 0, done.stdout + done.stderr
    return True
