"""The front door as a process: environment and stdin in, one document and an exit code out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cni_hns.__main__ as front_door
from cni_hns.cni.errors import BAD_VARIABLE, NO_HNS, CniError

ATTACHMENT = {
    "CNI_CONTAINERID": "pod",
    "CNI_NETNS": "5f0c3b1e-0000-1111-2222-333344445555",
    "CNI_IFNAME": "eth0",
}
CONFIG = {"cniVersion": "1.1.0", "name": "net", "type": "cni-hns"}
SECONDS_AT_MOST = 60

HEAVY = ("pydantic", "sqlite3", "netaddr", "_cffi_backend", "cffi", "click", "rich", "subprocess", "logging")

# A call through the front door that tells on its way out what it has loaded.
TELLTALE = """
import json, os, sys
leave = os._exit
def tell(code):
    with open(sys.argv[1], "w") as file:
        json.dump(sorted(sys.modules), file)
    leave(code)
os._exit = tell
from cni_hns.__main__ import main
main()
"""

# A call whose GC is the body given, in place of the real one.
REPLACED = """
from cni_hns import plugin
def verb(request, node):
    {body}
plugin.VERBS["GC"] = plugin.VERBS["GC"]._replace(load=lambda: verb)
from cni_hns.__main__ import main
main()
"""


# A call of a process that takes itself for the frozen Windows exe.
SHIPPED = """
import os, sys
from cni_hns.__main__ import main
os.name, sys.frozen = "nt", True
sys.exit(main())
"""


def environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CNI_")}
    return kept | {"PYTHONWARNINGS": "error"} | variables


def call(*program: str, variables: dict[str, str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *program],
        input=stdin,
        env=environment(variables),
        capture_output=True,
        timeout=SECONDS_AT_MOST,
        check=False,
    )


def gc(body: str, **members: Any) -> subprocess.CompletedProcess[bytes]:
    stdin = json.dumps(CONFIG | members).encode()
    return call("-c", REPLACED.format(body=body), stdin=stdin, variables={"CNI_COMMAND": "GC"})


class TestProcess:
    def test_version(self) -> None:
        answer = call("-m", "cni_hns", stdin=b'{"cniVersion":"0.4.0"}', variables={"CNI_COMMAND": "VERSION"})
        assert (answer.returncode, answer.stderr) == (0, b"")
        assert json.loads(answer.stdout)["cniVersion"] == "0.4.0"
        assert answer.stdout.count(b"\n") == 1

    def test_an_error_is_one_document_on_stdout_and_exit_code_1(self) -> None:
        answer = call("-m", "cni_hns", variables={"CNI_COMMAND": "ADD"})
        assert (answer.returncode, answer.stderr) == (1, b"")
        assert json.loads(answer.stdout)["code"] == 4

    @pytest.mark.parametrize(
        "variables", [pytest.param({}, id="unset"), pytest.param({"CNI_COMMAND": ""}, id="empty")]
    )
    def test_without_a_command_it_is_the_operator_s_tool(self, variables: dict[str, str]) -> None:
        answer = call("-m", "cni_hns", "--help", variables=variables)
        assert answer.returncode == 0
        assert b"Usage" in answer.stdout

    @pytest.mark.parametrize(("command", "code", "exit_code"), [("STATUS", 5, 1), ("VERSION", None, 0)])
    def test_a_stdin_that_is_never_closed(self, command: str, code: int | None, exit_code: int) -> None:
        reading, writing = os.pipe()
        try:
            with subprocess.Popen(
                [sys.executable, "-m", "cni_hns"],
                env=environment({"CNI_COMMAND": command}),
                stdin=reading,
                stdout=subprocess.PIPE,
            ) as process:
                output, _ = process.communicate(timeout=SECONDS_AT_MOST)
        finally:
            os.close(reading)
            os.close(writing)
        assert process.returncode == exit_code
        assert json.loads(output).get("code") == code

    def test_10_mb_on_stdin(self) -> None:
        answer = call("-m", "cni_hns", stdin=b"[" * 12_000_000, variables={"CNI_COMMAND": "STATUS"})
        document = json.loads(answer.stdout)
        assert document["code"] == 6
        assert "10 MB" in document["msg"]

    def test_what_a_verb_prints_does_not_get_between(self) -> None:
        answer = gc('print("stray")')
        assert (answer.returncode, answer.stdout) == (0, b"")
        assert b"stray" in answer.stderr

    def test_a_verb_that_hangs_is_left_behind(self) -> None:
        answer = gc("import threading; threading.Event().wait()", timeout=0.05)
        assert answer.returncode == 1
        assert json.loads(answer.stdout)["code"] == 103

    @pytest.mark.parametrize(
        "fault", ["KeyboardInterrupt", "SystemExit(7)", "RecursionError", "GeneratorExit"]
    )
    def test_nothing_ends_it_without_a_document(self, fault: str) -> None:
        answer = gc(f"raise {fault}")
        assert answer.returncode == 1
        assert json.loads(answer.stdout)["code"] == 999
        assert b"Traceback" not in answer.stderr

    def test_a_runtime_that_has_gone(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            answer = subprocess.run(
                [sys.executable, "-m", "cni_hns"],
                env=environment({"CNI_COMMAND": "VERSION"}),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.PIPE,
                timeout=SECONDS_AT_MOST,
                check=False,
            )
        finally:
            os.close(writing)
        assert (answer.returncode, answer.stderr) == (1, b"")


class TestWhatIsLoaded:
    @pytest.mark.parametrize(
        ("stdin", "variables"),
        [
            pytest.param(b'{"cniVersion":"1.0.0"}', {"CNI_COMMAND": "VERSION"}, id="VERSION"),
            pytest.param(b"", {"CNI_COMMAND": "FROB"}, id="unknown verb"),
            pytest.param(b"", {"CNI_COMMAND": "ADD"}, id="missing variables"),
            pytest.param(
                json.dumps(CONFIG).encode(),
                ATTACHMENT | {"CNI_COMMAND": "ADD", "CNI_ARGS": "IP=x"},
                id="CNI_ARGS",
            ),
            pytest.param(b"{", ATTACHMENT | {"CNI_COMMAND": "ADD"}, id="not JSON"),
            pytest.param(b"{}", ATTACHMENT | {"CNI_COMMAND": "DEL"}, id="no name"),
        ],
    )
    def test_version_and_argument_errors_load_nothing_heavy(
        self, tmp_path: Path, stdin: bytes, variables: dict[str, str]
    ) -> None:
        told = tmp_path / "modules.json"
        call("-c", TELLTALE, str(told), stdin=stdin, variables=variables)
        loaded = json.loads(told.read_text())
        assert "cni_hns.plugin" in loaded
        assert [name for name in loaded if name.split(".")[0] in HEAVY] == []
        assert [name for name in loaded if name.startswith(("cni_hns.verbs", "cni_hns.binding"))] == []


class TestWhichHns:
    @pytest.fixture
    def windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(front_door, "os", SimpleNamespace(name="nt"))

    @pytest.fixture
    def frozen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "frozen", True, raising=False)

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Names each HNS that was opened, in place of opening it."""
        opened: list[str] = []
        monkeypatch.setattr(
            front_door,
            "_simulated",
            lambda *given: opened.append(" ".join(["simulated", *filter(None, given)])),
        )
        monkeypatch.setattr(front_door, "_of_windows", lambda: opened.append("windows"))
        monkeypatch.setattr(front_door, "_none", lambda: opened.append("none"))
        return opened

    def test_the_variable_chooses_the_simulated_one(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": "/sim"})()
        assert opened == ["simulated /sim"]

    def test_another_variable_says_which_windows_is_simulated(self, opened: list[str]) -> None:
        variables = {"CNI_HNS_SIMULATOR": "/sim", "CNI_HNS_SIMULATOR_PROFILE": "server-2019"}
        front_door.choose_hns(variables)()
        assert opened == ["simulated /sim server-2019"]

    def test_a_profile_that_there_is_not_is_an_error_of_the_variable(self, tmp_path: Path) -> None:
        variables = {"CNI_HNS_SIMULATOR": str(tmp_path), "CNI_HNS_SIMULATOR_PROFILE": "server-2012"}
        with pytest.raises(CniError) as caught:
            front_door.choose_hns(variables)()
        assert caught.value.code == BAD_VARIABLE
        assert "CNI_HNS_SIMULATOR_PROFILE" in caught.value.msg
        assert "server-2012" in caught.value.msg
        assert "server-2025-updated" in caught.value.msg

    @pytest.mark.usefixtures("windows")
    def test_on_windows_too(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": "/sim"})()
        assert opened == ["simulated /sim"]

    @pytest.mark.usefixtures("windows", "frozen")
    @pytest.mark.parametrize("name", ["CNI_HNS_SIMULATOR", "CNI_HNS_SIMULATOR_PROFILE"])
    def test_but_the_exe_that_ships_refuses(self, opened: list[str], name: str) -> None:
        with pytest.raises(CniError) as caught:
            front_door.choose_hns({name: "/sim"})()
        assert caught.value.code == BAD_VARIABLE
        assert f"{name} is set" in caught.value.msg
        assert f"Env:{name}" in caught.value.details
        assert opened == []

    @pytest.mark.usefixtures("windows", "frozen")
    def test_the_exe_that_ships_has_windows_own(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": ""})()
        assert opened == ["windows"]

    @pytest.mark.usefixtures("frozen")
    def test_an_exe_of_another_system_is_not_that_one(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": "/sim"})()
        assert opened == ["simulated /sim"]

    @pytest.mark.usefixtures("windows")
    def test_windows_uses_its_own(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": ""})()
        assert opened == ["windows"]

    def test_nothing_is_opened_before_it_is_needed(self, opened: list[str]) -> None:
        front_door.choose_hns({"CNI_HNS_SIMULATOR": "/sim"})
        assert opened == []

    @pytest.mark.skipif(os.name == "nt", reason="Windows has an HNS")
    def test_elsewhere_the_error_says_what_to_do(self) -> None:
        with pytest.raises(CniError) as caught:
            front_door.choose_hns({})()
        assert caught.value.code == NO_HNS
        assert "CNI_HNS_SIMULATOR" in caught.value.details
        assert "cni-hns demo" in caught.value.details

    def test_windows_libraries_are_loaded_when_they_are_used(self) -> None:
        libraries, machine = front_door._of_windows()
        assert hasattr(machine, "boot_id")
        libraries.close()

    def test_a_folder_that_cannot_be_opened_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_folder: str, _profile: str) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("cni_hns.simulator.open_simulator", refuse)
        with pytest.raises(CniError) as caught:
            front_door.choose_hns({"CNI_HNS_SIMULATOR": str(tmp_path)})()
        assert str(tmp_path) in caught.value.msg
        assert "Permission denied" in caught.value.msg

    @pytest.mark.parametrize(("command", "code"), [("ADD", 4), ("DEL", 4), ("STATUS", 4), ("VERSION", None)])
    def test_a_verb_of_the_exe_that_ships_touches_nothing(
        self, tmp_path: Path, command: str, code: int | None
    ) -> None:
        ledger, simulated = tmp_path / "ledger", tmp_path / "simulated"
        document = CONFIG | {"network": {"mode": "l2bridge"}, "dataDir": str(ledger)}
        variables = ATTACHMENT | {"CNI_COMMAND": command, "CNI_HNS_SIMULATOR": str(simulated)}
        answer = call("-c", SHIPPED, stdin=json.dumps(document).encode(), variables=variables)
        said = json.loads(answer.stdout)
        assert (answer.returncode, said.get("code")) == (0 if code is None else 1, code)
        assert code is None or "CNI_HNS_SIMULATOR is set" in said["msg"]
        assert not ledger.exists()
        assert not simulated.exists()

    @pytest.mark.parametrize("arguments", [[], ["network", "list"], ["install"]])
    def test_nor_does_a_command_of_it(self, tmp_path: Path, arguments: list[str]) -> None:
        variables = {"CNI_HNS_SIMULATOR": str(tmp_path / "simulated")}
        answer = call("-c", SHIPPED, *arguments, variables=variables)
        assert (answer.returncode, answer.stdout, answer.stderr.count(b"\n")) == (1, b"", 1)
        assert b"CNI_HNS_SIMULATOR is set, and this program has no simulated HNS" in answer.stderr
        assert not (tmp_path / "simulated").exists()

    @pytest.mark.skipif(os.name == "nt", reason="Windows has an HNS")
    @pytest.mark.parametrize(
        ("command", "code"), [("ADD", 106), ("DEL", 106), ("CHECK", 106), ("GC", 106), ("STATUS", 50)]
    )
    def test_every_verb_but_version_says_so(self, tmp_path: Path, command: str, code: int) -> None:
        document = CONFIG | {"network": {"mode": "l2bridge"}, "dataDir": str(tmp_path)}
        variables = ATTACHMENT | {"CNI_COMMAND": command}
        answer = call("-m", "cni_hns", stdin=json.dumps(document).encode(), variables=variables)
        assert answer.returncode == 1
        error = json.loads(answer.stdout)
        assert error["code"] == code
        assert "CNI_HNS_SIMULATOR" in error["details"]
