"""`cni-hns container`: HCS is scripted, HNS and the ledger are those of a simulated node."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.binding._generated_computecore import ffi
from cni_hns.binding.libraries import Libraries, Machine
from cni_hns.binding.service import Service
from cni_hns.cli import main
from cni_hns.cli.containers.facts import _bytes, _duration
from cni_hns.deadline import Deadline
from cni_hns.hcn.client import Hcn
from cni_hns.identity import KubernetesPod
from cni_hns.ledger import AttachmentKey, open_ledger
from cni_hns.log import Log
from cni_hns.simulator import open_simulator
from tests.terminal import needs_a_terminal, screen
from tests.unit.binding.scripted_compute import SYSTEM_NOT_FOUND, TIMED_OUT, Answer, ScriptedCompute
from tests.unit.cli.conftest import Node, Typed
from tests.unit.ledger.shorthand import RESULT, add

SANDBOX = "5a" * 32
RUNNING = {
    "Id": SANDBOX,
    "SystemType": "Container",
    "State": "Running",
    "Owner": "containerd-shim-runhcs-v1.exe",
}
MINE = {**RUNNING, "Owner": "my-tool"}
MACHINE = {"Id": "vm", "SystemType": "VirtualMachine", "State": "Running"}
LEAKED = {"Id": "old", "SystemType": "Container", "State": "Unknown", "Owner": "docker"}
UPTIME = 93_784 * 10_000_000
STATISTICS = {
    "Uptime100ns": UPTIME,
    "Processor": {"TotalRuntime100ns": 20_000_000},
    "Memory": {"MemoryUsageCommitBytes": 3 << 20, "MemoryUsagePrivateWorkingSetBytes": 1536},
    "Storage": {"ReadSizeBytes": 10, "WriteSizeBytes": 2048},
}


class Containers:
    """`containers("list")` runs one command about the node of `node`, whose HCS is scripted."""

    def __init__(self, node: Node, hcs: ScriptedCompute, capsys: pytest.CaptureFixture[str]) -> None:
        self.node = node
        self.hcs = hcs
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Typed:
        self._capsys.readouterr()
        code = main(["container", *arguments], self._connect)
        return Typed(code, *self._capsys.readouterr())

    def screen(self, *arguments: str, columns: int = 80) -> list[str]:
        """The lines on a terminal."""
        return screen(["container", *arguments], columns, self._connect).text.splitlines()

    def are(self, *systems: dict[str, Any]) -> None:
        self.hcs.says("HcsEnumerateComputeSystems", Answer(text=json.dumps(systems)))
        if systems:
            self.says(systems[0])

    def says(self, *documents: dict[str, Any]) -> None:
        """What the questions about properties are answered, the last one from then on."""
        answers = [Answer(text=json.dumps(document)) for document in documents]
        self.hcs.says("HcsGetComputeSystemProperties", *answers)

    def _connect(self) -> tuple[Libraries, Machine]:
        libraries, machine = choose_hns({"CNI_HNS_SIMULATOR": str(self.node.folder)})()
        libraries.ole32 = Either(self.hcs, libraries.ole32)
        libraries.computecore = self.hcs.libraries().computecore
        return libraries, machine


class Either:
    """Frees what either of the two services has allocated."""

    def __init__(self, hcs: ScriptedCompute, simulated: Any) -> None:
        self._hcs, self._simulated = hcs, simulated

    def CoTaskMemFree(self, memory: Any) -> None:  # noqa: N802
        scripted = int(ffi.cast("uintptr_t", memory)) in self._hcs.buffers
        (self._hcs.libraries().ole32 if scripted else self._simulated).CoTaskMemFree(memory)


@pytest.fixture
def containers(node: Node, capsys: pytest.CaptureFixture[str]) -> Iterator[Containers]:
    hcs = ScriptedCompute()
    yield Containers(node, hcs, capsys)
    hcs.assert_clean()


@pytest.fixture
def namespace(node: Node) -> str:
    """The namespace of a pod that was added, whose sandbox is SANDBOX; its endpoint has an address."""
    network = node.make("network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24")
    namespace = str(node.make("namespace", "create")["id"])
    node.plant_endpoint(network["id"], f"{SANDBOX}_l2b", namespace)
    _join(node, namespace, SANDBOX)
    return namespace


def _join(node: Node, namespace: str, container: str) -> None:
    """As HCS does when it makes a container in a namespace."""
    libraries, _ = choose_hns({"CNI_HNS_SIMULATOR": str(node.folder)})()
    settings = {"ContainerId": container}
    with Hcn(Service(libraries, Log())).namespaces.open(namespace) as opened:
        opened.modify({"ResourceType": "Container", "RequestType": "Add", "Settings": settings})
    libraries.close()


def _record(node: Node, namespace: str, pod: KubernetesPod | None = None) -> None:
    """The ledger has the sandbox, as an ADD leaves it."""
    ledger = open_ledger(str(node.folder / "cni-hns" / "ledger.db"), Deadline(60.0))
    key = AttachmentKey("l2b", SANDBOX, "eth0")
    add(ledger, key, namespace_id=namespace, pod=pod or KubernetesPod())
    assert ledger.make_ready(key, "first", RESULT)
    ledger.close()


class TestList:
    def test_a_node_without_any(self, containers: Containers) -> None:
        containers.are()
        assert containers("list") == (0, "no compute systems\n", "")
        assert containers("list", "--json").json == []

    def test_has_each_with_its_isolation_state_and_owner(self, containers: Containers) -> None:
        containers.are(LEAKED, MACHINE)
        rows = containers("list", "--json").json
        assert [(one["id"], one["isolation"], one["state"], one["owner"]) for one in rows] == [
            ("old", "process", "Unknown", "docker"),
            ("vm", "virtual machine", "Running", ""),
        ]

    def test_joins_the_namespace_and_its_addresses(self, containers: Containers, namespace: str) -> None:
        containers.are({**RUNNING, "Statistics": STATISTICS})
        (row,) = containers("list", "--json").json
        assert (row["namespace"], row["uptimeSeconds"]) == (namespace, 93_784)
        assert [address.partition(".")[0] for address in row["addresses"]] == ["10"]
        assert containers("list", "-o", "wide").out.splitlines()[1].split() == [
            *(SANDBOX, "-", "process", "Running", "1", "d", "2", "h", row["addresses"][0]),
            *(row["owner"], "-", namespace),
        ]

    @needs_a_terminal
    def test_on_a_narrow_terminal_each_is_a_block_of_lines(
        self, containers: Containers, namespace: str
    ) -> None:
        _record(containers.node, namespace, KubernetesPod("shop", "web-0", "uid-1"))
        containers.are({**RUNNING, "Statistics": STATISTICS})
        (row,) = containers("list", "--json").json
        assert containers.screen("list") == [
            SANDBOX,
            "    process, Running, up 1 d 2 h",
            f"    owner {row['owner']}",
            "    the sandbox of pod shop/web-0",
            f"    namespace {namespace}: {row['addresses'][0]}",
        ]

    def test_joins_the_pod_by_the_ledger(self, containers: Containers, namespace: str) -> None:
        _record(containers.node, namespace)
        _join(containers.node, namespace, "workload")
        workload = {**RUNNING, "Id": "workload", "State": "Created"}
        containers.are({**RUNNING, "State": "Created"}, workload)
        sandbox, other = containers("list", "--json").json
        assert (sandbox["pod"], sandbox["namespace"]) == (SANDBOX, namespace)
        assert (other["pod"], other["namespace"]) == (SANDBOX, namespace)
        pods = [line.split()[-2] for line in containers("list", "-o", "wide").out.splitlines()[1:]]
        assert pods == [SANDBOX, SANDBOX]

    def test_names_the_pod_as_kubernetes_does(self, containers: Containers, namespace: str) -> None:
        _record(containers.node, namespace, KubernetesPod("shop", "web-0", "uid-1"))
        _join(containers.node, namespace, "workload")
        containers.are(RUNNING, {**RUNNING, "Id": "workload"})
        rows = containers("list", "--json").json
        assert [(row["podName"], row["podUID"]) for row in rows] == [("shop/web-0", "uid-1")] * 2
        assert [line.split()[1] for line in containers("list").out.splitlines()] == [
            "POD",
            *["shop/web-0"] * 2,
        ]

    def test_has_one_that_ends_meanwhile_without_its_uptime(self, containers: Containers) -> None:
        containers.are(RUNNING)
        containers.hcs.says("HcsOpenComputeSystem", Answer(call=SYSTEM_NOT_FOUND, handle=False))
        (row,) = containers("list", "--json").json
        assert row["uptimeSeconds"] is None

    def test_can_be_of_one_owner_of_one_state_or_of_the_leaked(self, containers: Containers) -> None:
        containers.are(LEAKED, MACHINE)
        containers("list", "--owner", "docker")
        assert containers.hcs.arguments("HcsEnumerateComputeSystems")[0] == '{"Owners": ["docker"]}'
        assert [one["id"] for one in containers("list", "--state", "running", "--json").json] == ["vm"]
        assert [one["id"] for one in containers("list", "--leaked", "--json").json] == ["old"]

    def test_goes_on_where_the_ledger_cannot_be_read_and_says_so(self, containers: Containers) -> None:
        containers.are(LEAKED)
        folder = containers.node.folder / "broken"
        folder.mkdir(parents=True)
        (folder / "ledger.db").write_text("not a ledger")
        typed = containers("list", "--data-dir", str(folder), "--json")
        assert (typed.exit_code, [one["id"] for one in typed.json]) == (0, ["old"])
        assert typed.err.startswith("note: ")

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (0x8037011B, "run as administrator"),
            (0x80370114, "enable the Windows feature Containers"),
            (0x80070424, "the vmcompute service is not installed"),
            (0x8037011E, "Get-Service vmcompute"),
            (TIMED_OUT, "the operation goes on"),
        ],
    )
    def test_a_service_that_cannot_answer_is_one_line_with_what_to_do(
        self, containers: Containers, code: int, said: str
    ) -> None:
        containers.hcs.says("HcsEnumerateComputeSystems", Answer(result=code))
        typed = containers("list")
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert said in typed.err

    def test_a_timeout_is_passed_to_the_service(self, containers: Containers) -> None:
        containers.are()
        containers("list", "--timeout", "2")
        assert 0 < containers.hcs.arguments("HcsWaitForOperationResult")[1] <= 2000


HANGING = """
import sys, time
from cni_hns.__main__ import choose_hns
from cni_hns.binding import patience
from cni_hns.cli import main
from tests.unit.binding.scripted_compute import Answer, ScriptedCompute

patience._GRACE_S = 0.1
hcs = ScriptedCompute()
hcs.says("HcsOpenComputeSystem", Answer(then=lambda: time.sleep(600)))

def connect():
    _, machine = choose_hns({"CNI_HNS_SIMULATOR": sys.argv[1]})()
    return hcs.libraries(), machine

main(["container", "ps", "box", "--timeout", "0"], connect)
"""


def test_a_service_that_hangs_is_given_up_with_a_line_that_says_what_hung(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HANGING, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(
        "cni-hns: HcsOpenComputeSystem compute system box has not come back for 0 s"
    )


class TestShow:
    def test_has_the_network_the_use_and_the_whole_document(
        self, containers: Containers, namespace: str
    ) -> None:
        containers.says({**RUNNING, "Statistics": STATISTICS, "Zoo": "kept"})
        shown = containers("show", SANDBOX, "--json").json
        assert (shown["namespace"], shown["cpuSeconds"]) == (namespace, 2.0)
        assert shown["document"]["Zoo"] == "kept"
        assert shown["endpoints"][0].endswith(f" {SANDBOX}_l2b")

    def test_of_one_that_does_not_run_has_no_use(self, containers: Containers) -> None:
        containers.says(LEAKED)
        shown = containers("show", "old", "--json").json
        assert (shown["state"], shown["uptimeSeconds"], "cpuSeconds" in shown) == ("Unknown", None, False)

    def test_of_one_that_is_not_there(self, containers: Containers) -> None:
        containers.hcs.says("HcsOpenComputeSystem", Answer(call=SYSTEM_NOT_FOUND, handle=False))
        typed = containers("show", "gone")
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert "compute system gone" in typed.err


class TestPs:
    def test_lists_the_processes(self, containers: Containers) -> None:
        process = {
            "ProcessId": 4711,
            "ImageName": "cmd.exe",
            "UserTime100ns": 15_000_000,
            "MemoryWorkingSetPrivateBytes": 2048,
        }
        containers.says({**RUNNING, "ProcessList": [process]})
        (row,) = containers("ps", SANDBOX, "--json").json
        assert (row["pid"], row["image"], row["userSeconds"], row["privateBytes"]) == (
            4711,
            "cmd.exe",
            1.5,
            2048,
        )
        assert containers("ps", SANDBOX).out.splitlines()[1].split() == [
            *("4711", "cmd.exe", "1.50", "s", "0.00", "s", "2.0", "KiB")
        ]


class TestStats:
    def test_the_processors_use_is_that_between_two_looks(self, containers: Containers) -> None:
        processor = {"TotalRuntime100ns": 25_000_000}
        later = {**STATISTICS, "Uptime100ns": UPTIME + 10_000_000, "Processor": processor}
        containers.says({**RUNNING, "Statistics": STATISTICS}, {**RUNNING, "Statistics": later})
        (row,) = containers("stats", SANDBOX, "--interval", "0.01", "--json").json
        assert (row["cpuPercent"], row["memoryCommitBytes"], row["writtenBytes"]) == (50.0, 3 << 20, 2048)

    def test_has_what_its_endpoints_counted(self, containers: Containers, namespace: str) -> None:
        containers.are({**RUNNING, "Statistics": STATISTICS})
        (row,) = containers("stats", "--interval", "0.01", "--json").json
        assert row["bytesReceived"] is not None
        assert row["cpuPercent"] is None
        out = containers("stats", "--interval", "0.01").out
        assert "cpu ?, memory 3.0 MiB (1.5 KiB private)" in out
        assert "network: " in out

    def test_without_a_namespace_has_no_traffic(self, containers: Containers) -> None:
        containers.are({**RUNNING, "Statistics": STATISTICS})
        (row,) = containers("stats", "--interval", "0.01", "--json").json
        assert row["bytesSent"] is None
        assert "network" not in containers("stats", "--interval", "0.01").out

    @pytest.mark.parametrize(
        ("option", "value", "counted"),
        [
            pytest.param(
                "missing_functions", ["HcnQueryEndpointStats"], None, id="a Windows that does not count"
            ),
            pytest.param("missing_functions", [], 0, id="one that does"),
        ],
    )
    def test_traffic_is_left_out_where_windows_does_not_count(
        self, containers: Containers, namespace: str, option: str, value: list[str], counted: int | None
    ) -> None:
        open_simulator(str(containers.node.folder)).set_options(**{option: value})
        containers.are({**RUNNING, "Statistics": STATISTICS})
        (row,) = containers("stats", "--interval", "0.01", "--json").json
        assert row["packetsDropped"] == counted

    def test_of_one_that_does_not_run(self, containers: Containers) -> None:
        containers.hcs.says("HcsGetComputeSystemProperties", Answer(result=0x80370105))
        typed = containers("stats", SANDBOX)
        assert (typed.exit_code, "does not run" in typed.err) == (1, True)

    def test_watching_goes_on_until_it_is_interrupted(
        self, containers: Containers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pauses = iter([None, None, KeyboardInterrupt()])

        def sleep(_: float) -> None:
            if (fault := next(pauses)) is not None:
                raise fault

        monkeypatch.setattr("cni_hns.cli.containers.looking.time.sleep", sleep)
        containers.are({**RUNNING, "Statistics": STATISTICS})
        typed = containers("stats", "--watch")
        assert (typed.exit_code, typed.out.count(SANDBOX)) == (130, 2)


class TestLife:
    def test_starts(self, containers: Containers) -> None:
        typed = containers("start", "box", "--json")
        assert typed.json == {"id": "box", "outcome": "started"}
        assert containers.hcs.called[-1] == "HcsStartComputeSystem"

    @pytest.mark.parametrize("verb", ["stop", "kill"])
    def test_what_a_runtime_made_is_left_to_it(self, containers: Containers, verb: str) -> None:
        containers.says(RUNNING)
        typed = containers(verb, SANDBOX)
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert "belongs to containerd-shim-runhcs-v1.exe" in typed.err
        assert "repeat with --force" in typed.err
        assert not {"HcsShutDownComputeSystem", "HcsTerminateComputeSystem"} & set(containers.hcs.called)

    @pytest.mark.parametrize(("verb", "outcome"), [("stop", "shut down"), ("kill", "terminated")])
    @pytest.mark.parametrize(("document", "force"), [(RUNNING, ["--force"]), (MINE, [])])
    def test_others_and_by_force_all_are_ended(
        self, containers: Containers, verb: str, outcome: str, document: dict[str, Any], force: list[str]
    ) -> None:
        containers.says(document)
        exited = Answer(text='{"Status":0,"ExitType":"GracefulExit"}')
        containers.hcs.says("HcsWaitForComputeSystemExit", exited)
        typed = containers(verb, SANDBOX, *force, "--json")
        assert typed.json == {"id": SANDBOX, "outcome": outcome, "exitType": "GracefulExit"}

    def test_to_stop_what_is_not_there_is_no_failure(self, containers: Containers) -> None:
        containers.hcs.says("HcsOpenComputeSystem", Answer(call=SYSTEM_NOT_FOUND, handle=False))
        assert containers("stop", "gone") == (0, "compute system gone: not there\n", "")
        assert containers("kill", "gone").exit_code == 1

    @pytest.mark.parametrize("verb", ["pause", "resume"])
    def test_pausing_is_refused_with_the_isolation_or_done(self, containers: Containers, verb: str) -> None:
        containers.says(RUNNING)
        typed = containers(verb, SANDBOX)
        assert (typed.exit_code, typed.err.count("\n")) == (1, 1)
        assert f"cannot be {verb}d: it is process-isolated" in typed.err
        containers.says(MACHINE)
        assert containers(verb, "vm").out == f"compute system vm: {verb}d\n"


class TestSet:
    @pytest.mark.parametrize(
        ("options", "settings"),
        [
            (["--cpus", "2"], [{"Count": 2}]),
            (["--cpu-max", "5000"], [{"Maximum": 5000}]),
            (["--cpu-weight", "100", "--memory", "511"], [{"Weight": 100}, 512]),
        ],
    )
    def test_changes_what_is_given(
        self, containers: Containers, options: list[str], settings: list[Any]
    ) -> None:
        containers.says(RUNNING)
        assert containers("set", SANDBOX, *options).out == f"compute system {SANDBOX}: changed\n"
        sent = [call[3] for call in containers.hcs.calls if call[0] == "HcsModifyComputeSystem"]
        assert [json.loads(one)["Settings"] for one in sent] == settings

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ([], 2),
            (["--cpus", "many"], 2),
            (["--cpus", "2", "--cpu-max", "5"], 1),
            (["--cpu-max", "10001"], 1),
            (["--memory", "0"], 1),
            pytest.param(["--cpus", "2", "--memory", "0"], 1, id="not even the half that is right"),
        ],
    )
    def test_what_is_no_change_is_not_sent(
        self, containers: Containers, options: list[str], code: int
    ) -> None:
        containers.says(RUNNING)
        assert containers("set", SANDBOX, *options).exit_code == code
        assert "HcsModifyComputeSystem" not in containers.hcs.called

    def test_the_virtual_machine_of_a_pod_is_refused(self, containers: Containers) -> None:
        containers.says(MACHINE)
        typed = containers("set", "vm", "--memory", "512")
        assert (typed.exit_code, "change the containers in it" in typed.err) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (65, "1 min 5 s"), (3600, "1 h 0 min"), (93_784, "1 d 2 h")]
)
def test_a_time_has_its_two_largest_units(seconds: int, words: str) -> None:
    assert _duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 50, "1024.0 TiB")]
)
def test_bytes_have_the_largest_unit_that_fits(number: int, words: str) -> None:
    assert _bytes(number) == words
