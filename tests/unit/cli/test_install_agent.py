"""The agent as a service: what is asked and found wrong before, what is done, and how it goes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from cni_hns.cli.install.layout import exe_name
from cni_hns.cli.install.node_agent import SERVICE, SETTINGS
from cni_hns.cli.install.package import Package
from cni_hns.cluster.state import State, state_file, write_state
from cni_hns.simulator.service_manager import SimulatedServiceManager
from tests.unit.cli.conftest import Node
from tests.unit.cluster.api.scripted import ScriptedApi, failure, listing, served
from tests.unit.cluster.api.scripted import node as node_document

NAME = "win-1"
SETTINGS_TEXT = f"nodeName: {NAME}\nclusterCIDRs: [10.244.0.0/16]\nserviceCIDRs: [10.96.0.0/12]\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def api(authority: trustme.CA) -> Iterator[ScriptedApi]:
    """A cluster with this Node."""
    with served(authority) as server:
        server.answers(listing(node_document(NAME)))
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS_TEXT)
    return file


@pytest.fixture
def kubeconfig(tmp_path: Path, api: ScriptedApi, authority: trustme.CA) -> Path:
    ca = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(ca))
    cluster = {"server": api.url, "certificate-authority": str(ca)}
    return write_kubeconfig(tmp_path / "agent.kubeconfig", cluster)


def write_kubeconfig(path: Path, cluster: dict[str, Any]) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "a-token"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def words(there: list[str], settings: Path, kubeconfig: Path) -> list[str]:
    """The whole command."""
    files = ["--agent-config", str(settings), "--kubeconfig", str(kubeconfig)]
    return ["install", *there, "--kubernetes", *files]


def manager(node: Node) -> SimulatedServiceManager:
    return SimulatedServiceManager(str(node.folder))


def is_untouched(node: Node, tmp_path: Path) -> bool:
    return not (tmp_path / "bin").exists() and manager(node).command(SERVICE) is None


class TestInstalling:
    def test_the_service_runs_the_program_with_the_settings(
        self, node: Node, package: Package, words: list[str], kubeconfig: Path, tmp_path: Path
    ) -> None:
        made = node.make(*words)
        state = node.folder / "cni-hns" / SETTINGS
        assert made["done"][-3:] == [
            f"wrote {state}",
            f'made service "{SERVICE}"',
            f'started service "{SERVICE}"',
        ]
        exe = tmp_path / "bin" / exe_name("cni-hns")
        assert manager(node).command(SERVICE) == (
            f'"{exe}" agent --service --config "{state}" --kubeconfig "{kubeconfig}"'
        )
        assert manager(node).state(SERVICE) == "running"
        assert state.read_text() == SETTINGS_TEXT
        assert exe.read_text() == "exe"
        # The agent writes it.
        assert not (tmp_path / "conf").exists()

    def test_said_again_nothing_is_left_to_do_and_nothing_has_to_be_named(
        self, node: Node, package: Package, words: list[str], there: list[str]
    ) -> None:
        node.make(*words)
        assert node.make(*words)["done"] == []
        assert node.make("install", *there, "--kubernetes")["done"] == []

    def test_other_settings_restart_it(
        self, node: Node, package: Package, words: list[str], settings: Path
    ) -> None:
        node.make(*words)
        settings.write_text(SETTINGS_TEXT + "idle: 30\n")
        assert node.make(*words)["done"] == [
            f"wrote {node.folder / 'cni-hns' / SETTINGS}",
            f'changed service "{SERVICE}"',
            f'restarted service "{SERVICE}"',
        ]

    def test_one_that_was_stopped_is_started(self, node: Node, package: Package, words: list[str]) -> None:
        node.make(*words)
        manager(node).stop(SERVICE, 0)
        assert node.make(*words)["done"][-1] == f'started service "{SERVICE}"'

    def test_a_dry_run_asks_and_does_nothing(
        self, node: Node, package: Package, words: list[str], api: ScriptedApi, tmp_path: Path
    ) -> None:
        made = node.make(*words, "--dry-run")
        assert made["done"][-3:] == [
            f"would write {node.folder / 'cni-hns' / SETTINGS}",
            f'would make service "{SERVICE}"',
            f'would start service "{SERVICE}"',
        ]
        assert len(api.seen) == 1
        assert is_untouched(node, tmp_path)

    def test_a_new_program_alone_says_that_the_agent_runs_the_old_one(
        self, node: Node, package: Package, words: list[str], there: list[str], tmp_path: Path
    ) -> None:
        node.make(*words)
        (tmp_path / "bin" / exe_name("cni-hns")).write_text("another")
        notes = node.make("install", *there)["notes"]
        assert any("still runs the version before" in one for one in notes)


class TestBeforeAnythingIsDone:
    def test_the_api_is_asked_for_this_node_and_no_more(
        self, node: Node, package: Package, words: list[str], api: ScriptedApi
    ) -> None:
        node.make(*words)
        (seen,) = api.seen
        assert (seen.method, seen.path) == ("GET", "/api/v1/nodes")
        assert seen.query["fieldSelector"] == f"metadata.name={NAME}"

    def test_offline_it_is_not_asked(
        self, node: Node, package: Package, words: list[str], api: ScriptedApi
    ) -> None:
        node.make(*words, "--offline")
        assert api.seen == []

    def test_a_node_that_the_cluster_has_not_is_named(
        self, node: Node, package: Package, words: list[str], api: ScriptedApi, tmp_path: Path
    ) -> None:
        api.answers(listing())
        typed = node(*words)
        assert typed.exit_code == 1
        assert f'no Node "{NAME}"' in typed.err
        assert is_untouched(node, tmp_path)

    def test_what_the_api_refuses_is_told(
        self, node: Node, package: Package, words: list[str], api: ScriptedApi, tmp_path: Path
    ) -> None:
        api.answers(failure(403, "Forbidden"))
        typed = node(*words)
        assert typed.exit_code == 1
        assert "--offline" in typed.err
        assert is_untouched(node, tmp_path)

    def test_another_certificate_authority_is_told(
        self, node: Node, package: Package, words: list[str], tmp_path: Path
    ) -> None:
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
        typed = node(*words)
        assert typed.exit_code == 1
        assert "certificate" in typed.err
        assert is_untouched(node, tmp_path)

    def test_a_kubeconfig_that_others_can_write_is_refused(
        self, node: Node, package: Package, words: list[str], kubeconfig: Path, tmp_path: Path
    ) -> None:
        kubeconfig.chmod(0o666)
        typed = node(*words)
        assert typed.exit_code == 1
        assert str(kubeconfig) in typed.err
        assert "SYSTEM" in typed.err
        assert is_untouched(node, tmp_path)

    def test_wrong_settings_are_all_told_at_once(
        self, node: Node, package: Package, words: list[str], settings: Path, tmp_path: Path
    ) -> None:
        settings.write_text("netwrok: {}\nmode: vxlan\n")
        typed = node(*words)
        assert typed.exit_code == 1
        for each in ("network", "mode", "clusterCIDRs", "serviceCIDRs"):
            assert each in typed.err
        assert is_untouched(node, tmp_path)

    @pytest.mark.parametrize("option", ["--agent-config", "--kubeconfig"])
    def test_the_first_time_both_files_have_to_be_named(
        self, node: Node, package: Package, words: list[str], tmp_path: Path, option: str
    ) -> None:
        at = words.index(option)
        typed = node(*words[:at], *words[at + 2 :])
        assert typed.exit_code == 1
        assert option in typed.err
        assert is_untouched(node, tmp_path)

    @pytest.mark.parametrize(
        "options",
        [
            pytest.param(["--kubernetes", "--subnet", "10.5.0.0/24"], id="two writers of one file"),
            pytest.param(["--kubernetes", "--check"], id="a check without a file"),
            pytest.param(["--kubernetes", "--program-only"], id="two ways"),
            pytest.param(["--kubeconfig", "k"], id="of an agent that nobody asked for"),
        ],
    )
    def test_options_that_exclude_each_other_are_refused(
        self, node: Node, package: Package, there: list[str], options: list[str], tmp_path: Path
    ) -> None:
        assert node("install", *there, *options).exit_code == 2
        assert is_untouched(node, tmp_path)


def test_the_program_alone_looks_at_no_configuration(
    node: Node, package: Package, there: list[str], tmp_path: Path
) -> None:
    """In an init container: what stands in the folder is not its business, and must not hold it up."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "1.conf").write_text(json.dumps({"name": "n", "type": "missing-plugin"}))
    assert node("install", *there, "--program-only").exit_code == 0
    assert node("install", *there).exit_code == 1


class TestUninstalling:
    def test_the_agent_goes_with_the_program(
        self, node: Node, package: Package, words: list[str], there: list[str], tmp_path: Path
    ) -> None:
        node.make(*words)
        folder = node.folder / "cni-hns"
        write_state(str(folder), State(node="win-1"))
        told = node.make("uninstall", *there, "--dry-run")["done"]
        assert told[0] == f'would remove service "{SERVICE}"'
        assert manager(node).state(SERVICE) == "running"
        done = node.make("uninstall", *there)["done"]
        assert done[:3] == [
            f'removed service "{SERVICE}"',
            f"removed {folder / SETTINGS}",
            f"removed {state_file(str(folder))}",
        ]
        assert manager(node).state(SERVICE) == "missing"
        assert list((tmp_path / "bin").iterdir()) == []

    def test_while_it_is_refused_the_agent_runs_on(
        self, node: Node, package: Package, words: list[str], there: list[str], tmp_path: Path
    ) -> None:
        node.make(*words)
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "1.conf").write_text(json.dumps({"name": "n", "type": "cni-hns"}))
        typed = node("uninstall", *there)
        assert typed.exit_code == 1
        assert f"Stop-Service {SERVICE}" in typed.out
        assert manager(node).state(SERVICE) == "running"
