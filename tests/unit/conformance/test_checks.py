"""Every check passes a plugin that is right, and finds the one that is wrong in just what it asks."""

from __future__ import annotations

import pytest

from cni_hns.conformance import CHECKS, FAIL, MUST, REMARK, Check, Subject, Suite, Summary, Verdict
from tests.unit.conformance.mutations import MUTATIONS, Mutant, Mutation
from tests.unit.conformance.reference import FakeNamespaces, Reference, configuration

NOT_ASKED_OF = {
    "interface": {"results.ipam", "status.delegate-missing"},
    "ipam": {
        "variables.ifname-unusable",
        "add.interface-named",
        "add.sandbox",
        "add.namespace-missing",
        "results.interface-index",
        "results.interfaces",
        "results.mac",
        "prevresult.passed-on",
        "prevresult.indices",
        "prevresult.other-version",
        "delete.namespace-gone",
        "check.namespace-gone",
        "status.delegate-missing",
    },
    "delegating": {"results.ipam"},
}
# A plugin that delegates needs the path of its delegate, which these two leave out.
REMARKS = {
    "interface": set(),
    "ipam": set(),
    "delegating": {"variables.path-optional", "status.path-optional"},
}


class Announcer:
    """Tells the plugin which check runs."""

    def __init__(self, plugin: Reference) -> None:
        self._plugin = plugin

    def begins(self, check: Check, number: int, total: int) -> None:
        if isinstance(self._plugin, Mutant):
            self._plugin.running = check.id

    def ended(self, verdict: Verdict) -> None:
        """Nothing to do."""


def run(plugin: Reference) -> Summary:
    kind = "ipam" if plugin.kind == "ipam" else "interface"
    subject = Subject(
        plugin, configuration(kind), FakeNamespaces(plugin.namespaces), "/opt/cni/bin", unused_network=True
    )
    return Suite(subject, CHECKS).run(Announcer(plugin))


def findings(summary: Summary) -> dict[str, str]:
    return {
        verdict.check.id: f"{verdict.status}: {verdict.message}"
        for verdict in summary.verdicts
        if verdict.status in (FAIL, REMARK)
    }


@pytest.mark.parametrize("kind", ["interface", "ipam", "delegating"])
def test_a_plugin_that_does_everything_right_passes(kind: str) -> None:
    plugin = Reference(kind)
    summary = run(plugin)
    assert set(findings(summary)) == REMARKS[kind]
    skipped = {verdict.check.id for verdict in summary.verdicts if verdict.status == "not applicable"}
    assert skipped == NOT_ASKED_OF[kind]
    assert summary.ok
    assert (plugin.held, plugin.namespaces) == ({}, set())


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: str(mutation.check))
def test_a_plugin_that_is_wrong_in_one_thing_is_found_by_its_check_alone(mutation: Mutation) -> None:
    found = findings(run(Mutant(mutation)))
    assert set(found) - REMARKS[mutation.kind] == {mutation.check}, found
    level = next(check.level for check in CHECKS if check.id == mutation.check)
    assert found[mutation.check].startswith(FAIL if level == MUST else REMARK)


def test_every_check_has_a_plugin_that_is_wrong_in_what_it_asks() -> None:
    assert sorted(mutation.check for mutation in MUTATIONS) == sorted(check.id for check in CHECKS)


def test_every_check_says_where_its_rule_is_from() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.section, check.id
        assert check.quote, check.id
        assert check.title[-1] not in ".!", check.id
