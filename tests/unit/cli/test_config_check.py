"""`cni-hns config check`: the samples pass, and every fault has its path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cni_hns.cli.install.layout import exe_name
from tests.unit.cli.conftest import Node

CONF = Path(__file__).parents[3] / "conf"
SAMPLES = sorted(path.name for path in CONF.iterdir() if path.suffix in {".conf", ".conflist"})


@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_is_wrong_with_the_samples(node: Node, sample: str) -> None:
    typed = node("config", "check", str(CONF / sample))
    *notes, verdict = typed.out.splitlines()
    assert (typed.exit_code, verdict) == (0, f"{CONF / sample}: nothing is wrong")
    assert all(note.startswith("note: ") for note in notes)
    assert len(node.make("config", "check", str(CONF / sample))) == len(notes)


def test_all_faults_are_printed_with_their_paths(node: Node, tmp_path: Path) -> None:
    document = json.loads((CONF / "l2bridge.conf").read_text(encoding="utf-8"))
    document["network"]["mode"] = "bridge"
    document["ipam"]["ranges"][0][0]["gatway"] = "10.88.0.1"
    file = tmp_path / "faulty.conf"
    file.write_text(json.dumps(document), encoding="utf-8")
    typed = node("config", "check", str(file))
    assert (typed.exit_code, typed.err) == (1, "")
    assert "error: network.mode: " in typed.out
    assert "error: ipam.ranges[0][0].gatway: " in typed.out
    findings = node("config", "check", str(file), "--json").json
    assert {"network.mode", "ipam.ranges[0][0].gatway"} <= {finding["id"] for finding in findings}
    assert [finding for finding in findings if finding["severity"] == "warning"] == []


def test_what_a_runtime_would_drop_is_a_warning_and_exit_code_1(node: Node, tmp_path: Path) -> None:
    document = json.loads((CONF / "l2bridge.conf").read_text(encoding="utf-8"))
    del document["capabilities"]["portMappings"]
    file = tmp_path / "undeclared.conf"
    file.write_text(json.dumps(document), encoding="utf-8")
    typed = node("config", "check", str(file))
    assert typed.exit_code == 1
    assert typed.out.startswith("warning: capabilities.portMappings: ")


def test_a_file_that_is_no_json_is_a_finding(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "broken.conf"
    file.write_text('{"name": ', encoding="utf-8")
    typed = node("config", "check", str(file))
    assert typed.exit_code == 1
    assert "line 1" in typed.out


def test_a_file_that_is_not_there_is_one_line_on_stderr(node: Node) -> None:
    typed = node("config", "check", "nowhere.conf")
    assert (typed.exit_code, typed.out, typed.err.count("\n")) == (1, "", 1)
    assert '"nowhere.conf" cannot be read' in typed.err


def test_notes_alone_are_no_failure(node: Node, tmp_path: Path) -> None:
    document = json.loads((CONF / "win-bridge.conf").read_text(encoding="utf-8"))
    file = tmp_path / "noted.conf"
    file.write_text(json.dumps({**document, "brigde": "x"}), encoding="utf-8")
    typed = node("config", "check", str(file))
    assert typed.exit_code == 0
    assert typed.out.startswith("note: ")
    assert {finding["severity"] for finding in node.make("config", "check", str(file))} == {"note"}


def test_with_the_plugin_folder_a_missing_program_is_an_error(node: Node, tmp_path: Path) -> None:
    arguments = ("config", "check", str(CONF / "win-bridge.conf"), "--bin-dir", str(tmp_path))
    typed = node(*arguments)
    assert typed.exit_code == 1
    assert typed.out.startswith("error: type: win-bridge")
    assert "cni-hns install --as win-bridge" in typed.out
    (tmp_path / exe_name("win-bridge")).write_text("")
    assert node(*arguments).exit_code == 0


def test_plugins_that_a_runtime_appends_to_a_list_are_noted(node: Node, tmp_path: Path) -> None:
    document = json.loads((CONF / "nat.conflist").read_text(encoding="utf-8"))
    file = tmp_path / "10.conflist"
    file.write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / document["name"]).mkdir()
    appended = tmp_path / document["name"] / "a.conf"
    appended.write_text("{}")
    (note,) = node.make("config", "check", str(file))
    assert (note["severity"], str(appended) in note["message"]) == ("note", True)
    file.write_text(json.dumps({**document, "loadOnlyInlinedPlugins": True}), encoding="utf-8")
    assert node.make("config", "check", str(file)) == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("config", "check"), id="check"),
        pytest.param(("config", "explain"), id="explain"),
        pytest.param(("ipam", "reserve", "--network", "cbr0", "--owner", "me", "--config"), id="reserve"),
    ],
)
def test_the_values_of_a_users_own_file_are_shown(
    node: Node, tmp_path: Path, command: tuple[str, ...]
) -> None:
    document = json.loads((CONF / "l2bridge.conf").read_text(encoding="utf-8"))
    rule = {"Action": "hunter2", "Direction": "In", "Priority": 100, "LocalPorts": "a\nb"}
    file = tmp_path / "own.conf"
    file.write_text(
        json.dumps({**document, "name": "cbr0", "policies": [{"Type": "ACL", "Settings": rule}]}),
        encoding="utf-8",
    )
    typed = node(*command, str(file))
    said = typed.out + typed.err
    assert typed.exit_code == 1
    assert '"hunter2" is not one of Allow, Block, Pass' in said
    assert "characters)" not in said


def test_a_file_that_comes_second_by_name_is_noted(node: Node, tmp_path: Path) -> None:
    text = (CONF / "nat.conflist").read_text(encoding="utf-8")
    for name in ("10-a.conflist", "20-b.conflist", "05-c.conflist.bak"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert node.make("config", "check", str(tmp_path / "10-a.conflist")) == []
    (note,) = node.make("config", "check", str(tmp_path / "20-b.conflist"))
    assert "10-a.conflist comes before" in note["message"]
