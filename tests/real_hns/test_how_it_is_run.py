"""What a plain run leaves out, what `-m real_hns` does without an HNS, and that nothing is left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import ROOT, SimulatedNode
from tests.real_hns.node import EXE, NETWORK, Unusable, real, rehearsal, require_nat

FOLDER = "tests/real_hns/test_verbs.py"


def pytest_says(*arguments: str) -> tuple[int, str]:
    """A pytest of its own; its exit code and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    variables = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_plain_run_leaves_the_real_hns_alone_and_says_so() -> None:
    code, said = pytest_says("--collect-only", FOLDER)
    assert code == 0
    assert "test_a_second_del_succeeds[rehearsal]" in said
    assert "[real]" not in said
    left_out = re.search(r"left out (\d+): on a real HNS only: -m real_hns", said)
    assert left_out is not None
    assert f"{left_out[1]} deselected" in said


def test_the_marker_selects_the_real_hns_alone() -> None:
    code, said = pytest_says("--collect-only", "-m", "real_hns", FOLDER)
    assert code == 0
    assert "test_a_second_del_succeeds[real]" in said
    assert "[rehearsal]" not in said


@pytest.mark.skipif(os.name == "nt", reason="a Windows may have an HNS, and it is not to be touched here")
def test_without_a_real_hns_the_tests_that_ask_for_it_fail_and_say_why() -> None:
    code, said = pytest_says("-m", "real_hns", f"{FOLDER}::test_a_second_del_succeeds")
    assert code == 1
    assert "these tests need a real HNS, and this machine's does not answer" in said
    assert "1 error" in said
    assert "skipped" not in said


def opened(folder: Path, **variables: str) -> None:
    with real(folder, variables):
        raise AssertionError("no HNS was looked for")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r'CNI_HNS_EXE names "nowhere\.exe", which is no file'):
        opened(tmp_path, **{EXE: "nowhere.exe"})


def test_several_workers_on_one_hns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="without -n"):
        opened(tmp_path, PYTEST_XDIST_WORKER="gw0")


def test_a_network_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with rehearsal(tmp_path) as node, pytest.raises(Unusable) as caught:
        require_nat(node.hcn, "pods")
    assert 'no NAT network "pods"; its networks: "nat" (NAT)' in str(caught.value)
    assert NETWORK in str(caught.value)
    assert "cni-hns network create --name pods --mode nat" in str(caught.value)


def test_what_a_broken_del_leaves_is_taken_away_and_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="DEL left these endpoints"):
        break_del(tmp_path)
    after = SimulatedNode(tmp_path / "node")
    assert after.hcn.endpoints.ids() == []
    assert len(after.hcn.namespaces.ids()) == 1, "more than the host's own"
    after.close()


def break_del(folder: Path) -> None:
    with rehearsal(folder) as node:
        node.add(node.pod())
        node.program = [sys.executable, "-c", "raise SystemExit(1)"]
