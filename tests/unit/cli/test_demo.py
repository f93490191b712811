"""`cni-hns demo`: it passes, it shows what it does, and it fails when something is wrong."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from cni_hns.cli.demo.configuration import default_configuration, on_the_demo_node
from cni_hns.cli.demo.inventory import Inventory
from cni_hns.cli.demo.node import Answer, DemoNode
from cni_hns.cli.demo.picture import picture
from cni_hns.hcs.resources import FIRST_BUILD
from cni_hns.log import Log
from cni_hns.plugin import run as plugin
from cni_hns.simulator import PROFILES, Simulator

CONF = Path(__file__).parents[3] / "conf"

# Thirty processes and more, one after another, are slow on a machine that has much to do.
pytestmark = pytest.mark.timeout(900)

# Two of sixty lines.
SCREENS = 120


class InThisProcess(DemoNode):
    """The same node; a call starts no process, which is most of what a demo takes.

    That each call can be a process of its own is shown by `kept`.
    """

    def _run(self, arguments: list[str], variables: dict[str, str], stdin: str) -> Answer:
        connect = choose_hns(self.variables)
        if variables:
            answer = plugin(
                {**self.variables, **variables}, lambda _: stdin.encode(), connect, Log(stderr=False)
            )
            return Answer(answer.exit_code, answer.stdout, "", 1.0)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments, connect)
        return Answer(code, out.getvalue(), err.getvalue(), 1.0)


def run(*arguments: str, node: type[DemoNode] = InThisProcess) -> tuple[int, str]:
    """Run the demo; exit code and stdout. The environment names a node that the demo must leave alone."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(printed):
        patched.setattr("cni_hns.cli.demo.command.DemoNode", node)
        patched.setenv("CNI_HNS_SIMULATOR", "/nowhere/at/all")
        code = main(["demo", *arguments], choose_hns({}))
    return code, printed.getvalue()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demo that went well, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    code, out = run("--verbose", "--keep", str(folder), node=DemoNode)
    assert code == 0, out
    return folder, out


@pytest.fixture(scope="module")
def report() -> Any:
    """The JSON document of a demo that went well."""
    code, out = run("--json")
    assert code == 0, out
    return json.loads(out)


class TestThePicture:
    def test_is_ten_lines_with_the_node_before_and_after(self) -> None:
        code, out = run()
        assert code == 0, out
        assert len(out.splitlines()) == 10
        assert max(map(len, out.splitlines())) <= 80
        assert re.sub(r"\b[0-9a-f]{8}\b", "<id>", out).splitlines()[2:] == [
            "before    an empty node",
            "two pods  HCN network l2bridge",
            "  ├─ endpoint <id> 10.88.0.2/24 - namespace <id> - pod-a: 2 containers",
            "  └─ endpoint <id> 10.88.0.3/24 - namespace <id> - pod-b: 1 container",
            "after     HCN network l2bridge, no pods",
            "pod-a was ended by DEL; pod-b was forgotten by its runtime, and collected by GC.",
            "",
            "17 steps in 32 processes, each answered as expected; nothing is left over",
        ]

    def test_has_what_is_left_over(self) -> None:
        endpoint = {"id": "a00e33aa-0000-4111-8222-333344445555", "name": "pod-a_net"}
        left: list[dict[str, Any]] = [{**endpoint, "addresses": [], "namespace": None}]
        moments = {"before": Inventory([], [], [], [], [], []), "after": Inventory([], left, [], [], [], [])}
        lines = picture(moments, "net", "ascii")
        assert lines == [
            "before  an empty node",
            "after   HCN network net",
            "  `- endpoint a00e33aa no address - namespace none - pod-a: 0 containers",
        ]


def test_every_step_is_shown_and_nothing_is_left_over(kept: tuple[Path, str]) -> None:
    folder, out = kept
    told, last, where_to_look = out.partition("each answered as expected; nothing is left over\n")
    assert last
    assert str(folder) in where_to_look
    for words in (
        "$ CNI_COMMAND=ADD CNI_CONTAINERID=pod-a CNI_IFNAME=eth0 CNI_NETNS=$NS_A",
        "$ cni-hns container start pod-a --json",
        "endpoint attached and shared by containers; compartment 2",
        "pod-a and pod-a-web run",
        "PortMapping 8080 -> 80",
        "process-isolated",
        "CNI_COMMAND=GC",
        "before",
        "after",
    ):
        assert words in out
    introduction, _, steps = told.partition("\n\n")
    assert str(folder) in introduction
    assert max(map(len, steps.splitlines())) <= 80
    assert len(told.splitlines()) <= SCREENS


def test_the_documentation_quotes_it(kept: tuple[Path, str]) -> None:
    page = (CONF.parent / "docs" / "trying.md").read_text(encoding="utf-8")
    quoted = page.partition("```text\n")[2].partition("```")[0]
    assert quoted
    assert quoted in kept[1]


def test_the_json_report_has_every_verb_and_every_moment(report: Any) -> None:
    assert (report["unexpected"], report["leftOver"]) == ([], [])
    sent = [command["sent"] for step in report["steps"] for command in step["commands"]]
    verbs = [line.split()[0].removeprefix("CNI_COMMAND=") for line in sent if line.startswith("CNI_COMMAND=")]
    assert {verb: verbs.count(verb) for verb in set(verbs)} == {
        "STATUS": 2,
        "ADD": 3,
        "CHECK": 2,
        "DEL": 2,
        "GC": 1,
    }
    counts = {
        moment: (len(inventory["containers"]), len(inventory["endpoints"]))
        for moment, inventory in report["moments"].items()
    }
    assert counts == {"before": (0, 0), "two pods": (3, 2), "after": (0, 0)}


def test_the_whole_life_of_a_pod_is_told_in_its_order(report: Any) -> None:
    told = [_what(command["sent"]) for step in report["steps"] for command in step["commands"]]
    life = [
        "namespace create",
        "container create pod-a",
        "container start pod-a",
        "ADD pod-a",
        "container start pod-a-web",
        "endpoint show pod-a_l2bridge",
        "CHECK pod-a",
        "container stats pod-a-web",
        "container pause pod-a-web",
        "container set pod-a-web",
        "ADD pod-b",
        "container start pod-b",
        "GC",
        "container stop pod-a-web",
        "container stop pod-a",
        "DEL pod-a",
        "namespace delete",
    ]
    rest = iter(told)
    assert [step for step in life if step not in rest] == []


def _what(sent: str) -> str:
    """A verb and its pod, or a command and its object."""
    words = sent.split()
    if words[0] != "cni-hns":
        variables = dict(word.split("=") for word in words if "=" in word)
        return " ".join(variables[key] for key in ("CNI_COMMAND", "CNI_CONTAINERID") if key in variables)
    named = [words[3]] if len(words) > 3 and words[1] != "namespace" and words[3][0] != "-" else []
    return " ".join([*words[1:3], *named])


def test_what_is_shown_can_be_typed(kept: tuple[Path, str]) -> None:
    """In the folder and the environment that the first lines name, commands and files are those shown."""
    folder, out = kept
    shown = re.findall(r"(?:--config |< )(\S+\.(?:json|conf))", out.replace("\\\n", ""))
    assert len(shown) > 10
    assert all((folder / file).is_file() for file in shown)
    container = json.loads((folder / "pod-a-web.json").read_text(encoding="utf-8"))
    named = container["Container"]["Networking"]["Namespace"]
    assert f"NS_A={named}" in out


@pytest.mark.parametrize("sample", sorted(path.name for path in CONF.iterdir() if path.is_file()))
def test_passes_with_every_sample(sample: str) -> None:
    code, out = run("--config", str(CONF / sample), "--json")
    assert code == 0, out


def test_a_configuration_of_an_old_version_is_shown_without_the_verbs_it_has_not(tmp_path: Path) -> None:
    document = json.loads((CONF / "l2bridge.conf").read_text(encoding="utf-8"))
    file = tmp_path / "old.conf"
    file.write_text(json.dumps({**document, "cniVersion": "0.3.1"}), encoding="utf-8")
    code, out = run("--verbose", "--config", str(file))
    assert code == 0, out
    assert "No CHECK: cniVersion 0.3.1 does not have it." in out
    assert "CNI_COMMAND=GC" not in out


def test_keep_leaves_the_node_and_says_how_to_look_at_it(kept: tuple[Path, str]) -> None:
    folder, out = kept
    assert f"CNI_HNS_SIMULATOR={folder}" in out.replace("\n", "")
    connect = choose_hns({"CNI_HNS_SIMULATOR": str(folder)})
    assert main(["network", "show", "l2bridge"], connect) == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_it_passes_on_every_windows_that_can_be_named(tmp_path: Path, profile: str) -> None:
    code, out = run("--verbose", "--profile", profile, "--keep", str(tmp_path / "kept"))
    assert code == 0, out
    assert f", as {profile}" in out.replace("\n", " ")
    assert ("too old to change" in out) is (PROFILES[profile].build < FIRST_BUILD)
    kept = Simulator(str(tmp_path / "kept"))
    assert kept.options.version == PROFILES[profile].hns
    kept.close()


def test_a_profile_that_there_is_not_is_wrong_usage_that_names_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--profile", "server-2012"], choose_hns({})) == 2
    words = capsys.readouterr().err
    assert all(name in words for name in ("server-2012", *PROFILES))


def test_keep_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run("--keep", str(tmp_path))[0] == 1


def test_a_step_that_answers_otherwise_ends_in_failure(tmp_path: Path) -> None:
    """The range has room for one pod only: the second ADD must fail, and the demo with it."""
    document = json.loads((CONF / "l2bridge.conf").read_text(encoding="utf-8"))
    document["ipam"]["ranges"][0][0] |= {"rangeStart": "10.88.0.2", "rangeEnd": "10.88.0.2"}
    file = tmp_path / "small.conf"
    file.write_text(json.dumps(document), encoding="utf-8")
    code, out = run("--verbose", "--config", str(file))
    assert code == 1
    assert "NOT AS EXPECTED: it ended with exit code 1" in out


def test_what_is_left_over_ends_in_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's DEL and the stop of the second container are answered well, and not done."""
    plugin, operator = DemoNode.plugin, DemoNode.operator

    def without_del(self: DemoNode, variables: dict[str, str], document: dict[str, Any]) -> Answer:
        if variables["CNI_COMMAND"] == "DEL":
            return Answer(0, "", "", 1.0)
        return plugin(self, variables, document)

    def without_stop(self: DemoNode, *arguments: str) -> Answer:
        if arguments[:3] == ("container", "stop", "pod-a-web"):
            return Answer(0, '{"id": "pod-a-web", "outcome": "shut down"}', "", 1.0)
        return operator(self, *arguments)

    monkeypatch.setattr(DemoNode, "plugin", without_del)
    monkeypatch.setattr(DemoNode, "operator", without_stop)
    code, out = run()
    assert code == 1
    for kind in ("containers: pod-a-web", "endpoints: ", "leases: ", "attachments: "):
        assert f"left over: {kind}" in out
    assert out.splitlines()[-1].endswith("NOT as it should be: see the lines above")


def test_nothing_it_writes_lies_outside_its_folder(tmp_path: Path) -> None:
    """A real node's ledger, log and host-local folder stay untouched, whatever the configuration names."""
    document = json.loads((CONF / "win-bridge.conf").read_text(encoding="utf-8"))
    document["ipam"]["dataDir"] = "/var/lib/cni/networks"
    file = tmp_path / "real.conf"
    file.write_text(json.dumps({**document, "DataDir": "/var/lib/cni-hns"}), encoding="utf-8")
    moved = on_the_demo_node(str(file), str(tmp_path / "node"))
    assert "/var/lib" not in json.dumps(moved)
    native = on_the_demo_node(str(CONF / "l2bridge.conf"), str(tmp_path / "node"))
    assert native["log"]["file"].startswith(str(tmp_path / "node"))


def test_the_default_sample_is_found_in_a_clone_and_in_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_configuration() == str(CONF / "l2bridge.conf")
    monkeypatch.setattr("sys._MEIPASS", str(tmp_path / "frozen"), raising=False)
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path / "installed"))
    assert main(["demo"], choose_hns({})) == 1
    installed = tmp_path / "installed" / "share" / "cni-hns" / "conf" / "l2bridge.conf"
    installed.parent.mkdir(parents=True)
    installed.write_bytes((CONF / "l2bridge.conf").read_bytes())
    assert default_configuration() == str(installed)


def test_an_executable_without_a_simulator_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cni_hns.simulator", None)
    assert main(["demo"], choose_hns({})) == 1
    assert "holds no simulated HNS" in capsys.readouterr().err


def test_what_was_there_before_is_not_left_over() -> None:
    one, two = {"id": "one"}, {"id": "two"}
    before = Inventory([one], [], [], [], [], [])
    assert Inventory([one], [], [], [], [], []).beyond(before) == []
    found = Inventory([one, two], [], [two], [], [], [])
    assert found.beyond(before) == ["containers: two", "leases: two"]


def test_only_what_a_step_sends_reaches_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNI_COMMAND", "DEL")
    answer = DemoNode(str(tmp_path)).operator("version", "--json")
    assert (answer.exit_code, answer.document["hns"]) == (0, "16.0")
    assert os.environ["CNI_COMMAND"] == "DEL"
