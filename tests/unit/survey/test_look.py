"""Each source is read once, and one that does not answer is a note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.errors import AccessDenied
from cni_hns.cri.faults import CriFault
from cni_hns.deadline import Deadline
from cni_hns.ledger import open_ledger
from cni_hns.log import Log
from cni_hns.node.node import Node
from cni_hns.survey.joining import pods_of
from cni_hns.survey.look import look
from cni_hns.survey.seen import Seen
from tests.harness import SimulatedNode, l2bridge
from tests.unit.survey.staging import SANDBOX, sandbox, system


def no_systems() -> list[Any]:
    return []


def refused() -> list[Any]:
    raise AccessDenied("HcsEnumerateComputeSystems", "", 0x8037011B)


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedNode]:
    made = SimulatedNode(tmp_path)
    yield made
    made.close()


@pytest.fixture
def node(simulated: SimulatedNode) -> Iterator[Node]:
    simulator = simulated.simulator
    made = Node(lambda: (simulator.libraries(), simulator.machine()), Log(stderr=False), Deadline(60))
    yield made
    made.close()


def add(simulated: SimulatedNode) -> None:
    answer = simulated.call("ADD", l2bridge(), SANDBOX, simulated.namespace())
    assert answer.exit_code == 0, answer.words


def test_a_node_without_anything_has_empty_lists(node: Node) -> None:
    seen = look(node, no_systems)
    assert (seen.endpoints, seen.networks, seen.systems) == ([], [], [])
    assert (seen.rows, seen.leases, seen.time, seen.notes) == ([], [], None, ())


def test_what_an_add_made_is_one_pod_in_which_all_agree(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    (pod,) = pods_of(look(node, lambda: [system()]))
    assert (pod.id, pod.state, pod.mismatches) == (SANDBOX, "ok", [])
    assert (len(pod.endpoints), len(pod.attachments), len(pod.leases)) == (1, 1, 1)


def test_each_family_is_listed_once(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    simulated.simulator.reset_journal()
    look(node, no_systems)
    listed = Counter(one for one in simulated.calls() if one.startswith("HcnEnumerate"))
    families = ("Namespaces", "Endpoints", "Networks", "LoadBalancers")
    assert listed == {f"HcnEnumerate{family}": 1 for family in families}


def test_an_hcs_that_refuses_is_a_note(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    seen = look(node, refused)
    assert (seen.systems, len(seen.notes), len(pods_of(seen))) == (None, 1, 1)
    assert "HcsEnumerateComputeSystems" in seen.notes[0]


def test_an_hns_that_refuses_is_a_note(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    simulated.simulator.inject(function="HcnEnumerateNamespaces", hresult=0x80070005)
    seen = look(node, no_systems)
    assert (seen.namespaces, seen.systems, len(seen.notes)) == (None, [], 1)
    (pod,) = pods_of(seen)
    assert (pod.id, pod.attachments[0].phase) == (SANDBOX, "ready")


def test_a_runtime_is_asked_only_where_somebody_wants_it(node: Node) -> None:
    assert look(node, no_systems).sandboxes is None
    assert (Seen().is_blind, Seen(sandboxes=[]).is_blind) == (True, False)
    assert look(node, no_systems, lambda: [sandbox()]).sandboxes == [sandbox()]


def test_a_runtime_that_does_not_tell_is_a_note(simulated: SimulatedNode, node: Node) -> None:
    def hangs() -> list[Any]:
        raise CriFault("the runtime has not answered")

    add(simulated)
    seen = look(node, lambda: [system()], hangs)
    assert (seen.sandboxes, seen.notes) == (None, ("the runtime has not answered",))
    (pod,) = pods_of(seen)
    assert (pod.id, pod.state) == (SANDBOX, "ok")


def test_a_ledger_that_is_damaged_is_one_note(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    simulated.lose_ledger()
    Path(simulated.ledger_path).write_text("not a ledger")
    seen = look(node, no_systems)
    assert (seen.rows, seen.leases, len(seen.notes)) == (None, None, 1)
    (pod,) = pods_of(seen)
    assert (pod.id, pod.state) == (SANDBOX, "ok")


def test_a_row_that_changes_meanwhile_is_at_work(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)

    def a_del_comes() -> list[Any]:
        assert simulated.call("DEL", l2bridge(), SANDBOX).exit_code == 0
        return []

    seen = look(node, a_del_comes)
    (pod,) = pods_of(seen)
    assert (seen.rows, pod.state, pod.mismatches) == ([], "changing", [])


def test_a_row_of_a_living_process_is_at_work(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    ledger = open_ledger(simulated.ledger_path, Deadline(60))
    (row,) = ledger.attachments()
    claim = {"fingerprint": None, "namespace_id": None, "token": "del", "deadline_at": node.deadline_at()}
    ledger.claim(row.key, "deleting", owner=node.owner, alive=node.alive, **claim)  # type: ignore[arg-type]
    ledger.close()
    assert look(node, no_systems).at_work == {row.key}


def test_a_row_of_a_dead_process_is_half_done(simulated: SimulatedNode, node: Node) -> None:
    add(simulated)
    ledger = open_ledger(simulated.ledger_path, Deadline(60))
    (row,) = ledger.attachments()
    claim = {"fingerprint": None, "namespace_id": None, "token": "del", "deadline_at": node.deadline_at()}
    dead = node.owner._replace(boot_id="an earlier one")
    ledger.claim(row.key, "deleting", owner=dead, alive=node.alive, **claim)  # type: ignore[arg-type]
    ledger.close()
    (pod,) = pods_of(look(node, no_systems))
    assert [one.kind for one in pod.mismatches] == ["unfinished"]
