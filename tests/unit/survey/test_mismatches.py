"""Each way in which HNS, HCS and the ledger can disagree about a pod: it is found, and alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcn.views import ENABLE_DHCP, REMOTE
from cni_hns.survey import mismatches
from cni_hns.survey.joining import pods_of
from cni_hns.survey.mismatches import STARTING_S
from cni_hns.survey.seen import LedgerTime, Seen
from tests.unit.survey.staging import (
    ADDED,
    ADDRESS,
    ELSEWHERE,
    ENDPOINT,
    KEY,
    NAMESPACE,
    NETWORK,
    OTHER,
    SANDBOX,
    STRAY,
    endpoint,
    kinds,
    lease,
    only_pod,
    room,
    row,
    sandbox,
    seen,
    system,
)

SOURCES = ["namespaces", "endpoints", "networks", "systems", "rows", "leases", "sandboxes"]


def test_a_healthy_pod_has_none() -> None:
    assert (only_pod().state, only_pod().mismatches) == ("ok", [])
    told = only_pod(sandboxes=[sandbox()])
    assert (told.state, told.mismatches) == ("ok", [])


CASES = [
    pytest.param(
        {"rows": [row(phase="adding")]},
        "unfinished",
        'ADD was begun and never ended: eth0 on network "pods"',
        id="an ADD that was killed",
    ),
    pytest.param(
        {"rows": [row(phase="deleting")]},
        "unfinished",
        'DEL was begun and never ended: eth0 on network "pods"',
        id="a DEL that was killed",
    ),
    pytest.param(
        {"namespaces": []},
        "namespace-missing",
        f'HNS does not have namespace {NAMESPACE}, which the ledger names for eth0 on network "pods"',
        id="a namespace that HNS does not have",
    ),
    pytest.param(
        {"networks": []},
        "network-missing",
        f'HNS does not have network {NETWORK}, which the ledger names for eth0 on network "pods"',
        id="a network that HNS does not have",
    ),
    pytest.param(
        {"endpoints": [], "namespaces": [room(endpoints=set())]},
        "endpoint-missing",
        f'HNS does not have endpoint {ENDPOINT}, which the ledger names for eth0 on network "pods"',
        id="a row without endpoint",
    ),
    pytest.param(
        {"endpoints": [endpoint(namespace=ELSEWHERE)]},
        "endpoint-elsewhere",
        f"endpoint {ENDPOINT} is in namespace {ELSEWHERE}; the ledger says in {NAMESPACE}",
        id="an endpoint in another namespace than its row",
    ),
    pytest.param(
        {"endpoints": [endpoint(namespace=None)]},
        "endpoint-elsewhere",
        f"endpoint {ENDPOINT} is in no namespace; the ledger says in {NAMESPACE}",
        id="an endpoint in no namespace",
    ),
    pytest.param(
        {"leases": [lease(), lease(address="10.88.0.9")]},
        "address-missing",
        f"endpoint {ENDPOINT} does not have 10.88.0.9, which the ledger leases to it",
        id="an address of the ledger that HNS does not have",
    ),
    pytest.param(
        {"leases": []},
        "address-without-lease",
        f"endpoint {ENDPOINT} has {ADDRESS}, which the ledger does not lease to it",
        id="an address that the ledger does not have",
    ),
    pytest.param(
        {"rows": [row(phase="tombstone")], "leases": [], "namespaces": [room(containers=[])]},
        "endpoint-without-row",
        f'endpoint {ENDPOINT} is of eth0 on "pods" by its ID, and no row of the ledger names it',
        id="an endpoint of a pod that was deleted",
    ),
    pytest.param(
        {"rows": [], "leases": [], "namespaces": [room(containers=[])]},
        "endpoint-without-row",
        f'endpoint {ENDPOINT} is of eth0 on "pods" by its ID, and no row of the ledger names it',
        id="an endpoint of ours without row",
    ),
    pytest.param(
        {"namespaces": [room(endpoints=set())]},
        "endpoint-not-listed",
        f"endpoint {ENDPOINT} says that it is in namespace {NAMESPACE}, which does not list it",
        id="an endpoint that its namespace does not list",
    ),
    pytest.param(
        {"namespaces": [room(endpoints={ENDPOINT, STRAY})]},
        "endpoint-listed-but-gone",
        f"namespace {NAMESPACE} lists endpoint {STRAY}, which HNS does not have",
        id="a namespace that lists an endpoint that is gone",
    ),
    pytest.param(
        {"endpoints": [endpoint(), endpoint(id=STRAY, name="theirs", namespace=None)]},
        "address-twice",
        f"endpoint {ENDPOINT} has {ADDRESS}, and so has endpoint {STRAY}",
        id="two endpoints with one address",
    ),
    pytest.param(
        {"endpoints": [endpoint(), endpoint(id=STRAY, name=f"{OTHER}_pods", namespace=None, flags=REMOTE)]},
        "address-twice",
        f"endpoint {ENDPOINT} has {ADDRESS}, and so has remote endpoint {STRAY}",
        id="another node's pod with one address",
    ),
    pytest.param(
        {"leases": [lease(), lease(address="10.88.0.9", ifname="eth1")]},
        "lease-without-row",
        'the ledger leases 10.88.0.9 to eth1 on network "pods", and has no row for it',
        id="a lease without row",
    ),
    pytest.param(
        {"systems": [system("workload")], "namespaces": [room(containers=["workload"])]},
        "container-missing",
        f"HCS does not have the sandbox's container {SANDBOX}",
        id="a sandbox that HCS does not have",
    ),
    pytest.param(
        {"systems": [system("workload"), system(Stopped=True)]},
        "container-stopped",
        f"the sandbox's container {SANDBOX} has stopped",
        id="a sandbox that has stopped",
    ),
    pytest.param(
        {"systems": [system("workload"), system(State="Stopped")]},
        "container-stopped",
        f"the sandbox's container {SANDBOX} has stopped",
        id="a sandbox whose state is stopped",
    ),
    pytest.param(
        {"systems": [system()]},
        "container-listed-but-gone",
        f"namespace {NAMESPACE} lists container workload, which HCS does not have",
        id="a container of the namespace that HCS does not have",
    ),
    pytest.param(
        {
            "rows": [],
            "leases": [],
            "namespaces": [room(endpoints={STRAY}, containers=["workload"])],
            "endpoints": [endpoint(id=STRAY)],
            "systems": [system("workload")],
        },
        "container-without-row",
        f"container workload is in namespace {NAMESPACE}, and no row of the ledger names that",
        id="a container of a namespace without a row",
    ),
    pytest.param(
        {
            "rows": [row(phase="tombstone")],
            "leases": [],
            "namespaces": [room(endpoints=set(), containers=["workload"])],
            "endpoints": [],
            "systems": [system("workload")],
        },
        "container-without-row",
        f"container workload is in namespace {NAMESPACE}, and no row of the ledger names that",
        id="a container of a namespace whose row was deleted",
    ),
    pytest.param(
        {
            "systems": [system("workload")],
            "namespaces": [room(containers=["workload"])],
            "sandboxes": [sandbox()],
        },
        "sandbox-without-container",
        f"the runtime says that sandbox {SANDBOX} is ready, and HCS does not have its container",
        id="a sandbox that is ready and that HCS does not have",
    ),
    pytest.param(
        {"sandboxes": []},
        "sandbox-unknown",
        f"HCS has the sandbox's container {SANDBOX}, and the runtime does not know this sandbox",
        id="a sandbox's container that the runtime does not know",
    ),
    pytest.param(
        {
            "systems": [system(f"{SANDBOX}@vm")],
            "namespaces": [room(containers=[])],
            "sandboxes": [],
        },
        "sandbox-unknown",
        f"HCS has the sandbox's container {SANDBOX}@vm, and the runtime does not know this sandbox",
        id="a sandbox's virtual machine that the runtime does not know",
    ),
    pytest.param(
        {
            "systems": [],
            "namespaces": [room(containers=[])],
            "sandboxes": [sandbox(is_ready=False, addresses=())],
        },
        "sandbox-ended-with-endpoint",
        f"the runtime says that sandbox {SANDBOX} has ended, and endpoint {ENDPOINT} is still there",
        id="a sandbox that has ended and has its endpoint",
    ),
    pytest.param(
        {"sandboxes": [sandbox(addresses=(ADDRESS, "10.88.0.9"))]},
        "sandbox-address",
        "the runtime says that the pod has 10.88.0.9, which no endpoint of the pod has",
        id="an address that the runtime says and no endpoint has",
    ),
]


@pytest.mark.parametrize(("changes", "kind", "words"), CASES)
def test_each_is_found_in_words_and_alone(changes: dict[str, Any], kind: str, words: str) -> None:
    pod = only_pod(**changes)
    assert (pod.state, pod.mismatches) == ("mismatch", [(kind, words)])


def test_each_kind_is_staged_here_and_explained_to_operators() -> None:
    code = Path(mismatches.__file__).read_text()
    kinds_there = set(re.findall(r'Mismatch\(\s*"([a-z-]+)"', code))
    page = (Path(mismatches.__file__).parents[2] / "docs" / "operating.md").read_text()
    assert kinds_there == {case.values[1] for case in CASES}
    assert [kind for kind in kinds_there if f"`{kind}`" not in page] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_does_not_answer_is_no_mismatch(source: str) -> None:
    assert kinds(only_pod(**{"sandboxes": [sandbox()], source: None})) == []


@pytest.mark.parametrize("source", SOURCES)
def test_one_source_alone_is_no_mismatch(source: str) -> None:
    alone = Seen(**{source: getattr(seen(sandboxes=[sandbox()]), source)})
    assert [one.mismatches for one in pods_of(alone) if one.mismatches] == []


class TestNoMismatchWithTheRuntime:
    def test_in_a_pod_that_starts(self) -> None:
        """It is listed after its container started, which HCS and the ledger see before."""
        young = LedgerTime(ADDED + STARTING_S - 1, 0.0)
        assert kinds(only_pod(time=young, sandboxes=[])) == []
        without_container = {"systems": [], "namespaces": [room(containers=[])], "sandboxes": [sandbox()]}
        assert kinds(only_pod(time=young, **without_container)) == []

    def test_while_a_process_works_on_the_pod(self) -> None:
        ended = sandbox(is_ready=False, addresses=())
        assert kinds(only_pod(sandboxes=[ended], at_work=frozenset({KEY}))) == []

    def test_in_a_pod_of_the_hosts_network_that_hcs_does_not_have(self) -> None:
        of_the_host = sandbox(OTHER, name="kube-proxy", addresses=(), containers=())
        pods = pods_of(seen(sandboxes=[sandbox(), of_the_host]))
        assert [(one.id, kinds(one)) for one in pods] == [(OTHER, []), (SANDBOX, [])]

    def test_with_a_sandbox_in_a_virtual_machine(self) -> None:
        machine = {"systems": [system(f"{SANDBOX}@vm")], "namespaces": [room(containers=[])]}
        assert kinds(only_pod(sandboxes=[sandbox()], **machine)) == []

    def test_in_an_address_that_two_spell_differently(self) -> None:
        endpoints = [endpoint(addresses=[("FD00:0:0::2", 64)])]
        told = [sandbox(addresses=("fd00::2",))]
        assert kinds(only_pod(endpoints=endpoints, leases=[lease(address="fd00::2")], sandboxes=told)) == []

    def test_in_an_address_of_a_dhcp_server(self) -> None:
        endpoints = [endpoint(flags=ENABLE_DHCP, addresses=[])]
        assert kinds(only_pod(endpoints=endpoints, leases=[], sandboxes=[sandbox()])) == []

    def test_in_a_system_that_is_no_sandboxs(self) -> None:
        systems = [system("workload"), system(), system("other")]
        assert kinds(only_pod(sandboxes=[sandbox()], systems=systems)) == []


class TestNoMismatch:
    @pytest.mark.parametrize("phase", ["adding", "deleting"])
    def test_while_a_process_works_on_the_pod(self, phase: str) -> None:
        pod = only_pod(rows=[row(phase=phase)], endpoints=[], at_work=frozenset({KEY}))
        assert (pod.state, pod.mismatches) == ("changing", [])

    def test_in_a_pod_that_starts(self) -> None:
        young = LedgerTime(ADDED + STARTING_S - 1, 0.0)
        starting = {"systems": [], "namespaces": [room(containers=[])]}
        assert kinds(only_pod(time=young, **starting)) == []
        assert kinds(only_pod(time=young._replace(now=ADDED + STARTING_S), **starting)) == [
            "container-missing"
        ]

    def test_with_a_sandbox_in_a_virtual_machine(self) -> None:
        pod = only_pod(systems=[system(f"{SANDBOX}@vm")], namespaces=[room(containers=[])])
        assert ([one.id for one in pod.containers], kinds(pod)) == ([f"{SANDBOX}@vm"], [])

    def test_with_a_container_that_hns_names_by_its_run(self) -> None:
        run = "77777777-2222-4333-8444-555555555555"
        workload = system("workload", RuntimeId=run)
        pod = only_pod(systems=[system(), workload], namespaces=[room(containers=[SANDBOX, run.upper()])])
        assert ([one.id for one in pod.containers], kinds(pod)) == ([SANDBOX, "workload"], [])

    def test_in_addresses_of_an_external_ipam_plugin(self) -> None:
        assert kinds(only_pod(rows=[row(plugin="azure-vnet-ipam")], leases=[])) == []

    def test_in_addresses_of_a_dhcp_server(self) -> None:
        assert kinds(only_pod(endpoints=[endpoint(flags=ENABLE_DHCP)], leases=[])) == []

    def test_in_an_address_that_two_spell_differently(self) -> None:
        endpoints = [endpoint(addresses=[("FD00:0:0::2", 64)])]
        assert kinds(only_pod(endpoints=endpoints, leases=[lease(address="fd00::2")])) == []

    def test_in_the_same_address_on_two_networks(self) -> None:
        other = endpoint(id=STRAY, name="theirs", namespace=None, network=ELSEWHERE)
        assert kinds(only_pod(endpoints=[endpoint(), other])) == []

    def test_in_a_lease_that_names_no_interface(self) -> None:
        assert kinds(only_pod(leases=[lease(ifname="")])) == []

    def test_in_a_lease_that_is_not_held(self) -> None:
        aside = lease(address="10.88.0.9", state="quarantined", until=1.0)
        assert kinds(only_pod(leases=[lease(), aside])) == []

    def test_in_a_lease_of_a_peers_pod_that_is_there(self) -> None:
        of_a_peer = endpoint(id=STRAY)
        taken_over = lease(origin="adopted", ifname="")
        rest = {"rows": [], "namespaces": [room(endpoints={STRAY}, containers=[])]}
        assert kinds(only_pod(endpoints=[of_a_peer], leases=[taken_over], **rest)) == []
        without = {**rest, "namespaces": []}
        assert kinds(only_pod(endpoints=[], leases=[taken_over], **without)) == ["lease-without-row"]

    def test_in_an_endpoint_that_another_container_shares(self) -> None:
        owner = row(namespace_id=None, v1_netns="none")
        sharing = row(
            KEY._replace(container_id=OTHER),
            endpoint_id=ENDPOINT,
            namespace_id=None,
            v1_netns=f"container:{SANDBOX}",
        )
        endpoints = [endpoint(namespace=None, containers=[SANDBOX, OTHER])]
        systems = [system(), system(OTHER)]
        pods = pods_of(seen(rows=[sharing, owner], endpoints=endpoints, systems=systems, namespaces=[]))
        assert [(one.id, [each.id for each in one.endpoints], kinds(one)) for one in pods] == [
            (OTHER, [ENDPOINT], []),
            (SANDBOX, [ENDPOINT], []),
        ]
