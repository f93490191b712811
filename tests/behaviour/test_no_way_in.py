"""Who may not write here decides nothing: folders, links and names that would let somebody in are refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.ipam_plugin import RESULT, FakeIpam
from tests.behaviour.scene import configured
from tests.harness import Answer, SimulatedNode, container_id, l2bridge
from tests.packaging import current

_LINKS = pytest.mark.not_in("windows", reason="Wine shows a link of this system as what it leads to")
_POSIX_PATHS = pytest.mark.not_in("windows", reason="the paths are this system's")
_VERBS = ["ADD", "repeated ADD", "CHECK", "DEL", "GC", "STATUS"]


class Attached:
    """A node with one pod on it, whose ledger lies in a folder of its own."""

    def __init__(self, node: SimulatedNode, folder: Path) -> None:
        self.node, self.folder = node, folder
        self.pod, self.newcomer = (container_id(), node.namespace()), (container_id(), node.namespace())
        self.result = node.call("ADD", self._config(), *self.pod).document
        assert "ips" in self.result

    def call(self, verb: str, **changes: Any) -> Answer:
        command = verb.removeprefix("repeated ")
        pod = self.newcomer if verb == "ADD" else self.pod if command in {"ADD", "CHECK", "DEL"} else ("", "")
        config = self._config(**changes)
        if command == "CHECK":
            config["prevResult"] = self.result
        return self.node.call(command, config, *pod)

    def _config(self, **changes: Any) -> dict[str, Any]:
        return l2bridge(**{"dataDir": current().path(self.folder), **changes})


@pytest.fixture
def attached(node: SimulatedNode, tmp_path: Path) -> Attached:
    return Attached(node, tmp_path / "parent" / "state")


def _link(path: Path) -> None:
    """What was there is moved, and a link left in its place."""
    moved = path.with_name(path.name + "-moved")
    path.rename(moved)
    path.symlink_to(moved)


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o777)


def _in_a_folder_open_to_all(folder: Path) -> None:
    folder.parent.chmod(0o777)


def _open_ledger(folder: Path) -> None:
    (folder / "ledger.db").chmod(0o666)


def _linked(folder: Path) -> None:
    _link(folder)


def _linked_ledger(folder: Path) -> None:
    _link(folder / "ledger.db")


def _linked_log(folder: Path) -> None:
    (folder / "ledger.db-wal").symlink_to("/etc/hosts")


def _linked_index(folder: Path) -> None:
    (folder / "ledger.db-shm").symlink_to("/etc/hosts")


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(_open_to_all, "can be written by", id="a folder that all write"),
        pytest.param(_in_a_folder_open_to_all, "can be written by", id="a folder that all can replace"),
        pytest.param(_open_ledger, "can be written by", id="a file that all write"),
        pytest.param(_linked, "is a link", id="a linked folder", marks=_LINKS),
        pytest.param(_linked_ledger, "is a link", id="a linked file", marks=_LINKS),
        pytest.param(_linked_log, "is a link", id="a linked write-ahead log", marks=_LINKS),
        pytest.param(_linked_index, "is a link", id="a linked index of the log", marks=_LINKS),
    ],
)
def test_a_ledger_that_others_may_have_written_is_refused_and_nothing_is_changed(
    attached: Attached, verb: str, harm: Callable[[Path], None], words: str
) -> None:
    endpoints, before = len(attached.node.endpoints()), (attached.folder / "ledger.db").read_bytes()
    harm(attached.folder)
    answer = attached.call(verb)
    assert (answer.exit_code, answer.document["code"]) == (1, 50 if verb == "STATUS" else 102), answer.words
    assert words in answer.words
    assert len(attached.node.endpoints()) == endpoints
    assert (attached.folder / "ledger.db").read_bytes() == before


def test_a_folder_is_believed_again_when_it_is_mended(attached: Attached) -> None:
    attached.folder.chmod(0o777)
    assert attached.call("CHECK").exit_code == 1
    attached.folder.chmod(0o700)
    assert attached.call("CHECK").exit_code == 0
    assert attached.call("DEL").exit_code == 0


def test_a_folder_that_somebody_made_beforehand_gets_no_ledger(node: SimulatedNode, tmp_path: Path) -> None:
    early = tmp_path / "early"
    early.mkdir()
    early.chmod(0o777)
    config = l2bridge(dataDir=current().path(early))
    assert node.call("ADD", config, container_id(), node.namespace()).document["code"] == 102
    assert list(early.iterdir()) == []
    node.assert_clean()


@_POSIX_PATHS
def test_status_says_what_add_would_say_of_a_place_where_no_ledger_can_be_made(node: SimulatedNode) -> None:
    config = l2bridge(dataDir="/proc/nothing/here")
    add = node.call("ADD", config, container_id(), node.namespace())
    status = node.call("STATUS", config)
    assert (add.document["code"], status.document["code"]) == (102, 50)
    for answer in (add, status):
        assert "cannot be made" in answer.words
        assert "give this program write access" in answer.words


def test_status_leaves_nothing_in_the_place_that_it_tries(node: SimulatedNode, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    config = l2bridge(dataDir=current().path(tmp_path / "place" / "state"))
    assert node.call("STATUS", config).exit_code == 0
    assert list((tmp_path / "place").iterdir()) == []


class TestTheLog:
    """A verb never fails for its log, and the log is written into nothing that others chose."""

    def run(self, node: SimulatedNode, file: Path) -> tuple[int, str]:
        config = l2bridge(log={"file": current().path(file), "level": "debug"})
        process = node.start("ADD", config, container_id(), node.namespace())
        stdout, stderr = process.communicate()
        assert b'"ips"' in stdout
        return process.returncode, stderr.decode()

    def test_in_a_folder_that_others_write_is_not_written_and_that_is_said_once(
        self, node: SimulatedNode, tmp_path: Path
    ) -> None:
        logs = tmp_path / "logs"
        logs.mkdir()
        logs.chmod(0o777)
        code, stderr = self.run(node, logs / "cni.log")
        assert code == 0
        assert stderr.count("cannot be written") == 1
        assert "can be written by" in stderr
        assert list(logs.iterdir()) == []

    @_LINKS
    def test_that_is_a_link_is_not_followed(self, node: SimulatedNode, tmp_path: Path) -> None:
        (tmp_path / "logs").mkdir()
        (tmp_path / "target").write_text("as it was")
        (tmp_path / "logs" / "cni.log").symlink_to(tmp_path / "target")
        code, stderr = self.run(node, tmp_path / "logs" / "cni.log")
        assert code == 0
        assert stderr.count("is a link") == 1
        assert (tmp_path / "target").read_text() == "as it was"

    def test_gets_a_folder_that_nobody_else_writes(self, node: SimulatedNode, tmp_path: Path) -> None:
        assert self.run(node, tmp_path / "logs" / "deep" / "cni.log") == (0, "")
        assert (tmp_path / "logs" / "deep" / "cni.log").stat().st_size > 0


class TestAnIpamPlugin:
    @pytest.fixture
    def ipam(self, tmp_path: Path) -> FakeIpam:
        plugin = FakeIpam(tmp_path / "plugins")
        plugin.answer("ADD", RESULT)
        return plugin

    @pytest.mark.parametrize("what", ["folder", "program"])
    def test_that_others_can_write_is_not_run(
        self, node: SimulatedNode, ipam: FakeIpam, tmp_path: Path, what: str
    ) -> None:
        open_to_all = tmp_path / "plugins"
        if what == "program":
            (open_to_all,) = (tmp_path / "plugins").glob("fake-ipam*")
        open_to_all.chmod(0o777)
        config = configured("l2bridge", ipam={"type": "fake-ipam"}, dns={})
        answer = node.call("ADD", config, container_id(), node.namespace(), path=ipam.path)
        assert answer.document["code"] == 4, answer.words
        assert "is not run" in answer.words
        assert "can be written by" in answer.words
        assert not (tmp_path / "plugins" / "calls").exists()
        node.assert_clean()
        assert node.call("STATUS", config, path=ipam.path).document["code"] == 50
        open_to_all.chmod(0o755)
        assert node.call("ADD", config, container_id(), node.namespace(), path=ipam.path).exit_code == 0


# What a caller might smuggle in where a name is expected.
_NAMES = {
    "two dots": "..",
    "a folder above": "../../evil",
    "a folder above, on Windows": "..\\..\\evil",
    "a folder of the root": "/evil",
    "a drive": "C:\\evil",
    "a stream": "evil:stream",
    "a share": "\\\\host\\share",
    "a device's path": "\\\\.\\PhysicalDrive0",
    "a NUL": "ev\0il",
    "a line": "ev\nil",
    "CON": "CON",
    "nul with a suffix": "nul.txt",
    "COM1": "COM1",
    "a dot at the end": "evil.",
    "a blank at the end": "evil ",
    "nothing": "",
    "far too long": "x" * 4096,
}
_NO_NUL = pytest.mark.in_process("no variable of a process can hold a NUL")
_in_a_file = pytest.mark.parametrize("name", [pytest.param(name, id=id_) for id_, name in _NAMES.items()])
_in_a_variable = pytest.mark.parametrize(
    "name",
    [pytest.param(name, id=id_, marks=[_NO_NUL] if "\0" in name else []) for id_, name in _NAMES.items()],
)
_not_absolute = pytest.mark.parametrize(
    "name", [pytest.param(name, id=id_) for id_, name in _NAMES.items() if not os.path.isabs(name)]
)


def _tree(*folders: Path) -> set[str]:
    return {str(path) for folder in folders for path in folder.rglob("*")}


class TestNames:
    """Each is refused with a document, or a name like any other: nothing appears outside of the node."""

    @pytest.fixture
    def outside(self, tmp_path: Path, node: SimulatedNode) -> Callable[[], set[str]]:
        """The files around the node's own folder."""
        (tmp_path / "host-local" / "pods").mkdir(parents=True)
        assert node.call("STATUS", l2bridge()).exit_code == 0
        inside = str(node.folder)
        return lambda: {path for path in _tree(tmp_path) if not path.startswith(inside)}

    def harmless(self, node: SimulatedNode, answers: list[Answer], outside: Callable[[], set[str]]) -> None:
        for answer in answers:
            assert answer.exit_code == 0 or answer.document["code"] in {4, 5, 7, 50, 102}, answer.words
        assert [path for path in outside() if "evil" in path] == []
        assert len(node.endpoints()) <= 1

    @_in_a_file
    def test_of_a_network(
        self, node: SimulatedNode, tmp_path: Path, outside: Callable[[], set[str]], name: str
    ) -> None:
        ipam = {
            "type": "host-local",
            "subnet": "10.88.0.0/24",
            "dataDir": current().path(tmp_path / "host-local"),
        }
        config = l2bridge(name=name, ipam=ipam)
        pod = container_id(), node.namespace()
        self.harmless(node, [node.call(verb, config, *pod) for verb in ("ADD", "DEL", "GC")], outside)
        node.assert_clean()

    @pytest.mark.parametrize("what", ["container", "ifname", "netns"])
    @_in_a_variable
    def test_of_a_variable(
        self, node: SimulatedNode, outside: Callable[[], set[str]], what: str, name: str
    ) -> None:
        pod: dict[str, Any] = {"container": container_id(), "netns": node.namespace(), "ifname": "eth0"}
        pod[what] = name
        if what != "netns":
            self.harmless(node, [node.call(verb, l2bridge(), **pod) for verb in ("ADD", "DEL")], outside)
        else:
            self.harmless(node, [node.call("ADD", l2bridge(), **pod)], outside)
        node.assert_clean()

    @_in_a_file
    def test_of_an_ipam_plugin(
        self, node: SimulatedNode, tmp_path: Path, outside: Callable[[], set[str]], name: str
    ) -> None:
        (tmp_path / "bin").mkdir()
        config = l2bridge(ipam={"type": name}, network={**l2bridge()["network"]})
        answer = node.call(
            "ADD", config, container_id(), node.namespace(), path=current().path(tmp_path / "bin")
        )
        self.harmless(node, [answer], outside)

    @_POSIX_PATHS
    @_not_absolute
    def test_of_a_data_dir(self, node: SimulatedNode, outside: Callable[[], set[str]], name: str) -> None:
        before = outside()
        answer = node.call("ADD", l2bridge(dataDir=name), container_id(), node.namespace())
        assert (answer.exit_code, answer.document["code"]) == (1, 7), answer.words
        assert outside() == before

    @_POSIX_PATHS
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("/ev\0il", id="a NUL"),
            pytest.param("/" + "x" * 300, id="a long name"),
            pytest.param("/" + "x" * 4096, id="a very long name"),
            pytest.param("/x" * 60_000, id="many levels"),
            pytest.param("/dev/null", id="a device"),
            pytest.param("/dev/null/state", id="below a device"),
        ],
    )
    def test_of_an_absolute_data_dir(self, node: SimulatedNode, name: str) -> None:
        for verb in ("ADD", "DEL", "GC", "STATUS"):
            answer = node.call(verb, l2bridge(dataDir=name), container_id(), node.namespace())
            assert answer.document.get("code") in {7, 50, 102}, answer.words
        node.assert_clean()

    @_in_a_variable
    def test_of_a_folder_of_plugins(
        self, node: SimulatedNode, outside: Callable[[], set[str]], name: str
    ) -> None:
        config = configured("l2bridge", ipam={"type": "fake-ipam"}, dns={})
        answer = node.call("ADD", config, container_id(), node.namespace(), path=name)
        assert answer.document["code"] == 4, answer.words
        self.harmless(node, [answer], outside)


def test_a_row_that_names_another_file_has_nothing_removed(node: SimulatedNode, tmp_path: Path) -> None:
    """Whatever a row says: what is removed lies in the folder of the network."""
    reservations = tmp_path / "host-local" / "pods"
    reservations.mkdir(parents=True)
    victim = tmp_path / "10.88.0.9"
    container = container_id()
    for file in (reservations / "10.88.0.9", victim):
        file.write_bytes(f"{container}\r\neth0".encode())
    ipam = {"type": "host-local", "subnet": "10.88.0.0/24", "dataDir": current().path(reservations.parent)}
    assert node.call("DEL", l2bridge(ipam=ipam), container, "").exit_code == 0
    assert not (reservations / "10.88.0.9").exists()
    assert victim.exists()
    shutil.rmtree(reservations)
