"""The agent's own metrics, beside those of its node."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cni_hns.diagnosis.exposition import Family, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cni_hns.cluster.idle import Examination
    from cni_hns.cluster.state import State

__all__ = ["Tallies", "agent_families"]


class Tallies(NamedTuple):
    """What the loop counts. `requests`: (Kubernetes' verb, HTTP status, 0 for none) -> how often.

    `lists` are complete lists of the Nodes: all but the first are watches that had a gap. `examined_at` is in
    seconds since 1970, 0 for never.
    """

    requests: Mapping[tuple[str, int], int]
    lists: int
    runs: int
    failed_runs: int
    examinations: int
    examined_at: float
    hangs: bool


def agent_families(state: State, tallies: Tallies, examination: Examination | None) -> Iterator[Family]:
    """All of them; of the node's doctor what the last examination found, by kind."""
    yield _gauge("ready", "Whether a pod could be added now.", float(state.ready))
    yield _gauge("api_up", "Whether the API answers.", float(not state.api_fault))
    yield _gauge("hns_hangs", "Whether a call to HNS has not come back for minutes.", float(tallies.hangs))
    yield _gauge("routes_wanted", "Routes to other nodes' pods that should be there.", state.routes_wanted)
    yield _gauge("routes_there", "Those of them that are there.", state.routes_there)
    yield _gauge("nodes_waiting", "Nodes to which there is no route yet.", len(state.waiting))
    yield _gauge("whole_since_seconds", "Since when all steps are done, 0 while not.", state.whole_since)
    yield Family(
        "cni_hns_agent_step_done",
        "gauge",
        "Whether each step is done.",
        [Sample({"step": one.name}, float(one.state == "done")) for one in state.steps],
    )
    yield _counter("runs", "Runs of all steps.", tallies.runs)
    yield _counter("failed_runs", "Runs of which a step was not done.", tallies.failed_runs)
    yield _counter("examinations", "Examinations of the node in idle time.", tallies.examinations)
    yield _gauge("examined_seconds", "When the node was examined last, 0 for never.", tallies.examined_at)
    yield _counter("node_lists", "Complete lists of the Nodes: one, and one after each gap.", tallies.lists)
    yield Family(
        "cni_hns_agent_api_requests_total",
        "counter",
        "Requests to the API, by verb and HTTP status; 0 where none came.",
        [
            Sample({"verb": verb, "code": str(status)}, number)
            for (verb, status), number in sorted(tallies.requests.items())
        ],
    )
    found = Counter(one.kind for one in examination.findings) if examination is not None else Counter[str]()
    yield Family(
        "cni_hns_agent_findings",
        "gauge",
        "What the last examination found, by kind.",
        [Sample({"kind": kind}, number) for kind, number in sorted(found.items())],
    )


def _gauge(name: str, words: str, value: float) -> Family:
    return Family(f"cni_hns_agent_{name}", "gauge", words, [Sample({}, value)])


def _counter(name: str, words: str, value: float) -> Family:
    return Family(f"cni_hns_agent_{name}_total", "counter", words, [Sample({}, value)])
