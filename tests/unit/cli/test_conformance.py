"""`cni-hns conformance`: its options, what it prints, and how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cni_hns.conformance import CHECKS
from tests.unit.cli.conftest import Node, Typed
from tests.unit.conformance.test_runs import PROGRAM

ROOT = Path(__file__).parents[3]
QUICK = ("--only", "version.answers", "--only", "delete.repeated", "--only", "results.ipam")


class Plugin:
    """The reference plugin as a program, and a way to have it checked."""

    def __init__(self, folder: Path, node: Node) -> None:
        self.folder = folder
        self.path = folder / "reference"
        self.config = folder / "net.conf"
        self.path.write_text(PROGRAM, encoding="utf-8")
        self.configure(
            {"cniVersion": "1.1.0", "name": "net", "type": "bridge", "ipam": {"type": "reference"}}
        )
        self._node = node

    def configure(self, document: dict[str, Any]) -> None:
        self.config.write_text(json.dumps(document), encoding="utf-8")

    def check(self, *options: str) -> Typed:
        runner = f'"{sys.executable}"'
        arguments = ("--plugin", str(self.path), "--config", str(self.config), "--runner", runner)
        return self._node("conformance", *arguments, *options)


@pytest.fixture
def plugin(tmp_path: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("STATE", str(tmp_path / "state"))
    return Plugin(tmp_path, node)


def test_a_plugin_that_conforms_ends_with_0_and_a_line_for_each_check(plugin: Plugin) -> None:
    typed = plugin.check(*QUICK)
    assert (typed.exit_code, typed.err) == (0, "")
    assert typed.out.splitlines() == [
        f"{plugin.path}: ipam plugin, network net, CNI 1.1.0, 3 checks",
        "  1/3 ok     version.answers",
        "  2/3 ok     results.ipam",
        "  3/3 ok     delete.repeated",
        "3 checks: 3 passed, 0 with remarks, 0 failed, 0 not applicable",
        "the plugin conforms, as far as these checks can see",
    ]


def test_a_plugin_that_does_not_conform_ends_with_1_and_what_was_seen(plugin: Plugin) -> None:
    plugin.path.write_text("print('hello')", encoding="utf-8")
    typed = plugin.check("--only", "version.answers")
    assert typed.exit_code == 1
    lines = typed.out.splitlines()
    assert lines[1] == "  1/1 FAIL   version.answers: VERSION printed no JSON object"
    assert "        must (section 5, VERSION Success): " in lines[2]
    assert "        stdout: hello" in lines
    assert lines[-1] == "the plugin does NOT conform: see the lines above"


def test_the_findings_are_written_as_junit_xml_and_printed_as_json(plugin: Plugin, tmp_path: Path) -> None:
    typed = plugin.check(*QUICK, "--json", "--junit", str(tmp_path / "found.xml"))
    assert typed.exit_code == 0
    assert [check["status"] for check in typed.json["checks"]] == ["pass"] * 3
    suite = ET.parse(tmp_path / "found.xml").getroot().find("testsuite")  # noqa: S314 -- our own
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")


def test_checks_are_chosen_by_id_topic_and_pattern(node: Node) -> None:
    typed = node(
        "conformance", "--list", "--json", "--only", "gc", "--only", "output.*-empty", "--skip", "gc.*"
    )
    ids = [check["id"] for check in typed.json]
    assert ids == ["output.delete-empty", "output.check-empty", "output.status-empty", "output.gc-empty"]


def test_the_list_has_every_check_with_its_rule(node: Node) -> None:
    listed = node("conformance", "--list", "--json").json
    assert [one["id"] for one in listed] == [check.id for check in CHECKS]
    assert all(one["section"] and one["quote"] for one in listed)
    assert "delete.repeated" in node("conformance", "--list").out


def test_an_interface_plugin_gets_namespaces_of_this_nodes_hns(plugin: Plugin, node: Node) -> None:
    before = node("namespace", "list", "--json").json
    typed = plugin.check("--kind", "interface", "--only", "add.sandbox", "--json")
    # The program is one for IPAM: what counts here is the variable that it was given.
    evidence = " ".join(typed.json["checks"][0]["evidence"] + [typed.json["checks"][0]["message"]])
    assert typed.json["kind"] == "interface"
    assert "CNI_IFNAME" in evidence
    assert node("namespace", "list", "--json").json == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--only", "no-such-check"), 'no check is called "no-such-check"', id="unknown check"),
        pytest.param(("--type", "vlan"), 'none of "vlan"', id="no such plugin in the list"),
        pytest.param(("--netns", "a", "--netns-command", "b"), "exclude each other", id="two kinds of netns"),
        pytest.param(("--netns-delete-command", "b"), "goes with --netns-command", id="only half of it"),
        pytest.param(("--prev-result", "/nonexistent"), "cannot be used as a result", id="no result"),
        pytest.param(("--config", "/nonexistent"), "cannot be read", id="no configuration"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    plugin: Plugin, options: tuple[str, ...], words: str
) -> None:
    typed = plugin.check(*options)
    assert typed.exit_code == 2
    assert words in " ".join(typed.err.split())


def test_a_plugin_that_is_not_there_ends_with_2(node: Node, plugin: Plugin) -> None:
    typed = node("conformance", "--plugin", "/nonexistent/plugin", "--config", str(plugin.config))
    assert typed.exit_code == 2
    assert 'there is no plugin "/nonexistent/plugin"' in typed.err
    assert node("conformance").exit_code == 2
