"""The same configuration written otherwise: what JSON counts as equal, a plugin must not tell apart."""

from __future__ import annotations

import json
import re
from typing import Any

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.checks.configuration import UNKNOWN_KEY
from cni_hns.conformance.configuration import CHAINED
from cni_hns.conformance.findings import Finding, NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_ENCODED = '"Configuration and results are encoded in JSON"'
_OVERVIEW = "section 2, Overview"
_LARGE = 256 * 1024


def _add_text(bench: Bench, write: str | None = None, **members: Any) -> Outcome:
    """ADD with the configuration as `write` says: "spread", "escaped", "bom", or plainly."""
    attachment = bench.attachment()
    if bench.subject.kind == CHAINED:
        members["prevResult"] = bench.previous(attachment, bench.version)
    document = bench.request(**members)
    text = json.dumps(document, ensure_ascii=False)
    if write == "spread":
        text = f"\r\n\t{json.dumps(dict(reversed(document.items())), indent=4)}\n\n"
    elif write == "escaped":
        # Every letter of every text, keys too; outside of texts there is nothing but true, false and null.
        text = re.sub(r'"[^"\\]*"', lambda match: _escaped(match.group()), json.dumps(document))
    data = text.encode("utf-8-sig" if write == "bom" else "utf-8")
    return bench.call(bench.variables("ADD", attachment), data)


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" if one.isalpha() else one for one in text)


@check(
    "encoding.white-space",
    MUST,
    "white space and the order of keys mean nothing",
    section=_OVERVIEW,
    quote=_ENCODED,
)
def white_space(bench: Bench) -> None:
    outcome = _add_text(bench, "spread")
    bench.must(outcome.ok, "ADD failed with the keys in another order and white space around", outcome)


@check(
    "encoding.escapes",
    MUST,
    "a letter and its \\u escape are the same",
    section=_OVERVIEW,
    quote=f"{_ENCODED}; libcni writes <, > and & that way",
)
def escapes(bench: Bench) -> None:
    outcome = _add_text(bench, "escaped")
    bench.must(outcome.ok, "ADD failed with every letter of keys and texts written as \\uXXXX", outcome)


@check(
    "encoding.other-scripts",
    MUST,
    "texts may hold any character, in UTF-8",
    section=_OVERVIEW,
    quote=f"{_ENCODED}, whose encoding is UTF-8 (RFC 8259, section 8.1)",
)
def other_scripts(bench: Bench) -> None:
    labels = {"cni": {"labels": [{"key": "größe", "value": "日本語 \U0001f310"}]}}
    outcome = _add_text(bench, args=labels)
    bench.must(outcome.ok, "ADD failed with other than ASCII characters in `args`", outcome)


@check(
    "encoding.large",
    MUST,
    "a large configuration is read to its end",
    section="section 1, Plugin configuration objects",
    quote='"The runtime MUST pass through these fields, unchanged", however many',
)
def large(bench: Bench) -> None:
    unknown: dict[str, Any] = {UNKNOWN_KEY: ""}
    if not bench.add(bench.attachment(), **unknown).ok:
        raise NotApplicable("the plugin takes no unknown keys, so nothing can be made large")
    outcome = _add_text(bench, **{UNKNOWN_KEY: "x" * _LARGE})
    bench.must(outcome.ok, f"ADD failed with a configuration of {_LARGE // 1024} KiB", outcome)


@check(
    "encoding.byte-order-mark",
    SHOULD,
    "a byte order mark is passed over, or refused with an error document",
    section="section 2, Errors; RFC 8259, section 8.1",
    quote='"If the plugin encounters an error, it should output an error result structure"',
)
def byte_order_mark(bench: Bench) -> None:
    outcome = _add_text(bench, "bom")
    if not outcome.ok and not outcome.error:
        raise Finding("ADD with a byte order mark failed without an error document", outcome)


CHECKS = (white_space, escapes, other_scripts, large, byte_order_mark)
