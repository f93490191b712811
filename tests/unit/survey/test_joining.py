"""What belongs together in one pod, and what makes a pod at all."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.identity import KubernetesPod
from cni_hns.survey.joining import pods_of
from cni_hns.survey.pod import last_verb, port_mappings
from cni_hns.survey.seen import LedgerTime, Seen
from tests.unit.survey.staging import (
    ADDRESS,
    ELSEWHERE,
    ENDPOINT,
    KEY,
    NAMESPACE,
    OTHER,
    SANDBOX,
    STRAY,
    endpoint,
    lease,
    only_pod,
    room,
    row,
    sandbox,
    seen,
    system,
)


def test_all_sources_meet_in_one_pod() -> None:
    pod = only_pod()
    assert (pod.id, pod.namespace, pod.room) == (SANDBOX, NAMESPACE, room())
    assert [one.id for one in pod.containers] == [SANDBOX, "workload"]
    assert [one.id for one in pod.endpoints] == [ENDPOINT]
    assert (pod.attachments, pod.leases, pod.addresses) == ([row()], [lease()], [f"{ADDRESS}/24"])


@pytest.mark.parametrize(
    "alone",
    [{"rows": [row()]}, {"leases": [lease()]}, {"endpoints": [endpoint()]}],
    ids=["a row", "a lease", "an endpoint of ours"],
)
def test_one_of_these_alone_makes_a_pod_with_a_sandbox(alone: dict[str, Any]) -> None:
    (pod,) = pods_of(Seen(**alone))
    assert pod.id == SANDBOX


def test_a_sandbox_that_the_runtime_calls_ready_is_a_pod_and_one_that_has_ended_is_none() -> None:
    (pod,) = pods_of(Seen(sandboxes=[sandbox(), sandbox(OTHER, is_ready=False)]))
    assert (pod.id, pod.namespace, pod.sandbox) == (SANDBOX, "", sandbox())


def test_what_the_runtime_says_of_a_pod_is_with_it_after_it_has_ended() -> None:
    ended = sandbox(is_ready=False, addresses=())
    assert only_pod(sandboxes=[sandbox(OTHER, is_ready=False), ended]).sandbox == ended


@pytest.mark.parametrize("listed", [[SANDBOX], ["workload"]], ids=["the sandbox", "another container"])
def test_a_pod_that_only_its_containers_tell_of_has_a_sandbox_by_the_runtime(listed: list[str]) -> None:
    """Another plugin's: its endpoint has a name that says nothing."""
    rooms = [room(containers=listed, endpoints=set())]
    sources = {"rows": [], "leases": [], "endpoints": [], "namespaces": rooms}
    assert [(one.id, one.namespace) for one in pods_of(seen(**sources))] == [("", NAMESPACE)]
    told = pods_of(seen(**sources, sandboxes=[sandbox()]))
    assert [(one.id, one.namespace) for one in told] == [(SANDBOX, NAMESPACE)]


def test_without_its_endpoint_a_pod_has_the_addresses_of_its_leases() -> None:
    assert only_pod(endpoints=None).addresses == [f"{ADDRESS}/24"]


def test_a_shared_endpoint_is_of_the_container_that_it_was_made_for() -> None:
    sharing = row(KEY._replace(container_id=OTHER), endpoint_id=ENDPOINT, v1_netns=f"container:{SANDBOX}")
    pods = pods_of(Seen(rows=[sharing], endpoints=[endpoint()]))
    assert [(one.id, [each.id for each in one.endpoints]) for one in pods] == [
        (OTHER, [ENDPOINT]),
        (SANDBOX, [ENDPOINT]),
    ]


def test_an_endpoint_in_no_namespace_is_of_the_containers_that_it_was_put_into() -> None:
    by_hand = endpoint(id=STRAY, name="Ethernet", namespace=None, containers=["BOX", "unknown"])
    found = pods_of(Seen(endpoints=[by_hand], systems=[system("box")]))
    assert [(pod.id, pod.addresses) for pod in found] == [
        ("box", [f"{ADDRESS}/24"]),
        ("unknown", [f"{ADDRESS}/24"]),
    ]
    assert [[one.id for one in pod.containers] for pod in found] == [["box"], []]


def test_a_second_interface_is_of_the_same_pod() -> None:
    second = KEY._replace(ifname="eth1")
    pod = only_pod(rows=[row(), row(second, endpoint_id=STRAY)])
    assert [one.key.ifname for one in pod.attachments] == ["eth0", "eth1"]


def test_a_peers_endpoint_names_the_sandbox_of_its_pod() -> None:
    peers = endpoint(id=STRAY, name=f"{OTHER}_pods")
    assert only_pod(rows=[], leases=[], endpoints=[peers]).id == OTHER


def test_a_namespace_in_which_nobody_names_a_sandbox_is_a_pod_by_itself() -> None:
    pod = only_pod(rows=[], leases=[], endpoints=[endpoint(id=STRAY, name="theirs")])
    assert (pod.id, pod.namespace, [one.id for one in pod.endpoints]) == ("", NAMESPACE, [STRAY])


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param({"namespaces": [room(endpoints=set(), containers=[])]}, id="an empty namespace"),
        pytest.param({"namespaces": [room(type="HostDefault")]}, id="the host's own namespace"),
        pytest.param({"endpoints": [endpoint(id=STRAY, name="theirs", namespace=None)]}, id="an endpoint"),
        pytest.param({"endpoints": [endpoint(id=STRAY, namespace=None)]}, id="what a peer left"),
        pytest.param({"rows": [row(phase="tombstone")]}, id="a tombstone"),
        pytest.param({"leases": [lease(origin="reserved")]}, id="an address reserved by an operator"),
        pytest.param({"systems": [system()]}, id="a container outside all namespaces"),
    ],
)
def test_these_alone_are_no_pod(nothing: dict[str, Any]) -> None:
    assert pods_of(Seen(**{"networks": seen().networks, **nothing})) == []


def test_an_endpoint_in_a_strange_namespace_makes_no_second_pod() -> None:
    rooms = [room(endpoints=set()), room(id=ELSEWHERE, containers=[])]
    (pod,) = pods_of(seen(namespaces=rooms, endpoints=[endpoint(namespace=ELSEWHERE)]))
    assert (pod.id, pod.namespace) == (SANDBOX, NAMESPACE)


def test_pods_stand_by_sandbox_and_those_without_one_last() -> None:
    rooms = [room(), room(id=ELSEWHERE, endpoints=set(), containers=["zoo"])]
    rows = [row(), row(KEY._replace(container_id=OTHER), namespace_id=None)]
    assert [one.id for one in pods_of(seen(namespaces=rooms, rows=rows))] == [OTHER, SANDBOX, ""]


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("adding", "ADD was begun"),
        ("ready", "ADD ended"),
        ("deleting", "DEL was begun"),
        ("tombstone", "DEL ended"),
    ],
)
def test_a_rows_phase_tells_the_last_verb(phase: str, words: str) -> None:
    assert last_verb(row(phase=phase)) == words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ExternalPort": 8080, "InternalPort": 80, "Protocol": 6}, "8080 -> 80/tcp"),
        ({"externalPort": 53, "internalPort": 53, "protocol": "UDP"}, "53 -> 53/udp"),
        ({"ExternalPort": 1, "InternalPort": 2, "Protocol": 17, "VIP": "10.0.0.9"}, "10.0.0.9:1 -> 2/udp"),
        ({"ExternalPort": 1, "InternalPort": 2, "Protocol": 6, "VIP": "fd00::9"}, "[fd00::9]:1 -> 2/tcp"),
    ],
)
def test_a_port_mapping_reads_as_host_and_pod(settings: dict[str, Any], words: str) -> None:
    policies = [{"Type": "PortMapping", "Settings": settings}, {"Type": "OutBoundNAT", "Settings": {}}]
    assert port_mappings(endpoint(policies=policies)) == [words]


def test_a_time_of_the_ledger_is_shown_as_the_walls_within_one_boot_only() -> None:
    time = LedgerTime(2e9 + 100, 1_700_000_000.0)
    assert time.wall_of(2e9 + 40) == 1_699_999_940.0
    assert time.wall_of(1e9 + 40) is None
    assert time.age_s(2e9 + 40) == 60.0
    assert time.age_s(0.0) == float("inf")


def test_a_node_is_unseen_only_where_no_source_answered() -> None:
    assert Seen().is_blind
    assert not Seen(rows=[]).is_blind
    assert not Seen(systems=[]).is_blind


class TestTheNameOfAPod:
    WEB = KubernetesPod("shop", "web-1", "uid-1", SANDBOX)

    def test_is_what_the_ledger_keeps(self) -> None:
        second = KEY._replace(ifname="eth1")
        rows = [row(), row(second, endpoint_id=STRAY, pod=self.WEB)]
        assert only_pod(rows=rows).kubernetes == self.WEB

    def test_is_what_the_runtime_says_where_it_was_asked(self) -> None:
        found = only_pod(rows=[row(pod=self.WEB)], sandboxes=[sandbox()]).kubernetes
        assert (found.full_name, found.uid) == ("shop/web-0", "uid")

    def test_is_empty_where_nobody_told(self) -> None:
        assert only_pod().kubernetes.full_name == ""
