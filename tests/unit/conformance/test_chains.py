"""What a chained plugin meets, and how often one failed ADD is told."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

from cni_hns.conformance import (
    CHECKS,
    FAIL,
    NOT_APPLICABLE,
    Call,
    IpNamespaces,
    NamespaceFault,
    Outcome,
    PluginConfiguration,
    Subject,
    Suite,
    TextNamespaces,
    as_json,
)
from tests.unit.conformance.reference import Reference, configuration
from tests.unit.conformance.test_runs import Quiet, chosen


def ended(call: Call, document: dict[str, Any], exit_code: int = 0) -> Outcome:
    return Outcome(call, exit_code, json.dumps(document).encode(), b"")


class Recorded:
    """A plugin that does as it is told, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Call], Outcome]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer

    def __call__(self, call: Call) -> Outcome:
        self.calls.append((call.command, json.loads(call.stdin)))
        return self._answer(call)

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls]


def made_by(name: str) -> Callable[[Call], Outcome]:
    """A plugin that adds its interface to those of prevResult."""

    def answer(call: Call) -> Outcome:
        previous = json.loads(call.stdin).get("prevResult", {})
        listed = [*previous.get("interfaces", []), {"name": name, "sandbox": call.variables["CNI_NETNS"]}]
        return ended(call, {"cniVersion": "1.0.0", "interfaces": listed})

    return answer


def refused(call: Call) -> Outcome:
    return ended(call, {"cniVersion": "1.0.0", "code": 100, "msg": "no cable"}, 1)


def chained(plugin: Recorded, *earlier: Recorded) -> Subject:
    one = PluginConfiguration("net", "1.0.0", {"type": "last"}, "chained")
    before = [(each, PluginConfiguration("net", "1.0.0", {"type": "first"}, "interface")) for each in earlier]
    return Subject(plugin, one, TextNamespaces(), "/opt/cni/bin", earlier=before)


def test_earlier_plugins_are_run_and_deleted_behind_the_chained_one() -> None:
    first, second, last = Recorded(made_by("eth0")), Recorded(made_by("lo0")), Recorded(made_by("last"))
    summary = Suite(chained(last, first, second), chosen("add.result")).run(Quiet())
    assert summary.ok
    assert (first.verbs, second.verbs) == (["ADD", "DEL"], ["ADD", "DEL"])
    sent = next(document for verb, document in last.calls if verb == "ADD")
    assert [one["name"] for one in sent["prevResult"]["interfaces"]] == ["eth0", "lo0"]
    assert [one["name"] for one in first.calls[1][1]["prevResult"]["interfaces"]] == ["eth0", "lo0"]


def test_of_a_plugin_behind_one_that_fails_nothing_is_judged() -> None:
    last = Recorded(made_by("last"))
    summary = Suite(chained(last, Recorded(refused)), chosen("add.result")).run(Quiet())
    (verdict,) = summary.verdicts
    assert verdict.status == NOT_APPLICABLE
    assert "first, which comes before, failed: no cable" in verdict.message
    assert "ADD" not in last.verbs
    assert summary.left_over == ()


def test_one_failed_add_is_one_failure() -> None:
    reference = Reference("ipam")

    def plugin(call: Call) -> Outcome:
        return refused(call) if call.command == "ADD" else reference(call)

    subject = Subject(plugin, configuration("ipam"), TextNamespaces(), "/opt/cni/bin")
    summary = Suite(subject, CHECKS).run(Quiet())
    failed = [verdict.check.id for verdict in summary.verdicts if verdict.status == FAIL]
    needing = [verdict for verdict in summary.verdicts if "it needs an ADD" in verdict.message]
    assert len(needing) > 2 * len(failed)
    assert all(verdict.message.rpartition("see ")[2] in failed for verdict in needing)
    assert as_json("plugin", subject, summary)["failed"] == failed


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("ip"), reason="iproute2 is run")
def test_network_namespaces_of_linux_are_made_with_a_real_interface() -> None:
    namespaces = IpNamespaces()
    try:
        netns = namespaces.make(f"conformance-{os.urandom(6).hex()}")
    except NamespaceFault as fault:
        pytest.skip(f"not allowed here: {fault}")
    try:
        mac = namespaces.interface(netns, "eth0")
        assert len(mac.split(":")) == 6
        assert namespaces.interface(netns, "eth0") == mac
    finally:
        namespaces.remove(netns)
    assert not os.path.exists(netns)
