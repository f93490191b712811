"""`cni-hns pod`: HNS and the ledger are those of a simulated node with real ADDs, HCS is scripted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.libraries import Libraries, Machine
from cni_hns.cli import main
from cni_hns.hcn.documents import add_endpoint
from tests.behaviour.scene import MODES, configured, network
from tests.harness import SimulatedNode, container_id, l2bridge
from tests.terminal import needs_a_terminal, screen
from tests.unit.binding.scripted_compute import Answer, ScriptedCompute
from tests.unit.cli.conftest import Typed
from tests.unit.cli.test_containers import Either
from tests.unit.cri.fake_runtime import FakeRuntime, listed_container, listed_sandbox

OTHER_SUBNET = {"prefix": "10.99.0.0/24", "gateway": "10.99.0.1"}
PORT = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}


class Pods:
    """`pods("list")` runs one command about the node."""

    def __init__(self, node: SimulatedNode, hcs: ScriptedCompute, capsys: pytest.CaptureFixture[str]) -> None:
        self.node = node
        self.hcs = hcs
        self.has_hcs = True
        self._capsys = capsys
        self.are()

    def __call__(self, *arguments: str) -> Typed:
        self._capsys.readouterr()
        code = main(["pod", *arguments], self._connect)
        return Typed(code, *self._capsys.readouterr())

    def screen(self, *arguments: str, columns: int = 80) -> list[str]:
        """The lines on a terminal."""
        return screen(["pod", *arguments], columns, self._connect).text.splitlines()

    def are(self, *systems: dict[str, Any]) -> None:
        """The compute systems of the node."""
        self.hcs.says("HcsEnumerateComputeSystems", Answer(text=json.dumps(systems)))

    def add(self, config: dict[str, Any] | None = None, args: str = "") -> str:
        """A pod whose sandbox runs; its id."""
        sandbox = container_id()
        answer = self.node.call("ADD", config or l2bridge(), sandbox, self.node.namespace(), args=args)
        assert answer.exit_code == 0, answer.words
        self.are({"Id": sandbox, "SystemType": "Container", "State": "Running", "Owner": "docker"})
        return sandbox

    def lose_hns(self) -> None:
        for kind in ("Namespaces", "Endpoints", "Networks"):
            self.node.simulator.inject(function=f"HcnEnumerate{kind}", hresult=0x800706BA, count=0)

    def lose_hcs(self) -> None:
        self.has_hcs = False
        self.node.simulator.set_options(missing_libraries=["computecore"])

    def only(self) -> dict[str, Any]:
        (found,) = self("list", "--json").json
        return dict(found)

    def words(self) -> list[str]:
        """The mismatches of the only pod."""
        return [one["words"] for one in self.only()["mismatches"]]

    def _connect(self) -> tuple[Libraries, Machine]:
        simulator = self.node.simulator
        libraries = simulator.libraries()
        if self.has_hcs:
            libraries.ole32 = Either(self.hcs, libraries.ole32)
            libraries.computecore = self.hcs.libraries().computecore
        return libraries, simulator.machine()


@pytest.fixture
def pods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Pods]:
    node, hcs = SimulatedNode(tmp_path), ScriptedCompute()
    yield Pods(node, hcs, capsys)
    node.close()
    hcs.assert_clean()


class TestList:
    def test_a_node_without_any(self, pods: Pods) -> None:
        assert pods("list") == (0, "no pods\n", "")
        assert pods("list", "--json").json == []

    @pytest.mark.parametrize("mode", MODES)
    def test_all_agree_after_an_add(self, pods: Pods, mode: str) -> None:
        sandbox = pods.add(configured(mode))
        one = pods.only()
        assert (one["id"], one["state"], one["mismatches"]) == (sandbox, "ok", [])
        assert (one["networks"], one["addresses"]) == (["pods"], ["10.88.0.2/24"])

    def test_a_pod_is_a_line(self, pods: Pods) -> None:
        sandbox = pods.add()
        heading, line = pods("list").out.splitlines()
        assert heading.split() == ["ID", "POD", "STATE", "ADDRESSES", "NETWORKS", "MISMATCHES"]
        assert line.split() == [sandbox, "-", "ok", "10.88.0.2/24", "pods", "-"]
        assert pods("list", "-q").out == pods("list", "-o", "name").out == f"{sandbox}\n"

    @needs_a_terminal
    def test_on_a_narrow_terminal_it_is_a_block_of_lines(self, pods: Pods) -> None:
        sandbox = pods.add()
        (row,) = pods.node.rows()
        assert pods.screen("list") == [
            sandbox,
            "    ok",
            "    10.88.0.2/24 on pods",
            f"    namespace {row.namespace_id}",
            f"    containers: {sandbox}",
            "    Running",
        ]

    def test_an_endpoint_moved_by_hand_is_said(self, pods: Pods) -> None:
        pods.add()
        (row,), other = pods.node.rows(), pods.node.namespace()
        assert row.endpoint_id is not None
        with pods.node.hcn.namespaces.open(row.namespace_id or "") as opened:
            opened.modify({**add_endpoint(row.endpoint_id), "RequestType": "Remove"})
        pods.node.attach(other, row.endpoint_id)
        said = f"endpoint {row.endpoint_id} is in namespace {other}; the ledger says in {row.namespace_id}"
        assert pods.words() == [said]
        assert pods("list").out.endswith(f"  {said}\n")

    def test_an_endpoint_deleted_by_hand_is_said(self, pods: Pods) -> None:
        pods.add()
        (row,) = pods.node.rows()
        pods.node.hcn.endpoints.delete(row.endpoint_id or "")
        assert (
            f"HNS does not have endpoint {row.endpoint_id}, which the ledger names for eth0"
            in pods.words()[0]
        )

    def test_a_lost_ledger_is_said(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.node.lose_ledger()
        one = pods.only()
        assert (one["id"], one["attachments"]) == (sandbox, [])
        assert [each["kind"] for each in one["mismatches"]] == ["endpoint-without-row"]

    def test_a_namespace_that_is_gone_is_said(self, pods: Pods) -> None:
        pods.add()
        (row,) = pods.node.rows()
        pods.node.hcn.namespaces.delete(row.namespace_id or "")
        assert f"HNS does not have namespace {row.namespace_id}" in pods.words()[0]

    def test_a_sandbox_that_has_stopped_is_said(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.are({"Id": sandbox, "SystemType": "Container", "State": "Stopped", "Stopped": True})
        assert pods.words() == [f"the sandbox's container {sandbox} has stopped"]

    def test_nothing_is_left_of_a_pod_that_was_deleted(self, pods: Pods) -> None:
        assert pods.node.call("DEL", l2bridge(), pods.add()).exit_code == 0
        assert pods("list", "--json").json == []

    def test_can_be_of_one_network(self, pods: Pods) -> None:
        first = pods.add()
        second = pods.add(configured("nat", name="other", network=network("nat", OTHER_SUBNET)))
        one, two = pods.node.network_id("pods"), pods.node.network_id("other")
        for name, sandbox in {"pods": first, one.upper(): first, "other": second, two: second}.items():
            assert [each["id"] for each in pods("list", "--network", name, "--json").json] == [sandbox]
        typed = pods("list", "--network", "zoo")
        assert (typed.exit_code, typed.out, "known are: other, pods" in typed.err) == (1, "", True)


class TestNamesThatTheAddTold:
    ARGS = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=uid-1"

    def test_are_in_the_list(self, pods: Pods) -> None:
        id_ = pods.add(args=self.ARGS)
        assert pods.screen("list")[:3] == [id_, "    pod shop/web-0", "    ok"]
        found = pods.only()
        assert found["kubernetes"] == {
            "namespace": "shop",
            "name": "web-0",
            "uid": "uid-1",
            "attempt": None,
            "state": None,
            "addresses": [],
            "containers": [],
        }
        (attachment,) = found["attachments"]
        assert (attachment["podName"], attachment["podUID"]) == ("shop/web-0", "uid-1")

    @pytest.mark.parametrize("which", ["shop/web-0", "uid-1"])
    def test_find_the_pod(self, pods: Pods, which: str) -> None:
        pods.add()
        id_ = pods.add(args=self.ARGS)
        assert pods("show", which, "--json").json["id"] == id_
        assert "shop/web-0: UID uid-1" in pods("show", which).out

    def test_of_a_pod_without_any_are_null(self, pods: Pods) -> None:
        pods.add()
        found = pods.only()
        assert found["kubernetes"] is None
        assert (found["attachments"][0]["podName"], found["attachments"][0]["podUID"]) == (None, None)


@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")
class TestWithTheRuntime:
    def add(self, pods: Pods, runtime: FakeRuntime) -> str:
        """A pod of which all know, with a container; the id of its sandbox."""
        id_ = pods.add()
        runtime.sandboxes = [listed_sandbox(id_)]
        runtime.containers = [listed_container("c1", id_)]
        runtime.addresses = {id_: ["10.88.0.2"]}
        return id_

    def test_a_pod_has_its_name_and_those_of_its_containers(self, pods: Pods, runtime: FakeRuntime) -> None:
        id_ = self.add(pods, runtime)
        typed = pods("list", "--cri", runtime.endpoint)
        assert typed.err == ""
        assert typed.out.splitlines()[1].split()[:3] == [id_, "shop/web-0", "ok"]
        assert pods("list", "--cri", runtime.endpoint, "-o", "name").out == "shop/web-0\n"
        assert pods.screen("list", "--cri", runtime.endpoint)[:4] == [
            id_,
            "    pod shop/web-0 Ready",
            "    its containers: nginx Running",
            "    ok",
        ]
        (one,) = pods("list", "--cri", runtime.endpoint, "--json").json
        assert one["kubernetes"] == {
            "namespace": "shop",
            "name": "web-0",
            "uid": "uid-of-web-0",
            "attempt": 0,
            "state": "Ready",
            "addresses": ["10.88.0.2"],
            "containers": [{"id": "c1", "name": "nginx", "attempt": 0, "state": "Running"}],
        }

    def test_show_finds_a_pod_by_its_name_and_tells_all_of_it(self, pods: Pods, runtime: FakeRuntime) -> None:
        id_ = self.add(pods, runtime)
        assert pods("show", "shop/web-0", "--cri", runtime.endpoint, "--json").json["id"] == id_
        out = " ".join(pods("show", "shop/web-0", "--cri", runtime.endpoint).out.split())
        assert "shop/web-0: Ready, attempt 0, UID uid-of-web-0" in out
        assert "nginx: c1, Running, attempt 0" in out
        assert pods("show", "shop/web-0").err.startswith('cni-hns: pod "shop/web-0" not found')

    def test_without_the_option_nothing_is_asked(self, pods: Pods, runtime: FakeRuntime) -> None:
        self.add(pods, runtime)
        assert pods.only()["kubernetes"] is None
        assert "web-0" not in pods("list").out
        assert runtime.asked == []

    def test_what_only_the_runtime_shows_is_said(self, pods: Pods, runtime: FakeRuntime) -> None:
        id_ = self.add(pods, runtime)
        runtime.addresses = {id_: ["10.88.0.77"]}
        said = "the runtime says that the pod has 10.88.0.77, which no endpoint of the pod has"
        assert pods("list", "--cri", runtime.endpoint).out.endswith(f"  {said}\n")
        assert f"    MISMATCH {said}" in pods.screen("list", "--cri", runtime.endpoint, columns=100)

    def test_one_that_hangs_is_a_note_within_the_timeout(self, pods: Pods, runtime: FakeRuntime) -> None:
        id_ = self.add(pods, runtime)
        runtime.hold("ListPodSandbox")
        typed = pods("list", "--cri", runtime.endpoint, "--timeout", "0.5", "--json")
        assert (typed.exit_code, typed.json[0]["id"], typed.json[0]["state"]) == (0, id_, "ok")
        assert typed.err == f"note: the runtime at {runtime.endpoint} has not answered within 0.5 s\n"

    def test_one_that_is_missing_is_a_note(self, pods: Pods) -> None:
        pods.add()
        typed = pods("list", "--cri", "unix:///nowhere/containerd.sock")
        assert (typed.exit_code, " ok " in typed.out, typed.err.count("\n")) == (0, True, 1)
        assert typed.err.startswith("note: the runtime at unix:///nowhere/containerd.sock does not tell ")

    def test_what_is_no_endpoint_is_refused_before_anything_is_looked_at(self, pods: Pods) -> None:
        typed = pods("list", "--cri", "tcp://127.0.0.1:3735")
        assert (typed.exit_code, typed.out) == (2, "")
        assert "write npipe:////./pipe/NAME" in " ".join(typed.err.split())


class TestASourceThatIsMissing:
    def test_hcs_that_is_not_there_is_a_note(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.lose_hcs()
        typed = pods("list", "--json")
        assert (typed.exit_code, typed.json[0]["id"], typed.json[0]["state"]) == (0, sandbox, "ok")
        assert typed.err.startswith("note: HcsEnumerateComputeSystems ")
        assert typed.err.count("\n") == 1

    def test_hcs_that_refuses_is_a_note_with_what_to_do(self, pods: Pods) -> None:
        pods.add()
        pods.hcs.says("HcsEnumerateComputeSystems", Answer(result=0x8037011B))
        typed = pods("list")
        assert (typed.exit_code, " ok " in typed.out) == (0, True)
        assert "run as administrator" in typed.err

    def test_hns_that_fails_is_noted_and_the_ledger_is_shown(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.lose_hns()
        typed = pods("list", "--json")
        assert (typed.exit_code, typed.json[0]["id"], typed.json[0]["addresses"]) == (
            0,
            sandbox,
            ["10.88.0.2/24"],
        )
        assert "note: HcnEnumerateNamespaces " in typed.err

    def test_a_damaged_ledger_is_a_note(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.node.lose_ledger()
        Path(pods.node.ledger_path).write_text("not a ledger")
        typed = pods("list", "--json")
        assert (typed.exit_code, typed.json[0]["id"], typed.json[0]["state"]) == (0, sandbox, "ok")
        assert (typed.err.count("note: "), "ledger rebuild" in typed.err) == (1, True)

    def test_nobody_at_all_is_a_failure(self, pods: Pods) -> None:
        pods.lose_hcs()
        pods.add()
        pods.node.lose_ledger()
        Path(pods.node.ledger_path).write_text("not a ledger")
        pods.lose_hns()
        typed = pods("list")
        assert (typed.exit_code, typed.out, typed.err.count("\n")) == (1, "", 1)

    def test_the_timeout_is_passed_to_hcs(self, pods: Pods) -> None:
        pods("list", "--timeout", "2")
        assert 0 < pods.hcs.arguments("HcsWaitForOperationResult")[1] <= 2000


class TestShow:
    def test_has_everything(self, pods: Pods) -> None:
        sandbox = pods.add(l2bridge(runtimeConfig={"portMappings": [PORT]}))
        (row,), (endpoint,) = pods.node.rows(), pods.node.endpoints()
        one = pods("show", sandbox, "--json").json
        assert (one["id"], one["state"], one["namespace"]) == (sandbox, "ok", row.namespace_id)
        assert one["containers"] == [
            {"id": sandbox, "isolation": "process", "state": "Running", "owner": "docker"}
        ]
        assert one["endpoints"] == [
            {
                "id": endpoint.id,
                "name": f"{sandbox}_pods",
                "network": "pods",
                "networkID": endpoint.network,
                "namespace": row.namespace_id,
                "state": "created",
                "addresses": ["10.88.0.2/24"],
                "mac": endpoint.mac,
                "portMappings": ["8080 -> 80/tcp"],
            }
        ]
        (attachment,) = one["attachments"]
        assert (attachment["phase"], attachment["lastVerb"], attachment["ifname"]) == (
            "ready",
            "ADD ended",
            "eth0",
        )
        assert attachment["result"]["ips"][0]["address"] == "10.88.0.2/24"
        assert attachment["at"].endswith("Z")
        assert [each["address"] for each in one["leases"]] == ["10.88.0.2"]

    def test_is_readable(self, pods: Pods) -> None:
        sandbox = pods.add(l2bridge(runtimeConfig={"portMappings": [PORT]}))
        out = " ".join(pods("show", sandbox).out.split())
        assert f"{sandbox}: process, Running, docker" in out
        assert "compartment none: no container runs in the namespace" in out
        assert "10.88.0.2/24, created, MAC" in out
        assert "network pods, port 8080 -> 80/tcp" in out
        assert "eth0 on pods: ready, ADD ended at 2" in out

    def test_a_verb_of_an_earlier_boot_has_no_time(self, pods: Pods) -> None:
        sandbox = pods.add()
        pods.node.simulator.reboot()
        assert pods("show", sandbox, "--json").json["attachments"][0]["at"] is None
        assert "ADD ended before this boot" in " ".join(pods("show", sandbox).out.split())

    def test_takes_the_beginning_of_either_id(self, pods: Pods) -> None:
        sandbox = pods.add()
        (row,) = pods.node.rows()
        assert row.namespace_id is not None
        for text in (sandbox[:6], sandbox.upper(), row.namespace_id, f"{{{row.namespace_id[:20]}"):
            assert pods("show", text, "--json").json["id"] == sandbox

    def test_a_beginning_of_several_is_refused_with_their_ids(self, pods: Pods) -> None:
        namespaces = pods.node.namespace(), pods.node.namespace()
        for sandbox, namespace in zip(("abc1", "abc2"), namespaces, strict=True):
            assert pods.node.call("ADD", l2bridge(), sandbox, namespace).exit_code == 0
        typed = pods("show", "abc")
        assert (typed.exit_code, typed.out) == (1, "")
        assert typed.err.endswith('2 pods are "abc", or have an ID that begins so: abc1, abc2\n')

    @pytest.mark.parametrize("text", ["zoo", ""])
    def test_of_one_that_is_not_there(self, pods: Pods, text: str) -> None:
        pods.add()
        typed = pods("show", text)
        assert (typed.exit_code, typed.err) == (
            1,
            f'cni-hns: pod "{text}" not found; see: cni-hns pod list\n',
        )
