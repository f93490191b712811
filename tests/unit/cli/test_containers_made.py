"""`cni-hns container create` and `events` on a simulated node."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from cni_hns.hcs.documents.system import ComputeSystem
from cni_hns.hcs.templates import TEMPLATES
from cni_hns.simulator import Simulator
from tests.unit.cli.conftest import Node

LAYER = "5f0c3b1e-0000-4111-8222-333344445555"


@pytest.fixture
def document(tmp_path: Path) -> Any:
    """Writes a document into a file."""

    def written(content: object) -> str:
        file = tmp_path / "system.json"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(file)

    return written


def template(node: Node, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(node("container", "create", "--template", *arguments).out))


class TestCreate:
    def test_a_template_becomes_a_container_of_the_namespace(self, node: Node, document: Any) -> None:
        namespace = str(node.make("namespace", "create")["id"])
        filled = template(node, "process", "--namespace", namespace)
        filled["Container"]["Storage"]["Layers"][0]["Id"] = LAYER
        created = node.make("container", "create", "box", "--config", document(filled))
        assert created == {"id": "box", "outcome": "created"}
        (made,) = node.make("container", "list")
        assert (made["state"], made["isolation"], made["owner"]) == ("Created", "process", "cni-hns")
        node.make("container", "start", "box")
        (running,) = node.make("container", "list")
        assert (running["state"], running["namespace"]) == ("Running", namespace)
        assert node.make("container", "stop", "box")["outcome"] == "shut down"

    @pytest.mark.parametrize("kind", TEMPLATES)
    def test_a_template_is_a_document_of_the_schema_and_names_what_is_the_nodes(
        self, node: Node, kind: str
    ) -> None:
        shown = template(node, kind)
        inner = shown.get("HostedSystem", shown)["Container"]
        assert inner["Networking"]["Namespace"] == "<GUID of the HCN namespace>"
        inner["Storage"]["Layers"][0]["Id"] = LAYER
        assert ComputeSystem.of(shown).to_document() == shown

    def test_a_template_that_was_not_filled_is_refused(self, node: Node, document: Any) -> None:
        typed = node("container", "create", "box", "--config", document(template(node, "process")))
        assert (typed.exit_code, "Container.Storage.Layers.0.Id" in typed.err) == (1, True)

    def test_an_id_that_is_taken_is_said(self, node: Node, simulator: Simulator, document: Any) -> None:
        simulator.run_container("box")
        file = document({"Owner": "me", "SchemaVersion": {"Major": 2, "Minor": 1}, "Container": {}})
        typed = node("container", "create", "box", "--config", file)
        assert (typed.exit_code, "0x8037010F" in typed.err) == (1, True)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            pytest.param("{", "is no JSON", id="no JSON"),
            pytest.param("[]", "is no JSON object", id="no object"),
            pytest.param({"Container": {}}, "Owner, SchemaVersion missing", id="members missing"),
            pytest.param(
                {"Owner": 7, "SchemaVersion": {}, "Container": {"Memory": {"SizeInMB": "much"}}},
                "Owner: Input should be a valid string; Container.Memory.SizeInMB: Input should be",
                id="every fault with its path",
            ),
            pytest.param(
                {"Owner": "me", "SchemaVersion": {}, "ShouldTerminateOnLastHandleClosed": True},
                "would end with this command",
                id="one that would end at once",
            ),
        ],
    )
    def test_a_document_that_is_no_use_is_refused_before_hcs_is_asked(
        self, node: Node, simulator: Simulator, document: Any, content: object, words: str
    ) -> None:
        typed = node("container", "create", "box", "--config", document(content))
        assert (typed.exit_code, words in typed.err) == (1, True), typed.err
        assert [call.function for call in simulator.journal() if "Create" in call.function] == []

    def test_without_a_document_there_is_nothing_to_make(self, node: Node) -> None:
        assert node("container", "create", "box").exit_code == 2


class TestEvents:
    def test_the_end_of_a_system_is_told_and_ends_the_listening(
        self, node: Node, simulator: Simulator
    ) -> None:
        simulator.run_container("box", owner="my-tool")
        ending = threading.Timer(0.2, lambda: simulator.crash_container("box"))
        ending.start()
        typed = node("container", "events", "box", "--json", "--timeout", "30")
        ending.join()
        told = [json.loads(line) for line in typed.out.splitlines()]
        names = [one["event"] for one in told]
        assert (typed.exit_code, names) == (0, ["SystemCrashInitiated", "SystemCrashReport", "SystemExited"])
        assert told[-1]["document"]["ExitType"] == "UnexpectedExit"

    def test_a_time_in_which_nothing_happens_is_no_failure(self, node: Node, simulator: Simulator) -> None:
        simulator.run_container("box")
        typed = node("container", "events", "box", "--timeout", "0.05")
        assert (typed.exit_code, typed.out) == (0, "")

    def test_one_that_is_not_there_is_one_line(self, node: Node) -> None:
        typed = node("container", "events", "nobody")
        assert (typed.exit_code, "nobody" in typed.err, typed.err.count("\n")) == (1, True, 1)
