"""HNS, HCS and the runtime contradict each other about a pod, as they do after crashes."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.behaviour.pod import Pod
from tests.harness import container_id
from tests.unit.cri.fake_runtime import NOT_READY, FakeRuntime, listed_container, listed_sandbox
from tests.unit.doctor.conftest import Patient

LOST = "aaaaaaaa-0000-4000-8000-000000000001"


def members(*endpoints: str, containers: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What a namespace lists."""
    return [
        *({"Type": "Endpoint", "Data": {"Id": one.upper()}} for one in endpoints),
        *({"Type": "Container", "Data": {"Id": one}} for one in containers),
    ]


class TestHns:
    def test_a_namespace_that_does_not_list_its_endpoint(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.shows("namespaces", pod.namespace, Resources=members(containers=(pod.container,)))
        found = patient.visit().only()
        assert (found["kind"], found["severity"], found["repair"]) == ("endpoint-not-listed", "ill", "heal")
        assert found["pods"] == [pod.container]
        assert f"endpoint {pod.endpoint} says that it is in namespace {pod.namespace}" in found["cause"]

    def test_a_namespace_that_lists_an_endpoint_which_is_gone(self, patient: Patient) -> None:
        pod = patient.pod()
        listed = members(pod.endpoint, LOST, containers=(pod.container,))
        patient.shows("namespaces", pod.namespace, Resources=listed)
        found = patient.visit().only()
        assert (found["kind"], found["severity"]) == ("endpoint-listed-but-gone", "ill")
        assert f"lists endpoint {LOST}" in found["cause"]
        assert f"`cni-hns pod show {pod.container}`" in found["remedy"]

    def test_an_endpoint_with_another_address_than_its_lease(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.shows("endpoints", pod.endpoint, IpConfigurations=[{"IpAddress": "10.88.0.99"}])
        found = patient.visit().only()
        assert (found["kind"], found["pods"]) == ("address-missing", [pod.container])
        assert f"does not have {pod.address}, which the ledger leases to it" in found["cause"]

    def test_an_endpoint_of_a_vanished_network(self, patient: Patient) -> None:
        patient.pod()
        theirs = patient.node.foreign("theirs", "10.88.0.77")
        patient.shows("endpoints", theirs, HostComputeNetwork=LOST)
        found = patient.visit().only()
        assert (found["kind"], found["severity"]) == ("endpoint-without-network", "ill")
        assert found["cause"] == f'HNS does not have its network {LOST}; it is called "theirs"'
        assert f"cni-hns endpoint delete {theirs} --force" in found["remedy"]


class TestHcs:
    def test_a_sandbox_that_has_stopped_beside_a_container_that_runs(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.simulator.start_container(pod.namespace, container_id())
        patient.simulator.stop_container(pod.container, stuck=True)
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"], found["pods"]) == (0, "container-stopped", [pod.container])
        assert found["cause"] == f"the sandbox's container {pod.container} has stopped"

    def test_a_namespace_that_a_container_holds_which_hcs_has_lost(self, patient: Patient) -> None:
        pod, lost = patient.pod(), container_id()
        patient.simulator.start_container(pod.namespace, lost)
        patient.loses_system(lost)
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"]) == (0, "namespace-held-by-lost-container")
        assert found["subject"] == f"namespace {pod.namespace}"
        assert found["cause"] == f"it lists container {lost}, which HCS does not have"
        assert f"`cni-hns namespace delete {pod.namespace} --force`" in found["remedy"]


@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")
class TestTheRuntime:
    def tells(self, runtime: FakeRuntime, pod: Pod, *, address: str = "", **sandbox: Any) -> None:
        runtime.sandboxes = [listed_sandbox(pod.container, **sandbox)]
        runtime.containers = [listed_container("c1", pod.container)]
        runtime.addresses = {pod.container: [address or pod.address]}

    def test_a_sandbox_that_is_ready_by_its_word_alone(self, patient: Patient, runtime: FakeRuntime) -> None:
        pod = patient.pod(runs=False)
        self.tells(runtime, pod)
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["severity"]) == ("sandbox-without-container", "ill")
        assert found["pods"] == ["shop/web-0"]
        assert f"sandbox {pod.container} is ready, and HCS does not have its container" in found["cause"]

    def test_a_sandbox_that_has_ended_and_keeps_its_endpoint(
        self, patient: Patient, runtime: FakeRuntime
    ) -> None:
        pod = patient.pod(runs=False)
        self.tells(runtime, pod, state=NOT_READY)
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["severity"]) == ("sandbox-ended-with-endpoint", "warning")
        assert f"endpoint {pod.endpoint} is still there" in found["cause"]

    def test_an_address_that_only_the_runtime_knows(self, patient: Patient, runtime: FakeRuntime) -> None:
        pod = patient.pod()
        self.tells(runtime, pod, address="10.88.0.99")
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["pods"]) == ("sandbox-address", ["shop/web-0"])
        assert "10.88.0.99" in found["cause"]
