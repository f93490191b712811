"""All metrics of a node: its calls, counted from the logs, and how HNS, HCS and the ledger are now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cni_hns.binding.access import make_private_folder
from cni_hns.diagnosis.counting import count, keep, kept_in
from cni_hns.diagnosis.files import logs_of, plugin_documents
from cni_hns.diagnosis.gauges import QUESTIONS, families_of, range_sets_in
from cni_hns.diagnosis.sources import read_sources, seen_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cni_hns.diagnosis.counting import Counts
    from cni_hns.diagnosis.exposition import Family
    from cni_hns.node.node import Node
    from cni_hns.survey.seen import Seen

__all__ = ["CountedLogs", "Gauged", "count_logs", "gauge"]


class CountedLogs(NamedTuple):
    """The counts, which `keep` keeps for the next time; `notes` say what was not counted, and why."""

    counts: Counts
    notes: list[str]
    state: str

    def keep(self) -> list[str]:
        """Once they were told: what nobody was told is counted again. What went wrong, in words."""
        try:
            make_private_folder(os.path.dirname(self.state))
            keep(self.counts, self.state)
        except OSError as fault:
            words = f"cannot be written, so the calls are counted again: {fault.strerror or fault}"
            return [f'"{self.state}" {words}']
        return []


class Gauged(NamedTuple):
    """How the node is, and what was read for it; `notes`: what did not answer."""

    families: list[Family]
    seen: Seen
    notes: tuple[str, ...]


def count_logs(documents: Sequence[dict[str, Any]], state: str) -> CountedLogs:
    """The calls in the logs that these configurations name, with those that the state file has."""
    counts, notes = kept_in(state), []
    for path in logs_of(list(plugin_documents(documents))):
        try:
            count(counts, path)
        except OSError as fault:
            notes.append(f'the log "{path}" was not counted: {fault.strerror or fault}')
    return CountedLogs(counts, notes, state)


def gauge(
    make_node: Callable[[], Node], documents: Sequence[dict[str, Any]], ledger: str, timeout_s: float
) -> Gauged:
    """Ask HNS, HCS and the ledger, within this time. `make_node` gives a node that nobody else uses."""
    sources = read_sources(make_node, timeout_s, only=QUESTIONS)
    seen = seen_in(sources, make_node)
    return Gauged(families_of(sources, seen, range_sets_in(documents), ledger), seen, sources.notes)
