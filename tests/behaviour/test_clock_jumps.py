"""The wall clock jumps, by an hour, a day, ten years, either way: nobody loses an address or a pod by it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.behaviour.pod import Pod, all_valid
from tests.harness import SimulatedNode, finished, l2bridge
from tests.packaging import give

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_JUMPS = {
    f"{size} {way}": sign * seconds
    for way, sign in [("back", -1), ("forward", 1)]
    for size, seconds in [("an hour", _HOUR_S), ("a day", _DAY_S), ("ten years", 3652 * _DAY_S)]
}
_FEW = {"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.4"}
"""Three addresses: each one that is set aside is missed at once."""

_Jump = Callable[[], None]


@pytest.fixture(params=list(_JUMPS.values()), ids=list(_JUMPS))
def jump(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> _Jump:
    """Sets the wall clock once, by so much; the machine runs on as if nothing were."""
    clock = time.time

    def leap() -> None:
        monkeypatch.setattr(time, "time", lambda: clock() + request.param)

    return leap


@pytest.mark.in_process("the clock is that of the test's process")
class TestTheClockJumps:
    """Nothing hangs on the wall clock: nobody loses an address or a pod by a jump, nothing stays for ever."""

    def test_a_pod_lives_on_and_goes_in_good_order(self, node: SimulatedNode, jump: _Jump) -> None:
        pod = Pod(node).add()
        jump()
        pod.assert_alive()
        pod.done("GC")
        pod.done("STATUS")
        other = Pod(node).add()
        assert other.address != pod.address
        pod.done("GC", **all_valid(pod, other))
        pod.assert_alive()
        other.assert_alive()
        pod.done("DEL")
        other.done("DEL")
        node.assert_clean()

    def test_gc_takes_what_is_not_valid(self, node: SimulatedNode, jump: _Jump) -> None:
        gone, kept = Pod(node).add(), Pod(node).add()
        jump()
        kept.done("GC")
        assert [view.id for view in node.endpoints()] == [kept.endpoint]
        assert [lease.container_id for lease in node.leases()] == [kept.container]
        assert node.in_namespace(gone.namespace) == set()

    def test_an_add_that_ends_during_a_gc_is_left_alone(self, node: SimulatedNode, jump: _Jump) -> None:
        """The clock jumps between the beginning of the GC and the end of the ADD."""
        Pod(node).add().done("DEL")
        collecting = node.start("GC", None)
        assert collecting.stdin is not None
        # More than a pipe holds: when it is written, the GC has begun to read.
        collecting.stdin.write(b" " * 300_000)
        collecting.stdin.flush()
        jump()
        pod = Pod(node).add()
        give(collecting, json.dumps(l2bridge()).encode())
        assert finished(collecting).exit_code == 0
        pod.assert_alive()

    def test_a_tombstone_and_its_address_stay(self, node: SimulatedNode, jump: _Jump) -> None:
        """Only seconds have passed: HNS may still complete what the killed process asked for."""
        config = {"ipam": {"type": "cni-hns", "ranges": [[_FEW]]}}
        killed = _entombed(node, **config)
        jump()
        pods = [Pod(node, **config).add() for _ in range(2)]
        assert {pod.address for pod in pods} == {"10.88.0.3", "10.88.0.4"}
        pods[0].done("GC", **all_valid(*pods))
        assert [row.phase for row in node.rows() if row.key.container_id == killed.container] == ["tombstone"]
        late = node.simulator.plant_endpoint("pods", ID=killed.endpoint, Name=f"{killed.container}_pods")
        pods[0].done("DEL")
        assert late not in [view.id for view in node.endpoints()]
        pods[1].assert_alive()

    def test_a_quarantine_stays(self, node: SimulatedNode, jump: _Jump) -> None:
        config = {"ipam": {"type": "cni-hns", "ranges": [[_FEW]]}}
        Pod(node, **config).add()
        node.foreign("somebody's", "10.88.0.3")
        assert Pod(node, **config).add().address == "10.88.0.4"
        jump()
        set_aside = {lease.address: lease.state for lease in node.leases(all_of_them=True)}
        assert set_aside["10.88.0.3"] == "quarantined"
        answer = Pod(node, **config).call("ADD")
        assert (answer.exit_code, answer.document["code"]) == (1, 101), answer.words

    @pytest.mark.parametrize("command", ["DEL", "ADD"])
    def test_who_is_at_work_is_waited_for(self, node: SimulatedNode, jump: _Jump, command: str) -> None:
        pod = _under_way(node)
        jump()
        answer = pod.call(command, timeout=0.5)
        assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
        _let_go(node, pod)

    @pytest.mark.parametrize("command", ["GC", "ADD of another", "DEL of another"])
    def test_who_is_at_work_is_not_repaired(self, node: SimulatedNode, jump: _Jump, command: str) -> None:
        pod, other = _under_way(node), Pod(node).add()
        jump()
        if command == "GC":
            other.done("GC")
        elif command.startswith("ADD"):
            Pod(node).add()
        else:
            other.done("DEL")
        _let_go(node, pod)

    def test_what_a_killed_process_left_is_repaired(self, node: SimulatedNode, jump: _Jump) -> None:
        Pod(node).add().done("DEL")
        killed = Pod(node)
        node.simulator.inject(function="HcnModifyNamespace", die="before")
        assert node.process("ADD", killed.config, killed.container, killed.namespace).killed
        jump()
        other = Pod(node).add()
        assert [view.id for view in node.endpoints()] == [other.endpoint]
        assert [lease.container_id for lease in node.leases()] == [other.container]


def _until_fired(node: SimulatedNode, fault: int) -> None:
    ends = time.monotonic() + 60
    while not node.simulator.fired(fault):
        assert time.monotonic() < ends
        time.sleep(0.01)


def _entombed(node: SimulatedNode, **config: object) -> Pod:
    """A pod whose ADD was killed while it asked HNS for the endpoint, and which was deleted since."""
    pod = Pod(node, **config)
    node.simulator.inject(function="HcnCreateEndpoint", die="before")
    assert node.process("ADD", pod.config, pod.container, pod.namespace).killed
    pod.done("DEL")
    assert [row.phase for row in node.rows()] == ["tombstone"]
    return pod


def _under_way(node: SimulatedNode) -> Pod:
    """A pod whose ADD is just being done by another process."""
    pod = Pod(node)
    fault = node.simulator.inject(function="HcnCreateEndpoint", held="before")
    pod.adding = node.start("ADD", pod.config, pod.container, pod.namespace)
    _until_fired(node, fault)
    return pod


def _let_go(node: SimulatedNode, pod: Pod) -> None:
    """The ADD that was under way ends, and nobody has taken anything from it."""
    node.simulator.clear_faults()
    assert pod.adding is not None
    answer = finished(pod.adding)
    assert answer.exit_code == 0, answer.words
    pod.result = answer.document
    pod.assert_alive()
