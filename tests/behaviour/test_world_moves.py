"""The world moves while pods live: network, namespace, HNS, the machine, other programs' endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviour.pod import Pod, all_valid
from tests.harness import SimulatedNode

pytestmark = pytest.mark.in_process("what moves is outside of the program, and it moves at each call in turn")

# More calls than any verb makes on the straight path; the loops end when the fault no longer fires.
_FAR = 30


class TestTheNetworkIsMadeAgain:
    """Deleted and made by somebody else: the same name, another ID, none of its endpoints."""

    @pytest.fixture
    def pod(self, node: SimulatedNode) -> Pod:
        return Pod(node).add()

    @pytest.fixture(params=["made again", "deleted"])
    def moved(self, node: SimulatedNode, pod: Pod, request: pytest.FixtureRequest) -> Pod:
        if request.param == "deleted":
            node.simulator.remove("pods")
        else:
            node.simulator.swap_network("pods")
        return pod

    def test_check_says_that_the_pod_has_lost_its_endpoint(self, moved: Pod) -> None:
        answer = moved.call("CHECK")
        assert (answer.exit_code, answer.document["code"]) == (1, 104), answer.words

    def test_a_repeated_add_makes_the_same_endpoint_again(self, moved: Pod) -> None:
        again = moved.call("ADD")
        assert again.exit_code == 0, again.words
        assert again.document["ips"] == moved.result["ips"]
        moved.result = again.document
        moved.assert_alive()

    def test_new_pods_are_added_and_get_no_living_pods_address(self, moved: Pod) -> None:
        other = Pod(moved.node).add()
        assert other.address != moved.address
        other.assert_alive()

    @pytest.mark.parametrize("command", ["DEL", "GC"])
    def test_the_pod_goes_in_good_order(self, moved: Pod, command: str) -> None:
        moved.done(command, **(all_valid() if command == "GC" else {}))
        moved.node.assert_clean()

    def test_status_says_that_an_add_would_work(self, moved: Pod) -> None:
        moved.done("STATUS")

    @pytest.mark.parametrize("command", ["ADD", "DEL", "GC"])
    def test_in_the_middle_of_a_verb(self, pod: Pod, command: str) -> None:
        """At each call in turn; the verb works, or says to try again, and one more verb puts all right."""
        for nth in range(1, _FAR):
            node, moving = pod.node, Pod(pod.node)
            if command != "ADD":
                moving.add()
            fault = node.simulator.inject(function="*", nth=nth, swap="pods")
            answer = moving.call(command, **(all_valid() if command == "GC" else {}))
            fired = node.simulator.fired(fault)
            node.simulator.clear_faults()
            if answer.exit_code:
                assert answer.document["code"] in {11, 100, 105}, answer.words
            moving.done("DEL")
            pod.done("DEL")
            node.assert_nothing_owned()
            if not fired:
                break
        assert nth > 2


class TestTheNamespaceGoesFirst:
    """Runtimes delete the namespace before DEL, or while it runs."""

    @pytest.mark.parametrize("command", ["DEL", "GC"])
    def test_the_pod_goes_all_the_same(self, node: SimulatedNode, command: str) -> None:
        pod = Pod(node).add()
        node.simulator.remove(pod.namespace)
        pod.done(command, **(all_valid() if command == "GC" else {}))
        node.assert_clean()

    @pytest.mark.parametrize("command", ["ADD", "DEL", "GC"])
    def test_in_the_middle_of_a_verb(self, node: SimulatedNode, command: str) -> None:
        bystander = Pod(node).add()
        for nth in range(1, _FAR):
            pod = Pod(node)
            if command != "ADD":
                pod.add()
            fault = node.simulator.inject(function="*", nth=nth, vanish=[pod.namespace])
            answer = pod.call(command, **(all_valid(bystander) if command == "GC" else {}))
            fired = node.simulator.fired(fault)
            node.simulator.clear_faults()
            if command == "DEL" or (command == "GC" and fired):
                assert answer.exit_code == 0, answer.words
            pod.done("DEL")
            assert {view.id for view in node.endpoints()} == {bystander.endpoint}
            bystander.assert_alive()
            if not fired:
                break
        assert nth > 2


class TestHnsOrTheMachineStartsAgain:
    """In the middle of each verb, at each of its calls in turn."""

    @pytest.mark.parametrize("command", ["ADD", "repeated ADD", "CHECK", "DEL", "GC", "STATUS"])
    def test_hns_restarts(self, node: SimulatedNode, command: str) -> None:
        """The verb works or says what failed; the other pod has everything; a DEL takes all of this one."""
        bystander = Pod(node).add()
        for nth in range(1, _FAR):
            pod = Pod(node)
            if command != "ADD":
                pod.add()
            fault = node.simulator.inject(function="*", nth=nth, restart=True)
            more = all_valid(bystander, pod) if command == "GC" else {}
            answer = pod.call(command.removeprefix("repeated "), **more)
            fired = node.simulator.fired(fault)
            node.simulator.clear_faults()
            if answer.exit_code:
                assert answer.document["code"] in {11, 50, 100, 104, 105}, answer.words
            if command not in {"ADD", "DEL"}:
                pod.assert_alive()
            pod.done("DEL")
            bystander.assert_alive()
            assert {view.id for view in node.endpoints()} == {bystander.endpoint}
            assert [lease.container_id for lease in node.leases()] == [bystander.container]
            if not fired:
                break
        assert nth > 1

    @pytest.mark.parametrize("command", ["ADD", "DEL", "GC"])
    def test_the_machine_restarts(self, node: SimulatedNode, command: str) -> None:
        """The process dies with it, namespaces are gone; what it left is repaired without its DEL."""
        for nth in range(1, _FAR):
            pod = Pod(node)
            if command != "ADD":
                pod.add()
            fault = node.simulator.inject(function="*", nth=nth, reboot=True, die="after")
            node.process(command, pod.config, pod.container, pod.namespace)
            fired = node.simulator.fired(fault)
            node.simulator.clear_faults()
            other = Pod(node).add()
            other.assert_alive()
            # As a process: what another process added after this one began is not for this one to take.
            assert node.process("GC", {**other.config, **all_valid(other)}).exit_code == 0
            assert {view.id for view in node.endpoints()} == {other.endpoint}
            assert [lease.container_id for lease in node.leases()] == [other.container]
            other.done("DEL")
            node.assert_nothing_owned()
            if not fired:
                break
        assert nth > 2


class TestOtherProgramsEndpoints:
    """Never touched by any verb, whatever they are called and wherever they are."""

    _NAMES = ("Ethernet", "cbr0_ep", "somebody_else's", "_pods", "pods", f"{'ab' * 32}_other", "a\nb")

    def test_no_verb_touches_one(self, node: SimulatedNode) -> None:
        pod = Pod(node).add()
        node.simulator.plant("network", {"Name": "other", "Type": "NAT"})
        for number, name in enumerate(self._NAMES):
            node.foreign(name, f"10.88.0.{100 + number}")
            node.simulator.plant_endpoint("other", Name=name)
        node.simulator.plant_endpoints("pods", 5)
        theirs = self._theirs(node, pod)
        assert len(theirs) == 2 * len(self._NAMES) + 5
        for command in ["STATUS", "CHECK", "ADD", "GC", "DEL", "DEL"]:
            pod.done(command)
            assert self._theirs(node, pod) == theirs
        pod.done("GC", **all_valid())
        assert self._theirs(node, pod) == theirs

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_remote_endpoint_with_the_pods_address_is_left_alone(
        self, node: SimulatedNode, when: str
    ) -> None:
        """A node that was replaced, or a peer's stale route: it is another node's and not ours to judge."""
        Pod(node).add().done("DEL")
        if when == "before":
            node.foreign("remote", "10.88.0.3", remote=True)
        pod = Pod(node).add()
        if when == "after":
            node.foreign("remote", pod.address, remote=True)
        remote = self._theirs(node, pod)
        pod.assert_alive()
        pod.done("GC")
        pod.done("DEL")
        pod.done("GC", **all_valid())
        assert self._theirs(node, pod) == remote

    def _theirs(self, node: SimulatedNode, pod: Pod) -> list[dict[str, Any]]:
        return [one for one in node.simulator.dump()["endpoints"] if one["ID"] != pod.endpoint]
