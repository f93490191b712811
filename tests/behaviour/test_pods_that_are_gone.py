"""Pods whose end nobody told: their attachments go without DEL, and only theirs."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.behaviour.ipam_plugin import FakeIpam
from tests.behaviour.pod import Pod, all_valid
from tests.behaviour.scene import configured
from tests.harness import SimulatedNode, container_id
from tests.packaging import current, wait_for_wines_services

_MINUTE_S = 60.0
_FIVE = {
    "type": "cni-hns",
    "ranges": [[{"subnet": "10.88.0.0/24", "rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.6"}]],
}
_OTHER_CODES = [0x80070002, 0x803B0001, 0x803B0002, 0x800706BA, 0x80070426, 0x80004005]
"""Other words for not there, and words for not now: none of them says that a namespace does not exist."""


@pytest.fixture(autouse=True)
def settled_hns() -> None:
    """Under Wine the service `hns` starts with the tests, and in its first minute it proves nothing."""
    wait_for_wines_services()


def _some_time_passes(node: SimulatedNode, seconds: float) -> None:
    """What was seen was seen so much earlier, and the next looks are due so much earlier."""
    with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
        ledger.execute("UPDATE attachments SET look_at = look_at - ?, gone_at = gone_at - ?", [seconds] * 2)


def _looks_are_due(node: SimulatedNode) -> None:
    """It is time to look at every pod, and nothing that was seen is older for it."""
    with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
        ledger.execute("UPDATE attachments SET look_at = 0")


def _dies(pod: Pod) -> Pod:
    """The runtime deletes the namespace and sends no DEL."""
    pod.node.simulator.remove(pod.namespace)
    return pod


def _known(pod: Pod) -> bool:
    return pod.container in [row.key.container_id for row in pod.node.rows()]


def _missing_since(pod: Pod) -> float | None:
    (row,) = [row for row in pod.node.rows() if row.key.container_id == pod.container]
    return row.gone_at


def _looked_at_twice(pod: Pod) -> None:
    """Two verbs of other pods look, more than a minute apart."""
    for _ in range(2):
        _looks_are_due(pod.node)
        Pod(pod.node).add()
        _some_time_passes(pod.node, _MINUTE_S + 1)
    _looks_are_due(pod.node)
    Pod(pod.node).add().done("DEL")


class TestAddressesComeBack:
    def test_a_crash_loop_fills_no_range(self, node: SimulatedNode) -> None:
        living = Pod(node, ipam=_FIVE).add()
        for _ in range(12):
            _dies(Pod(node, ipam=_FIVE).add())
        assert len(node.endpoints()) == len(node.leases()) <= 5
        living.assert_alive()

    @pytest.mark.not_in("windows", reason="Wine's own boot is asked, not the simulated node's")
    @pytest.mark.parametrize("lost", [False, True], ids=["endpoints kept", "endpoints lost"])
    def test_after_a_boot_the_pods_from_before_it_make_way_at_once(
        self, node: SimulatedNode, lost: bool
    ) -> None:
        pods = [Pod(node, ipam=_FIVE).add() for _ in range(5)]
        node.simulator.reboot(lose=[pod.endpoint for pod in pods] if lost else [])
        after = [Pod(node, ipam=_FIVE).add() for _ in range(5)]
        assert {view.id for view in node.endpoints()} == {pod.endpoint for pod in after}
        assert {row.key.container_id for row in node.rows()} == {pod.container for pod in after}
        assert len(node.leases()) == 5
        for pod in after:
            pod.assert_alive()

    @pytest.mark.not_in("windows", reason="Wine's own boot is asked, not the simulated node's")
    def test_after_a_boot_one_look_is_enough(self, node: SimulatedNode) -> None:
        pod = Pod(node).add()
        node.simulator.reboot()
        Pod(node).add()
        assert not _known(pod)

    def test_a_boot_alone_proves_nothing_of_a_pod_whose_namespace_is_there(self, node: SimulatedNode) -> None:
        node.simulator.set_options(namespaces_survive_reboot=True)
        pod = Pod(node).add()
        node.simulator.reboot()
        _looked_at_twice(pod)
        pod.assert_alive()

    def test_one_look_is_enough_where_the_address_is_needed(self, node: SimulatedNode) -> None:
        """The ADD that takes the last address has looked already."""
        gone = _dies(Pod(node, ipam=_FIVE).add())
        for _ in range(4):
            Pod(node, ipam=_FIVE).add()
        assert _missing_since(gone) is not None
        assert Pod(node, ipam=_FIVE).add().address == gone.address

    def test_the_look_of_the_failed_add_counts(self, node: SimulatedNode) -> None:
        pods = [Pod(node, ipam=_FIVE).add() for _ in range(5)]
        _dies(pods[3])
        waiting = Pod(node, ipam=_FIVE)
        answer = waiting.call("ADD")
        assert (answer.exit_code, answer.document["code"]) == (1, 101), answer.words
        assert waiting.add().address == pods[3].address

    def test_where_all_pods_live_none_makes_way(self, node: SimulatedNode) -> None:
        pods = [Pod(node, ipam=_FIVE).add() for _ in range(5)]
        for _ in range(3):
            assert Pod(node, ipam=_FIVE).call("ADD").document["code"] == 101
        for pod in pods:
            pod.assert_alive()

    def test_the_error_counts_who_holds_the_addresses_and_names_the_command(
        self, node: SimulatedNode
    ) -> None:
        first = Pod(node, ipam=_FIVE).add()
        reserve = ["ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", "10.88.0.3"]
        assert node.command(*reserve).exit_code == 0
        node.foreign("somebody's", "10.88.0.4")
        second, third = Pod(node, ipam=_FIVE).add(), Pod(node, ipam=_FIVE).add()
        assert (second.address, third.address) == ("10.88.0.5", "10.88.0.6")
        _dies(second)
        answer = Pod(node, ipam=_FIVE).call("ADD")
        assert answer.document["code"] == 101
        assert (
            "5 usable, 2 held by running pods, 1 of pods that are gone, 1 set aside after HNS refused them, "
            "1 reserved" in answer.words
        )
        for command in ("`cni-hns gc`", "`cni-hns ipam list --all`", "`cni-hns ipam release`"):
            assert command in answer.words
        first.assert_alive()
        third.assert_alive()


class TestTwoLooks:
    @pytest.mark.parametrize("command", ["ADD", "DEL"])
    def test_a_minute_apart_prove_that_a_pod_is_gone(self, node: SimulatedNode, command: str) -> None:
        pod, other = Pod(node).add(), Pod(node)
        if command == "DEL":
            other.add()
        _dies(pod)
        _looks_are_due(node)
        other.done(command)
        assert _missing_since(pod) is not None
        _some_time_passes(node, _MINUTE_S + 1)
        other.done(command)
        if command == "DEL":
            node.assert_clean()
        assert not _known(pod)
        assert pod.endpoint not in [view.id for view in node.endpoints()]
        assert pod.address not in [lease.address for lease in node.leases()]

    def test_less_than_a_minute_apart_prove_nothing(self, node: SimulatedNode) -> None:
        pod, other = _dies(Pod(node).add()), Pod(node)
        _looks_are_due(node)
        other.add()
        since = _missing_since(pod)
        _some_time_passes(node, _MINUTE_S - 10)
        _looks_are_due(node)
        other.done("DEL")
        assert _known(pod)
        assert since is not None
        assert _missing_since(pod) == pytest.approx(since - _MINUTE_S + 10)

    def test_between_which_the_pod_was_seen_prove_nothing(self, node: SimulatedNode) -> None:
        pod, other = _dies(Pod(node).add()), Pod(node)
        _looks_are_due(node)
        other.add()
        assert _missing_since(pod) is not None
        node.simulator.plant("namespace", {"ID": pod.namespace})
        _some_time_passes(node, _MINUTE_S + 1)
        other.done("DEL")
        assert _missing_since(pod) is None
        node.simulator.remove(pod.namespace)
        _some_time_passes(node, 6 * _MINUTE_S)
        other.add()
        assert _known(pod)

    def test_are_not_made_before_their_time(self, node: SimulatedNode) -> None:
        pod = _dies(Pod(node).add())
        Pod(node).add().done("DEL")
        assert _missing_since(pod) is None

    def test_of_a_pod_that_is_there_are_minutes_apart(self, node: SimulatedNode) -> None:
        pod, other = Pod(node).add(), Pod(node)
        _looks_are_due(node)
        assert self._opened(other, "ADD", pod)
        assert not self._opened(other, "DEL", pod)
        _some_time_passes(node, 6 * _MINUTE_S)
        assert self._opened(other, "ADD", pod)

    def _opened(self, by: Pod, command: str, pod: Pod) -> bool:
        by.node.simulator.reset_journal()
        by.done(command)
        return any(
            call.function == "HcnOpenNamespace" and call.object.lower() == pod.namespace
            for call in by.node.simulator.journal()
        )


class TestWhatProvesNothing:
    @pytest.mark.parametrize("code", _OTHER_CODES, ids=hex)
    def test_any_other_code_for_the_namespace(self, node: SimulatedNode, code: int) -> None:
        pod = _dies(Pod(node).add())
        node.simulator.inject(function="HcnOpenNamespace", object=pod.namespace, hresult=code, count=0)
        _looked_at_twice(pod)
        assert _missing_since(pod) is None

    @pytest.mark.parametrize("code", [0x80004005, 0x800706BA], ids=hex)
    def test_an_endpoint_that_cannot_be_looked_at(self, node: SimulatedNode, code: int) -> None:
        pod = _dies(Pod(node).add())
        node.simulator.inject(function="HcnOpenEndpoint", object=pod.endpoint, hresult=code, count=0)
        _looked_at_twice(pod)
        assert _missing_since(pod) is None

    def test_an_endpoint_in_another_namespace(self, node: SimulatedNode) -> None:
        pod = _dies(Pod(node).add())
        node.attach(node.namespace(), pod.endpoint)
        _looked_at_twice(pod)
        assert _missing_since(pod) is None

    def test_an_endpoint_that_is_missing_while_the_namespace_lives(self, node: SimulatedNode) -> None:
        """CHECK says it, and a repeated ADD makes it again."""
        pod = Pod(node).add()
        node.hcn.endpoints.delete(pod.endpoint)
        _looked_at_twice(pod)
        Pod(node).done("GC", **all_valid(pod))
        assert _missing_since(pod) is None
        answer = pod.call("CHECK")
        assert (answer.exit_code, answer.document["code"]) == (1, 104), answer.words
        pod.assert_made_again()

    @pytest.mark.not_in("windows", reason="Wine's own service and boot are asked, not the simulated node's")
    @pytest.mark.parametrize("moment", ["two looks", "a boot", "no address left", "GC"])
    def test_an_hns_that_has_just_started(self, node: SimulatedNode, moment: str) -> None:
        pods = [_dies(Pod(node, ipam=_FIVE).add()) for _ in range(5 if moment == "no address left" else 1)]
        node.simulator.set_options(hns_uptime_s=_MINUTE_S - 1)
        if moment == "a boot":
            node.simulator.reboot()
        self._provoke(pods[0], moment)
        assert all(_known(pod) for pod in pods)
        node.simulator.set_options(hns_uptime_s=_MINUTE_S)
        self._provoke(pods[0], moment)
        assert not _known(pods[0])

    def _provoke(self, pod: Pod, moment: str) -> None:
        if moment == "no address left":
            for _ in range(2):
                Pod(pod.node, ipam=_FIVE).call("ADD")
        elif moment == "GC":
            for _ in range(2):
                pod.done("GC", **all_valid(pod))
                _some_time_passes(pod.node, _MINUTE_S + 1)
        else:
            _looked_at_twice(pod)

    def test_a_list_of_namespaces_that_hns_refuses(self, node: SimulatedNode) -> None:
        pods = [Pod(node, ipam=_FIVE).add() for _ in range(5)]
        _dies(pods[0])
        node.simulator.inject(function="HcnEnumerateNamespaces", hresult=0x80004005, count=0)
        for _ in range(2):
            Pod(node, ipam=_FIVE).call("ADD")
        assert not _known(pods[0])
        for pod in pods[1:]:
            pod.assert_alive()


class TestHowManyAreLookedAt:
    @pytest.mark.parametrize("command", ["ADD", "DEL"])
    def test_two_by_each_verb(self, node: SimulatedNode, command: str) -> None:
        other = Pod(node)
        if command == "DEL":
            other.add()
        pods = [_dies(Pod(node).add()) for _ in range(7)]
        _looks_are_due(node)
        other.done(command)
        assert sum(_missing_since(pod) is not None for pod in pods) == 2

    def test_all_by_gc_though_the_runtime_calls_them_valid(self, node: SimulatedNode) -> None:
        pods, living = [_dies(Pod(node).add()) for _ in range(7)], Pod(node).add()
        living.done("GC", **all_valid(*pods, living))
        assert all(_missing_since(pod) is not None for pod in pods)
        _some_time_passes(node, _MINUTE_S + 1)
        living.done("GC", **all_valid(*pods, living))
        assert [row.key.container_id for row in node.rows()] == [living.container]
        assert [view.id for view in node.endpoints()] == [living.endpoint]
        living.assert_alive()

    def test_none_on_the_straight_path(self, node: SimulatedNode) -> None:
        """No HNS call more, with two hundred pods at which nobody has to look."""
        node.simulator.set_options(management_address_after_calls=0)
        config = {"timeout": 60}
        Pod(node, **config).add()
        before = self._calls(Pod(node, **config))
        for _ in range(20):
            Pod(node, **config).add()
        assert self._calls(Pod(node, **config)) == before
        assert (before["ADD"], before["DEL"]) == (6, 3)

    def _calls(self, pod: Pod) -> dict[str, int]:
        made = {}
        for command in ("ADD", "DEL"):
            pod.node.simulator.reset_journal()
            pod.done(command)
            made[command] = len(pod.node.calls())
        return made


class TestWhatGoesWithAPod:
    def test_another_network_s_pods_are_not_looked_at(self, node: SimulatedNode) -> None:
        pod = _dies(Pod(node).add())
        other = Pod(node, name="others", network={**configured("l2bridge")["network"], "name": "pods"})
        _looks_are_due(node)
        other.done("ADD")
        assert _missing_since(pod) is None

    def test_the_file_of_a_reservation_that_was_host_locals(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        folder = tmp_path / "host-local" / "pods"
        folder.mkdir(parents=True)
        ipam = {
            "type": "host-local",
            "subnet": "10.88.0.0/24",
            "dataDir": current().path(tmp_path / "host-local"),
        }
        pod = Pod(node, ipam=ipam)
        file = folder / "10.88.0.77"
        file.write_bytes(f"{pod.container}\r\neth0".encode())
        assert pod.add().address == "10.88.0.77"
        _dies(pod)
        _looks_are_due(node)
        Pod(node, ipam=ipam).add()
        assert file.exists()
        _some_time_passes(node, _MINUTE_S + 1)
        Pod(node, ipam=ipam).add()
        assert not file.exists()
        assert not _known(pod)


class TestAnExternalPluginsAddresses:
    @pytest.fixture
    def ipam(self, tmp_path: Path) -> FakeIpam:
        return FakeIpam(tmp_path / "plugins")

    @pytest.fixture
    def gone(self, node: SimulatedNode, ipam: FakeIpam) -> str:
        """The container of a pod that was missing at a look long enough ago."""
        container, namespace = container_id(), node.namespace()
        self._call(node, ipam, "ADD", container, namespace)
        node.simulator.remove(namespace)
        self._adds_another(node, ipam, 78)
        _looks_are_due(node)
        self._adds_another(node, ipam, 79)
        _some_time_passes(node, _MINUTE_S + 1)
        return container

    def _call(self, node: SimulatedNode, ipam: FakeIpam, command: str, *pod: str) -> None:
        config = configured("l2bridge", ipam={"type": "fake-ipam"}, dns={})
        answer = node.call(command, config, *pod, path=ipam.path)
        assert answer.exit_code == 0, answer.words

    def _adds_another(self, node: SimulatedNode, ipam: FakeIpam, last: int) -> None:
        ipam.answer("ADD", {"cniVersion": "1.1.0", "ips": [{"address": f"10.88.0.{last}/24"}]})
        self._call(node, ipam, "ADD", container_id(), node.namespace())

    def _told(self, ipam: FakeIpam, command: str) -> list[str]:
        return [
            call["variables"]["CNI_CONTAINERID"]
            for call in ipam.calls
            if call["variables"]["CNI_COMMAND"] == command
        ]

    def test_are_given_back_to_it(self, node: SimulatedNode, ipam: FakeIpam, gone: str) -> None:
        self._adds_another(node, ipam, 80)
        assert gone in self._told(ipam, "DEL")
        assert gone not in [row.key.container_id for row in node.rows()]

    def test_stay_known_while_it_fails_and_no_other_pod_has_to_wait(
        self, node: SimulatedNode, ipam: FakeIpam, gone: str
    ) -> None:
        ipam.answer("DEL", {"code": 11, "msg": "busy"}, exit=1)
        self._adds_another(node, ipam, 80)
        assert gone in [row.key.container_id for row in node.rows()]
        ipam.answer("DEL")
        self._adds_another(node, ipam, 81)
        assert gone not in [row.key.container_id for row in node.rows()]
