"""VERSION: what a plugin says it can speak."""

from __future__ import annotations

import json
import re
from typing import Any

from cni_hns.conformance.bench import Bench
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.registry import MUST, SHOULD, check
from cni_hns.conformance.versions import NEWEST
from cni_hns.conformance.wire import Outcome

__all__ = ["CHECKS"]

_SUCCESS = "section 5, VERSION Success"
_SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")


def _ask(bench: Bench, version: str = NEWEST) -> Outcome:
    """As libcni asks: placeholders in the other variables, nothing but the version on stdin."""
    placeholders = dict.fromkeys(("CNI_NETNS", "CNI_IFNAME", "CNI_PATH"), "dummy")
    variables = {"CNI_COMMAND": "VERSION", "CNI_CONTAINERID": "", **placeholders}
    return bench.call(variables, {"cniVersion": version})


def _listed(outcome: Outcome) -> list[Any]:
    said = (outcome.document or {}).get("supportedVersions")
    return said if isinstance(said, list) else []


@check(
    "version.answers",
    MUST,
    "VERSION gives an object with `cniVersion` and a list `supportedVersions`",
    section=_SUCCESS,
    quote='"Plugins must output a JSON object with the following keys upon a VERSION operation"',
)
def answers(bench: Bench) -> None:
    outcome = _ask(bench)
    bench.must(outcome.ok, "VERSION failed", outcome)
    bench.must(outcome.document, "VERSION printed no JSON object", outcome)
    lacking = [key for key in ("cniVersion", "supportedVersions") if not (outcome.document or {}).get(key)]
    bench.must(not lacking, f"the answer lacks {' and '.join(lacking)}", outcome)


@check(
    "version.echo",
    MUST,
    "the `cniVersion` of the answer is the one asked with",
    section=_SUCCESS,
    quote='"cniVersion: The value of cniVersion specified on input"',
    since="0.2.0",
)
def echo(bench: Bench) -> None:
    for asked in bench.subject.reported:
        outcome = _ask(bench, asked)
        said = (outcome.document or {}).get("cniVersion")
        if said is not None:
            bench.must(said == asked, f"asked with {asked}, the answer has {said}", outcome)


@check(
    "version.well-formed",
    MUST,
    "`supportedVersions` lists versions of the specification, each once",
    section=_SUCCESS,
    quote='"supportedVersions: A list of supported specification versions"; section 1 has them as '
    "Semantic Versions",
)
def well_formed(bench: Bench) -> None:
    outcome = _ask(bench)
    listed = _listed(outcome)
    odd = [one for one in listed if not (isinstance(one, str) and _SEMANTIC.fullmatch(one))]
    bench.must(not odd, f"not versions: {json.dumps(odd)}", outcome)
    bench.must(len(set(listed)) == len(listed), "a version is listed twice", outcome)


@check(
    "version.configured",
    MUST,
    "the version of the configuration is among those supported",
    section="section 1, Version considerations",
    quote='"Plugins indicate their set of supported versions through the VERSION command"',
)
def configured(bench: Bench) -> None:
    outcome = _ask(bench)
    version = bench.subject.configuration.version
    if not _listed(outcome):
        raise NotApplicable("the plugin lists no versions, see version.answers")
    bench.must(version in _listed(outcome), f"{version} is not listed", outcome)


@check(
    "version.only-command",
    MUST,
    "VERSION needs no variable but CNI_COMMAND",
    section="section 2, VERSION",
    quote='"Required environment parameters: CNI_COMMAND"',
)
def only_command(bench: Bench) -> None:
    outcome = bench.call({"CNI_COMMAND": "VERSION"}, {"cniVersion": NEWEST})
    bench.must(outcome.ok, "VERSION failed with CNI_COMMAND alone", outcome)


@check(
    "version.newer-runtime",
    SHOULD,
    "a runtime that speaks a version the plugin does not know is answered too",
    section="section 2, VERSION",
    quote="VERSION is there to find out what both can speak",
)
def newer_runtime(bench: Bench) -> None:
    outcome = _ask(bench, "9.9.9")
    bench.must(outcome.ok and _listed(outcome), "asked with 9.9.9, no list of versions was given", outcome)


CHECKS = (answers, echo, well_formed, configured, only_command, newer_runtime)
