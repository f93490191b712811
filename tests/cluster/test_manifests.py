"""The manifests on a real API server: accepted, with no right too many, and none too few for the agent."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from cni_hns.cluster.api.access import from_kubeconfig
from cni_hns.cluster.api.client import Api
from cni_hns.cluster.api.events import Events
from cni_hns.cluster.api.faults import Forbidden
from cni_hns.cluster.known import NODES
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
from tests.cluster.waiting import until
from tests.cluster.windows_node import WindowsNode
from tests.lane import Lane

ROOT = Path(__file__).parent.parent.parent
OURS, FLANNELS = "cni-hns.dev/test", "flannel.alpha.coreos.com/backend-data"
EVENTS = "/api/v1/namespaces/default/events"


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


class Asking(NamedTuple):
    """The agent's account, and who may do all."""

    api: Api
    admin: Admin


def lists_nodes(asking: Asking) -> None:
    """Where each node's pods are."""
    assert asking.api.list(NODES).items


def watches_nodes(asking: Asking) -> None:
    """A change that comes after the list."""
    resource_version = asking.api.list(NODES).resource_version
    asking.admin.patch(f"{objects.NODES}/win-2", {"metadata": {"annotations": {"seen": resource_version}}})
    assert next(asking.api.watch(NODES, resource_version, timeout_s=30)).object["metadata"]["name"] == "win-2"


def annotates_its_node(asking: Asking) -> None:
    """What flannel on the other nodes reads."""
    asking.api.patch(NODES, "win-1", {"metadata": {"annotations": {FLANNELS: "{}"}}})


def tells_an_event(asking: Asking) -> None:
    """What a person should know."""
    assert tells(asking, 1) == [1]


def tells_it_again(asking: Asking) -> None:
    """In the same object, which counts."""
    if tells(asking, 2) != [2]:
        raise Forbidden("the event was not counted")


def tells(asking: Asking, times: int) -> list[int]:
    """The counts of the events that there are then."""
    asking.admin.delete_all(EVENTS)
    # A clock of its own: what is told again is not held back.
    clock = iter(range(0, 1_000_000, 10_000))
    with closing(Events(asking.api, "test", "win-1", clock_s=lambda: float(next(clock)))) as events:
        for _ in range(times):
            events.tell("Reason", "the same words", warning=True)
            events.flush(30.0)
    found = [event["count"] for event in asking.admin.items(EVENTS)]
    if not found:
        raise Forbidden("no event was told")
    return found


NEEDS: dict[tuple[str, str], Callable[[Asking], None]] = {
    ("nodes", "list"): lists_nodes,
    ("nodes", "watch"): watches_nodes,
    ("nodes", "patch"): annotates_its_node,
    ("events", "create"): tells_an_event,
    ("events", "patch"): tells_it_again,
}
"""What the agent cannot do without each of its permissions."""
# Who needs one of these needs the other before.
BEFORE: dict[Callable[[Asking], None], Callable[[Asking], None]] = {
    watches_nodes: lists_nodes,
    tells_it_again: tells_an_event,
}


def permissions() -> list[tuple[int, int, str, str]]:
    """Each verb on each resource: the number of its document in the file, of its rule, resource and verb."""
    return [
        (at, number, resource, verb)
        for at, document in enumerate(account())
        if document["kind"] in ("Role", "ClusterRole")
        for number, rule in enumerate(document["rules"])
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def account() -> list[Document]:
    return list(yaml.safe_load_all((FOLDER / "base" / "account.yaml").read_text(encoding="utf-8")))


def without(at: int, number: int, resource: str, verb: str) -> list[Document]:
    """The file without this one permission; the rule's other ones stay."""
    documents = account()
    rules = documents[at]["rules"]
    rule = rules.pop(number)
    others = [one for one in rule["resources"] if one != resource]
    verbs = [one for one in rule["verbs"] if one != verb]
    rules += [{**copy.deepcopy(rule), "resources": others}] if others else []
    rules += [{**copy.deepcopy(rule), "resources": [resource], "verbs": verbs}] if verbs else []
    return documents


class TestTheRights:
    """Least: each is needed, and all of them are enough."""

    @pytest.fixture
    def asking(
        self, cluster: ControlPlane, admin: Admin, lane: Lane
    ) -> Iterator[Callable[[list[Document]], Asking]]:
        clients: list[Api] = []

        def made(documents: list[Document]) -> Asking:
            for name in ("win-1", "win-2"):
                admin.create(objects.NODES, objects.node(name, "192.0.2.11"))
            namespace = yaml.safe_load((FOLDER / "base" / "namespace.yaml").read_text(encoding="utf-8"))
            apply(cluster, lane, [namespace, *documents])
            token = cluster.service_account_token(AGENT, namespace=NAMESPACE)
            file = cluster.kubeconfig("rights.kubeconfig", token)
            clients.append(Api(from_kubeconfig(str(file)), timeout_s=30.0))
            return Asking(clients[0], admin)

        yield made
        for client in clients:
            client.close()

    @pytest.mark.parametrize(
        ("at", "number", "resource", "verb"),
        [pytest.param(*one, id=f"{one[3]} {one[2]}") for one in permissions()],
    )
    def test_without_one_of_them_just_what_needs_it_fails(
        self,
        asking: Callable[[list[Document]], Asking],
        at: int,
        number: int,
        resource: str,
        verb: str,
    ) -> None:
        agent = asking(without(at, number, resource, verb))
        need = NEEDS[resource, verb]
        others = [other for other in NEEDS.values() if other != need and BEFORE.get(other) != need]
        # The API server learns of a role a moment later.
        until("the other rights", lambda: all(may(agent, other) for other in others))
        with pytest.raises(Forbidden):
            need(agent)

    def test_all_of_them_are_enough(self, asking: Callable[[list[Document]], Asking]) -> None:
        agent = asking(account())
        until("the rights", lambda: all(may(agent, need) for need in NEEDS.values()))


def may(agent: Asking, need: Callable[[Asking], None]) -> bool:
    try:
        need(agent)
    except Forbidden:
        return False
    return True


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
