"""Verbs of many processes at the same time, with kills and with an HNS that changes under their hands."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcn.documents import remove_endpoint
from cni_hns.identity import endpoint_id
from cni_hns.simulator.core.journal import Call
from tests.behaviour.ipam_plugin import FakeIpam
from tests.harness import Answer, SimulatedNode, container_id, finished, l2bridge
from tests.packaging import current, give

_PATIENCE_S = 60.0
# The budget of a verb that is to give up soon.
_HASTY_S = 0.2 if current().is_in_process else 3.0


@pytest.fixture
def warm(node: SimulatedNode) -> SimulatedNode:
    """A node on which the network exists and the plan is known, with nobody attached."""
    _added_and_deleted(node, l2bridge())
    return node


def _added_and_deleted(node: SimulatedNode, config: dict[str, Any]) -> None:
    namespace, container = node.namespace(), container_id()
    assert node.call("ADD", config, container, namespace).exit_code == 0
    assert node.call("DEL", config, container, namespace).exit_code == 0


def _until(what: Callable[[], object]) -> None:
    """Wait for another process to have come so far; the limit is there for a broken program only."""
    ends = time.monotonic() + _PATIENCE_S
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def _is_in_phase(node: SimulatedNode, container: str, phase: str) -> Callable[[], object]:
    return lambda: phase in [row.phase for row in node.rows() if row.key.container_id == container]


def _valid(containers: list[str]) -> dict[str, Any]:
    return {"cni.dev/valid-attachments": [{"containerID": one, "ifname": "eth0"} for one in containers]}


def _pid(node: SimulatedNode, pod: _Pod, process: subprocess.Popen[bytes]) -> int:
    """The process's id as it knows it itself: under Wine, Linux knows it by another."""
    (pid,) = [row.owner.pid for row in node.rows() if row.key.container_id == pod.container and row.owner]
    assert current().on_windows or pid == process.pid
    return pid


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


class _Pod:
    """One pod of a crowd, and what its processes said."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.container, self.namespace = container_id(), node.namespace()

    def start(self, command: str) -> subprocess.Popen[bytes]:
        return self.node.start(command, l2bridge(), self.container, self.namespace)

    def add(self) -> Answer:
        answer = self.node.call("ADD", l2bridge(), self.container, self.namespace)
        assert answer.exit_code == 0, answer.words
        return answer

    def endpoint_id(self) -> str:
        return endpoint_id("pods", self.container, "eth0")


class TestCrowds:
    """What the runtime was told has happened has happened, and GC takes away the rest."""

    @pytest.mark.parametrize("seed", range(4))
    def test_after_adds_with_random_kills_each_answered_pod_lives_and_gc_takes_the_rest(
        self, warm: SimulatedNode, seed: int
    ) -> None:
        pods = [_Pod(warm) for _ in range(16)]
        _inject_kills(warm, random.Random(seed), calls=16 * 4)  # noqa: S311 - a seed, not a secret
        processes = [pod.start("ADD") for pod in pods]
        answers = [_finished_or_killed(process) for process in processes]
        warm.simulator.clear_faults()
        living = _the_living(pods, answers)
        assert 0 < len(living) < len(pods)
        self._collect(warm, living)

    @pytest.mark.parametrize("seed", range(4))
    def test_after_adds_and_dels_with_random_kills_gc_leaves_the_living_only(
        self, warm: SimulatedNode, seed: int
    ) -> None:
        leaving, coming = [_Pod(warm) for _ in range(8)], [_Pod(warm) for _ in range(8)]
        for pod in leaving:
            assert warm.call("ADD", l2bridge(), pod.container, pod.namespace).exit_code == 0
        _inject_kills(warm, random.Random(seed), calls=8 * 4 + 8 * 3)  # noqa: S311
        dels = [pod.start("DEL") for pod in leaving]
        adds = [pod.start("ADD") for pod in coming]
        answers = [_finished_or_killed(process) for process in adds]
        for process in dels:
            _finished_or_killed(process)
        warm.simulator.clear_faults()
        self._collect(warm, _the_living(coming, answers))

    def _collect(self, node: SimulatedNode, living: list[tuple[_Pod, Answer]]) -> None:
        collected = node.call("GC", l2bridge(**_valid([pod.container for pod, _ in living])))
        assert collected.exit_code == 0, collected.words
        assert {view.id: view.namespace for view in node.endpoints()} == {
            pod.endpoint_id(): pod.namespace for pod, _ in living
        }
        assert {lease.container_id: lease.address for lease in node.leases()} == {
            pod.container: answer.addresses[0].partition("/")[0] for pod, answer in living
        }
        for pod, answer in living:
            config = l2bridge(prevResult=answer.document)
            checked = node.call("CHECK", config, pod.container, pod.namespace)
            assert checked.exit_code == 0, checked.words
        assert node.call("GC", l2bridge()).exit_code == 0
        node.assert_nothing_owned()

    def test_gc_among_adds_takes_all_of_a_pod_or_nothing(self, warm: SimulatedNode) -> None:
        """An old list costs a runtime pods that are ready, but an ADD under way is never disturbed."""
        pods = [_Pod(warm) for _ in range(12)]
        adding, collecting = [], []
        for number, pod in enumerate(pods):
            adding.append(pod.start("ADD"))
            if number % 4 == 0:
                collecting.append(warm.start("GC", l2bridge()))
        answers = [finished(process) for process in [*adding, *collecting]]
        assert {answer.exit_code for answer in answers} == {0}, [answer.words for answer in answers]
        there = {row.endpoint_id: row.key.container_id for row in warm.rows()}
        assert {row.phase for row in warm.rows()} <= {"ready"}
        assert {view.id for view in warm.endpoints()} == set(there)
        assert {lease.container_id for lease in warm.leases()} == set(there.values())
        for pod in pods:
            members = {pod.endpoint_id()} & set(there)
            assert warm.in_namespace(pod.namespace) == members


def _inject_kills(node: SimulatedNode, chance: random.Random, calls: int) -> None:
    """Kill five of the processes that make the next calls; half of the calls come for certain."""
    for nth in chance.sample(range(1, calls // 2), 5):
        node.simulator.inject(function="*", nth=nth, die=chance.choice(["before", "after"]))


def _finished_or_killed(process: subprocess.Popen[bytes]) -> Answer:
    answer = finished(process)
    assert answer.killed or answer.exit_code == 0, answer.words
    return answer


def _the_living(pods: list[_Pod], answers: list[Answer]) -> list[tuple[_Pod, Answer]]:
    return [(pod, answer) for pod, answer in zip(pods, answers, strict=True) if answer.exit_code == 0]


class TestGcAndAnAddAtTheSameTime:
    """The ADD became ready after the runtime had written the list for the GC."""

    def test_the_add_ends_while_gc_is_given_its_list(self, warm: SimulatedNode) -> None:
        pod, config = _Pod(warm), json.dumps(l2bridge()).encode()
        collecting = warm.start("GC", None)
        assert collecting.stdin is not None
        # More than a pipe holds: when it is written, the GC has begun to read.
        collecting.stdin.write(b" " * 300_000)
        collecting.stdin.flush()
        pod.add()
        give(collecting, config)
        assert finished(collecting).exit_code == 0
        self._assert_alive(warm, pod)

    @pytest.mark.parametrize("call", ["HcnEnumerateNetworks", "HcnQueryEndpointProperties"])
    def test_the_add_ends_while_gc_looks_at_the_endpoints(self, warm: SimulatedNode, call: str) -> None:
        pod = _Pod(warm)
        warm.foreign("abc_pods", "10.88.0.99")
        with _stopped(warm, call, lambda: warm.start("GC", l2bridge())) as collecting:
            pod.add()
        assert finished(collecting).exit_code == 0
        self._assert_alive(warm, pod)

    def test_the_add_begins_while_gc_looks_at_its_old_endpoint(self, warm: SimulatedNode) -> None:
        """It is ours by its ID, in no namespace, and has no row: the ledger was lost."""
        pod = _Pod(warm)
        pod.add()
        warm.lose_ledger()
        with warm.hcn.namespaces.open(pod.namespace) as namespace:
            namespace.modify(remove_endpoint(pod.endpoint_id()))
        call = "HcnQueryEndpointProperties"
        with _stopped(warm, call, lambda: warm.start("GC", l2bridge()), "after") as collecting:
            pod.add()
        assert finished(collecting).exit_code == 0
        self._assert_alive(warm, pod)

    def test_an_add_of_a_pod_that_lives_and_that_the_ledger_has_lost_leaves_it_alone(
        self, warm: SimulatedNode
    ) -> None:
        pod = _Pod(warm)
        pod.add()
        warm.lose_ledger()
        before = warm.endpoints()
        answer = warm.call("ADD", l2bridge(), pod.container, pod.namespace)
        assert (answer.exit_code, answer.document["code"]) == (1, 102)
        assert "ledger rebuild" in answer.words
        assert warm.endpoints() == before
        assert (warm.rows(), warm.leases()) == ([], [])
        assert warm.command("ledger", "rebuild", "--force").exit_code == 0
        assert warm.call("ADD", l2bridge(), pod.container, pod.namespace).exit_code == 0
        assert warm.endpoints() == before

    def _assert_alive(self, node: SimulatedNode, pod: _Pod) -> None:
        assert [row.phase for row in node.rows()] == ["ready"]
        assert [lease.container_id for lease in node.leases()] == [pod.container]
        assert node.in_namespace(pod.namespace) == {pod.endpoint_id()}


@contextlib.contextmanager
def _stopped(
    node: SimulatedNode, function: str, start: Callable[[], subprocess.Popen[bytes]], moment: str = "before"
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, waiting in its first call of this function while the context lasts."""
    fault = node.simulator.inject(function=function, held=moment)
    process = start()
    _until(lambda: node.simulator.fired(fault) or process.poll() is not None)
    assert process.poll() is None, finished(process).words
    if moment == "after":
        _until(lambda: _last_call(node, function).hresult is not None)
    yield process
    node.simulator.clear_faults()


def _last_call(node: SimulatedNode, function: str) -> Call:
    return [call for call in node.simulator.journal() if call.function == function][-1]


class TestTheSameAttachment:
    """ADD and DEL of one attachment at the same time."""

    def test_a_del_waits_for_the_add_that_is_under_way(self, warm: SimulatedNode) -> None:
        pod = _Pod(warm)
        warm.simulator.inject(function="HcnCreateEndpoint", latency_s=0.5)
        adding = pod.start("ADD")
        _until(_is_in_phase(warm, pod.container, "adding"))
        deleted = warm.call("DEL", l2bridge(), pod.container, pod.namespace)
        assert (deleted.exit_code, deleted.stdout) == (0, ""), deleted.words
        assert finished(adding).exit_code == 0
        warm.assert_clean()
        assert warm.in_namespace(pod.namespace) == set()

    def test_a_del_that_cannot_wait_so_long_says_try_again(self, warm: SimulatedNode) -> None:
        pod = _Pod(warm)
        warm.simulator.inject(function="HcnCreateEndpoint", hang=True)
        adding = pod.start("ADD")
        _until(_is_in_phase(warm, pod.container, "adding"))
        hasty = warm.call("DEL", l2bridge(timeout={"del": _HASTY_S}), pod.container, pod.namespace)
        assert (hasty.exit_code, hasty.document["code"]) == (1, 11), hasty.words
        assert f"process {_pid(warm, pod, adding)} (phase adding)" in hasty.words
        _kill(adding)
        assert warm.call("DEL", l2bridge(), pod.container, "").exit_code == 0
        warm.assert_nothing_owned()

    def test_an_add_that_cannot_wait_for_a_hung_del_says_try_again(self, warm: SimulatedNode) -> None:
        pod = _Pod(warm)
        config = l2bridge(timeout={"add": _HASTY_S})
        assert warm.call("ADD", l2bridge(), pod.container, pod.namespace).exit_code == 0
        warm.simulator.inject(function="HcnDeleteEndpoint", hang=True)
        deleting = pod.start("DEL")
        _until(_is_in_phase(warm, pod.container, "deleting"))
        hasty = warm.call("ADD", config, pod.container, pod.namespace)
        assert (hasty.exit_code, hasty.document["code"]) == (1, 11), hasty.words
        assert f"process {_pid(warm, pod, deleting)} (phase deleting)" in hasty.words
        _kill(deleting)
        again = warm.call("ADD", l2bridge(), pod.container, pod.namespace)
        assert again.exit_code == 0, again.words
        assert len(warm.endpoints()) == len(warm.rows()) == len(warm.leases()) == 1

    def test_other_pods_do_not_wait_for_a_hung_one(self, warm: SimulatedNode) -> None:
        hung, other = _Pod(warm), _Pod(warm)
        warm.simulator.inject(function="HcnCreateEndpoint", hang=True)
        adding = hung.start("ADD")
        _until(_is_in_phase(warm, hung.container, "adding"))
        for command in ("ADD", "DEL"):
            assert warm.call(command, l2bridge(), other.container, other.namespace).exit_code == 0
        assert warm.call("GC", l2bridge()).exit_code == 0
        assert [row.phase for row in warm.rows()] == ["adding"]
        _kill(adding)
        assert warm.call("GC", l2bridge()).exit_code == 0
        warm.assert_nothing_owned()

    def test_a_del_that_knows_nothing_keeps_an_add_waiting(self, warm: SimulatedNode) -> None:
        """Without a row to hold, the DEL could take away what the ADD has just made."""
        pod = _Pod(warm)
        with _stopped(warm, "HcnOpenEndpoint", lambda: pod.start("DEL")) as deleting:
            config = l2bridge(timeout={"add": _HASTY_S})
            answer = warm.call("ADD", config, pod.container, pod.namespace)
        assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
        assert finished(deleting).exit_code == 0
        warm.assert_clean()


class TestARowThatWasTakenAway:
    """An ADD that was suspended for so long that others took it for dead undoes its own work, and no more."""

    @pytest.fixture(params=["before it creates the endpoint", "after it has created the endpoint"])
    def seam(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        early = request.param.startswith("before")
        return ("HcnCreateEndpoint", "before") if early else ("HcnQueryEndpointProperties", "after")

    def test_a_del_came_meanwhile(self, warm: SimulatedNode, seam: tuple[str, str]) -> None:
        pod, (call, moment) = _Pod(warm), seam
        with _stopped(warm, call, lambda: pod.start("ADD"), moment) as adding:
            _suspend_for_long(warm)
            assert warm.call("DEL", l2bridge(), pod.container, "").exit_code == 0
        answer = finished(adding)
        assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
        assert "taken away by another verb" in answer.words
        warm.assert_nothing_owned()
        assert warm.in_namespace(pod.namespace) == set()

    @pytest.mark.parametrize("deleted_first", [False, True], ids=["repeated", "deleted and added again"])
    def test_another_add_came_meanwhile(
        self, warm: SimulatedNode, seam: tuple[str, str], deleted_first: bool
    ) -> None:
        pod, (call, moment) = _Pod(warm), seam
        with _stopped(warm, call, lambda: pod.start("ADD"), moment) as adding:
            _suspend_for_long(warm)
            if deleted_first:
                assert warm.call("DEL", l2bridge(), pod.container, "").exit_code == 0
            other = pod.add()
        answer = finished(adding)
        assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
        config = l2bridge(prevResult=other.document)
        checked = warm.call("CHECK", config, pod.container, pod.namespace)
        assert checked.exit_code == 0, checked.words
        assert warm.call("DEL", l2bridge(), pod.container, pod.namespace).exit_code == 0
        warm.assert_clean()


def _suspend_for_long(node: SimulatedNode) -> None:
    """As if the deadlines of all verbs under way had passed long ago, and their processes still lived."""
    with contextlib.closing(sqlite3.connect(node.folder / "cni-hns" / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE attachments SET deadline_at = 0")


class TestLateArrivals:
    """An endpoint that HNS finishes when its creator is long dead: its address waits for it."""

    def test_an_earlier_result_does_not_pass_for_that_of_a_killed_add(self, warm: SimulatedNode) -> None:
        """Added, half deleted, and killed while it was added again: the row still knows the first result."""
        pod = _Pod(warm)
        assert warm.call("ADD", l2bridge(), pod.container, pod.namespace).exit_code == 0
        warm.simulator.inject(function="HcnDeleteEndpoint", die="after")
        assert finished(pod.start("DEL")).killed
        warm.simulator.inject(function="HcnCreateEndpoint", late_after_calls=1000, die="after")
        assert finished(pod.start("ADD")).killed
        assert warm.call("DEL", l2bridge(), pod.container, "").exit_code == 0
        assert [row.phase for row in warm.rows()] == ["tombstone"]
        assert warm.simulator.finish_late() == 1
        assert len(warm.endpoints()) == 1
        assert warm.call("DEL", l2bridge(), pod.container, "").exit_code == 0
        # The first id may still be deleted late; no address is kept for that.
        warm.assert_nothing_owned()
        assert warm.leases(all_of_them=True) == []

    def test_a_del_that_lost_its_row_sets_no_address_of_the_new_pod_aside(self, warm: SimulatedNode) -> None:
        pod = _Pod(warm)
        warm.simulator.inject(function="HcnCreateEndpoint", die="before")
        assert finished(pod.start("ADD")).killed
        with _stopped(warm, "HcnDeleteEndpoint", lambda: pod.start("DEL"), "after") as deleting:
            _suspend_for_long(warm)
            pod.add()
        assert finished(deleting).exit_code == 0
        assert [row.phase for row in warm.rows()] == ["ready"]
        assert [lease.state for lease in warm.leases(all_of_them=True)] == ["held"]
        # That DEL might have deleted late what has the usual id.
        assert warm.in_namespace(pod.namespace) == {endpoint_id("pods", pod.container, "eth0", 1)}


def test_a_repair_that_an_ipam_plugin_refuses_does_not_fail_the_verb_that_tried_it(
    warm: SimulatedNode, tmp_path: Path
) -> None:
    """The plugin cannot find the dead pod's address; the living pod's it gives and takes back."""
    plugin = FakeIpam(tmp_path / "plugins")
    config = l2bridge(ipam={"type": "fake-ipam"})
    lost, pod = _Pod(warm), _Pod(warm)
    plugin.fail("DEL", 100, "refused", container=lost.container)
    warm.simulator.inject(function="HcnCreateEndpoint", die="before")
    killed = warm.process("ADD", config, lost.container, lost.namespace, path=plugin.path)
    assert killed.killed
    for command in ("ADD", "DEL"):
        answer = warm.call(command, config, pod.container, pod.namespace, path=plugin.path)
        assert answer.exit_code == 0, answer.words
    assert [row.key.container_id for row in warm.rows()] == [lost.container]
    assert warm.call("GC", config, path=plugin.path).document["code"] == 105


class TestAnHnsThatChangesMeanwhile:
    """Whatever happens at whichever call: a success that CHECK confirms, or an error that left nothing."""

    @pytest.mark.parametrize(
        "misfortune",
        [
            pytest.param({"vanish": ["pods"]}, id="the network vanishes"),
            pytest.param({"swap": "pods"}, id="the network is made anew"),
            pytest.param({"restart": True}, id="HNS restarts"),
        ],
    )
    def test_an_add_succeeds_or_leaves_nothing(self, warm: SimulatedNode, misfortune: dict[str, Any]) -> None:
        for nth in range(1, 30):
            pod = _Pod(warm)
            fault = warm.simulator.inject(function="*", nth=nth, **misfortune)
            answer = warm.call("ADD", l2bridge(), pod.container, pod.namespace)
            fired = warm.simulator.fired(fault)
            warm.simulator.clear_faults()
            if answer.exit_code == 0:
                config = l2bridge(prevResult=answer.document)
                checked = warm.call("CHECK", config, pod.container, pod.namespace)
                assert checked.exit_code == 0, checked.words
            else:
                assert answer.document["code"] in {11, 100}, answer.words
                warm.assert_nothing_owned()
            assert warm.call("DEL", l2bridge(), pod.container, pod.namespace).exit_code == 0
            warm.assert_nothing_owned()
            if not fired:
                break
        assert nth > 4

    @pytest.mark.parametrize("misfortune", [{"vanish": ["pods"]}, {"swap": "pods"}], ids=["gone", "swapped"])
    def test_a_network_that_is_rebuilt_before_the_endpoint_is_created_costs_a_second_try(
        self, warm: SimulatedNode, misfortune: dict[str, Any]
    ) -> None:
        pod, old = _Pod(warm), warm.network_id("pods")
        warm.simulator.inject(function="HcnCreateEndpoint", **misfortune)
        answer = warm.call("ADD", l2bridge(), pod.container, pod.namespace)
        assert answer.exit_code == 0, answer.words
        (endpoint,) = warm.endpoints()
        assert endpoint.network == warm.network_id("pods") != old

    def test_a_network_that_is_rebuilt_again_and_again_is_an_error_to_try_again(
        self, warm: SimulatedNode
    ) -> None:
        pod = _Pod(warm)
        warm.simulator.inject(function="HcnCreateEndpoint", vanish=["pods"], count=0)
        answer = warm.call("ADD", l2bridge(), pod.container, pod.namespace)
        assert (answer.exit_code, answer.document["code"]) == (1, 11), answer.words
        assert 'HCN network "pods"' in answer.words
        warm.assert_clean()

    def test_many_adds_while_the_network_is_swapped(self, warm: SimulatedNode) -> None:
        pods = [_Pod(warm) for _ in range(10)]
        warm.simulator.inject(function="HcnCreateEndpoint", nth=4, swap="pods")
        answers = [finished(process) for process in [pod.start("ADD") for pod in pods]]
        assert {answer.document.get("code", 0) for answer in answers} <= {0, 11, 100}
        for pod in pods:
            assert warm.call("DEL", l2bridge(), pod.container, pod.namespace).exit_code == 0
        warm.assert_nothing_owned()
