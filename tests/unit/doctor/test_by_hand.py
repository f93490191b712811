"""What the doctor's repairs do by themselves, where the world has moved since the node was examined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cni_hns.deadline import Deadline
from cni_hns.hcn.documents import add_endpoint, remove_endpoint
from cni_hns.ledger import AttachmentRow, Lease
from cni_hns.ledger.rows import TAKEN_OVER
from cni_hns.log import Log
from cni_hns.node.node import Node
from cni_hns.verbs.addresses_by_hand import Stale, adopt, remove_files, reserve
from cni_hns.verbs.heal import _document, _Left, heal
from tests.behaviour.pod import Pod
from tests.unit.doctor.conftest import Patient


@pytest.fixture
def node(patient: Patient) -> Iterator[Node]:
    simulator = patient.simulator
    made = Node(lambda: (simulator.libraries(), simulator.machine()), Log(stderr=False), Deadline(60.0))
    yield made
    made.close()


def row_of(patient: Patient, pod: Pod) -> AttachmentRow:
    (row,) = [one for one in patient.node.rows() if one.key.container_id == pod.container]
    return row


def lease_of(patient: Patient, pod: Pod) -> Lease:
    (lease,) = [one for one in patient.node.leases() if one.container_id == pod.container]
    return lease


def outcomes(node: Node, *rows: AttachmentRow, dry_run: bool = False) -> list[str]:
    return [one.outcome for one in heal(node, list(rows), dry_run=dry_run)]


class TestHeal:
    def test_what_needs_nothing_is_not_told_of(self, patient: Patient, node: Node) -> None:
        assert outcomes(node, row_of(patient, patient.pod())) == []

    def test_an_hns_that_has_just_started_is_waited_for(self, patient: Patient, node: Node) -> None:
        row = row_of(patient, patient.pod())
        patient.simulator.set_options(hns_uptime_s=5)
        (outcome,) = outcomes(node, row)
        assert outcome.startswith("left: HNS has just started")

    def test_a_row_that_names_no_endpoint_is_left(self, patient: Patient, node: Node) -> None:
        row = row_of(patient, patient.pod())
        for one in (row._replace(endpoint_id=None), row._replace(phase="adding")):
            (outcome,) = outcomes(node, one)
            assert outcome.startswith("left: the ledger does not know where its endpoint was")

    def test_a_pod_whose_namespace_is_gone_is_left_to_gc(self, patient: Patient, node: Node) -> None:
        pod = patient.pod(runs=False)
        patient.simulator.remove(pod.endpoint)
        patient.simulator.remove(pod.namespace)
        (outcome,) = outcomes(node, row_of(patient, pod))
        assert outcome.startswith("left: ")
        assert "`cni-hns gc`" in outcome

    def test_an_endpoint_in_no_namespace_is_put_back(self, patient: Patient, node: Node) -> None:
        pod = patient.pod(runs=False)
        with node.hcn.namespaces.open(pod.namespace) as room:
            room.modify(remove_endpoint(pod.endpoint))
        row = row_of(patient, pod)
        assert outcomes(node, row, dry_run=True) == ["would be put back"]
        assert outcomes(node, row) == ["put back"]
        pod.assert_alive()

    def test_an_endpoint_that_another_namespace_has_is_left(self, patient: Patient, node: Node) -> None:
        pod, other = patient.pod(runs=False), patient.node.namespace()
        with node.hcn.namespaces.open(pod.namespace) as room:
            room.modify(remove_endpoint(pod.endpoint))
        with node.hcn.namespaces.open(other) as room:
            room.modify(add_endpoint(pod.endpoint))
        (outcome,) = outcomes(node, row_of(patient, pod))
        assert outcome.endswith("whoever put it there wants it")

    def test_a_network_that_is_gone_is_named(self, patient: Patient, node: Node) -> None:
        pod = patient.pod(runs=False)
        row = row_of(patient, pod)
        patient.simulator.remove(pod.endpoint)
        patient.simulator.remove("pods")
        (outcome,) = outcomes(node, row)
        assert outcome.startswith('left: HNS does not have HCN network "pods"')

    def test_an_address_that_another_endpoint_has_by_now_is_not_made_twice(
        self, patient: Patient, node: Node
    ) -> None:
        pod = patient.pod(runs=False)
        patient.simulator.remove(pod.endpoint)
        patient.simulator.plant_endpoint("pods", IpConfigurations=[{"IpAddress": pod.address}])
        (outcome,) = outcomes(node, row_of(patient, pod))
        assert f"has its address {pod.address} meanwhile" in outcome
        assert outcome.startswith("left: ")

    def test_an_address_that_host_local_gave_away_is_not_made_twice(
        self, patient: Patient, node: Node
    ) -> None:
        ipam = {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
        pod = patient.pod(runs=False, ipam=ipam)
        patient.simulator.remove(pod.endpoint)
        patient.file("pods", pod.address, "somebody-else")
        (outcome,) = outcomes(node, row_of(patient, pod))
        assert outcome.startswith("left: host-local has given its address to")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"request": None, "result": None}, "the ledger was rebuilt"),
            ({"v1_netns": "container:sandbox"}, "its endpoint is another container's"),
            ({"is_of_a_peer": True}, "another plugin made it"),
        ],
        ids=["a rebuilt ledger", "a shared endpoint", "a peer's endpoint"],
    )
    def test_what_the_ledger_does_not_know_is_not_made_up(
        self, patient: Patient, node: Node, changes: dict[str, Any], words: str
    ) -> None:
        pod = patient.pod(runs=False)
        patient.simulator.remove(pod.endpoint)
        if changes.pop("is_of_a_peer", False):
            changes = {"request": {TAKEN_OVER: pod.endpoint}}
        row = row_of(patient, pod)
        with pytest.raises(_Left, match=words):
            _document(row._replace(**changes), node)


class TestAddresses:
    def test_a_file_whose_address_an_endpoint_has_by_now_stays(self, patient: Patient, node: Node) -> None:
        pod = patient.pod(runs=False)
        file = patient.file("pods", pod.address, "gone")
        stale = Stale(str(file.parent), pod.address, "gone", "eth0")
        (done,) = remove_files(node, [stale])
        assert (done.is_left, file.exists()) == (True, True)
        assert remove_files(node, []) == []

    def test_a_file_of_nobodys_goes(self, patient: Patient, node: Node) -> None:
        patient.pod(runs=False)
        file = patient.file("pods", "10.88.0.77", "gone")
        (done,) = remove_files(node, [Stale(str(file.parent), "10.88.0.77", "gone", "eth0")])
        assert (done.is_left, file.exists()) == (False, False)

    def test_a_file_is_made_only_for_a_lease_that_is_still_held(self, patient: Patient, node: Node) -> None:
        ipam = {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
        pod = patient.pod(runs=False, ipam=ipam)
        lease = lease_of(patient, pod)
        file = patient.node.host_local_folder / "pods" / pod.address
        file.unlink()
        (done,) = reserve(node, [lease])
        assert (done.is_left, file.exists()) == (False, True)
        file.write_text("somebody-else\r\neth0")
        (done,) = reserve(node, [lease])
        assert done.outcome.startswith("left: its file is of")
        pod.done("DEL")
        (done,) = reserve(node, [lease])
        assert done.outcome == "left: it was released meanwhile"

    def test_an_address_is_held_for_the_attachment_that_has_it(self, patient: Patient, node: Node) -> None:
        row = row_of(patient, patient.pod(runs=False))
        assert adopt(node, row.key, "another token", "10.88.0.88").is_left
        assert adopt(node, row.key, row.token, "10.88.0.88").outcome == "held"
        assert adopt(node, row.key, row.token, "10.88.0.88").is_left
