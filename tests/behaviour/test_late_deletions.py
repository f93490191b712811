"""HNS deletes an endpoint late, when its attachment was added again: the new endpoint stays."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.identity import endpoint_id
from tests.behaviour.pod import Pod
from tests.harness import SimulatedNode, finished

pytestmark = pytest.mark.not_in(
    "windows", reason="the steps are the same there, and each start takes longest"
)

_FAR = 60
"""More calls than any test makes before it waits for what is late."""

_UNREACHABLE = 0x800706BA
_ENDS: dict[str, dict[str, Any]] = {
    "killed": {"die": "after"},
    "unreachable": {"hresult": _UNREACHABLE},
}
"""How a DEL can end without knowing what HNS does."""


def _id(pod: Pod, generation: int) -> str:
    return endpoint_id("pods", pod.container, "eth0", generation)


def _ends_without_knowing(pod: Pod, after_calls: int = _FAR, end: str = "killed") -> None:
    """A DEL of it, of which HNS does the work only after so many further calls."""
    node = pod.node
    node.simulator.inject(function="HcnDeleteEndpoint", late_after_calls=after_calls, **_ENDS[end])
    assert node.process("DEL", pod.config, pod.container, pod.namespace).exit_code != 0
    node.simulator.clear_faults()


def _what_is_late_arrives(node: SimulatedNode) -> None:
    for _ in range(_FAR):
        node.hcn.networks.ids()


def _tombstones_end(node: SimulatedNode) -> None:
    with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
        ledger.execute("UPDATE attachments SET until = 0 WHERE until IS NOT NULL")
        ledger.execute("UPDATE leases SET until = 0 WHERE until IS NOT NULL")


def _is_added_and_outlives_what_is_late(pod: Pod) -> None:
    pod.node.simulator.clear_faults()
    pod.add()
    _what_is_late_arrives(pod.node)
    pod.assert_alive()


@pytest.fixture
def pod(node: SimulatedNode) -> Pod:
    Pod(node).add().done("DEL")
    return Pod(node).add()


@pytest.mark.parametrize("end", list(_ENDS))
class TestAnAddAfterADelOfWhichNobodyKnows:
    @pytest.mark.parametrize("after_calls", [1, 2, 3, 4, 5, 6, 8, 10, 15])
    def test_gives_a_pod_that_lives_whenever_the_deletion_arrives(
        self, pod: Pod, end: str, after_calls: int
    ) -> None:
        _ends_without_knowing(pod, after_calls, end)
        pod.add()
        _what_is_late_arrives(pod.node)
        pod.assert_alive()
        pod.done("DEL")
        pod.node.assert_nothing_owned()

    def test_uses_another_id(self, pod: Pod, end: str) -> None:
        _ends_without_knowing(pod, end=end)
        pod.add()
        assert [view.id for view in pod.node.endpoints()] == [_id(pod, 1)]
        assert [row.endpoint_id for row in pod.node.rows()] == [_id(pod, 1)]

    def test_that_fails_forgets_nothing(self, pod: Pod, end: str) -> None:
        _ends_without_knowing(pod, end=end)
        pod.node.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
        assert pod.call("ADD").exit_code == 1
        pod.node.simulator.clear_faults()
        pod.add()
        _what_is_late_arrives(pod.node)
        pod.assert_alive()

    def test_leaves_a_tombstone_when_it_is_deleted_that_holds_no_address(self, pod: Pod, end: str) -> None:
        _ends_without_knowing(pod, end=end)
        pod.add()
        pod.done("DEL")
        assert [row.phase for row in pod.node.rows()] == ["tombstone"]
        assert pod.node.leases(all_of_them=True) == []
        pod.add()
        _what_is_late_arrives(pod.node)
        pod.assert_alive()


class TestASecondDel:
    """The first was killed: what it asked for may come late, though nothing is left."""

    @pytest.fixture
    def deleted(self, pod: Pod) -> Pod:
        _ends_without_knowing(pod)
        pod.done("DEL")
        return pod

    def test_leaves_a_tombstone_without_an_address(self, deleted: Pod) -> None:
        assert [row.phase for row in deleted.node.rows()] == ["tombstone"]
        assert deleted.node.leases(all_of_them=True) == []
        assert deleted.node.endpoints() == []

    def test_and_an_add_use_another_id(self, deleted: Pod) -> None:
        deleted.add()
        _what_is_late_arrives(deleted.node)
        deleted.assert_alive()
        assert [view.id for view in deleted.node.endpoints()] == [_id(deleted, 1)]

    def test_after_its_time_the_usual_id_is_used_again(self, deleted: Pod) -> None:
        _tombstones_end(deleted.node)
        other = Pod(deleted.node).add()
        assert [row.key.container_id for row in deleted.node.rows()] == [other.container]
        deleted.add()
        assert _id(deleted, 0) in [view.id for view in deleted.node.endpoints()]

    def test_may_come_any_number_of_times(self, deleted: Pod) -> None:
        for _ in range(3):
            deleted.done("DEL")
        assert [row.phase for row in deleted.node.rows()] == ["tombstone"]


class TestAnAddThatIsKilledToo:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_leaves_neither_endpoint_to_the_next_del(self, pod: Pod, moment: str) -> None:
        """At each of its calls in turn; the DEL before was killed before HNS did anything."""
        node = pod.node
        for nth in range(1, 30):
            node.simulator.inject(function="HcnDeleteEndpoint", die="before")
            assert node.process("DEL", pod.config, pod.container, pod.namespace).killed
            node.simulator.clear_faults()
            node.simulator.inject(function="*", nth=nth, die=moment)
            killed = node.process("ADD", pod.config, pod.container, pod.namespace).killed
            node.simulator.clear_faults()
            pod.done("DEL")
            node.assert_nothing_owned()
            if not killed:
                break
            _tombstones_end(node)
            Pod(node).add().done("DEL")
            node.assert_clean()
            pod.add()
        assert nth > 5

    def test_while_it_clears_away_what_it_found(self, pod: Pod) -> None:
        """An ADD was killed; the next one deletes its endpoint, and is killed while HNS does so late."""
        node, other = pod.node, Pod(pod.node)
        node.simulator.inject(function="HcnModifyNamespace", die="before")
        assert node.process("ADD", other.config, other.container, other.namespace).killed
        node.simulator.clear_faults()
        node.simulator.inject(function="HcnDeleteEndpoint", late_after_calls=_FAR, die="after")
        assert node.process("ADD", other.config, other.container, other.namespace).killed
        _is_added_and_outlives_what_is_late(other)


def test_what_an_add_takes_back_may_come_late_too(pod: Pod) -> None:
    """Its undo is ended in the middle of the deletion."""
    node, other = pod.node, Pod(pod.node)
    node.simulator.inject(function="HcnModifyNamespace", hresult=0x80004005)
    node.simulator.inject(function="HcnDeleteEndpoint", late_after_calls=_FAR, die="after")
    assert node.process("ADD", other.config, other.container, other.namespace).killed
    _is_added_and_outlives_what_is_late(other)


def test_a_del_that_hangs_may_come_late(pod: Pod) -> None:
    node = pod.node
    fault = node.simulator.inject(function="HcnDeleteEndpoint", hang=True)
    answer = finished(node.start("DEL", {**pod.config, "timeout": 3}, pod.container, pod.namespace))
    assert answer.document["code"] == 103, answer.words
    assert node.simulator.fired(fault)
    node.simulator.clear_faults()
    pod.add()
    assert [view.id for view in node.endpoints()] == [_id(pod, 1)]


def test_what_hns_has_refused_it_does_not_do_late(pod: Pod) -> None:
    pod.node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
    assert pod.call("DEL").exit_code == 1
    pod.add()
    assert [view.id for view in pod.node.endpoints()] == [_id(pod, 0)]
    pod.done("DEL")
    pod.node.assert_clean()


@pytest.mark.parametrize("valid", [True, False], ids=["valid", "not valid"])
def test_gc_takes_an_endpoint_of_an_earlier_generation_that_arrived_late(pod: Pod, valid: bool) -> None:
    node = pod.node
    _ends_without_knowing(pod)
    pod.add()
    node.simulator.plant_endpoint("pods", ID=_id(pod, 0), Name=f"{pod.container}_pods")
    bystander = Pod(node).add()
    entries = [pod.entry, bystander.entry] if valid else [bystander.entry]
    bystander.done("GC", **{"cni.dev/valid-attachments": entries})
    left = {bystander.endpoint, _id(pod, 1)} if valid else {bystander.endpoint}
    assert {view.id for view in node.endpoints()} == left
    bystander.assert_alive()
    if valid:
        pod.assert_alive()


class TestADetachWithoutAnAnswer:
    """HNS went away while an endpoint left its namespace: it may still do that to what has the ID by then."""

    @pytest.fixture(autouse=True)
    def _nothing_is_left(self, pod: Pod) -> Iterator[None]:
        yield
        pod.done("DEL")
        pod.node.assert_nothing_owned()

    def test_in_a_del(self, pod: Pod) -> None:
        self._go_away_at_the_next_detach(pod.node)
        pod.done("DEL")
        _is_added_and_outlives_what_is_late(pod)

    def test_in_an_add_that_is_undone(self, pod: Pod) -> None:
        pod.done("DEL")
        # The endpoint is asked for once it is in its namespace; then the second change of it is the undoing.
        pod.node.simulator.inject(function="HcnQueryEndpointProperties", hresult=0x80004005)
        self._go_away_at_the_next_detach(pod.node, nth=2)
        answer = pod.call("ADD")
        assert answer.exit_code == 1
        assert "was not taken back and is left" in answer.words
        _is_added_and_outlives_what_is_late(pod)

    def test_while_it_clears_away_what_it_found_fails_the_add(self, pod: Pod) -> None:
        """A killed ADD's endpoint is taken out of HNS by the next one."""
        pod.done("DEL")
        pod.node.simulator.inject(function="HcnModifyNamespace", die="after")
        assert pod.node.process("ADD", pod.config, pod.container, pod.namespace).killed
        self._go_away_at_the_next_detach(pod.node)
        answer = pod.call("ADD")
        assert (answer.exit_code, answer.document["code"]) == (1, 100), answer.words
        _is_added_and_outlives_what_is_late(pod)

    def test_in_a_del_without_a_ledger(self, pod: Pod) -> None:
        for file in Path(pod.node.ledger_path).parent.iterdir():
            file.unlink()
        self._go_away_at_the_next_detach(pod.node)
        pod.done("DEL")
        _is_added_and_outlives_what_is_late(pod)

    def _go_away_at_the_next_detach(self, node: SimulatedNode, nth: int = 1) -> None:
        node.simulator.inject(
            function="HcnModifyNamespace", nth=nth, hresult=_UNREACHABLE, late_after_calls=_FAR
        )
