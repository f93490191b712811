"""`cni-hns status`: on simulated nodes with real ADDs, well and ill in one place at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cni_hns import __version__
from cni_hns.cli.status import lines, readings
from cni_hns.survey.configuration import ConfigurationFile, ConfigurationSeen, Program
from cni_hns.survey.questions import Outcome, Question
from tests.harness import Printed, SimulatedNode, container_id, l2bridge

STOPPED = 0x80070426
LIST = {"cniVersion": "1.0.0", "name": "pods"}


class Status:
    """`status()` runs the command on the node; `line("hns")` is one line of its JSON."""

    def __init__(self, node: SimulatedNode, folder: Path) -> None:
        self.node = node
        self.bin, self.conf = folder / "bin", folder / "conf"
        self.bin.mkdir()
        self.conf.mkdir()
        self.log = folder / "cni.log"
        self.put("cni-hns")
        self.configure("10-pods.conflist")

    def __call__(self, *more: str) -> Printed:
        places = ("--bin-dir", str(self.bin), "--conf-dir", str(self.conf))
        return self.node.command("status", *places, *more)

    def put(self, name: str) -> None:
        (self.bin / name).write_bytes(b"another program")

    def configure(self, name: str, **changes: Any) -> None:
        plugin = l2bridge(log={"file": str(self.log)}, **changes)
        (self.conf / name).write_text(json.dumps({**LIST, "plugins": [plugin]}))

    def add(self, **changes: Any) -> tuple[str, str]:
        pod, namespace = container_id(), self.node.namespace()
        answer = self.node.call("ADD", l2bridge(**changes), pod, namespace)
        assert answer.exit_code == 0, answer.words
        return pod, namespace

    def all(self) -> dict[str, dict[str, Any]]:
        printed = self("--json")
        document = json.loads(printed.stdout)
        assert printed.exit_code == (document["state"] == "ill")
        return {one["id"]: one for one in document["checks"]}

    def line(self, name: str) -> dict[str, Any]:
        return self.all()[name]


@pytest.fixture
def status(node: SimulatedNode, tmp_path: Path) -> Status:
    return Status(node, tmp_path)


@pytest.fixture
def hung(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, join_threads: Callable[[], None]
) -> Iterator[SimulatedNode]:
    """What a test lets hang goes on at its end. What does not hang has time enough on a busy machine."""
    monkeypatch.setattr(readings, "LIMIT_S", 5.0)
    yield node
    node.simulator.clear_faults()
    join_threads()


class TestAHealthyNode:
    def test_is_one_screen_and_exit_code_0(self, status: Status) -> None:
        status.add()
        printed = status()
        assert printed.exit_code == 0, printed.stdout
        assert printed.stderr == ""
        assert len(printed.stdout.splitlines()) <= 40
        text = " ".join(printed.stdout.split())
        for words in ("hns", "vmcompute", "answered in", "1 alive", "1 of 253 in use", "sound", "nothing"):
            assert words in text

    def test_has_facts_for_programs(self, status: Status) -> None:
        status.add()
        found = status.all()
        assert found["hns"]["facts"]["service"] == "running"
        assert found["hns"]["facts"]["answerMs"] > 0
        assert found["windows"]["facts"] == {"build": 26100, "hns": "16.0", "lacks": []}
        assert found["network"]["facts"]["subnets"] == ["10.88.0.0/24"]
        assert found["addresses"]["facts"] == {
            "network": "pods",
            "ranges": "10.88.0.0/24",
            "used": 1,
            "of": 253,
        }
        assert found["pods"]["facts"] == {"alive": 1, "dark": [], "gone": [], "inProgress": 0}
        assert found["ledger"]["facts"]["path"] == status.node.ledger_path
        assert found["configuration"]["facts"]["loaded"] == [str(status.conf / "10-pods.conflist")]

    def test_without_any_pod_is_well_too(self, status: Status) -> None:
        assert status().exit_code == 0


class TestServices:
    def test_one_that_is_stopped_says_how_to_start_it(self, status: Status) -> None:
        status.node.simulator.set_options(service_stopped_hresult=STOPPED)
        found = status.all()
        assert (found["hns"]["state"], found["hns"]["facts"]["service"]) == ("ill", "stopped")
        assert found["hns"]["next"].startswith("Start-Service hns")
        assert found["vmcompute"]["state"] == "ok"
        assert found["ledger"]["state"] == "note"

    @pytest.mark.parametrize(
        ("function", "ill"), [("HNSCall", "hns"), ("HcsEnumerateComputeSystems", "vmcompute")]
    )
    def test_one_that_hangs_costs_no_other_line(
        self, status: Status, hung: SimulatedNode, function: str, ill: str
    ) -> None:
        status.add()
        hung.simulator.inject(function=function, held="before", count=0)
        found = status.all()
        assert found[ill]["state"] == "ill"
        assert "running since" in found[ill]["words"]
        assert "did not answer within 5 s" in found[ill]["words"]
        others = {name: one["state"] for name, one in found.items() if name not in (ill, "windows")}
        assert set(others.values()) <= {"ok", "note"}, others

    def test_those_that_are_slow_are_asked_side_by_side(self, status: Status, hung: SimulatedNode) -> None:
        status.add()
        slow = {"HNSCall", "HcsEnumerateComputeSystems"}
        for function in slow:
            hung.simulator.inject(function=function, held="before", count=0)

        def let_go_when_all_are_asked() -> None:
            while not slow <= {call.function for call in hung.simulator.journal()}:
                time.sleep(0.01)
            hung.simulator.clear_faults()

        with ThreadPoolExecutor(1) as beside:
            let_go = beside.submit(let_go_when_all_are_asked)
            found = status.all()
            let_go.result()
        assert (found["hns"]["state"], found["vmcompute"]["state"]) == ("ok", "ok")

    def test_one_question_may_take_less_than_the_two_seconds_of_all(self) -> None:
        assert readings.LIMIT_S < 2

    def test_an_hns_that_hangs_wholly_leaves_what_files_say(
        self, status: Status, hung: SimulatedNode
    ) -> None:
        status.add()
        hung.simulator.inject(function="*", held="before", count=0)
        found = status.all()
        assert {name for name, one in found.items() if one["state"] in ("ok", "note")} >= {
            "containerd",
            "configuration",
            "plugin",
            "ledger",
            "addresses",
            "disk",
            "last error",
        }
        assert found["network"]["words"] == "HNS did not answer within 5 s"
        assert found["pods"]["words"] == "see network"

    def test_a_windows_without_the_dlls_says_so(self, status: Status) -> None:
        status.node.simulator.set_options(missing_libraries=["computenetwork", "vmcompute", "computecore"])
        found = status.all()
        assert found["hns"]["state"] == found["vmcompute"]["state"] == "ill"
        assert found["windows"]["facts"]["build"] == 26100
        assert found["configuration"]["state"] == "ok"

    def test_an_older_hns_says_what_it_cannot_do(self, status: Status) -> None:
        status.node.simulator.set_options(hns_version="13.3")
        found = status.line("windows")
        assert found["state"] == "note"
        assert "TierAcl" in found["facts"]["lacks"]
        assert "policy TierAcl (14.0 or later)" in found["words"]


class TestPods:
    def test_one_without_its_endpoint_is_ill(self, status: Status) -> None:
        pod, _ = status.add()
        (endpoint,) = status.node.endpoints()
        status.node.simulator.remove(endpoint.id)
        found = status.line("pods")
        assert (found["state"], found["facts"]["dark"]) == ("ill", [pod])
        assert found["next"] == "cni-hns doctor"

    def test_one_without_its_namespace_is_left_over(self, status: Status) -> None:
        pod, namespace = status.add()
        status.node.hcn.namespaces.delete(namespace)
        found = status.line("pods")
        assert (found["state"], found["facts"]["gone"]) == ("warning", [pod])
        assert found["next"] == "cni-hns gc"

    def test_what_a_killed_process_left_is_half_done(self, status: Status) -> None:
        _, namespace = status.add()
        status.node.simulator.inject(function="HcnCreateEndpoint", die="before")
        status.node.process("ADD", l2bridge(), container_id(), namespace)
        found = status.line("half-done")
        assert (found["state"], found["next"]) == ("warning", "cni-hns gc")
        assert len(found["facts"]["attachments"]) == 1

    def test_used_up_addresses_are_ill(self, status: Status) -> None:
        ranges = {"type": "cni-hns", "ranges": [[{"subnet": "10.88.0.0/24", "rangeEnd": "10.88.0.2"}]]}
        status.configure("10-pods.conflist", ipam=ranges)
        status.add(ipam=ranges)
        found = status.line("addresses")
        assert (found["state"], found["facts"]["used"], found["facts"]["of"]) == ("ill", 1, 1)


class TestTheConfiguration:
    def test_that_is_not_the_first_is_named(self, status: Status) -> None:
        (status.conf / "05-nat.conf").write_text(json.dumps({**LIST, "type": "bridge"}))
        found = status.line("configuration")
        assert found["facts"]["loaded"] == [str(status.conf / "05-nat.conf")]
        assert "10-pods.conflist: only the first file by name is loaded" in found["words"]

    def test_that_is_broken_keeps_all_from_being_loaded(self, status: Status) -> None:
        (status.conf / "05-broken.conf").write_text("{")
        found = status.line("configuration")
        assert found["state"] == "ill"
        assert found["next"] == f'cni-hns config check "{status.conf / "05-broken.conf"}"'

    def test_that_has_another_ending_is_named(self, status: Status) -> None:
        (status.conf / "10-pods.conflist").rename(status.conf / "10-pods.yaml")
        found = status.line("configuration")
        assert (found["state"], found["facts"]["loaded"]) == ("ill", [])
        assert "its name ends in none of .conf, .conflist, .json" in found["words"]

    def test_whose_program_is_missing_is_ill(self, status: Status) -> None:
        (status.bin / "cni-hns").unlink()
        assert status.line("plugin")["state"] == "ill"

    def test_names_the_folder_of_the_ledger(self, status: Status, tmp_path: Path) -> None:
        status.configure("10-pods.conflist", dataDir=str(tmp_path / "data"))
        status.add(dataDir=str(tmp_path / "data"))
        found = status.all()
        assert found["ledger"]["facts"]["path"] == str(tmp_path / "data" / "ledger.db")
        assert found["pods"]["facts"]["alive"] == 1

    @pytest.mark.parametrize(
        ("program", "state", "said"),
        [
            pytest.param(Program("cni-hns", "/b/cni-hns", __version__, True), "ok", "as this", id="ours"),
            pytest.param(Program("cni-hns", "/b/cni-hns", "0.0.9", True), "warning", "0.0.9; this", id="old"),
            pytest.param(
                Program("cni-hns", "/b/cni-hns", __version__, True, True),
                "warning",
                "single file",
                id="single",
            ),
        ],
    )
    def test_tells_which_build_its_program_is(self, program: Program, state: str, said: str) -> None:
        seen = ConfigurationSeen("us", ("/b",), "/c", 1, programs=(program,), version=__version__)
        (found,) = lines._programs(seen)
        assert found.state == state
        assert said in found.words


class TestTheLog:
    def test_its_last_error_is_shown(self, status: Status) -> None:
        events = [
            {"time": "T1", "level": "error", "message": "an older one"},
            {"time": "T2", "level": "error", "message": "ADD failed with code 11: busy"},
            {"time": "T3", "level": "info", "message": 'it says "error" and is none'},
        ]
        status.log.write_text("\n".join(map(json.dumps, events)) + "\nhalf a li")
        found = status.line("last error")
        assert (found["state"], found["facts"]["time"]) == ("note", "T2")
        assert found["facts"]["message"] == "ADD failed with code 11: busy"

    def test_without_an_error_it_says_so(self, status: Status) -> None:
        status.log.write_text("")
        assert status.line("last error")["words"] == f"none in {status.log}"


def test_a_damaged_ledger_is_ill_and_says_what_to_do(status: Status) -> None:
    status.add()
    Path(status.node.ledger_path).write_bytes(b"no database" * 100)
    found = status.line("ledger")
    assert found["state"] == "ill"
    assert "cni-hns ledger rebuild" in found["words"]


def test_a_full_disk_is_ill(status: Status) -> None:
    status.node.simulator.set_options(disk_bytes=[10 << 30, 0])
    assert status.line("disk")["state"] == "ill"


def test_a_file_that_nobody_can_load_is_no_configuration_of_ours() -> None:
    assert not ConfigurationFile("/c/x.conf", "", "it is no JSON object").is_loaded


class TestAQuestion:
    def test_that_fails_has_its_reason(self) -> None:
        def work() -> int:
            raise ValueError("two\nlines")

        assert Question("it", 5.0, work).outcome().fault == "two lines"

    def test_is_answered_alike_each_time(self) -> None:
        asked = Question("it", 5.0, lambda: 7)
        assert asked.outcome().value == asked.outcome().value == 7

    def test_that_is_not_answered_says_so(self, node: SimulatedNode) -> None:
        from _thread import allocate_lock

        held = allocate_lock()
        held.acquire()
        asked = Question("it", 0.01, held.acquire)
        assert asked.outcome() == Outcome(None, "it did not answer within 0.01 s", 10.0)
        held.release()
        assert asked.outcome().value is None
