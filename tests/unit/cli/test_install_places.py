"""Which folders containerd uses, and which configuration is written there or found wrong."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from cni_hns.binding.processes import Owner
from cni_hns.cli.failure import Failure
from cni_hns.cli.install import uninstalling
from cni_hns.cli.install.built import is_single_file
from cni_hns.cli.install.configuration import OURS, Wanted, loaded, template
from cni_hns.cli.install.containerd import find_places
from cni_hns.cli.install.layout import exe_name
from cni_hns.cli.install.package import Package
from cni_hns.cli.install.records import LOCK, RECORDS
from cni_hns.deadline import Deadline
from cni_hns.dialects.lint import check_file_text
from cni_hns.ipam.held import plain_lease
from cni_hns.ledger import AttachmentKey, Ledger, open_ledger
from tests.exes import layout, write_exe
from tests.unit.cli.conftest import Node

LOG = "C:\\ProgramData\\cni-hns\\cni-hns.log"

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
    for name in (
        "20-b.conflist",
        "10-a.json",
        "05-c.conf.bak",
        "00-d.conflist.new",
        "00-e.CONF",
        "30-Z.conf",
    ):
        (tmp_path / name).write_text("{}")
    (tmp_path / "00-folder.conf").mkdir()
    assert loaded(str(tmp_path), 1) == [str(tmp_path / "10-a.json")]
    assert [os.path.basename(path) for path in loaded(str(tmp_path), 2, ["10-B.conf"])] == [
        "10-B.conf",
        "10-a.json",
    ]
    assert len(loaded(str(tmp_path), 0)) == 3
    assert loaded(str(tmp_path / "none"), 1) == []


@pytest.mark.parametrize(
    ("line", "most"),
    [("", 1), ("max_conf_num = 0\n", 0), ("max_conf_num = 2\n", 2), ("max_conf_num = -1\n", 1)],
)
def test_containerds_configuration_says_how_many_files_count(tmp_path: Path, line: str, most: int) -> None:
    file = tmp_path / "config.toml"
    file.write_text(TWO.replace("{0}", tmp_path.as_posix()) + line)
    places = find_places(None, None, str(file))
    assert places.most_files == most
    assert [Path(folder).name for folder in places.bin_dirs] == ["new", "more"]
    assert find_places(str(tmp_path), None, str(file)).bin_dirs == (str(tmp_path),)


@pytest.mark.parametrize("mode", ["l2bridge", "l2tunnel", "nat", "overlay", "transparent"])
def test_the_configuration_of_every_mode_is_right(mode: str) -> None:
    adapter = None if mode == "nat" else "Ethernet"
    made = template(Wanted(mode, "10.5.0.0/24", None, adapter, None, ("10.96.0.10",), (), LOG))
    assert made["plugins"][0]["network"]["subnets"] == [{"prefix": "10.5.0.0/24", "gateway": "10.5.0.1"}]
    assert check_file_text(json.dumps(made).encode()) == []


def joining(kind: str) -> dict[str, object]:
    """A sound configuration for a network that is there."""
    return {
        "cniVersion": "1.0.0",
        "name": "n",
        "type": kind,
        "capabilities": {"portMappings": True, "dns": True},
        "network": {"mode": "l2bridge"},
        "ipam": {"type": "cni-hns", "subnet": "10.5.0.0/24"},
    }


def attach(ledger: Ledger, network: str, container: str) -> None:
    """An ADD that has begun."""
    key = AttachmentKey(network, container, "eth0")
    ledger.claim(
        key,
        "adding",
        fingerprint=None,
        namespace_id=None,
        owner=Owner(1, "1", "boot"),
        token=container,
        deadline_at=1e12,
        alive=lambda _: True,
    )


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

    def test_what_was_written_must_be_what_is_loaded(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "0-a.json").write_text(json.dumps(joining("cni-hns")))
        for dry in ([], ["--dry-run"]):
            options = ["--subnet", "10.5.0.0/24", "--adapter", "Ethernet", "--replace-config"]
            typed = node("install", *there, *options, *dry)
            assert typed.exit_code == 1
            assert f"{tmp_path / 'conf' / OURS} is not what containerd loads" in typed.out
            assert "before 10-cni-hns.conflist comes 0-a.json" in typed.out

    def test_every_file_that_containerd_is_told_to_load_is_checked(
        self, node: Node, package: Package, tmp_path: Path
    ) -> None:
        file = tmp_path / "config.toml"
        file.write_text(TWO.replace("{0}", tmp_path.as_posix()) + "max_conf_num = 0\n")
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "1.conf").write_text(json.dumps(joining("cni-hns")))
        (tmp_path / "conf" / "2.conf").write_text(json.dumps({**joining("cni-hns"), "netwrok": {}}))
        typed = node("install", "--containerd-config", str(file), "--json")
        assert typed.exit_code == 1
        assert [line.split()[:3] for line in typed.json["faults"]] == [["error:", "2.conf:", "netwrok:"]]
        assert any("each pod gets an interface of each" in line for line in typed.json["notes"])

    @pytest.mark.parametrize("as_nat", [False, True], ids=["not there", "--as nat"])
    def test_a_plugin_that_the_folder_lacks_is_named_with_the_remedy(
        self, node: Node, package: Package, there: list[str], tmp_path: Path, as_nat: bool
    ) -> None:
        (tmp_path / "conf").mkdir()
        document = {"cniVersion": "1.0.0", "name": "nat", "type": "nat", "ipam": {"subnet": "172.20.0.0/20"}}
        text = json.dumps({**document, "capabilities": {"portMappings": True, "dns": True}})
        (tmp_path / "conf" / "0.conf").write_text(text)
        alias = ["--as", "nat"] if as_nat else []
        for dry in (["--dry-run"], []):
            typed = node("install", *there, *alias, *dry, "--json")
            assert typed.exit_code == (0 if as_nat else 1)
            missing = f"error: type: {exe_name('nat')} is missing in {tmp_path / 'bin'}"
            assert [line.startswith(missing) for line in typed.json["faults"]] == ([] if as_nat else [True])
            assert as_nat or "cni-hns install --as nat" in typed.json["faults"][0]

    def test_an_ipam_plugin_that_the_folder_lacks_is_named(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "conf").mkdir()
        document = {**joining("cni-hns"), "ipam": {"type": "other-ipam"}}
        (tmp_path / "conf" / "0.conf").write_text(json.dumps(document))
        typed = node("install", *there, "--json")
        (fault,) = typed.json["faults"]
        assert (typed.exit_code, fault.split(":")[1]) == (1, " ipam.type")
        assert f"{exe_name('other-ipam')} is missing in {tmp_path / 'bin'}" in fault
        (tmp_path / "bin" / exe_name("other-ipam")).write_text("")
        assert node("install", *there).exit_code == 0

    def test_beside_flannels_file_its_delegate_is_what_has_to_be_there(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "conf").mkdir()
        delegate = {"type": "win-bridge", "apiVersion": 2}
        plugin = {
            "type": "flannel",
            "delegate": delegate,
            "capabilities": {"portMappings": True, "dns": True},
        }
        document = {"name": "cbr0", "cniVersion": "0.3.1", "plugins": [plugin]}
        (tmp_path / "conf" / "0.conflist").write_text(json.dumps(document))
        typed = node("install", *there, "--json")
        assert [line.split()[1] for line in typed.json["faults"]] == [
            "plugins[0].type:",
            "plugins[0].delegate.type:",
        ]
        (tmp_path / "bin" / exe_name("flannel")).write_text("")
        assert node("install", *there, "--as", "win-bridge").exit_code == 0

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
        typed = node("uninstall", *there, "--force")
        assert typed.exit_code == 0
        assert str(ledger) in typed.out
        assert "left as they are" in typed.out
        assert os.listdir(tmp_path / "bin") == []
        assert os.listdir(tmp_path / "conf") == [OURS]
        assert ledger.exists()

    def test_uninstall_names_addresses_that_host_local_would_give_away(
        self, node: Node, package: Package, there: list[str]
    ) -> None:
        node.make("install", *there)
        with closing(open_ledger(str(node.folder / "cni-hns" / "ledger.db"), Deadline(30))) as ledger:
            ledger.hold(plain_lease(AttachmentKey("pods", "pod1", "eth0"), "10.5.0.2"))
        typed = node("uninstall", *there)
        assert 'nothing of 1 addresses held on network "pods"' in typed.out
        assert "ipam export" in typed.out

    def test_the_ledger_goes_when_asked_for(self, node: Node, package: Package, there: list[str]) -> None:
        ledger = node.folder / "cni-hns" / "ledger.db"
        node.make("install", *there)
        open_ledger(str(ledger), Deadline(30)).close()
        assert node("uninstall", *there, "--remove-ledger").exit_code == 0
        assert not ledger.exists()


class TestAnUninstallThatWouldHurt:
    """Nothing is touched until a person says --force."""

    def refused(self, node: Node, there: list[str], tmp_path: Path) -> list[str]:
        before = sorted(os.listdir(tmp_path / "bin"))
        typed = node("uninstall", *there)
        assert typed.exit_code == 1
        assert "nothing was removed" in typed.out
        assert sorted(os.listdir(tmp_path / "bin")) == before
        said: list[str] = node("uninstall", *there, "--json").json["neededBy"]
        return said

    def test_attachments_without_del_are_counted(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        node.make("install", *there)
        with closing(open_ledger(str(node.folder / "cni-hns" / "ledger.db"), Deadline(30))) as ledger:
            attach(ledger, "pods", "pod1")
            attach(ledger, "pods", "pod2")
        (said,) = self.refused(node, there, tmp_path)
        assert said.startswith('2 attachments on network "pods"')
        assert node("uninstall", *there, "--force").exit_code == 0
        assert os.listdir(tmp_path / "bin") == []

    def test_a_ledger_that_a_configuration_names_counts_too(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        node.make("install", *there)
        (tmp_path / "conf").mkdir()
        document = {**joining("cni-hns"), "dataDir": str(tmp_path / "data")}
        (tmp_path / "conf" / "1.conf").write_text(json.dumps(document))
        with closing(open_ledger(str(tmp_path / "data" / "ledger.db"), Deadline(30))) as ledger:
            attach(ledger, "other", "pod1")
        said = self.refused(node, there, tmp_path)
        assert said[0].startswith('1 attachments on network "other"')

    def test_a_configuration_that_names_the_program_is_named(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        node.make("install", *there)
        (tmp_path / "conf").mkdir()
        # Not the first by name: it counts as soon as the other goes.
        (tmp_path / "conf" / "1.conf").write_text('{"name": "n", "type": "other"}')
        (tmp_path / "conf" / "2.conf").write_text(json.dumps(joining("cni-hns")))
        (said,) = self.refused(node, there, tmp_path)
        assert said.startswith(f"{tmp_path / 'conf' / '2.conf'} names cni-hns")

    def test_where_the_peers_exe_comes_back_its_configuration_is_no_reason(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / exe_name("win-bridge")).write_text("peer")
        node("install", *there, "--as", "win-bridge")
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "1.conf").write_text('{"name": "n", "type": "win-bridge"}')
        assert node("uninstall", *there).exit_code == 0
        assert (tmp_path / "bin" / exe_name("win-bridge")).read_text() == "peer"

    def test_on_windows_the_program_that_runs_is_not_taken_from_under_itself(
        self,
        node: Node,
        package: Package,
        there: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        node.make("install", *there)
        contents = str(tmp_path / "bin" / package.folder)
        monkeypatch.setattr(uninstalling, "_contents_in_use", lambda: contents)
        before = sorted(os.listdir(tmp_path / "bin"))
        typed = node("uninstall", *there, "--force")
        assert typed.exit_code == 1
        assert "Copy-Item -Recurse" in typed.err
        assert sorted(os.listdir(tmp_path / "bin")) == before


class TestEveryOptionIsUsedOrRefused:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--mode", "nat"], "--mode says what to write"),
            (["--gateway", "10.5.0.1", "--dns", "10.0.0.1"], "--gateway, --dns say what to write"),
            (["--replace-config"], "give --subnet"),
            (["--dry-run", "--check"], "say one of them"),
            (["--subnet", "10.5.0.0/24", "--mode", "nat", "--nat-except", "10.0.0.0/8"], "--nat-except"),
            (["--subnet", "10.5.0.0/24", "--mode", "nat", "--adapter", "Ethernet"], "--adapter"),
        ],
    )
    def test_before_anything_is_done(
        self, node: Node, package: Package, there: list[str], tmp_path: Path, options: list[str], says: str
    ) -> None:
        typed = node("install", *there, *options)
        assert typed.exit_code == 2
        assert says in typed.err
        assert not (tmp_path / "bin").exists()


class TestTheFirstNight:
    def test_log_outbound_nat_and_name_servers_are_written(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        options = ["--subnet", "10.5.0.0/24", "--dns", "10.96.0.10", "--nat-except", "10.96.0.0/12"]
        node.make("install", *there, *options)
        (plugin,) = json.loads((tmp_path / "conf" / OURS).read_text())["plugins"]
        assert plugin["outboundNat"] == {"exceptions": ["10.5.0.0/24", "10.96.0.0/12"]}
        assert plugin["log"] == {"file": str(node.folder / "cni-hns" / "cni-hns.log")}
        assert plugin["dns"] == {"nameservers": ["10.96.0.10"]}

    def test_what_is_missing_and_what_will_happen_is_said(
        self, node: Node, package: Package, there: list[str]
    ) -> None:
        notes = "\n".join(node.make("install", *there, "--subnet", "10.5.0.0/24")["notes"])
        for words in (
            "has no connection for some seconds",
            "no --dns",
            "--nat-except SERVICES",
            "verbs log to",
        ):
            assert words in notes

    def test_a_check_that_fails_hides_nothing_of_what_was_done(
        self, node: Node, package: Package, there: list[str], tmp_path: Path
    ) -> None:
        typed = node("install", *there, "--subnet", "10.5.0.0/24", "--check", "--json")
        assert typed.exit_code == 1
        done = typed.json["done"]
        assert [line.split()[0] for line in done] == ["laid", "put", "wrote"]
        assert "the check failed at ADD" in typed.json["faults"][0]
        assert (tmp_path / "bin" / exe_name("cni-hns")).exists()


def test_a_single_file_among_the_plugins_is_named_with_the_command_that_mends_it(
    node: Node, package: Package, there: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    copied = tmp_path / "bin" / exe_name("win-bridge")
    write_exe(copied, {"layout.json": layout("0.1.0", "_cni_hns")})
    assert is_single_file(str(copied))
    (fault,) = node("install", *there, "--json").json["faults"]
    assert str(copied) in fault
    assert "--as win-bridge" in fault
    # It is our own, and nobody's exe to be put back.
    assert node("install", *there, "--as", "win-bridge").exit_code == 0
    assert sorted(os.listdir(tmp_path / "bin")) == sorted(
        [exe_name("cni-hns"), exe_name("win-bridge"), package.folder, RECORDS, LOCK]
    )
