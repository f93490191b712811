"""Conformance checks of the CNI specification for any plugin binary, judged as a black box.

Rule 1: nothing here knows this plugin: no other package of the house is imported, results and errors are read
by this package's own eyes, and all that is seen of a plugin is its exit code, stdout and stderr.
Rule 2: a sentence of the specification that says "must" fails a plugin; "should", a convention, or what
runtimes are known to do gives a remark, which is shown and fails nothing.
Rule 3: whatever was added is deleted again, also where a check fails or the run is interrupted.
"""

from __future__ import annotations

from cni_hns.conformance.checks import CHECKS
from cni_hns.conformance.configuration import ConfigurationFault, PluginConfiguration, read_configuration
from cni_hns.conformance.namespaces import (
    CommandNamespaces,
    GivenNamespaces,
    IpNamespaces,
    NamespaceFault,
    Namespaces,
    TextNamespaces,
    WithoutInterfaces,
)
from cni_hns.conformance.process import ProcessRunner
from cni_hns.conformance.registry import MUST, SHOULD, Check
from cni_hns.conformance.report import as_json, as_junit
from cni_hns.conformance.subject import Subject
from cni_hns.conformance.suite import Suite, Summary, Watcher
from cni_hns.conformance.verdicts import FAIL, NOT_APPLICABLE, PASS, REMARK, Verdict
from cni_hns.conformance.wire import Call, NotStarted, Outcome, Runner

__all__ = [
    "CHECKS",
    "FAIL",
    "MUST",
    "NOT_APPLICABLE",
    "PASS",
    "REMARK",
    "SHOULD",
    "Call",
    "Check",
    "CommandNamespaces",
    "ConfigurationFault",
    "GivenNamespaces",
    "IpNamespaces",
    "NamespaceFault",
    "Namespaces",
    "NotStarted",
    "Outcome",
    "PluginConfiguration",
    "ProcessRunner",
    "Runner",
    "Subject",
    "Suite",
    "Summary",
    "TextNamespaces",
    "Verdict",
    "Watcher",
    "WithoutInterfaces",
    "as_json",
    "as_junit",
    "read_configuration",
]
