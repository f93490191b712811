"""A simulated node with a pod, and commands typed about it in this process."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.cli import main
from tests.harness import SimulatedNode, container_id, l2bridge
from tests.unit.cli.conftest import Typed


class Shell:
    """`shell("pod", "list")` runs one command about the node in `folder`; `folder` can be another one's."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str, folder: Path | None = None) -> Typed:
        self._capsys.readouterr()
        code = main([*arguments], choose_hns({"CNI_HNS_SIMULATOR": str(folder or self.folder)}))
        return Typed(code, *self._capsys.readouterr())

    def json(self, *arguments: str, folder: Path | None = None) -> Any:
        """What the command prints with --json, whatever its exit code."""
        return self(*arguments, "--json", folder=folder).json


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What this machine has of the programs that are run says nothing about a simulated node."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def shell(node: SimulatedNode, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(node.folder, capsys)


@pytest.fixture
def sandbox(node: SimulatedNode) -> str:
    """A pod that runs; its id."""
    return add_pod(node)


def add_pod(node: SimulatedNode, config: dict[str, Any] | None = None) -> str:
    sandbox, namespace = container_id(), node.namespace()
    answer = node.call("ADD", config or l2bridge(), sandbox, namespace)
    assert answer.exit_code == 0, answer.words
    node.simulator.start_container(namespace, sandbox)
    return sandbox


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Every file of the bundle with what is in it."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name).decode()


def in_bundle(path: Path, name: str) -> Any:
    return json.loads(dict(texts(path))[name])
