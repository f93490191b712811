"""STATUS: whether an ADD would work."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check

__all__ = ["CHECKS"]

_STATUS = "section 2, STATUS"
_INCOMPATIBLE = 1
_CODES = (50, 51)
_NOWHERE = "/nonexistent/cni-conformance"


@check(
    "status.ready",
    MUST,
    "STATUS succeeds where ADD does",
    section=_STATUS,
    quote='"A plugin must exit with a zero (success) return code if the plugin is ready to service ADD '
    'requests"',
    since="1.1.0",
)
def ready(bench: Bench) -> None:
    bench.added()
    outcome = bench.status()
    bench.must(outcome.ok, "STATUS failed, though ADD works", outcome)


@check(
    "status.as-libcni",
    MUST,
    "the variables of an attachment may be there, empty",
    section=_STATUS,
    quote="STATUS has no attachment; libcni passes CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME and CNI_ARGS empty",
    since="1.1.0",
)
def as_libcni(bench: Bench) -> None:
    empty = dict.fromkeys(("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"), "")
    outcome = bench.call({**bench.variables("STATUS"), **empty}, bench.request())
    bench.must(outcome.ok, "STATUS failed with the variables of an attachment empty", outcome)


@check(
    "status.path-optional",
    SHOULD,
    "STATUS works without CNI_PATH, unless the plugin has another one to run",
    section=_STATUS,
    quote='"Optional environment parameters: CNI_PATH"',
    since="1.1.0",
)
def path_optional(bench: Bench) -> None:
    outcome = bench.call({"CNI_COMMAND": "STATUS"}, bench.request())
    bench.must(outcome.ok, "STATUS without CNI_PATH failed", outcome)


@check(
    "status.delegate-missing",
    MUST,
    "STATUS fails where the delegated plugin that ADD needs is not there",
    section=_STATUS,
    quote='"If a plugin relies on a delegated plugin (e.g. IPAM) to service ADD requests, it must also '
    "execute a "
    'STATUS request to that plugin"',
    since="1.1.0",
)
def delegate_missing(bench: Bench) -> None:
    nowhere = {"CNI_PATH": _NOWHERE}
    if bench.add(bench.attachment(), variables=nowhere).ok:
        raise NotApplicable("ADD works with nothing in CNI_PATH: the plugin delegates nothing")
    bench.added()
    outcome = bench.call({**bench.variables("STATUS"), **nowhere}, bench.request())
    bench.refused(outcome, "STATUS with nothing in CNI_PATH, where ADD fails,")
    if outcome.error_code not in (None, *_CODES):
        bench.remark(
            f"STATUS gave code {outcome.error_code}, the specification has 50 and 51 for it", outcome
        )


@check(
    "status.too-old-version",
    SHOULD,
    "STATUS with a configuration of 1.0.0, which has no STATUS, is an error",
    section="specification 1.0.0; section 5, Error, code 1",
    quote="STATUS came with 1.1.0",
    since="1.1.0",
)
def too_old_version(bench: Bench) -> None:
    if "1.0.0" not in bench.subject.reported:
        raise NotApplicable("the plugin does not report 1.0.0")
    outcome = bench.status(cniVersion="1.0.0")
    bench.refused(outcome, "STATUS with a configuration of 1.0.0", _INCOMPATIBLE)


CHECKS = (ready, as_libcni, path_optional, delegate_missing, too_old_version)
