"""The plugin under test, and what is known of it before the checks begin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cni_hns.conformance.configuration import PluginConfiguration
from cni_hns.conformance.findings import NotApplicable
from cni_hns.conformance.namespaces import Namespaces
from cni_hns.conformance.versions import KNOWN, NEWEST, at_least
from cni_hns.conformance.wire import Call, Outcome, Runner

__all__ = ["Subject"]


class Subject:
    """A plugin, its configuration, and where its containers' namespaces come from."""

    def __init__(
        self,
        runner: Runner,
        configuration: PluginConfiguration,
        namespaces: Namespaces,
        cni_path: str,
        *,
        unused_network: bool = False,
        previous: Mapping[str, Any] | None = None,
        earlier: Sequence[tuple[Runner, PluginConfiguration]] = (),
    ) -> None:
        self.runner = runner
        self.configuration = configuration
        self.namespaces = namespaces
        self.cni_path = cni_path
        self.unused_network = unused_network
        """Whether no one but the harness has attachments on the network."""
        self.previous = previous
        """What a chained plugin gets as `prevResult` of an ADD; None: what `earlier` gives, or is made up."""
        self.earlier = tuple(earlier)
        """The plugins before a chained one, in the order of the list, each with its program."""
        self.able_to_add: set[str] = set()
        """The versions in which an ADD has succeeded."""
        self.unable_to_add: dict[str, str] = {}
        """The versions in which none has, each with the check that failed for it."""
        self.samples: dict[str, Outcome] = {}
        """One ADD of each version, for the checks that only look at a result."""
        self._reported: tuple[str, ...] | None = None

    @property
    def kind(self) -> str:
        return self.configuration.kind

    @property
    def reported(self) -> tuple[str, ...]:
        """The published versions that the plugin says it supports, oldest first; asked once.

        A plugin that does not say so is taken to support its configuration's: `version.answers` fails it.
        """
        if self._reported is None:
            said = (self._ask_versions().document or {}).get("supportedVersions")
            listed = [one for one in KNOWN if isinstance(said, list) and one in said]
            self._reported = tuple(listed) or (self.configuration.version,)
        return self._reported

    def version_for(self, since: str) -> str:
        """The version to speak where something is asked that is there `since` a version.

        Raises: NotApplicable where the plugin speaks none.
        """
        usual = self.configuration.version
        if at_least(usual, since) and (usual in self.reported or since == KNOWN[0]):
            return usual
        able = [one for one in self.reported if at_least(one, since)]
        if not able:
            raise NotApplicable(f"the plugin does not report version {since} or newer")
        return able[0]

    def _ask_versions(self) -> Outcome:
        """VERSION as libcni sends it."""
        placeholders = dict.fromkeys(("CNI_NETNS", "CNI_IFNAME", "CNI_PATH"), "dummy")
        variables = {"CNI_COMMAND": "VERSION", "CNI_CONTAINERID": "", **placeholders}
        return self.runner(Call(variables, json.dumps({"cniVersion": NEWEST}).encode()))
