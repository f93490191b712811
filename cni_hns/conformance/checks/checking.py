"""CHECK: it finds what is missing, and passes over what is none of its business."""

from __future__ import annotations

import copy
from typing import Any

from cni_hns.conformance.bench import ABSENT, Bench
from cni_hns.conformance.configuration import IPAM
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.results import cidr, ip_entries

__all__ = ["CHECKS"]

_CHECK = "section 2, CHECK"
_INCOMPATIBLE = 1
_MISSING = (
    '"should return an error if a resource included in the CNI Result type … was created by the plugin, '
    "and is "
    'listed in prevResult, but is missing"'
)


@check(
    "check.after-add",
    MUST,
    "CHECK right after ADD passes",
    section=_CHECK,
    quote='"The plugin must handle CHECK being called immediately after an ADD"',
    since="0.4.0",
)
def after_add(bench: Bench) -> None:
    outcome = bench.check(bench.added())
    bench.must(outcome.ok, "CHECK right after ADD failed", outcome)


@check(
    "check.changes-nothing",
    MUST,
    "CHECK can be repeated: it changes nothing",
    section=_CHECK,
    quote='"CHECK is a way for a runtime to probe the status of an existing container"',
    since="0.4.0",
)
def changes_nothing(bench: Bench) -> None:
    made = bench.added()
    first = bench.check(made)
    if not first.ok:
        raise NotApplicable("the first CHECK already fails, see check.after-add")
    outcome = bench.check(made)
    bench.must(outcome.ok, "the first CHECK passed, the second failed", outcome)


@check(
    "check.later-changes",
    MUST,
    "CHECK passes over what later plugins of the chain added to the result",
    section=_CHECK,
    quote='"The plugin must allow for a later chained plugin to have modified networking resources, '
    'e.g. routes"',
    since="0.4.0",
)
def later_changes(bench: Bench) -> None:
    made = bench.added()
    result = copy.deepcopy(made.result)
    _append(result, "interfaces", {"name": "later0", "mac": "02:00:00:00:00:0b"})
    _append(result, "routes", {"dst": "198.51.100.0/24"})
    outcome = bench.check(made, prevResult=result)
    bench.must(outcome.ok, "CHECK failed when prevResult had one more route and interface", outcome)


def _append(result: dict[str, Any], key: str, one: dict[str, Any]) -> None:
    present = result.get(key)
    result[key] = [*(present if isinstance(present, list) else []), one]


@check(
    "check.after-delete",
    SHOULD,
    "CHECK of what was deleted fails",
    section=_CHECK,
    quote=_MISSING,
    since="0.4.0",
)
def after_delete(bench: Bench) -> None:
    made = bench.added()
    bench.deleted(made)
    bench.refused(bench.check(made), "CHECK after DEL")


@check(
    "check.wrong-address",
    SHOULD,
    "CHECK fails when `prevResult` has another address than the container",
    section=_CHECK,
    quote=f'"The plugin must consult the prevResult to determine the expected interfaces and '
    f'addresses"; {_MISSING}',
    since="0.4.0",
)
def wrong_address(bench: Bench) -> None:
    made = bench.added()
    result = copy.deepcopy(made.result)
    for entry in ip_entries(result):
        present = cidr(entry.get("address"))
        if present is not None:
            # Another one of the same subnet, whatever it is.
            other = type(present.ip)(int(present.ip) ^ 0b1000000)
            entry["address"] = f"{other}/{present.network.prefixlen}"
            break
    else:
        raise NotApplicable("the result has no address")
    bench.refused(bench.check(made, prevResult=result), "CHECK with another address in prevResult")


@check(
    "check.without-prevresult",
    SHOULD,
    "CHECK without `prevResult` is an error",
    section=_CHECK,
    quote='"The plugin must consult the prevResult", which "a runtime must include"',
    since="0.4.0",
)
def without_prevresult(bench: Bench) -> None:
    made = bench.added()
    bench.refused(bench.check(made, prevResult=ABSENT), "CHECK without prevResult")


@check(
    "check.namespace-gone",
    SHOULD,
    "CHECK fails when the namespace is gone",
    section=_CHECK,
    quote='"should return an error if it is aware of a condition where the container is generally '
    'unreachable"',
    since="0.4.0",
    not_for={IPAM: "an IPAM plugin is not in the namespace"},
)
def namespace_gone(bench: Bench) -> None:
    bench.needs_removable_namespaces()
    made = bench.added()
    bench.take_away(made.attachment.netns)
    bench.refused(bench.check(made), "CHECK after the namespace was deleted")


@check(
    "check.too-old-version",
    SHOULD,
    "CHECK with a configuration of 0.3.1, which has no CHECK, is an error",
    section="specification 0.3.1; section 5, Error, code 1",
    quote="CHECK came with 0.4.0",
    since="0.4.0",
)
def too_old_version(bench: Bench) -> None:
    if "0.3.1" not in bench.subject.reported:
        raise NotApplicable("the plugin does not report 0.3.1")
    made = bench.added(version="0.3.1")
    bench.refused(bench.check(made), "CHECK with a configuration of 0.3.1", _INCOMPATIBLE)


CHECKS = (
    after_add,
    changes_nothing,
    later_changes,
    after_delete,
    wrong_address,
    without_prevresult,
    namespace_gone,
    too_old_version,
)
