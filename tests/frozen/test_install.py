"""Built programs that install themselves, replace each other while they run, and go again."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.frozen.conftest import Built, Done
from tests.harness import l2bridge

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def where(built: Built, tmp_path: Path) -> list[str]:
    """The options that name the folders."""
    return ["--bin-dir", built.path(tmp_path / "bin"), "--conf-dir", built.path(tmp_path / "conf"), "--json"]


@pytest.fixture
def other(built: Built, tmp_path: Path) -> Path:
    """The exe of another version: the same program, its contents folder under another name."""
    old = built.contents.name
    new = old[:-12] + "0123456789ab"
    folder = tmp_path / "other"
    shutil.copytree(built.contents, folder / new)
    layout = folder / new / "layout.json"
    layout.write_text(layout.read_text().replace(old, new))
    exe = folder / built.name
    content = built.exe.read_bytes()
    assert content.count(old.encode()) == 1
    exe.write_bytes(content.replace(old.encode(), new.encode()))
    exe.chmod(0o755)
    return exe


def succeeded(done: Done) -> Any:
    assert done.exit_code == 0, done
    return done.json


def config(**changes: Any) -> dict[str, Any]:
    return l2bridge(**changes)


def test_the_single_file_installs_checks_and_takes_itself_out(
    built: Built, where: list[str], tmp_path: Path
) -> None:
    namespaces = built.node.hcn.namespaces.ids()
    options = ("--subnet", "10.5.0.0/24", "--adapter", "Ethernet", "--as", "win-bridge", "--check")
    made = succeeded(built.run(built.single_file, "install", *where, *options))
    assert [line.split()[0] for line in made["done"][-3:]] == ["ADD", "CHECK", "DEL"]
    assert "10.5.0.2/24" in made["done"][-3]
    installed = tmp_path / "bin" / built.name
    names = {path.name for path in (tmp_path / "bin").iterdir()}
    bridge = "win-bridge" + installed.suffix
    assert {built.name, bridge, built.contents.name} <= names
    # The very files of the folder that was built.
    for path in built.contents.rglob("*"):
        if path.is_file():
            laid = tmp_path / "bin" / built.contents.name / path.relative_to(built.contents)
            assert laid.read_bytes() == path.read_bytes()
    built.node.assert_clean()
    assert built.node.hcn.namespaces.ids() == namespaces
    assert built.run(installed, "version").exit_code == 0
    gone = succeeded(built.run(built.single_file, "uninstall", *where, "--force"))
    assert gone["kept"] == []
    assert list((tmp_path / "bin").iterdir()) == []


def test_the_installed_program_takes_itself_out_or_touches_nothing(
    built: Built, where: list[str], tmp_path: Path
) -> None:
    succeeded(built.run(built.single_file, "install", *where))
    installed = tmp_path / "bin" / built.name
    before = sorted(tmp_path.joinpath("bin").rglob("*"))
    gone = built.run(installed, "uninstall", *where, "--remove-ledger")
    assert "Traceback" not in gone.err
    if built.windows:
        assert (gone.exit_code, sorted(tmp_path.joinpath("bin").rglob("*"))) == (1, before)
        assert "Copy-Item" in gone.err
    else:
        assert (gone.exit_code, list((tmp_path / "bin").iterdir())) == (0, [])


def test_the_single_file_as_a_plugin_says_once_how_to_be_faster(built: Built, tmp_path: Path) -> None:
    copied = tmp_path / built.name
    shutil.copy(built.single_file, copied)
    done = built.verb(copied, "ADD", config(), "pod", built.node.namespace())
    assert done.exit_code == 0, done
    assert done.err.count("is the single file") == 1
    installed = built.verb(built.exe, "DEL", config(), "pod", "")
    assert "is the single file" not in installed.err


def test_a_check_that_fails_says_where_and_leaves_nothing(
    built: Built, where: list[str], tmp_path: Path
) -> None:
    namespaces = built.node.hcn.namespaces.ids()
    (tmp_path / "conf").mkdir()
    document = config(network={"name": "nobody made it", "create": False, "mode": "l2bridge"})
    (tmp_path / "conf" / "10.conf").write_text(json.dumps(document))
    done = built.run(built.exe, "install", *where, "--check")
    assert done.exit_code == 1
    (fault,) = (one for one in done.json["faults"] if "the check failed" in one)
    assert "the check failed at ADD" in fault
    assert "nobody made it" in fault
    assert any(line.startswith("put ") for line in done.json["done"])
    built.node.assert_clean()
    assert built.node.hcn.namespaces.ids() == namespaces


def test_every_add_succeeds_while_versions_replace_each_other(
    built: Built, other: Path, where: list[str], tmp_path: Path
) -> None:
    succeeded(built.run(built.exe, "install", *where))
    installed = tmp_path / "bin" / built.name
    namespace = built.node.namespace()
    over = threading.Event()
    answers: list[tuple[str, Done]] = []

    def attach(worker: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            container = f"pod-{worker}-{number}"
            answers.append((container, built.verb(installed, "ADD", config(), container, namespace)))

    workers = [threading.Thread(target=attach, args=(worker,)) for worker in range(2)]
    for worker in workers:
        worker.start()
    try:
        for exe in (other, built.exe):
            before = len(answers)
            succeeded(built.run(exe, "install", *where))
            while len(answers) < before + 2:  # at least one started after the switch
                over.wait(0.05)
    finally:
        over.set()
        for worker in workers:
            worker.join()
    assert [answer for answer in answers if answer[1].exit_code] == []
    # The new version knows what the old one wrote.
    for container, _ in answers:
        assert built.verb(installed, "DEL", config(), container, namespace).exit_code == 0
    built.node.assert_clean()


def test_a_new_version_keeps_the_ledger(built: Built, other: Path, where: list[str], tmp_path: Path) -> None:
    succeeded(built.run(built.exe, "install", *where))
    installed = tmp_path / "bin" / built.name
    namespace = built.node.namespace()
    added = built.verb(installed, "ADD", config(), "pod", namespace)
    assert added.exit_code == 0, added
    succeeded(built.run(other, "install", *where))
    checked = built.verb(installed, "CHECK", config(prevResult=added.json), "pod", namespace)
    assert checked.exit_code == 0, checked
    assert [lease["address"] for lease in built.run(installed, "ipam", "list", "--json").json] == [
        "10.88.0.2"
    ]


def test_a_path_with_blanks_and_other_alphabets(built: Built, tmp_path: Path) -> None:
    folder = tmp_path / "Program Files (ähnlich) 容器"
    succeeded(
        built.run(
            built.exe, "install", "--bin-dir", built.path(folder), "--conf-dir", built.path(folder), "--json"
        )
    )
    namespace = built.node.namespace()
    added = built.verb(folder / built.name, "ADD", config(), "pod", namespace)
    assert added.exit_code == 0, added
    assert added.json["ips"][0]["address"] == "10.88.0.2/24"


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_installation_is_repaired(
    built: Built, where: list[str], tmp_path: Path, damage: str
) -> None:
    succeeded(built.run(built.exe, "install", *where))
    hurt = tmp_path / "bin" / built.contents.name / "modules.bin"
    steps: dict[str, Callable[[], object]] = {
        "missing": hurt.unlink,
        "changed": lambda: hurt.write_bytes(b"half"),
    }
    steps[damage]()
    assert built.run(tmp_path / "bin" / built.name, "version").exit_code != 0
    succeeded(built.run(built.exe, "install", *where))
    assert built.run(tmp_path / "bin" / built.name, "version").exit_code == 0
