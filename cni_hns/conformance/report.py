"""A run as a document for programs: JSON of our own, and the JUnit XML that CI systems read."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from cni_hns.conformance.subject import Subject
from cni_hns.conformance.suite import Summary
from cni_hns.conformance.verdicts import FAIL, NOT_APPLICABLE, PASS, REMARK, Verdict

__all__ = ["as_json", "as_junit"]

_SUITE = "cni-conformance"
# XML 1.0 has no way to write these, and a plugin may print them.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(plugin: str, subject: Subject, summary: Summary) -> dict[str, Any]:
    """The whole run."""
    return {
        "plugin": plugin,
        "network": subject.configuration.name,
        "kind": subject.kind,
        "cniVersion": subject.configuration.version,
        "supportedVersions": list(subject.reported),
        "ok": summary.ok,
        "counts": {status: summary.count(status) for status in (PASS, REMARK, FAIL, NOT_APPLICABLE)},
        "failed": [verdict.check.id for verdict in summary.verdicts if verdict.status == FAIL],
        "leftOver": list(summary.left_over),
        "checks": [_object(verdict) for verdict in summary.verdicts],
    }


def _object(verdict: Verdict) -> dict[str, Any]:
    check = verdict.check
    return {
        "id": check.id,
        "level": check.level,
        "title": check.title,
        "section": check.section,
        "quote": check.quote,
        "status": verdict.status,
        "message": verdict.message,
        "evidence": list(verdict.evidence),
        "calls": list(verdict.steps),
        "seconds": round(verdict.seconds, 3),
    }


def as_junit(plugin: str, subject: Subject, summary: Summary) -> bytes:
    """The run as JUnit XML: a remark is a passed test with output, "not applicable" a skipped one."""
    seconds = sum(verdict.seconds for verdict in summary.verdicts)
    suite = ET.Element(
        "testsuite",
        name=_SUITE,
        tests=str(len(summary.verdicts) + 1),
        failures=str(summary.count(FAIL) + bool(summary.left_over)),
        errors="0",
        skipped=str(summary.count(NOT_APPLICABLE)),
        time=f"{seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    facts = {
        "plugin": plugin,
        "network": subject.configuration.name,
        "kind": subject.kind,
        "supportedVersions": " ".join(subject.reported),
    }
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for verdict in summary.verdicts:
        _case(suite, verdict)
    _clean_up_case(suite, summary)
    whole = ET.Element("testsuites")
    whole.append(suite)
    ET.indent(whole)
    written: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written


def _case(suite: ET.Element, verdict: Verdict) -> None:
    check = verdict.check
    case = ET.SubElement(
        suite, "testcase", classname=f"{_SUITE}.{check.topic}", name=check.id, time=f"{verdict.seconds:.3f}"
    )
    text = _clean("\n".join([f"{check.title}.", f"{check.section}: {check.quote}", *verdict.evidence]))
    message = _clean(verdict.message)
    if verdict.status == FAIL:
        ET.SubElement(case, "failure", message=message, type=check.level).text = text
    elif verdict.status == NOT_APPLICABLE:
        ET.SubElement(case, "skipped", message=message)
    elif verdict.status == REMARK:
        ET.SubElement(case, "system-out").text = f"remark: {message}\n{text}"


def _clean_up_case(suite: ET.Element, summary: Summary) -> None:
    case = ET.SubElement(suite, "testcase", classname=_SUITE, name="clean-up", time="0")
    if summary.left_over:
        message = f"{len(summary.left_over)} left over"
        ET.SubElement(case, "failure", message=message, type="left over").text = _clean(
            "\n".join(summary.left_over)
        )


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
