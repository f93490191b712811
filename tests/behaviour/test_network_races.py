"""Several ADDs make one HCN network at the same time, or configurations share one."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.node import networks
from tests.behaviour.scene import MODES, configured
from tests.harness import SimulatedNode, container_id, finished, l2bridge

pytestmark = pytest.mark.not_in(
    "windows", reason="the steps are the same there, and each start takes longest"
)

_LOST_RACES = {
    "already exists (Windows)": 0x800700B7,
    "already exists (HCN)": 0x803B0010,
    "duplicate name": 0x80070034,
    "unspecified": 0x80004005,
    "parameter": 0x80070057,
}
"""With what HNS has refused to make a network that another creator had just made."""

_TOGETHER = 8


def _config(mode: str, **changes: Any) -> dict[str, Any]:
    ranges = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24"}]]}
    return configured(mode, **{"ipam": ranges, **changes})


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in _LOST_RACES.items()])
@pytest.mark.parametrize("mode", MODES)
class TestARefusedCreation:
    """Whatever the refusal says: what counts is whether the network is there now."""

    def test_the_network_is_there_and_is_used(self, node: SimulatedNode, mode: str, code: int) -> None:
        node.simulator.inject(function="HcnCreateNetwork", hresult=code, took_effect=True)
        namespace = node.namespace()
        answer = node.call("ADD", _config(mode), container_id(), namespace)
        assert answer.exit_code == 0, answer.words
        assert len(node.hcn.networks.ids(Name="pods")) == 1
        assert len(node.in_namespace(namespace)) == 1

    @pytest.mark.in_process("of the refusals one kind runs everywhere")
    def test_another_kind_of_network_is_there_and_is_not_used(
        self, node: SimulatedNode, mode: str, code: int
    ) -> None:
        """The winner's network has the name and is something else: the error says what both are."""
        other = "nat" if mode != "nat" else "l2bridge"
        fault = node.simulator.inject(function="HcnCreateNetwork", held="before", hresult=code)
        losing = node.start("ADD", _config(mode), container_id(), node.namespace())
        while not node.simulator.fired(fault):
            assert losing.poll() is None
        won = node.call("ADD", _config(other), container_id(), node.namespace())
        assert won.exit_code == 0, won.words
        node.simulator.clear_faults()
        answer = finished(losing)
        assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words
        assert "is of type" in answer.words
        assert len(node.endpoints()) == len(node.leases()) == 1

    @pytest.mark.in_process("of the refusals one kind runs everywhere")
    def test_no_network_is_there_and_the_error_is_hns_own(
        self, node: SimulatedNode, mode: str, code: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(networks, "_PAUSE_S", 0.0)
        node.simulator.inject(function="HcnCreateNetwork", hresult=code, count=0)
        answer = node.call("ADD", _config(mode), container_id(), node.namespace())
        assert answer.exit_code == 1
        if code not in {_LOST_RACES["already exists (Windows)"], _LOST_RACES["already exists (HCN)"]}:
            assert answer.document["code"] == 100, answer.words
            assert f"0x{code:08X}".lower() in answer.words.lower()
        node.assert_clean()


@pytest.mark.parametrize("mode", MODES)
def test_first_adds_together_on_a_new_network_all_succeed(node: SimulatedNode, mode: str) -> None:
    node.simulator.inject(function="HcnCreateNetwork", latency_s=0.1, count=0)
    namespaces = [node.namespace() for _ in range(_TOGETHER)]
    started = [node.start("ADD", _config(mode), container_id(), namespace) for namespace in namespaces]
    answers = [finished(process) for process in started]
    assert [answer.words for answer in answers if answer.exit_code] == []
    assert len({answer.addresses[0] for answer in answers}) == _TOGETHER
    assert len(node.hcn.networks.ids(Name="pods")) == 1
    assert all(len(node.in_namespace(namespace)) == 1 for namespace in namespaces)


class TestTwoConfigurationsOnOneNetwork:
    """Their ranges overlap, and neither knows the leases of the other: HNS knows the addresses of both."""

    def _named(self, name: str) -> dict[str, Any]:
        plain = l2bridge()
        return {**plain, "name": name, "network": {**plain["network"], "name": "shared"}}

    @pytest.mark.parametrize("count", [20, 100])
    def test_the_first_add_of_the_second_one_works(self, node: SimulatedNode, count: int) -> None:
        taken = [
            node.call("ADD", self._named("a"), container_id(), node.namespace()).addresses[0]
            for _ in range(count)
        ]
        assert len(set(taken)) == count
        node.simulator.reset_journal()
        answer = node.call("ADD", self._named("b"), container_id(), node.namespace())
        assert answer.exit_code == 0, answer.words
        assert answer.addresses[0] not in taken
        # One look shows them all: they are not found by one refusal after another.
        assert node.calls().count("HcnCreateEndpoint") <= 3

    def test_the_pods_of_both_come_and_go_by_turns(self, node: SimulatedNode) -> None:
        pods = [(name, container_id(), node.namespace()) for _ in range(12) for name in "ab"]
        addresses = []
        for name, container, namespace in pods:
            answer = node.call("ADD", self._named(name), container, namespace)
            assert answer.exit_code == 0, answer.words
            addresses.append(answer.addresses[0])
        assert len(set(addresses)) == len(pods)
        for name, container, namespace in pods:
            assert node.call("DEL", self._named(name), container, namespace).exit_code == 0
        assert node.endpoints() == []
        assert node.leases() == []
