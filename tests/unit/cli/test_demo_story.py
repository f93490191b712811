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
from cni_hns.hcs.templates import process

CONF = Path(__file__).parents[3] / "conf"
PORT_MAPPING = {"Type": "PortMapping", "Settings": {"InternalPort": 80, "ExternalPort": 8080}}
ATTACHED = "attached and shared by containers"
LIMITS = {"Processor": {"Count": 2}, "Memory": {"SizeInMB": 1024}}
USAGE = {
    "cpuPercent": 10.0,
    "memoryCommitBytes": 4096,
    "memoryPrivateBytes": 4096,
    "readBytes": 1,
    "writtenBytes": 1,
    "bytesReceived": None,
}
OUTCOMES = {
    "container create": "created",
    "container start": "started",
    "container kill": "terminated",
    "container stop": "shut down",
}
OLD, NEW = 17763, 26100

Tamper = Callable[[str, Any], Any]


def pod(*containers: str, **members: Any) -> dict[str, Any]:
    """What `pod show` answers of a pod that is as it should be, but for these members."""
    running = [{"id": one, "state": "Running"} for one in containers]
    good = {"state": "ok", "mismatches": [], "compartment": 2, "endpoints": [{"state": ATTACHED}]}
    return {**good, "containers": running, **members}


def refusal(words: str) -> Answer:
    return Answer(1, "", f"cni-hns: {words}\n", 1.0)


class Scripted(DemoNode):
    """Answers every step as a good node would, after `tamper` has had its way with the document.

    `tamper` gets the verb or command, with its number among its likes, such as "ADD 2" or "endpoint show 1".
    """

    def __init__(self, tamper: Tamper, document: dict[str, Any], build: int) -> None:
        super().__init__("/nowhere")
        self._tamper = tamper
        self._seen: list[str] = []
        self._name = document["name"]
        self._build = build
        self.endpoints: list[str] = []
        self.limits: dict[str, Any] = LIMITS
        self.written: dict[str, Any] = {}

    def write(self, file: str, document: dict[str, Any]) -> str:
        self.written[file] = document
        return self.path(file)

    def windows_build(self) -> int:
        return self._build

    def plugin(self, variables: dict[str, str], document: dict[str, Any]) -> Answer:
        verb, pod = variables["CNI_COMMAND"], variables.get("CNI_CONTAINERID", "")
        if verb == "ADD":
            self.endpoints.append(pod)
            return self._answer(verb, {"ips": [{"address": f"10.88.0.{ord(pod[-1])}/24"}]})
        if verb == "GC":
            self.endpoints = ["pod-a"]
        return self._answer(verb, None)

    def operator(self, *arguments: str) -> Answer:
        command, first = " ".join(arguments[:2]), arguments[2] if len(arguments) > 2 else ""
        if "--template" in arguments:
            return self._answer(command, process("a-namespace"))
        documents = {
            "network create": {"id": "an-id", "type": "L2Bridge", "name": self._name, "subnets": []},
            "namespace delete": None,
            "container pause": refusal("it is process-isolated"),
            "container set": self._changed(first),
            "container stats": [USAGE],
            "pod show": pod(*["pod-a", "pod-a-web"][: self._seen.count("container start")]),
            "endpoint show": {"name": first, "state": ATTACHED, "document": {"Policies": [PORT_MAPPING]}},
        }
        if command in OUTCOMES:
            return self._answer(command, {"id": first, "outcome": OUTCOMES[command]})
        return self._answer(command, documents.get(command, {"id": "an-id"}))

    def _changed(self, container: str) -> Any:
        if self._build == OLD:
            return refusal(f"this Windows has build {OLD}")
        return {"id": container, "outcome": "changed"}

    def look(self) -> Inventory:
        rows = [{"id": pod, "name": f"{pod}_{self._name}", "addresses": []} for pod in self.endpoints]
        web = {"id": "pod-a-web", "limits": self.limits}
        return Inventory([web], rows, [], [], [], [])

    def _answer(self, what: str, document: Any) -> Answer:
        self._seen.append(what)
        changed = self._tamper(f"{what} {self._seen.count(what)}", document)
        if isinstance(changed, Answer):
            return changed
        return Answer(0, "" if changed is None else json.dumps(changed), "", 1.0)


def told(
    tamper: Tamper, sample: str = "l2bridge.conf", build: int = NEW, **members: Any
) -> tuple[Scripted, Report]:
    document = {**json.loads((CONF / sample).read_text(encoding="utf-8")), **members}
    node = Scripted(tamper, document, build)
    report = Report(quiet=True)
    Story(node, document, compile_plan(document), report, node.look).tell()
    return node, report


def unexpected(tamper: Tamper, build: int = NEW, **members: Any) -> list[str]:
    return told(tamper, build=build, **members)[1].unexpected


def instead(step: str, document: Any) -> Tamper:
    return lambda what, real: document if what == step else real


def as_it_is(_: str, real: Any) -> Any:
    return real


@pytest.mark.parametrize("build", [OLD, NEW])
def test_a_good_node_has_nothing_unexpected(build: int) -> None:
    assert unexpected(as_it_is, build) == []


@pytest.mark.parametrize(
    ("step", "document", "words"),
    [
        pytest.param(
            "ADD 3", {"ips": [{"address": "10.88.0.97/24"}]}, "belongs to another pod", id="one address twice"
        ),
        pytest.param("ADD 1", {"ips": []}, "the result has no address", id="no address"),
        pytest.param("ADD 1", None, "the result has no address", id="no result"),
        pytest.param(
            "ADD 2", {"ips": [{"address": "10.88.0.50/24"}]}, "is another one", id="repeated ADD differs"
        ),
        pytest.param(
            "endpoint show 1", {"document": {"Policies": []}}, "maps the ports []", id="no port mapping"
        ),
        pytest.param(
            "endpoint show 2", {"state": "created"}, "state is: created", id="not attached by the start"
        ),
        pytest.param("network create 1", {}, "there is no id", id="network without id"),
        pytest.param("namespace create 2", [], "there is no id", id="namespace without id"),
        pytest.param("container create 1", None, "lacks what", id="no template"),
        pytest.param(
            "container create 1", process(""), "names no namespace", id="template without the namespace"
        ),
        pytest.param("container create 3", {"outcome": "x"}, "outcome is x", id="container not made"),
        pytest.param("container start 1", refusal(""), "ended with exit code 1", id="no start"),
        pytest.param("pod show 1", pod("pod-a", compartment=0), "no compartment", id="no compartment"),
        pytest.param("pod show 1", pod("pod-a", endpoints=[]), "endpoints are []", id="no endpoint"),
        pytest.param(
            "pod show 1", pod("pod-a", endpoints=[{"state": "created"}]), "['created']", id="not attached"
        ),
        pytest.param(
            "pod show 1",
            pod("pod-a", state="mismatch", mismatches=[{"words": "two differ"}]),
            "the pod is mismatch: two differ",
            id="sources disagree",
        ),
        pytest.param(
            "pod show 2", pod("pod-a"), "the containers that run are ['pod-a']", id="the second is not in it"
        ),
        pytest.param("container stats 1", [], "lacks what", id="no statistics"),
        pytest.param(
            "container stats 1", [{"memoryCommitBytes": 0}], "it uses no memory", id="empty statistics"
        ),
        pytest.param("container pause 1", {}, "ended with exit code 0", id="the pause succeeds"),
        pytest.param(
            "container pause 1", refusal("no"), "does not say: process-isolated", id="refused without reason"
        ),
        pytest.param("container set 1", refusal("no"), "ended with exit code 1", id="limits are refused"),
        pytest.param("container kill 1", {}, "lacks what", id="container not killed"),
        pytest.param(
            "container stop 2", {"outcome": "terminated"}, "outcome is terminated", id="no orderly stop"
        ),
        pytest.param("CHECK 2", Answer(1, "{}", "", 1.0), "ended with exit code 1", id="CHECK fails"),
        pytest.param("CHECK 1", {"cniVersion": "1.1.0"}, "something on stdout", id="CHECK answers"),
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


def test_a_step_is_as_expected_only_if_each_of_its_commands_is() -> None:
    _, report = told(instead("container start 1", refusal("no such layer")))
    (wrong,) = [step for step in report.steps if not step["asExpected"]]
    assert [command["asExpected"] for command in wrong["commands"]] == [True, True, False]


def test_limits_that_are_not_those_asked_for_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LIMITS", {"Processor": {"Count": 1}})
    assert any('its limits are {"Processor"' in one for one in unexpected(as_it_is))


def test_an_old_windows_must_refuse_new_limits_by_its_build() -> None:
    for answer in ({"id": "pod-a-web", "outcome": "changed"}, refusal("not now")):
        assert len(unexpected(instead("container set 1", answer), OLD)) == 1


def test_a_gc_that_collects_nothing_or_too_much_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Scripted.plugin

    def keeping(left: list[str]) -> Callable[..., Answer]:
        def plugin(self: Scripted, variables: dict[str, str], document: dict[str, Any]) -> Answer:
            answer = real(self, variables, document)
            if variables["CNI_COMMAND"] == "GC":
                self.endpoints = left
            return answer

        return plugin

    for left in (["pod-a", "pod-b"], []):
        monkeypatch.setattr(Scripted, "plugin", keeping(left))
        assert any("HNS has the endpoints" in one for one in unexpected(as_it_is)), left


def test_results_of_the_first_versions_have_addresses_too() -> None:
    """Versions 0.1.0 and 0.2.0 write `ip4` and `ip6` instead of a list."""
    old: dict[str, Any] = {"cniVersion": "0.2.0"}
    addresses = {"ADD 1": "10.88.0.2/24", "ADD 2": "10.88.0.2/24", "ADD 3": "10.88.0.3/24"}

    def tamper(what: str, real: Any) -> Any:
        return {"ip4": {"ip": addresses[what]}} if what in addresses else real

    assert unexpected(tamper, **old) == []
    addresses["ADD 3"] = "10.88.0.2/24"
    assert any("belongs to another pod" in one for one in unexpected(tamper, **old))


def test_the_containers_are_the_demos_own_and_in_the_pods_namespace() -> None:
    node, _ = told(as_it_is)
    for name in ("pod-a", "pod-a-web", "pod-b"):
        document = node.written[f"{name}.json"]
        assert document["Owner"] == "cni-hns-demo"
        assert document["Container"]["Networking"]["Namespace"] == "an-id"
        assert "<" not in json.dumps(document)


def test_what_a_call_has_on_stdin_is_kept_in_a_file_that_the_shown_command_names() -> None:
    node, report = told(as_it_is)
    sent = [command["sent"] for step in report.steps for command in step["commands"]]
    for line in sent:
        if line.startswith("CNI_COMMAND=") and not line.endswith("demo.conf"):
            assert line.rpartition("/")[2] in node.written
    assert "prevResult" in node.written["del-pod-a.json"]
    assert "prevResult" not in node.written["add-pod-a.json"]
    assert node.written["add-pod-a.json"]["runtimeConfig"]["portMappings"][0]["hostPort"] == 8080
