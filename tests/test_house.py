"""What holds for the whole program: who imports whom, what a verb loads, what is generated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cni_hns.__main__ import choose_hns
from cni_hns.binding import build
from cni_hns.cli import main

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAMESPACE = "5f0c3b1e-0000-4111-8222-333344445555"

# Each costs a process more than all that a verb does besides.
MODELS = {"pydantic", "pydantic_core", "netaddr"}
STORES = {"_sqlite3", "sqlite3", "cffi", "_cffi_backend"}
OPERATORS = {"click", "rich", "h2", "cni_hns.cli", "cni_hns.cri", "cni_hns.survey", "cni_hns.services"}
OPERATORS |= {"cni_hns.cluster", "ssl", "_ssl", "http", "yaml"}
# For Docker-style runtimes only: no other pays for it.
OF_HNS_V1 = {
    "cni_hns.attachment.in_container",
    "cni_hns.hns.endpoints",
    "cni_hns.hns.documents",
    "cni_hns.hcs",
}
# What only verbs of a pool need.
OF_POOLS = {"cni_hns.ipam.pools", "cni_hns.ledger.blocks"}
CLUSTER = {"cni_hns.cluster"}
# What only an ADD needs, or a DEL of what the ledger does not know.
NOT_FOR_A_DEL = {
    "cni_hns.attachment.peers",
    "cni_hns.cni.result",
    "cni_hns.dialects.endpoint",
    "cni_hns.ipam.allocate",
    "cni_hns.node.networks",
}
# Pulled in by a careless import; `python -X importtime` tells what each costs.
SLOW_STANDARD = {"argparse", "asyncio", "dataclasses", "hashlib", "logging", "pathlib", "subprocess", "uuid"}
SLOW_STANDARD |= {"threading", "typing"}  # cni_hns.background and cni_hns.typed stand in for them

# Calls the front door as a runtime does, and at its end says on stderr which modules were loaded.
PROBE = """
import json, os, sys
end = os._exit
def leave(code):
    os.write(2, ("MODULES" + json.dumps([code, sorted(sys.modules)])).encode())
    end(code)
os._exit = leave
from cni_hns.__main__ import main
leave(main())
"""


class Call(NamedTuple):
    """One call of the plugin in a process of its own."""

    exit_code: int
    modules: set[str]
    stdout: str


def call(folder: Path, command: str, document: Any, **variables: str) -> Call:
    """Call the plugin, without `site`: no .pth file of this environment may load modules of its own."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[ROOT, *packages]!r}\n{PROBE}"],
        input=document if isinstance(document, str) else json.dumps(document),
        capture_output=True,
        text=True,
        env={"CNI_COMMAND": command, "CNI_HNS_SIMULATOR": str(folder / "node"), **variables},
        timeout=60,
        check=False,
    )
    before, found, after = done.stderr.partition("MODULES")
    assert found, (done.stdout, before)
    exit_code, modules = json.loads(after)
    return Call(exit_code, set(modules), done.stdout)


def top_levels(modules: set[str]) -> set[str]:
    return modules | {name.partition(".")[0] for name in modules}


@pytest.fixture
def document() -> dict[str, Any]:
    with open(os.path.join(ROOT, "conf", "l2bridge.conf"), encoding="utf-8") as file:
        return dict(json.load(file))


@pytest.fixture
def attachment(tmp_path: Path) -> dict[str, str]:
    """The variables of one attachment, whose namespace exists."""
    connect = choose_hns({"CNI_HNS_SIMULATOR": str(tmp_path / "node")})
    assert main(["namespace", "create", "--id", NAMESPACE], connect) == 0
    return {"CNI_CONTAINERID": "pod1", "CNI_NETNS": NAMESPACE, "CNI_IFNAME": "eth0"}


class TestWhatACallLoads:
    def test_version_loads_neither_stores_nor_models(self, tmp_path: Path) -> None:
        made = call(tmp_path, "VERSION", {"cniVersion": "1.1.0"})
        assert (made.exit_code, json.loads(made.stdout)["cniVersion"]) == (0, "1.1.0")
        assert top_levels(made.modules) & (MODELS | STORES | OPERATORS | SLOW_STANDARD) == set()

    @pytest.mark.parametrize(
        ("command", "text", "code"),
        [
            pytest.param(
                "ADD", '{"cniVersion": "1.1.0", "name": "n", "type": "cni-hns"}', 4, id="no variables"
            ),
            pytest.param("FROB", "{}", 4, id="unknown verb"),
            pytest.param("STATUS", "", 6, id="no configuration"),
            pytest.param(
                "GC", '{"cniVersion": "1.0.0", "name": "n", "type": "cni-hns"}', 1, id="too old a version"
            ),
        ],
    )
    def test_argument_errors_load_neither_stores_nor_models(
        self, tmp_path: Path, command: str, text: str, code: int
    ) -> None:
        made = call(tmp_path, command, text)
        assert (made.exit_code, json.loads(made.stdout)["code"]) == (1, code)
        assert top_levels(made.modules) & (MODELS | STORES | OPERATORS | SLOW_STANDARD) == set()

    def test_verbs_of_a_known_configuration_load_no_models(
        self, tmp_path: Path, document: dict[str, Any], attachment: dict[str, str]
    ) -> None:
        """ADD, the same again, another pod's ADD, CHECK, DEL: only the very first call compiles the plan."""
        first = call(tmp_path, "ADD", document, **attachment)
        assert first.exit_code == 0, first.stdout
        assert "pydantic" in first.modules
        mapped = {
            "runtimeConfig": {"portMappings": [{"hostPort": 80, "containerPort": 80, "protocol": "tcp"}]}
        }
        other = {**attachment, "CNI_CONTAINERID": "pod2"}
        calls = {
            "repeated ADD": call(tmp_path, "ADD", document, **attachment),
            "ADD": call(tmp_path, "ADD", {**document, **mapped}, **other),
            "CHECK": call(
                tmp_path, "CHECK", {**document, "prevResult": json.loads(first.stdout)}, **attachment
            ),
            "DEL": call(tmp_path, "DEL", document, **attachment),
            "second DEL": call(tmp_path, "DEL", document, **attachment),
            "GC": call(tmp_path, "GC", document),
            "STATUS": call(tmp_path, "STATUS", document),
        }
        assert {name: made.stdout for name, made in calls.items() if made.exit_code} == {}
        unwanted = MODELS | OPERATORS | OF_HNS_V1
        loaded = {name: top_levels(made.modules) & unwanted for name, made in calls.items()}
        assert loaded == {name: set() for name in calls}
        of_pools = {name: made.modules & (OF_POOLS | CLUSTER) for name, made in calls.items()}
        assert of_pools == {name: set() for name in calls}

    def test_a_straight_del_loads_nothing_of_an_add(
        self, tmp_path: Path, document: dict[str, Any], attachment: dict[str, str]
    ) -> None:
        assert call(tmp_path, "ADD", document, **attachment).exit_code == 0
        deleted = call(tmp_path, "DEL", document, **attachment)
        assert (deleted.exit_code, deleted.modules & NOT_FOR_A_DEL) == (0, set())

    def test_verbs_load_no_slow_module_of_the_standard_library(
        self, tmp_path: Path, document: dict[str, Any], attachment: dict[str, str]
    ) -> None:
        """The simulator is no part of a verb: what it loads itself is taken off."""
        assert call(tmp_path, "ADD", document, **attachment).exit_code == 0
        simulator = loaded_by("from cni_hns.simulator import open_simulator")
        for command in ("ADD", "DEL", "STATUS"):
            made = call(tmp_path, command, document, **attachment)
            assert made.exit_code == 0, made.stdout
            assert (made.modules & SLOW_STANDARD) - simulator == set(), command


def test_http_2_is_loaded_only_where_a_runtime_is_asked(tmp_path: Path) -> None:
    command = "pod", "list"
    hns = f"choose_hns({{'CNI_HNS_SIMULATOR': {str(tmp_path)!r}}})"
    imports = "from cni_hns.__main__ import choose_hns; from cni_hns.cli import main"
    without = loaded_by(f"{imports}; main({[*command]}, {hns})")
    asked = loaded_by(f"{imports}; main({[*command, '--cri', 'unix:///nowhere']}, {hns})")
    assert "cni_hns.survey.look" in without
    assert without & {"h2", "cni_hns.cri.runtime", "cni_hns.cri.streams"} == set()
    assert "cni_hns.cri.runtime" in asked


def test_status_loads_no_models_where_the_verbs_have_compiled_the_plan(tmp_path: Path) -> None:
    """They take longer to load than all that it asks."""
    connect = f"choose_hns({{'CNI_HNS_SIMULATOR': {str(tmp_path)!r}}})"
    imports = "from cni_hns.__main__ import choose_hns; from cni_hns.cli import main"
    loaded = loaded_by(f"{imports}; main(['status', '--conf-dir', {str(tmp_path)!r}], {connect})")
    assert "cni_hns.cli.status.lines" in loaded
    assert top_levels(loaded) & MODELS == set()


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after this statement."""
    packages = [path for path in sys.path if path.endswith("-packages")]
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {[ROOT, *packages]!r}\n{statement}\nprint(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.split())


def test_imports_point_down() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_generated_binding_is_what_its_declarations_give() -> None:
    assert build.main(["--check"]) == 0


def test_only_the_operators_commands_import_click_and_rich() -> None:
    package = Path(ROOT, "cni_hns")
    others = [path for path in package.rglob("*.py") if package / "cli" not in path.parents]
    importing = re.compile(r"^\s*(import|from) (click|rich)\b", re.MULTILINE)
    assert [path for path in others if importing.search(path.read_text(encoding="utf-8"))] == []
