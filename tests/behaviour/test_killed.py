"""A verb that is killed, or whose call fails, at every HNS call in turn: one DEL later nothing is left."""

from __future__ import annotations

import pytest

from tests.harness import SimulatedNode, container_id, l2bridge

# More calls than any verb makes on the straight path; the loops end when the fault no longer fires.
_FAR = 30


@pytest.fixture
def warm(node: SimulatedNode) -> SimulatedNode:
    """A node on which the network exists and the plan is known, with nobody attached."""
    namespace, container = node.namespace(), container_id()
    assert node.call("ADD", l2bridge(), container, namespace).exit_code == 0
    assert node.call("DEL", l2bridge(), container, namespace).exit_code == 0
    return node


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_add_killed_at_any_hns_call_leaves_nothing_after_one_del(warm: SimulatedNode, moment: str) -> None:
    for nth in range(1, _FAR):
        namespace, container = warm.namespace(), container_id()
        warm.simulator.inject(function="*", nth=nth, die=moment)
        killed = warm.process("ADD", l2bridge(), container, namespace)
        warm.simulator.clear_faults()
        if killed.exit_code == 0:
            break
        assert killed.killed
        assert warm.call("DEL", l2bridge(), container, "").exit_code == 0
        warm.assert_nothing_owned()
        assert warm.in_namespace(namespace) == set()
    assert nth > 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_add_killed_at_any_hns_call_can_be_repeated(warm: SimulatedNode, moment: str) -> None:
    for nth in range(1, _FAR):
        namespace, container = warm.namespace(), container_id()
        warm.simulator.inject(function="*", nth=nth, die=moment)
        killed = warm.process("ADD", l2bridge(), container, namespace)
        warm.simulator.clear_faults()
        again = warm.call("ADD", l2bridge(), container, namespace)
        assert again.exit_code == 0, again.words
        assert len(warm.endpoints()) == len(warm.leases()) == 1
        assert warm.call("DEL", l2bridge(), container, namespace).exit_code == 0
        warm.assert_clean()
        if killed.exit_code == 0:
            break
    assert nth > 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_del_killed_at_any_hns_call_is_finished_by_the_next(warm: SimulatedNode, moment: str) -> None:
    for nth in range(1, _FAR):
        namespace, container = warm.namespace(), container_id()
        assert warm.call("ADD", l2bridge(), container, namespace).exit_code == 0
        warm.simulator.inject(function="*", nth=nth, die=moment)
        killed = warm.process("DEL", l2bridge(), container, namespace)
        warm.simulator.clear_faults()
        assert warm.call("DEL", l2bridge(), container, namespace).exit_code == 0
        warm.assert_nothing_owned()
        if killed.exit_code == 0:
            break
    assert nth > 2


def test_what_a_killed_add_left_is_repaired_by_another_pods_add(warm: SimulatedNode) -> None:
    lost = container_id()
    warm.simulator.inject(function="HcnCreateEndpoint", die="after")
    assert warm.process("ADD", l2bridge(), lost, warm.namespace()).killed
    warm.simulator.clear_faults()
    other = container_id()
    assert warm.call("ADD", l2bridge(), other, warm.namespace()).exit_code == 0
    assert [one.name for one in warm.endpoints()] == [f"{other}_pods"]
    assert [row.key.container_id for row in warm.rows()] == [other]


def test_gc_repairs_everything_that_killed_adds_left(warm: SimulatedNode) -> None:
    for _ in range(4):
        warm.simulator.inject(function="HcnModifyNamespace", die="after")
        assert warm.process("ADD", l2bridge(), container_id(), warm.namespace()).killed
        warm.simulator.clear_faults()
    assert warm.call("GC", l2bridge()).exit_code == 0
    warm.assert_nothing_owned()


def test_an_endpoint_that_hns_completes_after_the_del_is_found_by_a_later_verb(warm: SimulatedNode) -> None:
    """The ADD was killed while HNS was still creating; the DEL found nothing."""
    container = container_id()
    warm.simulator.inject(function="HcnCreateEndpoint", late_after_calls=4, die="after")
    assert warm.process("ADD", l2bridge(), container, warm.namespace()).killed
    assert warm.call("DEL", l2bridge(), container, "").exit_code == 0
    warm.simulator.clear_faults()
    for _ in range(4):
        other, namespace = container_id(), warm.namespace()
        added = warm.call("ADD", l2bridge(), other, namespace)
        assert added.exit_code == 0, added.words
        assert warm.call("DEL", l2bridge(), other, namespace).exit_code == 0
    warm.assert_clean()


@pytest.mark.parametrize("hresult", [0x80004005, 0x800706BA], ids=["refused", "unreachable"])
@pytest.mark.parametrize("took_effect", [False, True], ids=["not done", "done all the same"])
def test_an_add_whose_call_fails_takes_everything_back(
    warm: SimulatedNode, hresult: int, took_effect: bool
) -> None:
    for nth in range(1, _FAR):
        namespace, container = warm.namespace(), container_id()
        warm.simulator.inject(function="*", nth=nth, hresult=hresult, took_effect=took_effect)
        answer = warm.call("ADD", l2bridge(), container, namespace)
        warm.simulator.clear_faults()
        if answer.exit_code == 0:
            break
        assert answer.document["code"] == 100, answer.words
        warm.assert_nothing_owned()
        assert warm.call("DEL", l2bridge(), container, namespace).exit_code == 0
    assert nth > 3


def test_an_undo_that_fails_leaves_the_row_for_the_next_del(warm: SimulatedNode) -> None:
    namespace, container = warm.namespace(), container_id()
    warm.simulator.inject(function="HcnModifyNamespace", hresult=0x80004005)
    warm.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
    answer = warm.call("ADD", l2bridge(), container, namespace)
    assert answer.exit_code == 1
    assert "left to the next DEL or GC" in answer.words
    assert len(warm.endpoints()) == len(warm.leases()) == 1
    assert warm.call("DEL", l2bridge(), container, namespace).exit_code == 0
    warm.assert_clean()


def test_a_failing_repeat_takes_nothing_from_the_live_pod(warm: SimulatedNode) -> None:
    namespace, container = warm.namespace(), container_id()
    assert warm.call("ADD", l2bridge(), container, namespace).exit_code == 0
    before = warm.endpoints(), warm.leases()
    for nth in range(1, _FAR):
        warm.simulator.inject(function="*", nth=nth, hresult=0x80004005)
        answer = warm.call("ADD", l2bridge(), container, namespace)
        warm.simulator.clear_faults()
        assert (warm.endpoints(), warm.leases()) == before
        if answer.exit_code == 0:
            break
    assert nth > 1


def test_a_failing_remake_keeps_the_address_of_the_pod(warm: SimulatedNode) -> None:
    """HNS lost the endpoint, and making it again fails: the pod still has its lease and its result."""
    namespace, container = warm.namespace(), container_id()
    first = warm.call("ADD", l2bridge(), container, namespace)
    warm.hcn.endpoints.delete(warm.endpoints()[0].id)
    warm.simulator.inject(function="HcnCreateEndpoint", hresult=0x80004005)
    assert warm.call("ADD", l2bridge(), container, namespace).exit_code == 1
    assert len(warm.leases()) == 1
    assert warm.call("ADD", l2bridge(), container, namespace) == first


def test_a_hung_call_ends_the_verb_with_the_name_of_the_call(warm: SimulatedNode) -> None:
    container = container_id()
    warm.simulator.inject(function="HcnCreateEndpoint", hang=True)
    config = l2bridge(timeout={"add": 6})
    answer = warm.process("ADD", config, container, warm.namespace())
    warm.simulator.clear_faults()
    assert (answer.exit_code, answer.document["code"]) == (1, 103)
    assert "HcnCreateEndpoint" in answer.words
    assert warm.call("DEL", l2bridge(), container, "").exit_code == 0
    warm.assert_nothing_owned()
