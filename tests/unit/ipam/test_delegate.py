"""External IPAM plugins: found, run, understood, and ended in time."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cni_hns.cni.errors import CniError
from cni_hns.deadline import Deadline
from cni_hns.ipam import delegate
from cni_hns.ipam.delegate import Delegate, find_plugin
from cni_hns.log import Log
from tests.unit.processes import wait_for_none_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the plugins here are scripts")

CONFIG = b'{"cniVersion":"1.0.0",  "name":"net", "ipam":{"type":"fake"}}'
RESULT = (
    '{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24","gateway":"10.1.2.1"}],'
    '"routes":[{"dst":"0.0.0.0/0"}]}'
)

Plugin = Callable[..., Delegate]


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    """Makes a plugin of these Python statements; `environ`, `config` and `folder` are at hand in them."""

    def made(statements: str, timeout_s: float = 60, secrets: tuple[str, ...] = ()) -> Delegate:
        script = tmp_path / "fake"
        script.write_text(
            f"#!{sys.executable} -I\n"
            "import json, os, sys, time\n"
            f"environ, folder = os.environ, {str(tmp_path)!r}\n"
            "config = sys.stdin.buffer.read()\n" + statements
        )
        script.chmod(0o755)
        return Delegate(
            type="fake",
            path=[str(tmp_path / "empty"), str(tmp_path)],
            config=CONFIG,
            version="1.0.0",
            variables={
                "CNI_CONTAINERID": "pod1",
                "CNI_IFNAME": "eth0",
                "CNI_NETNS": "",
                "CNI_COMMAND": "wrong",
            },
            secrets=secrets,
            deadline=Deadline(timeout_s),
            log=Log(stderr=False),
        )

    return made


class TestAPlugin:
    @pytest.mark.parametrize(
        ("call", "command"),
        [("add", "ADD"), ("delete", "DEL"), ("check", "CHECK"), ("collect", "GC"), ("status", "STATUS")],
    )
    def test_gets_the_verb_and_the_configuration_as_it_came(
        self, plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, command: str
    ) -> None:
        monkeypatch.setenv("CNI_PATH", "of the runtime")
        fake = plugin(
            "open(folder + '/seen', 'wb').write(config)\n"
            "json.dump(dict(environ), open(folder + '/environ', 'w'))\n"
            f"print({RESULT!r})"
        )
        getattr(fake, call)()
        assert (tmp_path / "seen").read_bytes() == CONFIG
        seen = json.loads((tmp_path / "environ").read_text())
        assert (seen["CNI_COMMAND"], seen["CNI_CONTAINERID"], seen["CNI_PATH"]) == (
            command,
            "pod1",
            "of the runtime",
        )
        assert "CNI_COMMAND" not in os.environ

    def test_gives_addresses_and_routes(self, plugin: Plugin) -> None:
        result = plugin(f"print({RESULT!r})").add()
        assert [(one.address, one.gateway) for one in result.ips] == [("10.1.2.3/24", "10.1.2.1")]
        assert [route.dst for route in result.routes] == ["0.0.0.0/0"]

    def test_may_leave_its_result_without_a_version(self, plugin: Plugin) -> None:
        assert (
            plugin("""print('{"ips":[{"address":"10.1.2.3/24"}]}')""").add().ips[0].address == "10.1.2.3/24"
        )

    def test_that_reads_no_configuration_is_no_fault(self, plugin: Plugin) -> None:
        fake = plugin("")
        script = Path(fake.path[1]) / "fake"
        script.write_text(f"#!{sys.executable} -I\nprint({RESULT!r})")
        assert fake._replace(config=b" " * 1_000_000).add().ips

    def test_may_talk_on_stderr(self, plugin: Plugin, capsys: pytest.CaptureFixture[str]) -> None:
        plugin(
            f"print('pod-secret: fine', file=sys.stderr); print({RESULT!r})", secrets=("pod-secret",)
        ).add()
        assert capsys.readouterr().err == "(10 characters): fine\n"

    @pytest.mark.parametrize("stderr", [None, "closed"])
    def test_may_talk_where_nobody_listens(
        self, plugin: Plugin, monkeypatch: pytest.MonkeyPatch, stderr: str | None
    ) -> None:
        closed = io.StringIO()
        closed.close()
        monkeypatch.setattr(sys, "stderr", closed if stderr else None)
        assert plugin(f"print('fine', file=sys.stderr); print({RESULT!r})").add().ips


class TestAFailure:
    @pytest.mark.parametrize(
        ("output", "code", "words"),
        [
            pytest.param(
                '{"code": 11, "msg": "pool is busy", "details": "wait"}',
                11,
                "pool is busy; wait",
                id="code and text",
            ),
            pytest.param('{"code": 999, "msg": "odd"}', 999, "odd", id="a code that is ours too"),
            pytest.param('{"code": 7}', 7, "failed (ADD): ", id="no text"),
            *[
                pytest.param(f'{{"code": {code}, "msg": "odd"}}', 107, "failed (ADD): odd", id=f"code {code}")
                for code in (
                    "0",
                    "-1",
                    "true",
                    "null",
                    '"7"',
                    "7.5",
                    "[7]",
                    "99999999999999999999",
                    "4294967296",
                )
            ],
            pytest.param('{"msg": "odd"}', 107, "failed (ADD): odd", id="no code"),
            pytest.param("plain text", 107, "no error document; plain text", id="text"),
            pytest.param("[1]", 107, "no error document; [1]", id="JSON that is no object"),
            pytest.param("[" * 5000, 107, "no error document", id="too deep"),
            pytest.param("", 107, "no error document", id="nothing"),
            pytest.param(RESULT, 107, "no error document", id="a result"),
        ],
    )
    def test_is_passed_on_with_its_code(self, plugin: Plugin, output: str, code: int, words: str) -> None:
        fake = plugin(f"print({output!r}); sys.exit(3)")
        with pytest.raises(CniError) as fault:
            fake.add()
        assert fault.value.code == code
        assert 'IPAM plugin "fake" failed (ADD)' in str(fault.value)
        assert words in str(fault.value)

    def test_without_a_document_is_what_stderr_says(self, plugin: Plugin) -> None:
        with pytest.raises(CniError, match="exit status 1 and no error document; pool 'x' is gone"):
            plugin("""sys.exit("pool 'x' is gone")""").delete()

    def test_hides_what_is_secret(self, plugin: Plugin) -> None:
        document = json.dumps({"code": 7, "msg": "bad token s3cr3t-longer", "details": "pod web-s3cr3t ab"})
        with pytest.raises(CniError) as fault:
            plugin(f"print({document!r}); sys.exit(1)", secrets=("s3cr3t", "s3cr3t-longer", "ab")).check()
        assert fault.value.msg.endswith("bad token (13 characters)")
        assert fault.value.details == "pod web-(6 characters) ab"

    @pytest.mark.parametrize("call", ["add", "delete", "check", "collect", "status"])
    def test_is_also_an_error_document_with_exit_status_0(self, plugin: Plugin, call: str) -> None:
        fake = plugin("""print('{"code": 11, "msg": "pool is busy"}')""")
        with pytest.raises(CniError, match=r'IPAM plugin "fake" failed \(\w+\): pool is busy') as fault:
            getattr(fake, call)()
        assert fault.value.code == 11

    def test_is_also_a_signal(self, plugin: Plugin) -> None:
        with pytest.raises(CniError, match=r'"fake" failed \(CHECK\) with exit status -9') as fault:
            plugin(f"print({RESULT!r}, flush=True); os.kill(os.getpid(), 9)").check()
        assert fault.value.code == 107

    @pytest.mark.parametrize("call", ["add", "delete"])
    def test_is_also_too_much_on_stdout(self, plugin: Plugin, call: str) -> None:
        fake = plugin("while True: os.write(1, b' ' * 65536)")
        with pytest.raises(CniError, match='IPAM plugin "fake" printed more than 1048576 bytes') as fault:
            getattr(fake, call)()
        assert fault.value.code == 107

    @pytest.mark.parametrize("output", ["", "not JSON", "{"])
    def test_is_also_a_success_without_a_result(self, plugin: Plugin, output: str) -> None:
        with pytest.raises(CniError, match="succeeded without a result that is JSON") as fault:
            plugin(f"print({output!r})").add()
        assert fault.value.code == 6

    def test_is_also_a_result_that_makes_no_sense(self, plugin: Plugin) -> None:
        with pytest.raises(CniError, match='the result of IPAM plugin "fake"') as fault:
            plugin("""print('{"ips": [{"address": "s3cr3t"}]}')""", secrets=("s3cr3t",)).add()
        assert "s3cr3t" not in str(fault.value)

    @pytest.mark.parametrize(
        "document",
        [
            *({"ips": odd} for odd in (5, "10.1.2.3/24", {"address": "10.1.2.3/24"}, [5], [{"address": 5}])),
            *({key: odd} for key in ("routes", "dns", "interfaces") for odd in (True, 1.5, "text")),
            {"cniVersion": 1, "ips": [{"address": "10.1.2.3/24"}]},
            5,
            None,
            [],
        ],
        ids=json.dumps,
    )
    def test_is_also_a_result_of_other_types(self, plugin: Plugin, document: object) -> None:
        with pytest.raises(CniError, match='IPAM plugin "fake"'):
            plugin(f"print({json.dumps(document)!r})").add()

    def test_is_also_a_program_that_cannot_be_started(self, plugin: Plugin, tmp_path: Path) -> None:
        fake = plugin("")
        (tmp_path / "fake").write_bytes(b"\x7fELF and nothing more")
        with pytest.raises(CniError, match="could not be started") as fault:
            fake.add()
        assert fault.value.code == 5


class TestAPluginThatHangs:
    """Shell scripts: they have started long before the second that they get is over."""

    @pytest.fixture
    def hanging(self, plugin: Plugin, tmp_path: Path) -> Plugin:
        def made(lines: str) -> Delegate:
            fake = plugin("", timeout_s=1.5)
            (tmp_path / "fake").write_text(f"#!/bin/sh\ncd '{tmp_path}'\n{lines}\n")
            return fake

        return made

    def test_is_ended_before_the_deadline(self, hanging: Plugin, tmp_path: Path) -> None:
        with pytest.raises(CniError, match=r"did not answer DEL within .* and was ended") as fault:
            hanging("echo $$ > pid\nexec sleep 600").delete()
        assert fault.value.code == 11
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)

    def test_is_not_waited_for_through_a_child_that_has_its_pipes(
        self, hanging: Plugin, tmp_path: Path
    ) -> None:
        fake = hanging(f"sleep 600 &\necho '{RESULT}'")
        assert fake._replace(deadline=Deadline(60)).add().ips
        wait_for_none_in(tmp_path)


class TestFinding:
    @pytest.fixture
    def folders(self, tmp_path: Path) -> list[str]:
        for name in ("a/both", "b/both", "b/both.exe", "b/only"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / "a" / "only").mkdir()
        return [str(tmp_path / name) for name in ("a", "b")]

    @pytest.mark.parametrize(
        ("name", "windows", "found"),
        [
            ("both", False, "a/both"),
            pytest.param("only", False, "b/only", id="a folder of that name is no program"),
            pytest.param("both", True, "a/both", id="Windows: each folder is searched before the next"),
            pytest.param("both.exe", True, "b/both.exe", id="Windows: a type that names the extension"),
        ],
    )
    def test_takes_the_first_program_on_the_path(
        self,
        folders: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        windows: bool,
        found: str,
    ) -> None:
        monkeypatch.setattr(delegate, "_WINDOWS", windows)
        assert find_plugin(name, folders) == str(tmp_path / found)

    def test_prefers_the_exe_of_a_folder_on_windows(
        self, folders: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delegate, "_WINDOWS", True)
        assert find_plugin("both", folders[1:]) == os.path.join(folders[1], "both.exe")

    @pytest.mark.parametrize("name", ["", ".", "..", "a/both", "..\\both", "/bin/sh"])
    def test_refuses_what_is_no_file_name(self, folders: list[str], name: str) -> None:
        with pytest.raises(CniError, match="not the file name of a plugin") as fault:
            find_plugin(name, folders)
        assert fault.value.code == 7

    @pytest.mark.parametrize(
        "path",
        [pytest.param(["a", "."], id="relative folders"), pytest.param([], id="no folder"), ["/nowhere"]],
    )
    def test_names_where_it_looked(
        self, folders: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: list[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(CniError, match='"both" is in none of the absolute folders of CNI_PATH') as fault:
            find_plugin("both", path)
        assert fault.value.code == 4
        assert f"({os.pathsep.join(path) or 'empty'})" in str(fault.value)
