"""A damaged ledger is made anew from HNS; the pods keep their network meanwhile."""

from __future__ import annotations

import json

import pytest

from tests.harness import Printed, SimulatedNode, container_id, l2bridge
from tests.packaging import current


class Node:
    """A node with two pods, and the command that mends its ledger."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.pods = [(container_id(), node.namespace()) for _ in range(2)]
        self.results = [node.call("ADD", l2bridge(), *pod).document for pod in self.pods]
        self.path = node.folder / "cni-hns" / "ledger.db"

    def damage(self) -> None:
        self.path.write_bytes(b"not a ledger " * 400)

    def rebuild(self, *options: str) -> Printed:
        return self.node.command("ledger", "rebuild", "--json", *options)


@pytest.fixture
def broken(node: SimulatedNode) -> Node:
    made = Node(node)
    made.damage()
    return made


def test_a_damaged_ledger_is_an_error_that_names_the_command(broken: Node) -> None:
    answer = broken.node.call("ADD", l2bridge(), container_id(), broken.node.namespace())
    assert (answer.exit_code, answer.document["code"]) == (1, 102)
    assert "cni-hns ledger rebuild" in answer.words
    assert len(broken.node.endpoints()) == 2


def test_rebuild_finds_every_pod_and_keeps_the_old_file(broken: Node) -> None:
    done = broken.rebuild()
    assert done.exit_code == 0, done.stderr
    printed = json.loads(done.stdout)
    assert sorted(printed["containers"]) == sorted(container for container, _ in broken.pods)
    assert current().local(printed["oldFile"]).read_bytes().startswith(b"not a ledger")
    assert "note: HNS does not know Kubernetes names" in done.stderr
    assert [row.phase for row in broken.node.rows()] == ["ready", "ready"]
    assert [lease.address for lease in broken.node.leases()] == ["10.88.0.2", "10.88.0.3"]


def test_after_a_rebuild_check_repeated_add_and_del_work(broken: Node) -> None:
    assert broken.rebuild().exit_code == 0
    for (container, namespace), result in zip(broken.pods, broken.results, strict=True):
        check = broken.node.call("CHECK", l2bridge(prevResult=result), container, namespace)
        assert check.exit_code == 0, check.words
        assert broken.node.call("ADD", l2bridge(), container, namespace).document == result
        assert broken.node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    broken.node.assert_clean()


def test_after_a_rebuild_no_running_pods_address_is_given_out(broken: Node) -> None:
    assert broken.rebuild().exit_code == 0
    answer = broken.node.call("ADD", l2bridge(), container_id(), broken.node.namespace())
    assert answer.addresses == ["10.88.0.4/24"]


def test_a_sound_ledger_is_not_rebuilt(node: SimulatedNode) -> None:
    sound = Node(node)
    refused = sound.rebuild()
    assert refused.exit_code == 1
    assert "is sound" in refused.stderr
    assert sound.rebuild("--force").exit_code == 0


def test_while_hns_does_not_answer_nothing_is_moved(broken: Node) -> None:
    broken.node.simulator.inject(function="*", hresult=0x800706BA, count=0)
    assert broken.rebuild().exit_code == 1
    broken.node.simulator.clear_faults()
    assert broken.path.read_bytes().startswith(b"not a ledger")
