"""Error documents: their members, and where they are written."""

from __future__ import annotations

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_ERROR = "section 5, Error"
_ASSIGNED = {1, 2, 3, 4, 5, 6, 7, 11, 50, 51}
_FIRST_OF_PLUGINS = 100
_CRASHES = (
    b"Traceback (most recent call last)",
    b"panic:",
    b"goroutine 1 [",
    b"Segmentation fault",
    b"   at System.",
)


def _failures(bench: Bench) -> list[Outcome]:
    """Calls that no plugin can answer; those that were answered all the same are left out."""
    attachment = bench.attachment()
    variables = bench.variables("ADD", attachment)
    made = [
        bench.call(variables, bench.request(cniVersion=7)),
        bench.call(variables, b"{"),
        bench.call(bench.variables("FROB", attachment), bench.request()),
    ]
    failed = [outcome for outcome in made if not outcome.ok]
    if not failed:
        raise NotApplicable("none of the wrong calls was refused")
    return failed


@check(
    "errors.document",
    SHOULD,
    "a failure comes with an object that has `code` and `msg`",
    section=f"section 2, Errors; {_ERROR}",
    quote='"If the plugin encounters an error, it should output an error result structure"',
)
def document(bench: Bench) -> None:
    for outcome in _failures(bench):
        bench.must(outcome.error is not None, "a call failed without an error document", outcome)
        lacking = [key for key in ("code", "msg") if key not in (outcome.error or {})]
        bench.must(not lacking, f"the error document lacks {' and '.join(lacking)}", outcome)


@check(
    "errors.code",
    MUST,
    "`code` is a number, not negative",
    section=_ERROR,
    quote='"code: A numeric error code"',
)
def code(bench: Bench) -> None:
    for outcome in _failures(bench):
        if "code" in (outcome.error or {}):
            number = outcome.error_code
            right = number is not None and number >= 0
            bench.must(right, f"the error document has code {(outcome.error or {})['code']!r}", outcome)


@check(
    "errors.reserved-codes",
    MUST,
    "a code below 100 is one that the specification assigns",
    section=_ERROR,
    quote='"Error codes 0-99 are reserved for well-known errors"',
)
def reserved_codes(bench: Bench) -> None:
    for outcome in _failures(bench):
        number = outcome.error_code
        if number is not None and 0 <= number < _FIRST_OF_PLUGINS:
            bench.must(number in _ASSIGNED, f"code {number} is not assigned", outcome)


@check(
    "errors.version",
    SHOULD,
    "the error document has `cniVersion`",
    section=_ERROR,
    quote='"cniVersion: The protocol version in use"',
)
def version(bench: Bench) -> None:
    for outcome in _failures(bench):
        if outcome.error is not None:
            said = outcome.error.get("cniVersion")
            bench.must(isinstance(said, str) and said, "the error document has no cniVersion", outcome)


@check(
    "errors.on-stdout",
    SHOULD,
    "the error document is on stdout",
    section="section 5 (and libcni; the overview of section 2 says stderr)",
    quote='"The output should be serialized as JSON on standard out"; "stderr can be used for '
    "unstructured output such "
    'as logs"',
)
def on_stdout(bench: Bench) -> None:
    for outcome in _failures(bench):
        if outcome.error is not None:
            bench.must(outcome.document is not None, "the error document is on stderr", outcome)


@check(
    "errors.no-crash",
    SHOULD,
    "a wrong call is refused, not crashed on",
    section="section 2, Errors",
    quote="what a runtime gets wrong is an error like any other",
)
def no_crash(bench: Bench) -> None:
    for outcome in _failures(bench):
        traces = [words for words in _CRASHES if words in outcome.stderr or words in outcome.stdout]
        bench.must(not traces, "the output has the trace of a crash", outcome)
        ended = outcome.exit_code is not None and outcome.exit_code >= 0
        bench.must(ended, f"the plugin was ended by signal {-(outcome.exit_code or 0)}", outcome)


CHECKS = (document, code, reserved_codes, version, on_stdout, no_crash)
