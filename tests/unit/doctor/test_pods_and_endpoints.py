"""What is wrong with pods and endpoints: staged on a simulated node, found with its cause, and mended."""

from __future__ import annotations

import pytest

from cni_hns.hcn.documents import remove_endpoint
from tests.behaviour.pod import Pod
from tests.harness import container_id
from tests.unit.doctor.conftest import Patient


def test_a_healthy_node_has_none(patient: Patient) -> None:
    for _ in range(3):
        patient.pod()
    done = patient.visit()
    assert (done.exit_code, done.findings, done.notes) == (0, [], "")
    assert patient.node.command("doctor", *patient.places).stdout == "nothing is wrong\n"


def test_an_empty_node_has_none(patient: Patient) -> None:
    assert patient.visit() == (0, [], [], "")


class TestAnHnsRestart:
    def lost(self, patient: Patient, count: int = 3) -> list[Pod]:
        pods = [patient.pod() for _ in range(count)]
        patient.simulator.set_options(hns_uptime_s=120)
        for pod in pods:
            patient.simulator.remove(pod.endpoint)
        return pods

    def test_is_one_finding_that_lists_the_dark_pods(self, patient: Patient) -> None:
        pods = self.lost(patient)
        patient.pod(old=False)
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"], found["severity"]) == (1, "hns-restarted", "ill")
        assert sorted(found["pods"]) == sorted(pod.container for pod in pods)
        assert found["cause"].startswith("HNS was started 2 min ago, after their ADD, and does not have")
        assert all(pod.endpoint in found["cause"] for pod in pods)

    def test_is_healed_with_the_same_id_address_mac_and_policies(self, patient: Patient) -> None:
        pods = [patient.pod() for _ in range(3)]
        before = {one.id: one for one in patient.node.endpoints()}
        patient.simulator.set_options(hns_uptime_s=120)
        for pod in pods:
            patient.simulator.remove(pod.endpoint)
        done = patient.repaired()
        assert (done.exit_code, done.outcomes, done.findings) == (0, ["made again"] * 3, [])
        after = {one.id: one for one in patient.node.endpoints()}
        assert after.keys() == before.keys()
        for id_, one in after.items():
            there = before[id_]
            assert (one.addresses, one.mac, one.policies, one.dns, one.namespace, one.routes) == (
                there.addresses,
                there.mac,
                there.policies,
                there.dns,
                there.namespace,
                there.routes,
            )
        for pod in pods:
            pod.assert_alive()
            pod.done("DEL")
        patient.node.assert_clean()

    def test_an_hns_that_has_just_started_proves_nothing(self, patient: Patient) -> None:
        self.lost(patient)
        patient.simulator.set_options(hns_uptime_s=12)
        done = patient.visit()
        assert (done.exit_code, done.kinds) == (0, ["hns-starting"])
        assert "12 s ago" in done.only()["cause"]
        assert patient.visit("--repair").repaired == []

    def test_what_cannot_be_healed_is_named(self, patient: Patient) -> None:
        known, taken = self.lost(patient, 2)
        patient.node.foreign("somebody's", taken.address)
        done = patient.visit("--repair")
        by_pod = {one["subject"].split()[4]: one["outcome"] for one in done.repaired}
        assert by_pod[known.container] == "made again"
        assert by_pod[taken.container].startswith('left: endpoint "somebody\'s"')
        assert done.exit_code == 1

    def test_a_network_that_was_made_again_gets_the_endpoints(self, patient: Patient) -> None:
        (pod,) = self.lost(patient, 1)
        network = patient.simulator.swap_network("pods")
        assert patient.visit().kinds == ["network-missing"]
        assert patient.visit("--repair").findings == []
        assert patient.node.endpoint(pod.endpoint).network == network
        pod.done("CHECK")

    def test_a_network_that_is_gone_is_one_finding(self, patient: Patient) -> None:
        pods = [patient.pod(), patient.pod()]
        patient.simulator.remove("pods")
        done = patient.visit()
        found = done.only()
        assert (found["kind"], len(found["pods"])) == ("network-missing", len(pods))
        left = patient.visit("--repair")
        assert (left.kinds, left.exit_code) == (["network-missing"], 1)
        assert all('HNS does not have HCN network "pods"' in one for one in left.outcomes)

    @pytest.mark.not_in("windows", reason="Wine's own boot is asked, not the simulated node's")
    def test_after_a_boot_pods_that_went_with_it_are_one_warning(self, patient: Patient) -> None:
        for _ in range(3):
            patient.pod()
        patient.simulator.reboot()
        patient.simulator.set_options(hns_uptime_s=120)
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"], len(found["pods"])) == (0, "pods-before-restart", 3)
        assert "started with the machine 2 min ago" in found["cause"]
        after = patient.repaired()
        assert (after.findings, after.outcomes) == ([], ["removed"] * 3)
        patient.node.assert_clean()

    @pytest.mark.not_in("windows", reason="Wine's own boot is asked, not the simulated node's")
    def test_after_a_boot_pods_whose_namespace_survived_are_healed(self, patient: Patient) -> None:
        patient.simulator.set_options(namespaces_survive_reboot=True)
        pod = patient.pod()
        patient.simulator.reboot(lose=[pod.endpoint])
        patient.simulator.set_options(hns_uptime_s=120)
        assert "hns-restarted" in patient.visit().kinds
        assert patient.visit("--repair").outcomes == ["made again"]
        pod.assert_alive()


class TestOnePod:
    def test_an_endpoint_that_somebody_deleted(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.simulator.remove(pod.endpoint)
        found = patient.visit().only()
        assert (found["kind"], found["pods"]) == ("endpoint-missing", [pod.container])
        assert pod.endpoint in found["cause"]
        assert patient.repaired().findings == []
        pod.assert_alive()

    def test_an_endpoint_that_was_taken_out(self, patient: Patient) -> None:
        pod = patient.pod(runs=False, old=False)
        with patient.node.hcn.namespaces.open(pod.namespace) as room:
            room.modify(remove_endpoint(pod.endpoint))
        assert patient.visit().only()["kind"] == "endpoint-elsewhere"
        done = patient.repaired()
        assert (done.findings, done.outcomes) == ([], ["put back"])
        pod.assert_alive()

    def test_an_endpoint_that_was_moved_is_left(self, patient: Patient) -> None:
        pod = patient.pod(runs=False, old=False)
        with patient.node.hcn.namespaces.open(pod.namespace) as room:
            room.modify(remove_endpoint(pod.endpoint))
        patient.node.attach(patient.node.namespace(), pod.endpoint)
        done = patient.visit("--repair")
        assert (done.exit_code, done.kinds) == (1, ["endpoint-elsewhere"])
        assert "whoever put it there wants it" in done.outcomes[0]

    def test_a_pod_of_another_plugin_without_endpoint(self, patient: Patient) -> None:
        namespace, container = patient.node.namespace(), container_id()
        patient.simulator.start_container(namespace, container)
        found = patient.visit().only()
        assert (found["kind"], found["severity"]) == ("pod-without-endpoint", "ill")
        assert container in found["cause"]

    def test_a_pod_that_is_gone(self, patient: Patient) -> None:
        pod = patient.pod(runs=False, old=False)
        patient.simulator.remove(pod.namespace)
        found = patient.visit().only()
        assert (found["kind"], found["remedy"]) == ("pod-gone", "cni-hns gc")
        first = patient.visit("--repair")
        assert first.outcomes == ["left: it was missing at one look only; run this again in a minute"]
        patient.a_minute_passes()
        assert patient.visit("--repair").findings == []
        patient.node.assert_clean()

    def test_an_add_that_was_killed(self, patient: Patient) -> None:
        pod = Pod(patient.node)
        patient.simulator.inject(function="HcnModifyNamespace", die="before")
        assert patient.node.process("ADD", pod.config, pod.container, pod.namespace).killed
        patient.simulator.clear_faults()
        assert patient.visit().only()["kind"] == "unfinished"
        assert patient.repaired().findings == []
        patient.node.assert_nothing_owned()

    def test_a_pod_without_container_is_a_warning_once_it_had_its_time(self, patient: Patient) -> None:
        pod = patient.pod(runs=False, old=False)
        assert patient.visit().findings == []
        patient.grow_old()
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"]) == (0, "container-missing")
        assert f"cni-hns namespace delete {pod.namespace}" in found["remedy"]


class TestEndpoints:
    def test_one_of_ours_without_pod(self, patient: Patient) -> None:
        patient.pod()
        pod = Pod(patient.node)
        patient.simulator.plant_endpoint("pods", ID=pod.endpoint, Name=f"{pod.container}_pods")
        found = patient.visit().only()
        assert (found["kind"], found["repair"]) == ("endpoint-left", "gc")
        assert f"container {pod.container} had it" in found["cause"]
        assert patient.repaired().findings == []

    def test_one_of_a_peer_without_pod_is_a_persons_to_delete(self, patient: Patient) -> None:
        patient.pod()
        endpoint = patient.simulator.plant_endpoint("pods", Name=f"{container_id()}_pods")
        found = patient.visit().only()
        assert (found["kind"], found["repair"]) == ("endpoint-left-by-peer", "")
        assert found["remedy"] == f"cni-hns endpoint delete {endpoint}"

    def test_other_programs_endpoints_are_no_finding(self, patient: Patient) -> None:
        patient.pod()
        patient.simulator.plant_endpoint("pods", Name="pods_ep")
        patient.simulator.plant_endpoints("pods", 20)
        assert patient.visit().findings == []

    def test_a_remote_one_with_a_pods_address(self, patient: Patient) -> None:
        pod = patient.pod()
        remote = patient.node.foreign("cni_remote", pod.address, remote=True)
        found = patient.visit().only()
        assert (found["kind"], found["severity"]) == ("address-of-remote-endpoint", "ill")
        assert found["pods"] == [pod.container]
        assert found["subject"] == f'address {pod.address} on HCN network "pods"'
        assert f"cni-hns endpoint delete {remote}" in found["remedy"]

    def test_two_local_ones_with_one_address(self, patient: Patient) -> None:
        patient.simulator.set_options(duplicate_address_hresult=0)
        pod = patient.pod()
        other, container = patient.node.namespace(), container_id()
        theirs = patient.node.foreign(f"{container}_pods", pod.address)
        assert patient.visit().kinds == ["address-of-unused-endpoint", "endpoint-left-by-peer"]
        patient.node.attach(other, theirs)
        found = patient.visit().only()
        assert (found["kind"], len(found["pods"])) == ("address-twice", 2)
        assert pod.endpoint in found["cause"]
        assert theirs in found["cause"]
