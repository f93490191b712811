"""What is to be noted of a configuration goes to stderr, where a runtime's log has it: once, of many ADDs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from cni_hns.dialects.compile import compile_plan
from tests.behaviour.scene import joining, plant
from tests.harness import SimulatedNode, container_id


def noted(**changes: Any) -> dict[str, Any]:
    """A peer's configuration of which there is something to say."""
    config = {**joining("win-bridge"), "apiVersion": 1, "ipMasq": True, "brigde": "x", **changes}
    assert compile_plan(config).remarks
    return config


def notes_of(config: dict[str, Any]) -> list[str]:
    return [f'cni-hns: note: configuration "pods": {remark}' for remark in compile_plan(config).remarks]


def said(process: subprocess.Popen[bytes]) -> tuple[int, Any, list[str]]:
    """Exit code, the document on stdout, the lines on stderr."""
    stdout, stderr = process.communicate()
    return process.returncode, json.loads(stdout), stderr.decode().splitlines()


def test_of_many_first_adds_one_prints_the_notes(node: SimulatedNode) -> None:
    plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    config = noted()
    started = [node.start("ADD", config, container_id(), node.namespace()) for _ in range(4)]
    answers = [said(process) for process in started]
    assert [code for code, _, _ in answers] == [0] * 4
    assert all("ips" in document for _, document, _ in answers)
    assert [line for _, _, lines in answers for line in lines] == notes_of(config)


def test_another_configuration_has_notes_of_its_own(node: SimulatedNode) -> None:
    plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    for config in (noted(), noted(apiVersion=2)):
        for expected in (notes_of(config), []):
            _, _, lines = said(node.start("ADD", config, container_id(), node.namespace()))
            assert lines == expected


def test_a_failed_add_has_its_error_document_on_stdout_and_nothing_else(node: SimulatedNode) -> None:
    code, document, _ = said(node.start("ADD", noted(), container_id(), node.namespace()))
    assert code == 1
    assert "pods" in document["msg"]


def test_a_note_holds_no_value_of_an_unknown_key(node: SimulatedNode) -> None:
    plant(node, "l2bridge", ("10.88.0.0/24", "10.88.0.1"))
    process = node.start("ADD", noted(token="hunter2"), container_id(), node.namespace())  # noqa: S106
    _, _, lines = said(process)
    assert any("token" in line for line in lines)
    assert not any("hunter2" in line for line in lines)
