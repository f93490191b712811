"""The program conforms to the CNI specification, by the checks that it offers for any plugin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cni_hns.cli.conformance.namespaces import HcnNamespaces
from cni_hns.conformance import (
    CHECKS,
    FAIL,
    NOT_APPLICABLE,
    REMARK,
    Call,
    Check,
    Outcome,
    PluginConfiguration,
    ProcessRunner,
    Runner,
    Subject,
    Suite,
    Summary,
    Verdict,
    read_configuration,
)
from cni_hns.log import Log
from cni_hns.plugin import run
from tests.behaviour.scene import NEEDS_DUAL_STACK
from tests.harness import ROOT, SimulatedNode
from tests.packaging import current

# This plugin is none for IPAM, and gives the addresses itself.
NOT_ASKED = {"results.ipam", "status.delegate-missing"}
# Windows programs start slowly under Wine.
TIMEOUT_S = 300.0

FEW = (
    "version.answers",
    "add.repeated",
    "delete.repeated",
    "check.after-add",
    "check.after-delete",
    "status.ready",
    "gc.removes-stale",
    "output.error",
)


class Quiet:
    def begins(self, check: Check, number: int, total: int) -> None: ...

    def ended(self, verdict: Verdict) -> None: ...


def runner_on(node: SimulatedNode) -> Runner:
    """Calls of the packaging under test; in process, of the front door's function."""
    if not current().is_in_process:
        start = ProcessRunner(current().command(), TIMEOUT_S, node.environment)

        def call_in_a_process(call: Call) -> Outcome:
            current().started += 1
            return start(call)

        return call_in_a_process

    def call_in_process(call: Call) -> Outcome:
        answer = run(
            call.variables,
            lambda _: call.stdin,
            lambda: (node.simulator.libraries(), node.simulator.machine()),
            Log(stderr=False),
        )
        return Outcome(call, answer.exit_code, answer.stdout.encode(), b"")

    return call_in_process


def sample(folder: Path, name: str, edit: Callable[[dict[str, Any]], object] | None = None) -> str:
    """A configuration of conf/ whose log lies in the folder; its path."""
    document = json.loads((ROOT / "conf" / name).read_text(encoding="utf-8"))
    for plugin in document.get("plugins", [document]):
        if "log" in plugin:
            plugin["log"]["file"] = current().path(folder / "cni-hns.log")
    if edit is not None:
        edit(document)
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def checked(node: SimulatedNode, configuration: PluginConfiguration, checks: list[Check]) -> Summary:
    subject = Subject(
        runner_on(node), configuration, HcnNamespaces(node.hcn), "/opt/cni/bin", unused_network=True
    )
    return Suite(subject, checks).run(Quiet())


def found(summary: Summary) -> dict[str, str]:
    return {
        verdict.check.id: "\n".join([verdict.message, *verdict.evidence])
        for verdict in summary.verdicts
        if verdict.status in (FAIL, REMARK)
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "name",
    [
        "l2bridge.conflist",
        pytest.param(
            "l2bridge-dual-stack.conflist",
            marks=[
                NEEDS_DUAL_STACK,
                pytest.mark.not_in(
                    "frozen",
                    "windows",
                    reason="the second family changes nothing in how the program is packed",
                ),
            ],
        ),
    ],
)
def test_every_check_that_applies_passes_without_a_remark(
    node: SimulatedNode, tmp_path: Path, name: str
) -> None:
    summary = checked(node, read_configuration(sample(tmp_path, name), "cni-hns"), list(CHECKS))
    assert found(summary) == {}
    skipped = {verdict.check.id for verdict in summary.verdicts if verdict.status == NOT_APPLICABLE}
    assert skipped == NOT_ASKED
    assert summary.ok
    node.assert_clean()


@pytest.mark.single_file
@pytest.mark.timeout(600)
def test_the_checks_of_each_verb_pass(node: SimulatedNode, tmp_path: Path) -> None:
    configuration = read_configuration(sample(tmp_path, "l2bridge.conflist"), "cni-hns")
    summary = checked(node, configuration, [check for check in CHECKS if check.id in FEW])
    assert found(summary) == {}
    assert summary.ok
    node.assert_clean()


@pytest.mark.single_file
def test_the_program_has_all_the_checks_in_it(node: SimulatedNode) -> None:
    """A frozen program holds what its build found; nobody would miss a check that it did not find."""
    done = subprocess.run(
        [*current().command(), "conformance", "--list", "--json"],
        capture_output=True,
        env=node.environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [one["id"] for one in json.loads(done.stdout)] == [check.id for check in CHECKS]
