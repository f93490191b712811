"""The plugins before a chained one, run as a runtime runs them, so that it meets a real interface.

Rule: what they added is deleted by `close`, last to first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cni_hns.conformance.configuration import PluginConfiguration
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.versions import at_least
from cni_hns.conformance.wire import Call, Runner

__all__ = ["Chain"]

_Program = tuple[Runner, PluginConfiguration]


class Chain:
    """One check's attachments, as far as the earlier plugins have made them."""

    def __init__(self, programs: Sequence[_Program]) -> None:
        self._programs = tuple(programs)
        self._results: dict[tuple[str, str], dict[str, Any]] = {}
        self._undo: list[tuple[_Program, dict[str, str], dict[str, Any]]] = []

    def result(self, variables: Mapping[str, str], version: str) -> dict[str, Any]:
        """What the last of them gives for this attachment, which is added once.

        Raises:
            NotApplicable: one of them fails: of the plugin behind it nothing can be seen then.
        """
        attachment = variables["CNI_CONTAINERID"], variables["CNI_IFNAME"]
        if attachment not in self._results:
            self._results[attachment] = self._added(variables, version)
        return {**self._results[attachment], "cniVersion": version}

    def _added(self, variables: Mapping[str, str], version: str) -> dict[str, Any]:
        previous: dict[str, Any] | None = None
        for program in self._programs:
            runner, configuration = program
            request = configuration.request(version)
            sent = request if previous is None else {**request, "prevResult": previous}
            # Before the call: also what it began and did not finish is deleted.
            self._undo.append((program, dict(variables), request))
            outcome = runner(Call(dict(variables), json.dumps(sent).encode()))
            if not outcome.ok or outcome.document is None:
                why = outcome.error_text or "it printed no result"
                raise NotApplicable(f"{configuration.plugin.get('type')}, which comes before, failed: {why}")
            previous = outcome.document
        return previous or {}

    def close(self) -> list[str]:
        """Delete it all; what could not be, a line each."""
        left = []
        for (runner, configuration), variables, request in reversed(self._undo):
            result = self._results.get((variables["CNI_CONTAINERID"], variables["CNI_IFNAME"]))
            known = result is not None and at_least(str(request["cniVersion"]), "0.4.0")
            sent = {**request, "prevResult": result} if known else request
            outcome = runner(Call({**variables, "CNI_COMMAND": "DEL"}, json.dumps(sent).encode()))
            if not outcome.ok and result is not None:
                name = f"container {variables['CNI_CONTAINERID']}, interface {variables['CNI_IFNAME']}"
                left.append(f"{name}: DEL of {configuration.plugin.get('type')} failed: {outcome.error_text}")
        self._undo.clear()
        return left
