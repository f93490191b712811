"""Verbs through HNS V1, killed or failed at every call in turn: one DEL later nothing is left."""

from __future__ import annotations

import pytest

from tests.behaviour.docker import Container, bridge, node_with
from tests.harness import SimulatedNode

# More calls than any verb makes on the straight path; the loops end when the fault no longer fires.
_FAR = 30

REFUSED, UNREACHABLE = 0x80004005, 0x800706BE


@pytest.fixture(params=[True, False], ids=["V1 takes our ID", "V1 chooses the ID"])
def warm(node: SimulatedNode, request: pytest.FixtureRequest) -> SimulatedNode:
    """A node on which the network and the plan are known, with nobody attached."""
    node.simulator.set_options(v1_takes_ids=request.param)
    first = Container(node_with(node, bridge()), bridge()).add()
    first.done("DEL")
    return node


def _killed(container: Container, command: str, nth: int, moment: str) -> bool:
    """Whether the verb was killed at its nth call, or ended before it."""
    simulator = container.node.simulator
    simulator.inject(function="*", nth=nth, die=moment)
    answer = container.process(command)
    simulator.clear_faults()
    assert answer.killed or answer.exit_code == 0, answer.words
    return answer.killed


@pytest.mark.parametrize("moment", ["before", "after"])
class TestKilled:
    def test_an_add_of_a_sandbox_leaves_nothing_after_one_del(self, warm: SimulatedNode, moment: str) -> None:
        for nth in range(1, _FAR):
            sandbox = Container(warm, bridge())
            if not _killed(sandbox, "ADD", nth, moment):
                break
            sandbox.done("DEL", "")
            warm.assert_nothing_owned()
        assert nth > 5

    def test_an_add_of_a_sandbox_can_be_repeated(self, warm: SimulatedNode, moment: str) -> None:
        for nth in range(1, _FAR):
            sandbox = Container(warm, bridge())
            killed = _killed(sandbox, "ADD", nth, moment)
            sandbox.add().assert_alive()
            assert len(warm.endpoints()) == len(warm.leases()) == 1
            sandbox.done("DEL")
            warm.assert_nothing_owned()
            if not killed:
                break
        assert nth > 5

    def test_a_del_of_a_sandbox_is_finished_by_the_next(self, warm: SimulatedNode, moment: str) -> None:
        for nth in range(1, _FAR):
            sandbox = Container(warm, bridge()).add()
            killed = _killed(sandbox, "DEL", nth, moment)
            sandbox.done("DEL")
            warm.assert_nothing_owned()
            if not killed:
                break
        assert nth > 3

    def test_a_workload_never_takes_its_sandboxs_endpoint(self, warm: SimulatedNode, moment: str) -> None:
        sandbox = Container(warm, bridge()).add()
        for command in ("ADD", "DEL"):
            for nth in range(1, _FAR):
                workload = Container(warm, bridge(), sandbox)
                if command == "DEL":
                    workload.add()
                killed = _killed(workload, command, nth, moment)
                workload.done("DEL", "")
                assert workload.shares() == [[sandbox.id]]
                if not killed:
                    break
            assert nth > 2
            sandbox.assert_alive()
        sandbox.done("DEL")
        warm.assert_nothing_owned()


@pytest.mark.parametrize("hresult", [REFUSED, UNREACHABLE], ids=["refused", "unreachable"])
@pytest.mark.parametrize("took_effect", [False, True], ids=["not done", "done all the same"])
class TestFailed:
    def test_an_add_of_a_sandbox_takes_everything_back(
        self, warm: SimulatedNode, hresult: int, took_effect: bool
    ) -> None:
        for nth in range(1, _FAR):
            sandbox = Container(warm, bridge())
            warm.simulator.inject(function="*", nth=nth, hresult=hresult, took_effect=took_effect)
            answer = sandbox.call("ADD")
            warm.simulator.clear_faults()
            if answer.exit_code != 0:
                assert answer.document["code"] == 100, answer.words
            else:
                sandbox.result = answer.document
                sandbox.assert_alive()
            sandbox.done("DEL")
            warm.assert_nothing_owned()
        assert nth > 5

    def test_a_del_of_a_sandbox_is_finished_by_the_next(
        self, warm: SimulatedNode, hresult: int, took_effect: bool
    ) -> None:
        for nth in range(1, _FAR):
            sandbox = Container(warm, bridge()).add()
            warm.simulator.inject(function="*", nth=nth, hresult=hresult, took_effect=took_effect)
            answer = sandbox.call("DEL")
            warm.simulator.clear_faults()
            assert answer.exit_code == 0 or answer.document["code"] == 105
            sandbox.done("DEL")
            warm.assert_nothing_owned()
            if answer.exit_code == 0 and nth > 5:
                break

    def test_a_workload_never_takes_its_sandboxs_endpoint(
        self, warm: SimulatedNode, hresult: int, took_effect: bool
    ) -> None:
        sandbox = Container(warm, bridge()).add()
        for command in ("ADD", "DEL"):
            for nth in range(1, 8):
                workload = Container(warm, bridge(), sandbox)
                if command == "DEL":
                    workload.add()
                warm.simulator.inject(function="*", nth=nth, hresult=hresult, took_effect=took_effect)
                workload.call(command)
                warm.simulator.clear_faults()
                workload.done("DEL")
                assert workload.shares() == [[sandbox.id]]
        sandbox.assert_alive()


def test_what_a_killed_add_left_is_repaired_by_another_containers(warm: SimulatedNode) -> None:
    warm.simulator.inject(function="HcsModifyComputeSystem", die="after")
    assert Container(warm, bridge()).process("ADD").killed
    warm.simulator.clear_faults()
    other = Container(warm, bridge()).add()
    assert [view.name for view in warm.endpoints()] == [f"{other.id}_pods"]
    assert other.id in [row.key.container_id for row in warm.rows()]


def test_an_endpoint_that_hns_completes_after_the_del_is_found_by_a_later_verb(warm: SimulatedNode) -> None:
    """The ADD was killed while HNS was still creating; the DEL found nothing."""
    lost = Container(warm, bridge())
    warm.simulator.inject(function="HNSCall", object="/endpoints/", late_after_calls=4, die="after")
    assert lost.process("ADD").killed
    lost.done("DEL", "")
    warm.simulator.clear_faults()
    for _ in range(4):
        other = Container(warm, bridge()).add()
        other.done("DEL")
    assert warm.endpoints() == []
    assert warm.leases() == []


def test_an_undo_that_fails_leaves_the_row_for_the_next_del(warm: SimulatedNode) -> None:
    sandbox = Container(warm, bridge())
    warm.simulator.inject(function="HcsModifyComputeSystem", hresult=REFUSED, count=0)
    warm.simulator.inject(function="HNSCall", object="DELETE", hresult=REFUSED, count=0)
    answer = sandbox.call("ADD")
    warm.simulator.clear_faults()
    assert "left to the next DEL or GC" in answer.words
    assert len(warm.endpoints()) == len(warm.leases()) == 1
    sandbox.done("DEL")
    warm.assert_nothing_owned()
