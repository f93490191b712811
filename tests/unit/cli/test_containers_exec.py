"""`cni-hns container exec`, with files as our input and output; HCS is simulated, or scripted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.binding.libraries import Libraries, Machine
from cni_hns.cli import main
from cni_hns.cli.containers import attending
from cni_hns.simulator import Simulator
from tests.unit.binding.scripted_compute import E_FAIL, TIMED_OUT, Answer, ScriptedCompute
from tests.unit.cli.conftest import Node
from tests.unit.simulator.hcs_caller import HcsCaller, container

posix_only = pytest.mark.skipif(os.name == "nt", reason="exit codes of eight bits, and signals")

MUCH = 1 << 20
KILLED = 1067
TOO_LARGE = 255
INTERRUPTED = 130
LONG_S = 60.0


class Ran(NamedTuple):
    """What the command came to."""

    exit_code: int
    out: bytes
    err: bytes


class Exec:
    """`exec_("box", "--", "hostname")` runs one command with files for the standard streams."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connect = choose_hns({"CNI_HNS_SIMULATOR": str(folder / "node")})
        self._folder = folder
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, given: bytes = b"") -> Ran:
        stdin, stdout, stderr = (self._folder / name for name in ("stdin", "stdout", "stderr"))
        stdin.write_bytes(given)
        with (
            stdin.open() as first,
            stdout.open("w") as second,
            stderr.open("w") as third,
            self._monkeypatch.context() as patched,
        ):
            for name, file in (("stdin", first), ("stdout", second), ("stderr", third)):
                patched.setattr(sys, name, file)
            code = main(["container", "exec", *arguments], self.connect)
        return Ran(code, stdout.read_bytes(), stderr.read_bytes())


@pytest.fixture
def exec_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exec:
    return Exec(tmp_path, monkeypatch)


@pytest.fixture
def box(simulator: Simulator) -> Simulator:
    """The node, on which the container "box" runs; no command may leave a handle or a stream on it."""
    simulator.run_container("box")
    return simulator


def images(simulator: Simulator) -> list[str]:
    """What runs in it."""
    hcs = HcsCaller(simulator)
    handle = hcs.open("box")
    found = hcs.properties(handle, "ProcessList")["ProcessList"]
    hcs.close(handle)
    return [one["ImageName"] for one in found]


@pytest.mark.usefixtures("box")
class TestCommand:
    def test_writes_what_the_command_writes_where_it_writes_it(self, exec_: Exec) -> None:
        assert exec_("box", "--", "hostname") == (0, b"box\r\n", b"")
        assert exec_("box", "--", "cmd", "/c", "echo oops 1>&2") == (0, b"", b"oops\r\n")

    def test_gives_it_our_input_to_its_end(self, exec_: Exec) -> None:
        much = os.urandom(MUCH)
        assert exec_("box", "--", "more", given=much) == (0, much, b"")

    def test_leaves_our_input_alone_where_that_is_asked_for(self, exec_: Exec) -> None:
        assert exec_("box", "--no-stdin", "--", "more", given=b"for another") == (0, b"", b"")

    @posix_only
    @pytest.mark.parametrize(("code", "ours"), [("0", 0), ("3", 3), ("256", TOO_LARGE), ("-1", TOO_LARGE)])
    def test_ends_with_its_exit_code(self, exec_: Exec, code: str, ours: int) -> None:
        assert exec_("box", "--", "cmd", "/c", "exit", code).exit_code == ours

    def test_hands_on_user_folder_and_environment(self, exec_: Exec) -> None:
        options = ("--user", "ContainerUser", "--workdir", "C:\\app", "--env", "A=b=c", "--env", "E=")
        ran = exec_("box", *options, "--", "cmd", "/c", "echo %USERNAME% [%A%] [%E%]")
        assert ran.out == b"ContainerUser [b=c] []\r\n"
        assert exec_("box", *options, "--", "cmd", "/c", "cd").out == b"C:\\app\r\n"

    def test_keeps_a_word_with_spaces_together(self, exec_: Exec) -> None:
        assert exec_("box", "--", "findstr", "a b", given=b"xa\nc\n") == (0, b"xa\r\n", b"")

    @posix_only
    def test_gives_programs_one_object(self, exec_: Exec) -> None:
        ran = exec_("box", "--json", "--", "more", given="grün ".encode() + b"\xff\r\n")
        found = json.loads(ran.out)
        assert (ran.exit_code, found.pop("processId") > 0) == (0, True)
        assert found == {"id": "box", "exitCode": 0, "stdout": "grün \\xff\r\n", "stderr": ""}
        failed = exec_("box", "--json", "--", "cmd", "/c", "exit", "300")
        assert (failed.exit_code, json.loads(failed.out)["exitCode"]) == (TOO_LARGE, 300)


class TestNetwork:
    def test_the_pod_shows_its_address(self, node: Node, simulator: Simulator, exec_: Exec) -> None:
        network = node.make(
            "network", "create", "--name", "l2b", "--mode", "l2bridge", "--subnet", "10.1.0.0/24"
        )
        namespace = str(node.make("namespace", "create")["id"])
        node.plant_endpoint(network["id"], "pod_l2b", namespace)
        simulator.start_container(namespace, "pod")
        (found,) = node.make("container", "list")
        ran = exec_("pod", "--", "ipconfig")
        assert ran.exit_code == 0
        address, _, _ = found["addresses"][0].partition("/")
        assert address in ran.out.decode()


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["box"], "give one after --", id="no command"),
            pytest.param(["box", "--", " "], "give one after --", id="an empty command"),
            pytest.param(["box", "--env", "A", "--", "hostname"], "NAME=VALUE", id="no value"),
            pytest.param(["box", "--env", "=b", "--", "hostname"], "NAME=VALUE", id="no name"),
            pytest.param(["box", "--timeout", "-1", "--", "hostname"], "timeout", id="a negative time"),
        ],
    )
    def test_of_a_wrong_command_line(self, exec_: Exec, arguments: list[str], words: str) -> None:
        ran = exec_(*arguments)
        assert (ran.exit_code, ran.out) == (2, b"")
        assert words in ran.err.decode()

    @pytest.mark.usefixtures("box")
    def test_of_a_command_that_is_not_there(self, exec_: Exec) -> None:
        ran = exec_("box", "--", "cmd /c dir")
        assert (ran.exit_code, ran.out) == (1, b"")
        assert 'command not found in container box: "cmd /c dir"' in ran.err.decode()
        assert "argument of its own" in ran.err.decode()

    @pytest.mark.usefixtures("simulator")
    def test_of_a_container_that_is_not_there(self, exec_: Exec) -> None:
        ran = exec_("gone", "--", "hostname")
        assert ran.exit_code == 1
        assert ran.err == b"cni-hns: container gone not found: list them with `cni-hns container list`\n"

    def test_of_a_container_that_does_not_run_yet(self, simulator: Simulator, exec_: Exec) -> None:
        hcs = HcsCaller(simulator)
        hcs.close(hcs.create("new", container()))
        ran = exec_("new", "--", "hostname")
        assert ran.exit_code == 1
        assert "container new is Created" in ran.err.decode()
        assert "`cni-hns container start new`" in ran.err.decode()

    def test_of_a_container_that_has_ended(self, simulator: Simulator, exec_: Exec) -> None:
        hcs = HcsCaller(simulator)
        kept = hcs.running("old")
        simulator.inject(function="HcsCreateProcess", hresult=0x80370110)
        ran = exec_("old", "--", "hostname")
        assert (ran.exit_code, b"only one that runs" in ran.err) == (1, True)
        hcs.close(kept)


class TestTheEnd:
    def test_at_the_deadline_is_by_force(self, box: Simulator, exec_: Exec) -> None:
        ran = exec_("box", "--timeout", "0", "--", "ping", "-t", "192.0.2.1")
        assert ran.exit_code == 1
        assert "had not ended after 0 s, and was ended by force" in ran.err.decode()
        assert "ping.exe" not in images(box)

    @posix_only
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_at_a_signal_is_by_force(self, box: Simulator, exec_: Exec, number: int) -> None:
        def interrupt() -> None:
            while "ping.exe" not in images(box):
                pass
            os.kill(os.getpid(), number)

        before = signal.getsignal(number)
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        ran = exec_("box", "--", "ping", "-t", "192.0.2.1")
        interrupter.join(LONG_S)
        assert ran.exit_code == INTERRUPTED
        assert "ping.exe" not in images(box)
        assert signal.getsignal(number) is before

    def test_comes_where_nobody_reads_the_output_any_more(
        self, box: Simulator, exec_: Exec, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_stream: object) -> Any:
            def write(_data: bytes) -> None:
                raise PermissionError("no space for it")

            return write

        monkeypatch.setattr(attending, "_writer", refuse)
        ran = exec_("box", "--", "ping", "-t", "192.0.2.1")
        assert (ran.exit_code, ran.err) == (1, b"cni-hns: no space for it\n")
        assert "ping.exe" not in images(box)

    def test_with_the_container_is_no_success(self, box: Simulator, exec_: Exec) -> None:
        def stop() -> None:
            while "more.exe" not in images(box):
                pass
            box.stop_container("box")

        stopper = threading.Thread(target=stop)
        reading, writing = os.pipe()
        stopper.start()
        with os.fdopen(reading) as stdin:
            code = _with_stdin(exec_, stdin, "box", "--", "more")
        stopper.join(LONG_S)
        os.close(writing)
        assert code in (1, min(KILLED, TOO_LARGE))

    def test_of_every_call_leaves_nothing_behind(self, box: Simulator, exec_: Exec) -> None:
        """Each call to the services fails once: no handle, no stream, and no process of ours stays."""
        failed = 0
        while True:
            fault = box.inject(nth=failed + 1, hresult=E_FAIL)
            ran = exec_("box", "--", "more", given=b"x" * 100_000)
            fired = box.fired(fault)
            box.clear_faults()
            assert "more.exe" not in images(box)
            if not fired:
                break
            failed += 1
            assert (ran.exit_code, ran.err == b"") in [(1, False), (0, True)]
        assert ran == (0, b"x" * 100_000, b"")
        assert failed >= 3

    @posix_only
    def test_is_ours_alone_for_a_reader_that_has_enough(self, box: Simulator, tmp_path: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "cni_hns",
            "container",
            "exec",
            "box",
            "--",
            "ping",
            "-t",
            "192.0.2.1",
        ]
        environ = {**os.environ, "CNI_HNS_SIMULATOR": box.folder, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
        ) as run:
            assert run.stdout is not None
            assert run.stderr is not None
            assert run.stdout.readline() == b"Request timed out.\r\n"
            run.stdout.close()
            assert run.wait(LONG_S) == 1
            assert run.stderr.read() == b""
        assert "ping.exe" not in images(box)


def _with_stdin(exec_: Exec, stdin: Any, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patched, open(os.devnull, "w", encoding="utf-8") as nothing:
        for name, file in (("stdin", stdin), ("stdout", nothing), ("stderr", nothing)):
            patched.setattr(sys, name, file)
        return main(["container", "exec", *arguments], exec_.connect)


class TestScripted:
    """What the simulated service never answers."""

    @pytest.fixture
    def hcs(self, exec_: Exec, node: Node) -> Iterator[ScriptedCompute]:
        hcs = ScriptedCompute()

        def connect() -> tuple[Libraries, Machine]:
            _, machine = choose_hns({"CNI_HNS_SIMULATOR": str(node.folder)})()
            return hcs.libraries(), machine

        exec_.connect = connect
        yield hcs
        hcs.assert_clean()

    @pytest.mark.parametrize(
        ("hresult", "words"),
        [
            (0x80070003, "command not found in container box: x"),
            (0x8007010B, "container box has no folder C:\\no"),
            (0x80070525, "container box has no user nobody"),
            (0x80370118, "HCS_E_OPERATION_TIMEOUT"),
        ],
    )
    def test_what_the_container_lacks_is_said(
        self, exec_: Exec, hcs: ScriptedCompute, hresult: int, words: str
    ) -> None:
        hcs.says("HcsCreateProcess", Answer(result=hresult))
        ran = exec_("box", "--workdir", "C:\\no", "--user", "nobody", "--", "x")
        assert (ran.exit_code, words in ran.err.decode()) == (1, True)

    def test_an_end_that_nobody_tells_is_no_success(self, exec_: Exec, hcs: ScriptedCompute) -> None:
        hcs.says("HcsWaitForProcessExit", Answer(call=0x80370110))
        ran = exec_("box", "--", "x")
        assert (ran.exit_code, b"HCS does not say how" in ran.err) == (1, True)

    def test_before_windows_server_2022_the_exit_is_asked_for(
        self, exec_: Exec, hcs: ScriptedCompute
    ) -> None:
        hcs.missing.add("HcsWaitForProcessExit")
        running, ended = '{"Exited":false}', '{"Exited":true,"ExitCode":7}'
        hcs.says("HcsGetProcessProperties", Answer(text=running), Answer(text=ended))
        assert exec_("box", "--", "x").exit_code == 7

    def test_a_wait_that_ends_early_is_repeated(self, exec_: Exec, hcs: ScriptedCompute) -> None:
        ended = Answer(text='{"Exited":true,"ExitCode":0}')
        hcs.says("HcsWaitForProcessExit", Answer(call=TIMED_OUT), Answer(call=TIMED_OUT), ended)
        assert exec_("box", "--", "x") == (0, b"", b"")
        assert "HcsTerminateProcess" not in hcs.called
