"""Namespaces that HNS does not let go, compute systems that nobody knows, and sources that do not answer."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.behaviour.pod import Pod
from tests.harness import container_id
from tests.unit.cri.fake_runtime import FakeRuntime, listed_container, listed_sandbox
from tests.unit.doctor.conftest import Patient

SHIM = "containerd-shim-runhcs-v1.exe"


class TestNamespaces:
    def test_one_that_a_container_holds_that_has_ended(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.simulator.stop_container(pod.container, stuck=True)
        pod.done("DEL")
        found = patient.visit().only()
        assert found["kind"] == "namespace-held-by-stopped-container"
        assert found["subject"] == f"namespace {pod.namespace}"
        assert pod.container in found["cause"]
        assert f"`cni-hns container kill {pod.container}`" in found["remedy"]
        assert f"`cni-hns namespace delete {pod.namespace} --force`" in found["remedy"]
        refused = patient.node.command("namespace", "delete", pod.namespace, "--force")
        assert (refused.exit_code, "0x803B0015" in refused.stderr) == (1, True)


@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")
class TestWithTheRuntime:
    def known(self, patient: Patient, runtime: FakeRuntime) -> Pod:
        pod = patient.pod()
        runtime.sandboxes = [listed_sandbox(pod.container)]
        runtime.containers = [listed_container("c1", pod.container)]
        runtime.addresses = {pod.container: [pod.address]}
        return pod

    def test_a_healthy_node_has_none(self, patient: Patient, runtime: FakeRuntime) -> None:
        self.known(patient, runtime)
        assert patient.visit("--cri", runtime.endpoint).findings == []

    def test_a_compute_system_that_nobody_knows(self, patient: Patient, runtime: FakeRuntime) -> None:
        self.known(patient, runtime)
        leaked = container_id()
        patient.simulator.run_container(leaked, SHIM)
        assert patient.visit().findings == []  # without the runtime's word nothing is said
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["subject"]) == ("system-leaked", f"compute system {leaked}")
        assert f"cni-hns container kill {leaked}" in found["remedy"]

    @pytest.mark.parametrize(
        ("name", "owner"),
        [
            pytest.param(container_id(), "docker", id="Docker's"),
            pytest.param("my-try", SHIM, id="a person's"),
            pytest.param("E7F1A2B3-0000-4111-8222-333344445555", "WSL", id="WSL's"),
        ],
    )
    def test_other_programs_containers_are_no_finding(
        self, patient: Patient, runtime: FakeRuntime, name: str, owner: str
    ) -> None:
        self.known(patient, runtime)
        patient.simulator.run_container(name, owner)
        assert patient.visit("--cri", runtime.endpoint).findings == []

    def test_a_sandbox_that_the_runtime_lost(self, patient: Patient, runtime: FakeRuntime) -> None:
        pod = self.known(patient, runtime)
        runtime.sandboxes, runtime.containers = [], []
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["pods"]) == ("sandbox-unknown", [pod.container])
        assert f"cni-hns container kill {pod.container}" in found["remedy"]

    def test_pods_have_their_kubernetes_names(self, patient: Patient, runtime: FakeRuntime) -> None:
        pod = self.known(patient, runtime)
        patient.simulator.remove(pod.endpoint)
        found = patient.visit("--cri", runtime.endpoint).only()
        assert (found["kind"], found["pods"]) == ("endpoint-missing", ["shop/web-0"])


def test_two_pods_that_go_one_after_the_other_are_no_finding(patient: Patient) -> None:
    """At each of both looks another one is half gone."""
    patient.pod()
    for nth in (1, 2):
        room, endpoint = (
            patient.node.namespace(),
            patient.node.foreign(f"theirs-{nth}", f"10.88.0.{70 + nth}"),
        )
        patient.node.attach(room, endpoint)
        # After so long the namespaces have been read.
        patient.simulator.inject(
            function="HcnEnumerateEndpoints", nth=nth, latency_s=0.3, vanish=[endpoint, room]
        )
    assert patient.visit().findings == []
    assert len(patient.node.endpoints()) == 1, "both looks were taken"


class TestSourcesThatDoNotAnswer:
    @pytest.mark.parametrize(
        ("function", "words"),
        [
            ("HcnEnumerateNamespaces", "HNS, asked for its namespaces, did not answer within 0.2 s"),
            ("HcnEnumerateEndpoints", "HNS, asked for its endpoints, did not answer within 0.2 s"),
            ("HcnEnumerateNetworks", "HNS, asked for its networks, did not answer within 0.2 s"),
            ("HcsEnumerateComputeSystems", "HCS, asked for its compute systems, did not answer within 0.2 s"),
        ],
    )
    def test_one_that_hangs_is_a_note_and_the_rest_is_shown(
        self, patient: Patient, join_threads: Callable[[], None], function: str, words: str
    ) -> None:
        pod = patient.pod()
        patient.simulator.plant_endpoint("pods", Name=f"{container_id()}_pods")
        patient.simulator.remove(pod.endpoint)
        patient.simulator.inject(function=function, held="before", count=0)
        done = patient.visit("--timeout", "0.2")
        patient.simulator.clear_faults()
        join_threads()
        # On a busy machine others may not answer within so short a time either.
        assert f"note: {words}\n" in done.notes
        silent = "hcs-silent" if function.startswith("Hcs") else "hns-silent"
        (said,) = [one for one in done.findings if one["kind"] == silent]
        assert words in said["cause"]
        assert ("endpoint-missing" in done.kinds) == (function != "HcnEnumerateEndpoints")

    def test_nothing_is_repaired_while_hns_does_not_answer(
        self, patient: Patient, join_threads: Callable[[], None]
    ) -> None:
        pod = patient.pod()
        patient.simulator.remove(pod.endpoint)
        patient.simulator.inject(function="HcnEnumerateEndpoints", held="before", count=0)
        done = patient.node.command("doctor", "--repair", "--timeout", "0.2")
        patient.simulator.clear_faults()
        join_threads()
        assert (done.exit_code, done.stdout) == (1, "")
        assert "nothing was repaired" in done.stderr

    def test_an_hns_that_is_not_there_leaves_what_the_ledger_says(self, patient: Patient) -> None:
        patient.pod()
        patient.simulator.set_options(service_stopped_hresult=0x80070426)
        done = patient.visit()
        assert (done.exit_code, done.kinds) == (1, ["hns-silent"])
        assert "0x80070426" in done.only()["cause"]
