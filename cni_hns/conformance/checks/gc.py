"""GC: what is listed stays, what is not goes."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check

__all__ = ["CHECKS"]

_GC = "section 2, GC"
_INCOMPATIBLE = 1
_VALID = "cni.dev/valid-attachments"


@check(
    "gc.keeps-valid",
    MUST,
    "GC leaves what is in `cni.dev/valid-attachments`",
    section=_GC,
    quote='"The list of **still valid** attachments to this network"',
    since="1.1.0",
    takes_from_others=True,
)
def keeps_valid(bench: Bench) -> None:
    valid = [bench.added(), bench.added()]
    bench.gc(valid)
    for one in valid:
        outcome = bench.check(one)
        bench.must(outcome.ok, "after GC, CHECK of an attachment in the list fails", outcome)


@check(
    "gc.removes-stale",
    SHOULD,
    "GC removes what is not in the list",
    section=_GC,
    quote='"A plugin SHOULD remove as many stale resources as possible"',
    since="1.1.0",
    takes_from_others=True,
)
def removes_stale(bench: Bench) -> None:
    stale = bench.added()
    if not bench.check(stale).ok:
        raise NotApplicable("CHECK fails before GC, so it cannot show what GC does")
    outcome = bench.gc([])
    bench.must(outcome.ok, "GC failed", outcome)
    bench.refused(bench.check(stale), "CHECK of a stale attachment after GC")


@check(
    "gc.repeated",
    SHOULD,
    "GC with nothing to remove succeeds",
    section=_GC,
    quote='"Plugins should generally complete a GC action without error"',
    since="1.1.0",
    takes_from_others=True,
)
def repeated(bench: Bench) -> None:
    valid = bench.added()
    for _ in range(2):
        outcome = bench.gc([valid])
        bench.must(outcome.ok, "GC failed", outcome)


@check(
    "gc.as-libcni",
    SHOULD,
    "the list may come under both names, and the variables of an attachment be there, empty",
    section="section 2, GC; libcni",
    quote="libcni sends `cni.dev/valid-attachments` and, for an older text of 1.1.0, `cni.dev/attachments`",
    since="1.1.0",
    takes_from_others=True,
)
def as_libcni(bench: Bench) -> None:
    valid = bench.added()
    listed = [{"containerID": valid.attachment.container, "ifname": valid.attachment.ifname}]
    empty = dict.fromkeys(("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"), "")
    request = {**bench.request(), _VALID: listed, "cni.dev/attachments": listed}
    outcome = bench.call({**bench.variables("GC"), **empty}, request)
    bench.must(outcome.ok, "GC as libcni sends it failed", outcome)
    outcome = bench.check(valid)
    bench.must(outcome.ok, "after GC as libcni sends it, CHECK of an attachment in the list fails", outcome)


@check(
    "gc.malformed-list",
    MUST,
    "a list that cannot be read removes nothing",
    section=_GC,
    quote='the list is an "array of objects"; what is still valid is not known without it',
    since="1.1.0",
    takes_from_others=True,
)
def malformed_list(bench: Bench) -> None:
    valid = bench.added()
    outcome = bench.call(bench.variables("GC"), {**bench.request(), _VALID: valid.attachment.container})
    if outcome.ok:
        bench.remark("GC accepted a text in place of the list", outcome)
    outcome = bench.check(valid)
    bench.must(outcome.ok, "after GC with a text in place of the list, CHECK fails", outcome)


@check(
    "gc.then-delete",
    MUST,
    "DEL of what GC has removed succeeds",
    section="section 2, GC and DEL",
    quote='"The runtime MUST NOT use GC as a substitute for DEL", so that a DEL may come behind',
    since="1.1.0",
    takes_from_others=True,
)
def then_delete(bench: Bench) -> None:
    made = bench.added()
    bench.gc([])
    outcome = bench.delete(made)
    bench.must(outcome.ok, "DEL after GC failed", outcome)


@check(
    "gc.too-old-version",
    SHOULD,
    "GC with a configuration of 1.0.0, which has no GC, is an error",
    section="specification 1.0.0; section 5, Error, code 1",
    quote="GC came with 1.1.0",
    since="1.1.0",
    takes_from_others=True,
)
def too_old_version(bench: Bench) -> None:
    if "1.0.0" not in bench.subject.reported:
        raise NotApplicable("the plugin does not report 1.0.0")
    outcome = bench.gc([], cniVersion="1.0.0")
    bench.refused(outcome, "GC with a configuration of 1.0.0", _INCOMPATIBLE)


CHECKS = (keeps_valid, removes_stale, repeated, as_libcni, malformed_list, then_delete, too_old_version)
