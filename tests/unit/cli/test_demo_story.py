"""What the demo takes for wrong: each answer that could hide a fault is given once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cli.demo.inventory import Inventory
from cni_hns.cli.demo.node import Answer, DemoNode
from cni_hns.cli.demo.report import Report
from cni_hns.cli.demo.story import Story
from cni_hns.dialects.compile import compile_plan

CONF = Path(__file__).parents[3] / "conf"
PORT_MAPPING = {"Type": "PortMapping", "Settings": {"ExternalPort": 8080}}

Tamper = Callable[[str, Any], Any]


class Scripted(DemoNode):
    """Answers every step as a good node would, after `tamper` has had its way with the document.

    `tamper` gets the verb or command, with its number among its likes, such as "ADD 2" or "endpoint show 1".
    """

    def __init__(self, tamper: Tamper, document: dict[str, Any]) -> None:
        super().__init__("/nowhere")
        self._tamper = tamper
        self._seen: list[str] = []
        self._name = document["name"]
        self.endpoints: list[str] = []

    def plugin(self, variables: dict[str, str], document: dict[str, Any]) -> Answer:
        verb, pod = variables["CNI_COMMAND"], variables.get("CNI_CONTAINERID", "")
        if verb == "ADD":
            self.endpoints.append(pod)
            return self._answer(verb, {"ips": [{"address": f"10.88.0.{ord(pod[-1])}/24"}]})
        if verb == "GC":
            self.endpoints = ["pod-b"]
        return self._answer(verb, None)

    def operator(self, *arguments: str) -> Answer:
        command = " ".join(arguments[:2])
        documents = {"endpoint show": {"document": {"Policies": [PORT_MAPPING]}}, "namespace delete": None}
        return self._answer(command, documents.get(command, {"id": "an-id"}))

    def look(self) -> Inventory:
        rows = [{"id": pod, "name": f"{pod}_{self._name}", "addresses": []} for pod in self.endpoints]
        return Inventory(rows, [], [], [], [])

    def _answer(self, what: str, document: Any) -> Answer:
        self._seen.append(what)
        changed = self._tamper(f"{what} {self._seen.count(what)}", document)
        if isinstance(changed, Answer):
            return changed
        return Answer(0, "" if changed is None else json.dumps(changed), "", 1.0)


def unexpected(tamper: Tamper, sample: str = "l2bridge.conf", **members: Any) -> list[str]:
    document = {**json.loads((CONF / sample).read_text(encoding="utf-8")), **members}
    node = Scripted(tamper, document)
    report = Report(quiet=True)
    Story(node, document, compile_plan(document), report).tell(node.look)
    return report.unexpected


def instead(step: str, document: Any) -> Tamper:
    return lambda what, real: document if what == step else real


def test_a_good_node_has_nothing_unexpected() -> None:
    assert unexpected(lambda _, real: real) == []


@pytest.mark.parametrize(
    ("step", "document", "words"),
    [
        pytest.param(
            "ADD 2", {"ips": [{"address": "10.88.0.97/24"}]}, "belongs to another pod", id="one address twice"
        ),
        pytest.param("ADD 1", {"ips": []}, "the result has no address", id="no address"),
        pytest.param("ADD 1", None, "the result has no address", id="no result"),
        pytest.param(
            "ADD 4", {"ips": [{"address": "10.88.0.50/24"}]}, "is another one", id="repeated ADD differs"
        ),
        pytest.param(
            "endpoint show 1", {"document": {"Policies": []}}, "maps the ports []", id="no port mapping"
        ),
        pytest.param("network create 1", {}, "there is no id", id="network without id"),
        pytest.param("namespace create 3", [], "there is no id", id="namespace without id"),
        pytest.param("CHECK 3", Answer(1, "{}", "", 1.0), "ended with exit code 1", id="CHECK fails"),
        pytest.param("DEL 2", Answer(1, "{}", "", 1.0), "ended with exit code 1", id="second DEL fails"),
        pytest.param("STATUS 2", Answer(1, "{}", "", 1.0), "ended with exit code 1", id="STATUS fails"),
        pytest.param(
            "namespace delete 2", Answer(1, "", "", 1.0), "ended with exit code 1", id="namespace stays"
        ),
    ],
)
def test_a_wrong_answer_is_named_with_its_step(step: str, document: Any, words: str) -> None:
    found = unexpected(instead(step, document))
    assert any(words in one for one in found), found
    assert all(one.startswith("step ") for one in found)


def test_a_gc_that_collects_nothing_or_too_much_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Scripted.plugin

    def keeping(left: list[str]) -> Callable[..., Answer]:
        def plugin(self: Scripted, variables: dict[str, str], document: dict[str, Any]) -> Answer:
            answer = real(self, variables, document)
            if variables["CNI_COMMAND"] == "GC":
                self.endpoints = left
            return answer

        return plugin

    for left in (["pod-b", "pod-c"], []):
        monkeypatch.setattr(Scripted, "plugin", keeping(left))
        assert any("HNS has the endpoints" in one for one in unexpected(lambda _, answer: answer)), left


def test_results_of_the_first_versions_have_addresses_too() -> None:
    """Versions 0.1.0 and 0.2.0 write `ip4` and `ip6` instead of a list."""
    old = {"cniVersion": "0.2.0"}
    addresses = {
        "ADD 1": "10.88.0.2/24",
        "ADD 2": "10.88.0.3/24",
        "ADD 3": "10.88.0.4/24",
        "ADD 4": "10.88.0.2/24",
    }

    def tamper(what: str, real: Any) -> Any:
        return {"ip4": {"ip": addresses[what]}} if what in addresses else real

    assert unexpected(tamper, **old) == []
    addresses["ADD 3"] = "10.88.0.2/24"
    assert any("belongs to another pod" in one for one in unexpected(tamper, **old))
