"""`cni-hns diagnose open`: the same questions get the same answers, and a hostile bundle gets none."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni_hns.simulator.machine import SimulatedMachine
from tests.harness import SimulatedNode
from tests.unit.diagnosis.conftest import Shell, add_pod, in_bundle, texts
from tests.unit.diagnosis.test_bundle import made

QUESTIONS = (
    ("pod", "list"),
    ("doctor",),
    ("endpoint", "list"),
    ("network", "list"),
    ("namespace", "list"),
    ("ipam", "list"),
    ("ipam", "list", "--all"),
)


def opened(shell: Shell, bundle: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "again"
    typed = shell("diagnose", "open", str(bundle), str(folder))
    assert (typed.exit_code, typed.out) == (0, f"export CNI_HNS_SIMULATOR={folder}\n"), typed.err
    return folder


def answers(shell: Shell, folder: Path | None = None) -> dict[str, Any]:
    """What each question gets; moments without their seconds, which a clock rounds."""
    found = {" ".join(words): shell.json(*words, folder=folder) for words in QUESTIONS}
    return {words: _without_seconds(answer) for words, answer in found.items()}


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: each[:16] if name in {"at", "until"} and each else _without_seconds(each)
            for name, each in value.items()
        }
    return [_without_seconds(one) for one in value] if isinstance(value, list) else value


class TestTheSameAnswers:
    def test_of_a_node_without_anything(self, shell: Shell, tmp_path: Path) -> None:
        bundle = made(shell, tmp_path)
        assert answers(shell, opened(shell, bundle, tmp_path)) == answers(shell)

    def test_of_a_node_with_pods(self, shell: Shell, tmp_path: Path, node: SimulatedNode) -> None:
        for _ in range(3):
            add_pod(node)
        node.simulator.plant_endpoints("pods", 2)
        bundle = made(shell, tmp_path)
        there, here = answers(shell), answers(shell, opened(shell, bundle, tmp_path))
        assert len(there["pod list"]) == 3
        assert here == there

    def test_of_a_node_that_is_ill(self, shell: Shell, tmp_path: Path, node: SimulatedNode) -> None:
        """What disagrees goes on disagreeing: no rule of the simulated HNS mends it."""
        gone, moved, left = [add_pod(node) for _ in range(3)]
        rows = {row.key.container_id: row for row in node.rows()}
        node.simulator.remove(rows[gone].endpoint_id or "")
        node.simulator.remove(rows[moved].namespace_id or "")
        node.simulator.stop_container(left, stuck=True)
        bundle = made(shell, tmp_path)
        there, here = answers(shell), answers(shell, opened(shell, bundle, tmp_path))
        assert len(there["doctor"]) >= 1
        assert here == there

    def test_v1_tells_what_it_told(self, shell: Shell, tmp_path: Path, node: SimulatedNode) -> None:
        add_pod(node)
        bundle = made(shell, tmp_path)
        again = SimulatedNode(opened(shell, bundle, tmp_path))
        try:
            assert again.hns.endpoints() == in_bundle(bundle, "hns/v1-endpoints.json")
            assert again.hns.version() == node.hns.version()
        finally:
            again.close()

    def test_what_did_not_answer_does_not_answer(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode
    ) -> None:
        add_pod(node)
        node.simulator.inject(function="HcnEnumerateNamespaces", hresult=0x800706BA, count=0)
        bundle = made(shell, tmp_path)
        folder = tmp_path / "again"
        typed = shell("diagnose", "open", str(bundle), str(folder))
        assert "the bundle has no namespaces: they did not answer" in typed.err
        assert answers_of_pods(shell, folder) == answers_of_pods(shell)
        assert shell("namespace", "list", folder=folder).exit_code == 1

    def test_a_row_that_was_written_long_before_this_machine_was_started(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode
    ) -> None:
        """The moments are those of the wall, whatever the uptime of who opens it."""
        add_pod(node)
        bundle = made(shell, tmp_path)
        years_s = 5e7

        def age(records: Any) -> Any:
            for row in records["tables"]["attachments"]:
                row["updated_at"] += years_s
            return {**records, "now": records["now"] + years_s, "wall": records["wall"] - 3600}

        folder = opened(shell, changed(bundle, "ledger/records.json", age), tmp_path)
        ((here,), (there,)) = shell.json("pod", "list", folder=folder), shell.json("pod", "list")
        before, after = here["attachments"][0]["at"], there["attachments"][0]["at"]
        assert before is not None
        assert before[:13] != after[:13]


def answers_of_pods(shell: Shell, folder: Path | None = None) -> Any:
    return _without_seconds(shell.json("pod", "list", folder=folder))


def changed(bundle: Path, name: str, change: Callable[[Any], Any]) -> Path:
    """The bundle with one file that somebody changed."""
    other = bundle.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for each, text in texts(bundle):
            archive.writestr(each, json.dumps(change(json.loads(text))) if each == name else text)
    return other


def without(bundle: Path, name: str) -> Path:
    other = bundle.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for each, text in texts(bundle):
            if each != name:
                archive.writestr(each, text)
    return other


def with_file(bundle: Path, name: str, text: bytes = b"x") -> Path:
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return bundle


class TestHostile:
    @pytest.mark.parametrize(
        ("harm", "word"),
        [
            pytest.param(
                lambda one: with_file(one, "../evil"), "leads out of it", id="a path to the folder above"
            ),
            pytest.param(lambda one: with_file(one, "/etc/evil"), "leads out of it", id="an absolute path"),
            pytest.param(lambda one: with_file(one, "C:/evil"), "leads out of it", id="a drive"),
            pytest.param(
                lambda one: without(one, "manifest.json"), "manifest.json is missing", id="not ours"
            ),
            pytest.param(
                lambda one: without(one, "hns/networks.json"), "hns/networks.json is missing", id="a part"
            ),
            pytest.param(
                lambda one: changed(one, "manifest.json", lambda was: {**was, "format": 2}),
                "use the newer program",
                id="a newer format",
            ),
            pytest.param(
                lambda one: changed(one, "manifest.json", lambda was: {**was, "program": "other"}),
                "no bundle of cni-hns",
                id="another program's",
            ),
            pytest.param(
                lambda one: changed(one, "hns/endpoints.json", lambda _: {"a": 1}),
                "no list of objects",
                id="another shape",
            ),
            pytest.param(
                lambda one: changed(one, "hns/endpoints.json", lambda _: [{"ID": "../x"}]),
                "no IDs",
                id="an id that is none",
            ),
            pytest.param(
                lambda one: changed(
                    one, "ledger/records.json", lambda was: {**was, "tables": {"leases": [1]}}
                ),
                "a table without rows",
                id="rows that are none",
            ),
            pytest.param(
                lambda one: changed(
                    one,
                    "ledger/records.json",
                    lambda was: {**was, "tables": {"leases": [{"network": 1, "address": "zz"}]}},
                ),
                "ledger cannot be loaded",
                id="rows of other columns",
            ),
        ],
    )
    def test_is_refused_with_a_word(
        self, shell: Shell, tmp_path: Path, node: SimulatedNode, harm: Callable[[Path], Path], word: str
    ) -> None:
        add_pod(node)
        bundle = harm(made(shell, tmp_path))
        folder = tmp_path / "again"
        typed = shell("diagnose", "open", str(bundle), str(folder))
        assert typed.exit_code == 1
        assert word in typed.err
        assert not (tmp_path / "evil").exists()

    def test_a_file_that_unpacks_to_too_much_is_not_unpacked(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("cni_hns.diagnosis.opening._LARGEST_BYTES", 8 << 20)
        bundle = tmp_path / "bomb.zip"
        with (
            zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("manifest.json", "w") as file,
        ):
            for _ in range(16):
                file.write(bytes(1 << 20))
        typed = shell("diagnose", "open", str(bundle), str(tmp_path / "again"))
        assert (typed.exit_code, "larger than any bundle" in typed.err) == (1, True)

    def test_what_is_no_zip(self, shell: Shell, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_text("no zip")
        typed = shell("diagnose", "open", str(tmp_path / "a.zip"))
        assert (typed.exit_code, "no sound zip file" in typed.err) == (1, True)

    def test_deep_json_ends_nothing(self, shell: Shell, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "deep.zip", "w") as archive:
            archive.writestr("manifest.json", "[" * 100_000)
        typed = shell("diagnose", "open", str(tmp_path / "deep.zip"))
        assert (typed.exit_code, "is no JSON" in typed.err) == (1, True)


@pytest.mark.parametrize("is_this_machine", [True, False], ids=["this machine", "opened"])
def test_what_is_loaded_here_says_nothing_of_the_node(
    shell: Shell, tmp_path: Path, node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, is_this_machine: bool
) -> None:
    """The runtime of the machine on which a bundle is opened is another one's."""
    add_pod(node)
    folder = opened(shell, made(shell, tmp_path), tmp_path)
    here = tuple(str(tmp_path / "here" / name) for name in ("config.toml", "bin", "conf"))
    monkeypatch.setattr("cni_hns.cli.install.containerd._defaults", lambda: here)
    if is_this_machine:
        monkeypatch.setattr(SimulatedMachine, "is_this_machine", lambda _: True)
    found = [one["kind"] for one in shell.json("doctor", folder=folder)]
    assert found == (["configuration-missing"] if is_this_machine else [])


def test_a_folder_with_something_in_it_is_left_alone(shell: Shell, tmp_path: Path) -> None:
    bundle = made(shell, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    typed = shell("diagnose", "open", str(bundle), str(tmp_path / "mine"))
    assert (typed.exit_code, "is not empty" in typed.err) == (1, True)
    assert os.listdir(tmp_path / "mine") == ["file"]


def test_a_program_without_the_simulator_says_so(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = made(shell, tmp_path)
    monkeypatch.setitem(sys.modules, "cni_hns.simulator", None)
    typed = shell("diagnose", "open", str(bundle), str(tmp_path / "again"))
    assert (typed.exit_code, "holds no simulated HNS" in typed.err) == (1, True)
