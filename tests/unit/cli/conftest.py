"""A simulated node for the operator's commands, and a way to type them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.binding.service import Service
from cni_hns.cli import main
from cni_hns.cli.install import command
from cni_hns.cli.install.package import LAYOUT, Package, digest, read_package
from cni_hns.hcn.client import Hcn
from cni_hns.hcn.documents import add_endpoint
from cni_hns.log import Log
from cni_hns.simulator import Simulator, open_simulator
from tests.terminal import Screen, screen


class Typed(NamedTuple):
    """What a command came to."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Node:
    """`node("network", "list")` runs one command against the simulated HNS in `folder`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Typed:
        self._capsys.readouterr()
        code = main(list(arguments), choose_hns({"CNI_HNS_SIMULATOR": str(self.folder)}))
        return Typed(code, *self._capsys.readouterr())

    def screen(self, columns: int, *arguments: str) -> Screen:
        """Run one command on a terminal of so many columns."""
        return screen(arguments, columns, choose_hns({"CNI_HNS_SIMULATOR": str(self.folder)}))

    def make(self, *arguments: str) -> Any:
        """Run a command that must succeed; its JSON."""
        typed = self(*arguments, "--json")
        assert typed.exit_code == 0, typed.err
        return typed.json

    def plant_endpoint(self, network: str, name: str = "pod_l2b", namespace: str | None = None) -> str:
        """Some program's endpoint on the network with this id; its own id."""
        libraries, _ = choose_hns({"CNI_HNS_SIMULATOR": str(self.folder)})()
        hcn = Hcn(Service(libraries, Log()))
        document = {"Name": name, "SchemaVersion": {"Major": 2, "Minor": 0}}
        with hcn.networks.open(network) as opened, hcn.endpoints.create(opened, document) as endpoint:
            endpoint.query()
            if namespace is not None:
                with hcn.namespaces.open(namespace) as room:
                    room.modify(add_endpoint(endpoint.id))
        libraries.close()
        return endpoint.id


@pytest.fixture
def node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Node]:
    """A node on which no command may leave a handle or a buffer."""
    made = Node(tmp_path / "node", capsys)
    yield made
    assert open_simulator(str(made.folder)).leaks() == []


@pytest.fixture
def simulator(node: Node) -> Iterator[Simulator]:
    """The node as a test changes it behind the commands' back."""
    simulator = open_simulator(str(node.folder))
    yield simulator
    simulator.close()


@pytest.fixture
def hcn(node: Node) -> Iterator[Hcn]:
    """The node's HNS, as other programs use it."""
    libraries, _ = choose_hns({"CNI_HNS_SIMULATOR": str(node.folder)})()
    yield Hcn(Service(libraries, Log()))
    libraries.close()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """This program, as if it were built: its exe answers as the package in this interpreter does."""
    source = tmp_path / "build"
    source.mkdir()
    (source / "library").write_text("library")
    listed = {"library": digest(str(source / "library"))}
    (source / LAYOUT).write_text(json.dumps({"version": "1", "folder": "_cni_hns-1-abc", "files": listed}))
    (source / "exe").write_text("exe")
    made = read_package(str(source), str(source / "exe"))
    monkeypatch.setattr(command, "this_program", lambda: made)
    return made


@pytest.fixture
def there(tmp_path: Path) -> list[str]:
    return ["--bin-dir", str(tmp_path / "bin"), "--conf-dir", str(tmp_path / "conf")]
