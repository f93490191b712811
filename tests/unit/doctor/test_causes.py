"""Each cause is told once, with the remedy of that cause: over sources that say what a test wants them to."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cri.views import Container
from cni_hns.doctor.examine import examine
from cni_hns.doctor.picture import Picture
from cni_hns.hcn.views import REMOTE
from cni_hns.survey.seen import FolderSeen
from tests.unit.survey.staging import (
    ADDRESS,
    ELSEWHERE,
    ENDPOINT,
    OTHER,
    SANDBOX,
    STRAY,
    endpoint,
    lease,
    room,
    row,
    sandbox,
    seen,
    system,
)

NO_FILES: tuple[FolderSeen, ...] = ()


def found(**changes: Any) -> list[str]:
    return [one.kind for one in examine(Picture.of(seen(folders=NO_FILES, **changes)))]


CASES = [
    pytest.param({}, [], id="all agree"),
    pytest.param({"sandboxes": [sandbox()]}, [], id="the runtime too"),
    pytest.param(
        {"namespaces": [room(endpoints=set())]},
        ["endpoint-not-listed"],
        id="a namespace that does not list its endpoint",
    ),
    pytest.param(
        {"namespaces": [room(endpoints={ENDPOINT, STRAY})]},
        ["endpoint-listed-but-gone"],
        id="a namespace that lists an endpoint that is gone",
    ),
    pytest.param(
        {"endpoints": [endpoint(addresses=[("10.88.0.9", 24)])]},
        ["address-missing"],
        id="another address than the ledger's",
    ),
    pytest.param(
        {"endpoints": [], "namespaces": [room(endpoints={ENDPOINT})]},
        ["endpoint-missing"],
        id="what a lost endpoint leaves is not told again",
    ),
    pytest.param(
        {"endpoints": [], "networks": [], "namespaces": [room(endpoints=set())]},
        ["network-missing"],
        id="a lost network takes its endpoints with it",
    ),
    pytest.param(
        {"namespaces": [], "endpoints": [], "systems": []},
        ["pod-gone"],
        id="a pod that is gone in all sources",
    ),
    pytest.param(
        {"endpoints": [endpoint(namespace=ELSEWHERE)], "namespaces": [room(endpoints=set())]},
        ["endpoint-elsewhere"],
        id="an endpoint that was moved",
    ),
    pytest.param(
        {"systems": [system(State="Stopped", Stopped=True), system("workload")]},
        ["container-stopped"],
        id="a sandbox that has stopped",
    ),
    pytest.param(
        {"rows": [], "leases": [], "systems": [system(State="Stopped", Stopped=True), system("workload")]},
        ["ledger-lost-pods", "namespace-held-by-stopped-container"],
        id="a container that has stopped and holds its namespace",
    ),
    pytest.param(
        {
            "rows": [],
            "leases": [],
            "endpoints": [],
            "namespaces": [room(endpoints=set(), containers=[SANDBOX])],
            "systems": [system(State="Stopped", Stopped=True)],
        },
        ["namespace-held-by-stopped-container"],
        id="a container that has stopped is no pod without network",
    ),
    pytest.param(
        {"systems": [system()]},
        ["namespace-held-by-lost-container"],
        id="a namespace that lists a container that HCS has lost",
    ),
    pytest.param(
        {"systems": [], "namespaces": [room(containers=[])], "sandboxes": [sandbox()]},
        ["sandbox-without-container"],
        id="a pod that is dead, and the runtime does not know",
    ),
    pytest.param(
        {"sandboxes": [sandbox(is_ready=False)], "namespaces": [room(containers=[])], "systems": []},
        ["sandbox-ended-with-endpoint"],
        id="a DEL that never came",
    ),
    pytest.param(
        {"sandboxes": [sandbox(addresses=("10.88.0.9",))]},
        ["sandbox-address"],
        id="an address that only the runtime knows",
    ),
    pytest.param(
        {"endpoints": [endpoint(), endpoint(id=STRAY, name="theirs", network=ELSEWHERE, namespace=None)]},
        ["endpoint-without-network"],
        id="an endpoint of a network that is gone",
    ),
    pytest.param(
        {"endpoints": [endpoint(), endpoint(id=STRAY, name=f"{OTHER}_pods", namespace=None, flags=REMOTE)]},
        ["address-of-remote-endpoint"],
        id="a remote endpoint with a pod's name is not left by a peer",
    ),
    pytest.param(
        {"rows": [row(phase="adding")], "endpoints": [], "namespaces": [room(endpoints=set())]},
        ["unfinished"],
        id="what is half done is not told in parts",
    ),
    pytest.param(
        {"leases": [lease(), lease(address="10.88.0.9", container_id=OTHER)]},
        ["lease-without-pod"],
        id="a lease of nobody",
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CASES)
def test_a_cause_is_one_finding(changes: dict[str, Any], expected: list[str]) -> None:
    assert found(**changes) == expected


@pytest.mark.parametrize(
    "silent", ["namespaces", "endpoints", "networks", "systems", "rows", "leases", "sandboxes"]
)
def test_a_source_that_did_not_answer_is_no_finding(silent: str) -> None:
    assert found(**{"sandboxes": [sandbox()], silent: None}) == []


def test_addresses_stay_where_a_source_is_silent() -> None:
    stale = {"leases": [lease(), lease(address="10.88.0.9", container_id=OTHER)]}
    assert found(**stale, systems=None) == []
    assert [one.kind for one in examine(Picture.of(seen(**stale)))] == []  # no folder was read


def test_a_container_that_runs_keeps_its_lease() -> None:
    stale = [lease(), lease(address="10.88.0.9", container_id=OTHER)]
    assert found(leases=stale, systems=[system("workload"), system(), system(OTHER)]) == []


def test_workloads_of_a_pod_are_not_leaked() -> None:
    told = sandbox(containers=(Container("workload", SANDBOX, "nginx", 0, "Running"),))
    shims = [system("workload", Owner="containerd-shim-runhcs-v1.exe"), system()]
    assert found(systems=shims, sandboxes=[told]) == []


def test_what_makes_pods_ill_comes_first() -> None:
    changes: dict[str, Any] = {
        "leases": [lease(), lease(address="10.88.0.9", container_id=OTHER)],
        "endpoints": [endpoint(namespace=None)],
        "namespaces": [room(endpoints=set())],
    }
    assert found(**changes) == ["endpoint-elsewhere", "lease-without-pod"]


def test_each_remedy_has_its_names() -> None:
    for changes, _ in (one.values for one in CASES):
        for one in examine(Picture.of(seen(folders=NO_FILES, **changes))):  # type: ignore[arg-type]
            assert "{" not in one.remedy
            assert one.pods or ADDRESS in one.subject or one.kind.startswith(("lease", "endpoint", "address"))
