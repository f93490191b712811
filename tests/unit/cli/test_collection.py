"""`cni-hns gc`: what goes, what is left and why, and that looking changes nothing."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.ipam_plugin import FakeIpam
from tests.behaviour.pod import Pod
from tests.behaviour.scene import configured
from tests.harness import Printed, SimulatedNode, container_id, l2bridge


@pytest.fixture
def node(tmp_path: Path) -> Iterator[SimulatedNode]:
    """A node on which pods are added, too."""
    made = SimulatedNode(tmp_path / "node")
    yield made
    made.close()


def _ledger(node: SimulatedNode) -> list[str]:
    with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger:
        return [*ledger.iterdump()]


def _a_minute_passes(node: SimulatedNode) -> None:
    with contextlib.closing(sqlite3.connect(node.ledger_path)) as ledger, ledger:
        ledger.execute("UPDATE attachments SET look_at = look_at - 61, gone_at = gone_at - 61")


def _gone(node: SimulatedNode) -> Pod:
    pod = Pod(node).add()
    node.simulator.remove(pod.namespace)
    return pod


def _half_done(node: SimulatedNode) -> Pod:
    pod = Pod(node)
    node.simulator.inject(function="HcnModifyNamespace", die="before")
    assert node.process("ADD", pod.config, pod.container, pod.namespace).killed
    node.simulator.clear_faults()
    return pod


def _unknown(node: SimulatedNode) -> Pod:
    """Its endpoint is in no ledger and in no namespace."""
    pod = Pod(node)
    node.simulator.plant_endpoint("pods", ID=pod.endpoint, Name=f"{pod.container}_pods")
    return pod


def _collected(node: SimulatedNode, *options: str, code: int = 0) -> list[dict[str, Any]]:
    done = node.command("gc", "--json", *options)
    assert done.exit_code == code, done.stderr or done.stdout
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def living(node: SimulatedNode) -> Iterator[Pod]:
    """A pod that is there, to the end."""
    pod = Pod(node).add()
    yield pod
    pod.assert_alive()
    assert pod.address in [lease.address for lease in node.leases()]


class TestWhatIsNobodysGoes:
    def test_half_done_work_pods_that_are_gone_and_unknown_endpoints(
        self, node: SimulatedNode, living: Pod
    ) -> None:
        # The half-done one last: each ADD would repair it in passing.
        gone, unknown, killed = _gone(node), _unknown(node), _half_done(node)
        first = _collected(node, code=1)
        assert [(one["containerID"], one["outcome"].split(":")[0]) for one in first] == [
            (killed.container, "removed"),
            (gone.container, "left"),
            (unknown.container, "removed"),
        ]
        _a_minute_passes(node)
        (second,) = _collected(node)
        assert (second["containerID"], second["outcome"]) == (gone.container, "removed")
        assert [row.key.container_id for row in node.rows()] == [living.container]
        assert [view.id for view in node.endpoints()] == [living.endpoint]
        assert [lease.container_id for lease in node.leases(all_of_them=True)] == [living.container]

    def test_after_a_boot_at_once(self, node: SimulatedNode) -> None:
        pods = [Pod(node).add() for _ in range(3)]
        node.simulator.reboot()
        found = _collected(node)
        assert {one["containerID"] for one in found} == {pod.container for pod in pods}
        assert {one["outcome"] for one in found} == {"removed"}
        node.assert_clean()

    def test_each_says_what_and_why(self, node: SimulatedNode, living: Pod) -> None:
        gone = _gone(node)
        _collected(node, code=1)
        _a_minute_passes(node)
        assert _collected(node) == [
            {
                "id": f"pods/{gone.container}/eth0",
                "network": "pods",
                "containerID": gone.container,
                "ifname": "eth0",
                "podName": None,
                "podUID": None,
                "addresses": [gone.address],
                "why": f"namespace {gone.namespace} does not exist, and endpoint {gone.endpoint} is in none",
                "outcome": "removed",
            }
        ]

    def test_in_words_it_is_a_line_each(self, node: SimulatedNode, living: Pod) -> None:
        killed = _half_done(node)
        done = node.command("gc")
        assert (done.exit_code, done.stderr) == (0, "")
        (line,) = done.stdout.splitlines()
        assert line.startswith(f"removed: attachment eth0 of container {killed.container}")
        assert "10.88.0.3" in line
        assert "left adding by process" in line
        assert node.command("gc").stdout == "nothing to take away\n"

    def test_only_of_the_network_that_is_named(self, node: SimulatedNode, living: Pod) -> None:
        killed, unknown = _half_done(node), _unknown(node)
        node.hcn.networks.create(
            {"Name": "others", "Type": "NAT", "SchemaVersion": {"Major": 2, "Minor": 0}}
        ).close()
        assert _collected(node, "--network", "others") == []
        found = _collected(node, "--network", "pods")
        assert [one["containerID"] for one in found] == [killed.container, unknown.container]

    def test_without_a_ledger_there_is_nothing_and_none_is_made(self, node: SimulatedNode) -> None:
        assert _collected(node) == []
        assert not Path(node.ledger_path).exists()

    def test_the_ledger_of_a_configuration(self, node: SimulatedNode, tmp_path: Path) -> None:
        config = l2bridge(dataDir=str(tmp_path / "elsewhere"))
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(config))
        namespace = node.namespace()
        assert node.call("ADD", config, container_id(), namespace).exit_code == 0
        node.simulator.reboot()
        assert _collected(node) == []
        assert [one["outcome"] for one in _collected(node, "--config", str(file))] == ["removed"]


class TestWhatIsSomebodysStays:
    def test_work_in_progress(self, node: SimulatedNode, living: Pod) -> None:
        fault = node.simulator.inject(function="HcnCreateEndpoint", held="before")
        pod = Pod(node)
        adding = node.start("ADD", pod.config, pod.container, pod.namespace)
        while not node.simulator.fired(fault):
            assert adding.poll() is None
        assert _collected(node) == []
        node.simulator.clear_faults()
        adding.communicate()
        assert adding.returncode == 0

    def test_others_endpoints_and_those_of_ours_in_a_living_namespace(
        self, node: SimulatedNode, living: Pod
    ) -> None:
        lost = Pod(node)
        kept = [
            node.foreign("somebody's", "10.88.0.70"),
            node.foreign(f"{container_id()}_pods", "10.88.0.71"),
            node.simulator.plant_endpoint("pods", ID=lost.endpoint, Name=f"{lost.container}_pods"),
        ]
        node.attach(lost.namespace, lost.endpoint)
        assert _collected(node) == []
        assert {view.id for view in node.endpoints()} == {*kept, living.endpoint}

    def test_reserved_addresses(self, node: SimulatedNode, living: Pod) -> None:
        reserve = ["ipam", "reserve", "--network", "pods", "--owner", "kube-proxy", "--address", "10.88.0.9"]
        assert node.command(*reserve).exit_code == 0
        assert _collected(node) == []
        assert "10.88.0.9" in [lease.address for lease in node.leases()]

    def test_everything_while_hns_has_just_started(self, node: SimulatedNode, living: Pod) -> None:
        gone, unknown = _gone(node), _unknown(node)
        node.simulator.set_options(hns_uptime_s=10)
        node.simulator.reboot()
        assert _collected(node) == []
        ids = {view.id for view in node.endpoints()}
        assert {gone.endpoint, unknown.endpoint} < ids
        node.simulator.plant("namespace", {"ID": living.namespace})
        node.attach(living.namespace, living.endpoint)

    def test_what_hns_does_not_delete_with_the_reason(self, node: SimulatedNode, living: Pod) -> None:
        _half_done(node)
        node.simulator.inject(function="HcnDeleteEndpoint", hresult=0x80004005)
        (one,) = _collected(node, code=1)
        assert one["outcome"].startswith("left: HcnDeleteEndpoint failed")
        assert len(node.leases()) == 2
        assert [one["outcome"] for one in _collected(node)] == ["removed"]

    def test_hns_that_does_not_answer_is_an_error(self, node: SimulatedNode, living: Pod) -> None:
        _gone(node)
        before = _ledger(node)
        node.simulator.inject(function="*", hresult=0x800706BA, count=0)
        done = node.command("gc")
        node.simulator.clear_faults()
        assert done.exit_code == 1
        assert _ledger(node) == before


class TestADryRun:
    def test_says_the_same_and_changes_nothing_at_all(self, node: SimulatedNode, living: Pod) -> None:
        gone = _gone(node)
        _unknown(node)
        _half_done(node)
        _collected(node, "--dry-run", code=1)
        before = _ledger(node), node.simulator.dump()
        found = _collected(node, "--dry-run", code=1)
        assert (_ledger(node), node.simulator.dump()) == before
        assert [one["outcome"].split(":")[0] for one in found] == [
            "would be removed",
            "left",
            "would be removed",
        ]
        assert found[1]["containerID"] == gone.container
        done = _collected(node, code=1)
        assert [(one["id"], one["why"]) for one in done] == [(one["id"], one["why"]) for one in found]

    def test_of_nothing_but_what_would_go_succeeds(self, node: SimulatedNode, living: Pod) -> None:
        _half_done(node)
        assert [one["outcome"] for one in _collected(node, "--dry-run")] == ["would be removed"]
        assert len(node.endpoints()) == 2

    def test_visits_no_tombstone(self, node: SimulatedNode, living: Pod) -> None:
        pod = Pod(node)
        node.simulator.inject(function="HcnCreateEndpoint", die="before")
        assert node.process("ADD", pod.config, pod.container, pod.namespace).killed
        node.simulator.clear_faults()
        pod.done("DEL")
        late = node.simulator.plant_endpoint("pods", ID=pod.endpoint, Name=f"{pod.container}_pods")
        assert _collected(node, "--dry-run") == []
        assert late in [view.id for view in node.endpoints()]
        assert _collected(node) == []
        assert late not in [view.id for view in node.endpoints()]


class TestAnExternalPluginsAttachment:
    @pytest.fixture
    def ipam(self, tmp_path: Path) -> FakeIpam:
        return FakeIpam(tmp_path / "plugins")

    @pytest.fixture
    def config(self, tmp_path: Path) -> Path:
        file = tmp_path / "pods.conf"
        file.write_text(json.dumps(configured("l2bridge", ipam={"type": "fake-ipam"}, dns={})))
        return file

    @pytest.fixture
    def gone(self, node: SimulatedNode, ipam: FakeIpam, config: Path) -> str:
        container = container_id()
        answer = node.call("ADD", config.read_bytes(), container, node.namespace(), path=ipam.path)
        assert answer.exit_code == 0, answer.words
        node.simulator.reboot()
        return container

    def test_without_its_configuration_is_left_and_said(
        self, node: SimulatedNode, ipam: FakeIpam, gone: str
    ) -> None:
        (one,) = _collected(node, code=1)
        assert one["containerID"] == gone
        assert one["outcome"] == (
            'left: its addresses are of IPAM plugin "fake-ipam"; name the configuration with --config'
        )
        assert len(node.endpoints()) == len(node.rows()) == 1
        assert "DEL" not in ipam.commands

    def test_without_the_folder_of_the_plugin_is_left_and_said(
        self, node: SimulatedNode, config: Path, gone: str
    ) -> None:
        (one,) = _collected(node, "--config", str(config), code=1)
        assert one["outcome"].startswith("left: ")
        assert "fake-ipam" in one["outcome"]
        assert [row.key.container_id for row in node.rows()] == [gone]

    def test_with_both_goes_and_the_plugin_is_told(
        self, node: SimulatedNode, ipam: FakeIpam, config: Path, gone: str
    ) -> None:
        (one,) = _collected(node, "--config", str(config), "--cni-path", str(ipam.folder))
        assert one["outcome"] == "removed"
        assert ipam.calls[-1]["variables"]["CNI_COMMAND"] == "DEL"
        assert ipam.calls[-1]["variables"]["CNI_CONTAINERID"] == gone
        node.assert_clean()


def test_a_wrong_option_is_wrong_usage(node: SimulatedNode) -> None:
    done: Printed = node.command("gc", "--nonsense")
    assert done.exit_code == 2
