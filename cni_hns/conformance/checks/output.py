"""Output: one JSON document where one is due, and nothing else."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.versions import NEWEST
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_RESULTS = "section 5, Result Types"
_SERIALIZED = (
    '"The output should be serialized as JSON on standard out"; a runtime reads stdout as one document'
)
_NO_RESULT = "has no result: it produces no output on standard out and exits with return code 0"


def _must_be_one_document(bench: Bench, outcome: Outcome) -> None:
    if outcome.stdout.strip():
        bench.must(outcome.is_one_document, "stdout has more, or less, than one JSON object", outcome)


def _must_be_empty(bench: Bench, outcome: Outcome) -> None:
    bench.must(not outcome.stdout.strip(), f"{outcome.call.command} printed something on stdout", outcome)


@check(
    "output.add",
    MUST,
    "stdout of ADD is one JSON object, nothing before or behind it",
    section=f"section 2, ADD; {_RESULTS}",
    quote=f'"it must output a result structure on standard out"; {_SERIALIZED}',
)
def add(bench: Bench) -> None:
    _must_be_one_document(bench, bench.sample())


@check(
    "output.version",
    MUST,
    "stdout of VERSION is one JSON object, nothing before or behind it",
    section="section 5, VERSION Success",
    quote=f'"Plugins must output a JSON object"; {_SERIALIZED}',
)
def version(bench: Bench) -> None:
    _must_be_one_document(bench, bench.call({"CNI_COMMAND": "VERSION"}, {"cniVersion": NEWEST}))


@check(
    "output.error",
    SHOULD,
    "stdout of a failure is one JSON object, nothing before or behind it",
    section="section 2, Errors; section 5, Error",
    quote=f'"stderr can be used for unstructured output such as logs"; {_SERIALIZED}',
)
def error(bench: Bench) -> None:
    outcome = bench.add(bench.attachment(), cniVersion="9.9.9")
    if outcome.ok:
        raise NotApplicable("the call was not refused")
    _must_be_one_document(bench, outcome)


@check(
    "output.utf-8",
    MUST,
    "stdout is UTF-8",
    section=_RESULTS,
    quote="JSON between systems is UTF-8 (RFC 8259, section 8.1)",
)
def utf_8(bench: Bench) -> None:
    outcome = bench.sample()
    try:
        outcome.stdout.decode("utf-8")
    except UnicodeDecodeError as fault:
        bench.must(False, f"stdout of ADD is not UTF-8: {fault.reason} at byte {fault.start}", outcome)


@check(
    "output.delete-empty",
    SHOULD,
    "DEL prints nothing on stdout",
    section="section 5: results are of ADD and VERSION",
    quote=f"DEL {_NO_RESULT}",
)
def delete_empty(bench: Bench) -> None:
    made = bench.added()
    _must_be_empty(bench, bench.deleted(made))


@check(
    "output.check-empty",
    SHOULD,
    "CHECK that passes prints nothing on stdout",
    section="appendix, Check example",
    quote='"it produces no output on standard out and exits with a 0 return code"',
    since="0.4.0",
)
def check_empty(bench: Bench) -> None:
    outcome = bench.check(bench.added())
    if not outcome.ok:
        raise NotApplicable("CHECK fails, see check.after-add")
    _must_be_empty(bench, outcome)


@check(
    "output.status-empty",
    SHOULD,
    "STATUS that succeeds prints nothing on stdout",
    section="section 2, STATUS",
    quote=f"STATUS {_NO_RESULT}",
    since="1.1.0",
)
def status_empty(bench: Bench) -> None:
    outcome = bench.status()
    if not outcome.ok:
        raise NotApplicable("STATUS fails, see status.ready")
    _must_be_empty(bench, outcome)


@check(
    "output.gc-empty",
    MUST,
    "GC that succeeds prints nothing on stdout",
    section="section 2, GC",
    quote='"No output on success"',
    since="1.1.0",
    takes_from_others=True,
)
def gc_empty(bench: Bench) -> None:
    outcome = bench.gc([])
    if not outcome.ok:
        raise NotApplicable("GC fails, see gc.repeated")
    _must_be_empty(bench, outcome)


CHECKS = (add, version, error, utf_8, delete_empty, check_empty, status_empty, gc_empty)
