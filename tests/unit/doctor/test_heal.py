"""Endpoints that HNS lost are made again as they were, in every mode and whoever gave the address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cni_hns.cli.doctor as command
from tests.behaviour.docker import Container, bridge, node_with, overlay
from tests.behaviour.ipam_plugin import FakeIpam
from tests.behaviour.scene import MODES, NEEDS_DUAL_STACK, configured, dual, joining, plant
from tests.harness import container_id
from tests.packaging import current
from tests.unit.doctor.conftest import Patient


def _lost_and_healed(patient: Patient, config: dict[str, Any], **more: Any) -> None:
    container, namespace = container_id(), patient.node.namespace()
    answer = patient.node.call("ADD", config, container, namespace, **more)
    assert answer.exit_code == 0, answer.words
    patient.simulator.start_container(namespace, container)
    (before,) = patient.node.endpoints()
    patient.simulator.remove(before.id)
    done = patient.visit("--repair")
    assert (done.exit_code, done.outcomes, done.findings) == (0, ["made again"], [])
    (after,) = patient.node.endpoints()
    assert after._replace(containers=[], state=None) == before._replace(containers=[], state=None)
    again = patient.node.call("ADD", config, container, namespace, **more)
    assert again.document == answer.document
    check = patient.node.call(
        "CHECK", {**config, "prevResult": answer.document}, container, namespace, **more
    )
    assert check.exit_code == 0, check.words
    assert patient.node.call("DEL", config, container, namespace, **more).exit_code == 0
    assert patient.node.endpoints() == []


@pytest.mark.parametrize("mode", MODES)
def test_in_every_mode(patient: Patient, mode: str) -> None:
    _lost_and_healed(patient, configured(mode))


@NEEDS_DUAL_STACK
def test_with_two_families(patient: Patient) -> None:
    ranges = [[{"subnet": "10.88.0.0/24"}], [{"subnet": "fd00:88::/112"}]]
    _lost_and_healed(patient, dual(ipam={"type": "cni-hns", "ranges": ranges}))


@pytest.mark.parametrize("mode", ["l2bridge", "nat"])
def test_with_addresses_that_hns_gave(patient: Patient, mode: str) -> None:
    config = configured(mode)
    del config["ipam"]
    _lost_and_healed(patient, config)


def test_with_host_ports_and_dns(patient: Patient) -> None:
    ports = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
    config = configured("nat", runtimeConfig={"portMappings": ports})
    _lost_and_healed(patient, config)


def test_with_an_external_ipam_plugin(patient: Patient, tmp_path: Path) -> None:
    ipam = FakeIpam(tmp_path / "plugins")
    config = configured("l2bridge", ipam={"type": "fake-ipam"}, dns={})
    _lost_and_healed(patient, config, path=ipam.path)
    assert ipam.commands.count("ADD") == 1


@pytest.mark.parametrize("peer", ["win-bridge", "sdnbridge"])
def test_of_a_peers_configuration(patient: Patient, peer: str) -> None:
    plant(patient.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    _lost_and_healed(patient, joining(peer))


def test_a_rebuilt_ledger_does_not_know_enough(patient: Patient) -> None:
    pod = patient.pod()
    assert patient.node.command("ledger", "rebuild", "--force").exit_code == 0
    patient.simulator.remove(pod.endpoint)
    done = patient.visit("--repair")
    assert done.exit_code == 1
    assert "left: the ledger was rebuilt and does not know what HNS was asked for" in done.outcomes[0]
    pod.done("DEL")
    patient.node.assert_clean()


def test_a_del_that_comes_meanwhile_wins(patient: Patient) -> None:
    pod = patient.pod(runs=False, old=False)
    patient.simulator.remove(pod.endpoint)
    fault = patient.simulator.inject(function="HcnModifyNamespace", held="before")
    visits: list[Any] = []
    healing = threading.Thread(target=lambda: visits.append(patient.node.command("doctor", "--repair")))
    healing.start()
    while not patient.simulator.fired(fault):
        time.sleep(0.001)
    deleted = pod.call("DEL")
    assert deleted.exit_code == 0, deleted.words
    patient.simulator.clear_faults()
    healing.join()
    assert ": left: " in visits[0].stdout
    patient.node.assert_clean()


@pytest.mark.parametrize("function", ["HcnCreateEndpoint", "HcnModifyNamespace"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_one_that_is_killed_leaves_the_pod_to_the_next(patient: Patient, function: str, moment: str) -> None:
    pod = patient.pod()
    patient.simulator.remove(pod.endpoint)
    patient.simulator.inject(function=function, die=moment)
    process = current().start(patient.node.environment, b"", arguments=("doctor", "--repair"))
    process.communicate()
    assert process.returncode not in {0, 1}
    patient.simulator.clear_faults()
    patient.pod(runs=False).done("DEL")  # a verb of another pod repairs what was left half done
    assert patient.node.command("gc").stdout == "nothing to take away\n"
    assert patient.visit("--repair").findings == []
    pod.assert_alive()


def test_a_creation_that_hns_refuses_changes_nothing(patient: Patient) -> None:
    pod = patient.pod()
    patient.simulator.remove(pod.endpoint)
    rows, leases = patient.node.rows(), patient.node.leases()
    patient.simulator.inject(function="HcnCreateEndpoint", hresult=0x803B0017)
    done = patient.visit("--repair")
    assert (done.exit_code, done.kinds) == (1, ["endpoint-missing"])
    assert "0x803B0017" in done.outcomes[0]
    assert (patient.node.rows(), patient.node.leases()) == (rows, leases)
    assert patient.visit("--repair").findings == []
    pod.assert_alive()


def test_one_that_cannot_be_put_into_its_namespace_is_taken_back(patient: Patient) -> None:
    pod = patient.pod()
    patient.simulator.remove(pod.endpoint)
    patient.simulator.inject(function="HcnModifyNamespace", hresult=0x803B0017)
    assert patient.visit("--repair").exit_code == 1
    assert patient.node.endpoints() == []
    assert patient.visit("--repair").findings == []
    pod.assert_alive()


class TestDockerStyleContainers:
    @pytest.fixture(params=[bridge(), overlay()], ids=["win-bridge", "win-overlay"])
    def sandbox(self, patient: Patient, request: pytest.FixtureRequest) -> Container:
        return Container(node_with(patient.node, request.param), request.param).add()

    def test_a_healthy_node_has_none(self, patient: Patient, sandbox: Container) -> None:
        Container(patient.node, sandbox.config, sandbox).add()
        patient.grow_old()
        assert patient.visit().findings == []

    def test_what_two_share_is_made_once_and_given_to_both(
        self, patient: Patient, sandbox: Container
    ) -> None:
        workload = Container(patient.node, sandbox.config, sandbox).add()
        patient.simulator.remove(sandbox.endpoint)
        done = patient.visit("--repair")
        assert (done.outcomes, done.findings) == (["made again", "put back"], [])
        sandbox.assert_alive()
        workload.assert_alive()


def test_a_repair_that_fails_as_a_whole_is_said_and_the_others_go_on(patient: Patient) -> None:
    pod = patient.pod()
    patient.simulator.remove(pod.endpoint)
    file = patient.file("vxlan0", "10.99.0.5", container_id())
    patient.simulator.inject(function="HNSCall", hresult=0x80070005, count=0)
    done = patient.visit("--repair")
    assert (done.exit_code, [one["repair"] for one in done.repaired]) == (1, ["heal", "release"])
    assert all(one.startswith("left: ") for one in done.outcomes)
    assert file.exists()
    patient.simulator.clear_faults()
    assert patient.visit("--repair").outcomes == ["made again", "its file was removed"]


def test_a_repair_that_hangs_ends_with_what_it_has(
    patient: Patient, join_threads: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_REPAIR_S", 0.5)
    for _ in range(2):
        patient.simulator.remove(patient.pod().endpoint)
    patient.simulator.inject(function="HcnCreateEndpoint", nth=2, held="before")
    done = patient.visit("--repair")
    patient.simulator.clear_faults()
    join_threads()
    assert (done.exit_code, done.outcomes) == (1, ["made again", "left: HNS did not answer within 0.5 s"])
    assert patient.visit().findings == []
