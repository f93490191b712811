"""Which folders containerd uses, and which configuration is written there or found wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cni_hns.cli.failure import Failure
from cni_hns.cli.install import command
from cni_hns.cli.install.configuration import OURS, Wanted, loaded_first, template
from cni_hns.cli.install.containerd import find_places
from cni_hns.cli.install.layout import exe_name
from cni_hns.cli.install.package import LAYOUT, Package, digest, read_package
from cni_hns.dialects.lint import check_file_text
from tests.unit.cli.conftest import Node

TWO = """version = 3
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{0}/new", "{0}/more"]
conf_dir = "{0}/conf"
"""
ONE = '[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "{0}/old"\nconf_dir = "{0}/conf"\n'


@pytest.mark.parametrize(
    ("text", "bin_dir"),
    [
        pytest.param(TWO, "new", id="containerd 2: the first of several folders"),
        pytest.param(
            TWO.replace('bin_dirs = ["{0}/new", "{0}/more"]', 'bin_dir = "{0}/new"'), "new", id="2.0"
        ),
        pytest.param(ONE, "old", id="containerd 1"),
        pytest.param(
            "version = 1\n[plugins.cri.cni]\nbin_dir = '{0}/older'\nconf_dir = '{0}/conf'\n", "older", id="v1"
        ),
        pytest.param(ONE + TWO.partition("\n")[2], "new", id="both: the newer table"),
    ],
)
def test_containerds_configuration_names_the_folders(tmp_path: Path, text: str, bin_dir: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text.replace("{0}", tmp_path.as_posix()))
    places = find_places(None, None, str(file))
    assert Path(places.bin_dir) == tmp_path / bin_dir
    assert Path(places.conf_dir) == tmp_path / "conf"
    assert places.said_by == str(file)


def test_an_imported_file_overrides_what_imports_it(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "config.toml").write_text(
        'imports = ["conf.d/*.toml"]\n' + ONE.replace("{0}", tmp_path.as_posix())
    )
    (tmp_path / "conf.d" / "a.toml").write_text(
        f"imports = ['{(tmp_path / 'config.toml').as_posix()}']\n"  # a circle
        f"[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = '{tmp_path.as_posix()}/other'\n"
    )
    places = find_places(None, None, str(tmp_path / "config.toml"))
    assert Path(places.bin_dir) == tmp_path / "other"
    assert Path(places.conf_dir) == tmp_path / "conf"


def test_options_go_before_and_defaults_after_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("version = 2\n")
    places = find_places(str(tmp_path / "mine"), None, str(tmp_path / "config.toml"))
    assert Path(places.bin_dir) == tmp_path / "mine"
    assert "names no CNI folders" in places.said_by
    if os.name == "posix":
        assert places.conf_dir == "/etc/cni/net.d"


@pytest.mark.parametrize("text", [None, "[plugins"], ids=["missing", "no TOML"])
def test_a_named_configuration_that_cannot_be_read_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
    with pytest.raises(Failure, match=r"config\.toml.*cannot be read"):
        find_places(None, None, str(tmp_path / "config.toml"))


def test_the_first_file_by_name_is_the_one_that_counts(tmp_path: Path) -> None:
    for name in ("20-b.conflist", "10-a.json", "05-c.conf.bak", "00-d.conflist.new"):
        (tmp_path / name).write_text("{}")
    assert loaded_first(str(tmp_path)) == str(tmp_path / "10-a.json")
    assert loaded_first(str(tmp_path / "none")) is None


@pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "nat", "overlay", "transparent"])
def test_the_configuration_of_every_mode_is_right(mode: str) -> None:
    adapter = None if mode == "nat" else "Ethernet"
    made = template(Wanted(mode, "10.5.0.0/24", None, adapter, None, ("10.96.0.10",)))
    assert made["plugins"][0]["network"]["subnets"] == [{"prefix": "10.5.0.0/24", "gateway": "10.5.0.1"}]
    assert check_file_text(json.dumps(made).encode()) == []


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


class TestTheCommand:
    def test_only_a_built_program_installs_itself(self, node: Node, there: list[str]) -> None:
        typed = node("install", *there)
        assert typed.exit_code == 1
        assert "only the built program can install itself" in typed.err

    def test_it_writes_a_configuration_where_there_is_none(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        made = node.make("install", *there, "--subnet", "10.5.0.0/24", "--adapter", "Ethernet")
        assert made["configuration"] == str(tmp_path / "conf" / OURS)
        assert made["faults"] == []
        assert (tmp_path / "bin" / exe_name("cni-hns")).read_text() == "exe"

    def test_a_configuration_that_is_there_is_checked_and_not_replaced(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "conf").mkdir()
        other = tmp_path / "conf" / "00-other.conf"
        other.write_text('{"cniVersion": "1.0.0", "name": "n", "type": "cni-hns", "netwrok": {}}')
        typed = node("install", *there, "--subnet", "10.5.0.0/24")
        assert typed.exit_code == 1
        assert "00-other.conf" in typed.out
        assert "netwrok" in typed.out
        assert os.listdir(tmp_path / "conf") == ["00-other.conf"]
        assert node("install", *there, "--subnet", "10.5.0.0/24", "--replace-config").exit_code == 1
        assert sorted(os.listdir(tmp_path / "conf")) == ["00-other.conf", OURS]

    def test_a_wrong_subnet_is_named(self, node: Node, package: Package, there: list[str]) -> None:
        typed = node("install", *there, "--subnet", "10.5.0.1/24")
        assert typed.exit_code == 1
        assert "host bits" in typed.err

    def test_a_dry_run_writes_nothing(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        made = node.make("install", *there, "--subnet", "10.5.0.0/24", "--adapter", "Ethernet", "--dry-run")
        assert all(line.startswith("would ") for line in made["done"])
        assert not (tmp_path / "bin").exists()
        assert not (tmp_path / "conf").exists()

    def test_only_peers_names_are_taken(self, node: Node, package: Package, there: list[str]) -> None:
        assert node("install", *there, "--as", "host-local").exit_code == 2

    def test_uninstall_keeps_configuration_and_ledger_and_says_so(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        ledger = node.folder / "cni-hns" / "ledger.db"
        node.make("install", *there, "--subnet", "10.5.0.0/24", "--adapter", "Ethernet")
        ledger.parent.mkdir(parents=True)
        ledger.write_bytes(b"kept")
        typed = node("uninstall", *there[:2])
        assert typed.exit_code == 0
        assert str(ledger) in typed.out
        assert "left as they are" in typed.out
        assert os.listdir(tmp_path / "bin") == []
        assert os.listdir(tmp_path / "conf") == [OURS]
        assert ledger.exists()

    def test_the_ledger_goes_when_asked_for(self, node: Node, package: Package, there: list[str]) -> None:
        ledger = node.folder / "cni-hns" / "ledger.db"
        node.make("install", *there)
        ledger.parent.mkdir(parents=True)
        ledger.write_bytes(b"")
        assert node("uninstall", *there[:2], "--remove-ledger").exit_code == 0
        assert not ledger.exists()
