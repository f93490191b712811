"""What is wrong with addresses: held for nobody, or where the ledger and host-local's folder disagree."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from tests.behaviour.pod import Pod
from tests.behaviour.scene import plant
from tests.harness import container_id
from tests.packaging import current
from tests.unit.doctor.conftest import Patient


def _forget(patient: Patient, *tables: str) -> None:
    """Damage: the ledger loses all rows of these tables."""
    with contextlib.closing(sqlite3.connect(patient.node.ledger_path)) as ledger, ledger:
        for table in tables:
            ledger.execute(f"DELETE FROM {table}")  # noqa: S608 - a table's name


def _shared(folder: Path) -> dict[str, Any]:
    """Changes of a configuration whose addresses have files of host-local's."""
    return {"ipam": {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": current().path(folder)}}


class TestLeases:
    def test_those_of_no_row_no_endpoint_and_no_container_are_one_finding(self, patient: Patient) -> None:
        living, gone, another = patient.pod(), patient.pod(runs=False), patient.pod(runs=False)
        for pod in (gone, another):
            patient.simulator.remove(pod.endpoint)
            patient.simulator.remove(pod.namespace)
            with contextlib.closing(sqlite3.connect(patient.node.ledger_path)) as ledger, ledger:
                ledger.execute("DELETE FROM attachments WHERE container_id = ?", [pod.container])
        found = patient.visit().only()
        assert (found["kind"], found["subject"]) == ("lease-without-pod", '2 addresses of network "pods"')
        assert gone.address in found["cause"]
        assert another.address in found["cause"]
        done = patient.repaired()
        assert (done.findings, done.outcomes) == ([], ["released", "released"])
        assert [one.address for one in patient.node.leases()] == [living.address]

    def test_reserved_addresses_are_nobodys_business(self, patient: Patient) -> None:
        patient.pod()
        reserve = ["ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", "10.88.0.99"]
        assert patient.node.command(*reserve).exit_code == 0
        assert patient.visit().findings == []

    def test_an_address_that_the_ledger_does_not_lease_is_held_again(self, patient: Patient) -> None:
        pod = patient.pod()
        patient.node.drop_leases()
        found = patient.visit().only()
        assert (found["kind"], found["pods"]) == ("address-without-lease", [pod.container])
        done = patient.repaired()
        assert (done.findings, done.outcomes) == ([], ["held"])
        assert Pod(patient.node).add().address != pod.address
        pod.assert_alive()


class TestFiles:
    def test_those_of_no_pod_are_removed(self, patient: Patient) -> None:
        patient.pod()
        files = [patient.file("vxlan0", f"10.99.0.{number}", container_id()) for number in (5, 6)]
        found = patient.visit().only()
        assert found["kind"] == "reservation-without-pod"
        assert "10.99.0.5, 10.99.0.6" in found["cause"]
        assert patient.repaired().findings == []
        assert not any(file.exists() for file in files)

    def test_those_of_a_pod_that_is_being_made_or_runs_stay(self, patient: Patient) -> None:
        made, runs, reserved = container_id(), container_id(), "kube-proxy"
        patient.simulator.run_container(runs)
        patient.file("vxlan0", "10.99.0.5", made, old=False)
        patient.file("vxlan0", "10.99.0.6", runs)
        patient.file("vxlan0", "10.99.0.7", reserved)
        pod = patient.pod()
        patient.file("vxlan0", pod.address, container_id())  # some endpoint has it
        assert patient.visit().findings == []

    def test_a_lease_without_file_gets_one(self, patient: Patient, tmp_path: Path) -> None:
        pod = patient.pod(**_shared(tmp_path))
        assert patient.visit().findings == []
        file = tmp_path / "pods" / pod.address
        file.unlink()
        assert patient.visit().only()["kind"] == "lease-without-reservation"
        done = patient.repaired()
        assert (done.findings, done.outcomes) == ([], ["its file was made"])
        assert file.read_bytes().decode().split()[0] == pod.container
        pod.done("DEL")
        assert not file.exists()

    def test_a_file_and_a_lease_of_two_containers_are_for_a_person(
        self, patient: Patient, tmp_path: Path
    ) -> None:
        pod = patient.pod(**_shared(tmp_path))
        other = container_id()
        (tmp_path / "pods" / pod.address).write_text(f"{other}\r\neth0")
        found = patient.visit().only()
        assert (found["kind"], found["repair"]) == ("reservation-of-another", "")
        assert pod.container in found["cause"]
        assert other in found["cause"]

    def test_what_was_taken_over_and_is_nobodys_goes_with_its_file(
        self, patient: Patient, tmp_path: Path
    ) -> None:
        stale = tmp_path / "pods" / "10.88.0.77"
        stale.parent.mkdir()
        stale.write_text(f"{container_id()}\r\neth0")
        patient.pod(**_shared(tmp_path))
        assert patient.visit().findings == []  # not yet: it was written just now
        patient.age(stale)
        found = patient.visit().only()
        assert (found["kind"], "10.88.0.77" in found["cause"]) == ("lease-without-pod", True)
        assert patient.visit("--repair").findings == []
        assert not stale.exists()


class TestTheLedger:
    def test_a_damaged_one(self, patient: Patient) -> None:
        patient.pod()
        Path(patient.node.ledger_path).write_text("not a ledger")
        for rest in Path(patient.node.ledger_path).parent.glob("ledger.db-*"):
            rest.unlink()
        done = patient.visit()
        found = done.only()
        assert (done.exit_code, found["kind"]) == (1, "ledger-damaged")
        assert (found["remedy"], "no SQLite file" in found["cause"]) == ("cni-hns ledger rebuild", True)
        assert patient.node.command("ledger", "rebuild").exit_code == 0
        assert patient.visit().findings == []

    def test_one_that_lost_its_pods_is_one_finding(self, patient: Patient) -> None:
        pods = [patient.pod(), patient.pod()]
        _forget(patient, "attachments", "leases")
        found = patient.visit().only()
        assert (found["kind"], found["subject"]) == ("ledger-lost-pods", "2 pods")
        assert sorted(found["pods"]) == sorted(pod.container for pod in pods)
        assert patient.node.command("ledger", "rebuild", "--force").exit_code == 0
        assert patient.visit().findings == []


class TestANodeOfAnotherPlugin:
    def peers_pod(self, patient: Patient, number: int) -> str:
        """A pod as win-bridge and host-local make one; its container."""
        container, namespace = container_id(), patient.node.namespace()
        address = f"10.88.0.{number}"
        patient.file("pods", address, container)
        patient.node.attach(namespace, patient.node.foreign(f"{container}_pods", address))
        patient.simulator.start_container(namespace, container)
        return container

    def test_healthy_pods_are_no_finding_and_stale_files_are_found(self, patient: Patient) -> None:
        plant(patient.node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
        for number in range(10, 15):
            self.peers_pod(patient, number)
        assert patient.visit() == (0, [], [], "")
        stale = patient.file("pods", "10.88.0.99", container_id())
        assert patient.visit().only()["kind"] == "reservation-without-pod"
        assert patient.repaired().findings == []
        assert not stale.exists()
        assert not Path(patient.node.ledger_path).exists()
