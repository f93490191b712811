"""A Kubernetes API in this process, as the agent uses one: Nodes, their watch, Events; away when a test says so."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.client import Api, Listing, WatchEvent
from cni_hns.cluster.api.faults import ApiFault, Closed, Conflict, Missing

__all__ = ["FakeCluster"]

Document = dict[str, Any]


class FakeCluster:
    """The objects, and the history of the Nodes. `fault` is what every request is answered with, if any.

    `refused` are faults of single requests: (verb, plural) -> fault.
    """

    def __init__(self, *nodes: Document) -> None:
        self.changed = threading.Condition()
        self.nodes: dict[str, Document] = {}
        self.events: list[Document] = []
        self.history: list[WatchEvent] = []
        self.fault: ApiFault | None = None
        self.refused: dict[tuple[str, str], ApiFault] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        for one in nodes:
            self.join(one)

    def api(self) -> Api:
        return cast("Api", _FakeApi(self))

    def join(self, node: Document) -> None:
        """Make or replace a Node."""
        self._happen("ADDED", node)

    def leave(self, name: str) -> Document:
        """Delete a Node; what it was."""
        gone = self.nodes[name]
        self._happen("DELETED", gone)
        return gone

    def give(self, name: str, *pod_cidrs: str) -> None:
        """Give a Node these podCIDRs."""
        changed = copy.deepcopy(self.nodes[name])
        changed["spec"] = {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)} if pod_cidrs else {}
        self._happen("MODIFIED", changed)

    def say(self, fault: ApiFault | None) -> None:
        """From now on everything is answered with this, and watches end with it; None: it works again."""
        with self.changed:
            self.fault = fault
            self.changed.notify_all()

    def annotations(self, name: str) -> dict[str, str]:
        return cast("dict[str, str]", self.nodes[name]["metadata"]["annotations"])

    def reasons(self) -> set[str]:
        """Of the Events."""
        return {one["reason"] for one in self.events}

    def _happen(self, kind: str, node: Document) -> None:
        with self.changed:
            node = copy.deepcopy(node)
            node["metadata"]["resourceVersion"] = str(len(self.history) + 1)
            self.history.append(WatchEvent(kind, node))
            name = node["metadata"]["name"]
            if kind == "DELETED":
                del self.nodes[name]
            else:
                self.nodes[name] = node
            self.changed.notify_all()

    def patched(self, name: str, patch: Document) -> Document:
        with self.changed:
            node = copy.deepcopy(self.nodes[name])
            node["metadata"].setdefault("annotations", {}).update(patch["metadata"]["annotations"])
            self._happen("MODIFIED", node)
            return node


class _Tally:
    def __init__(self, asked: Counter[tuple[str, str]]) -> None:
        self._asked = asked

    def counts(self) -> dict[tuple[str, int], int]:
        return {(verb, 200): number for (verb, _), number in self._asked.items()}


class _FakeApi:
    """One client. `timeout_s` is not spent: an answer is there at once."""

    timeout_s = 5.0

    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster
        self._closed = False
        self.tally = _Tally(cluster.asked)

    def twin(self) -> _FakeApi:
        return _FakeApi(self._cluster)

    def close(self) -> None:
        with self._cluster.changed:
            self._closed = True
            self._cluster.changed.notify_all()

    def __enter__(self) -> _FakeApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(self, resource: Resource, **_: Any) -> Listing:
        with self._cluster.changed:
            self._ask("list", resource)
            found = [copy.deepcopy(one) for one in self._cluster.nodes.values()]
            return Listing(found, str(len(self._cluster.history)))

    def watch(self, resource: Resource, resource_version: str, **_: Any) -> Iterator[WatchEvent]:
        seen = int(resource_version)
        cluster = self._cluster
        self._ask("watch", resource)
        while True:
            with cluster.changed:
                cluster.changed.wait_for(
                    lambda: self._closed or cluster.fault is not None or len(cluster.history) > seen
                )
                if self._closed:
                    raise Closed("closed")
                if cluster.fault is not None:
                    raise cluster.fault
                events = cluster.history[seen:]
            for one in events:
                seen += 1
                yield copy.deepcopy(one)

    def patch(self, resource: Resource, name: str, patch: Document, **_: Any) -> Document:
        with self._cluster.changed:
            self._ask("patch", resource)
            if resource.plural == "events":
                return patch
            if name not in self._cluster.nodes:
                raise Missing(f'patch nodes "{name}" failed: not found', 404, "NotFound")
            return self._cluster.patched(name, patch)

    def create(self, resource: Resource, document: Document, **_: Any) -> Document:
        with self._cluster.changed:
            self._ask("create", resource)
            if resource.plural != "events":
                raise Conflict("only Events are made here", 409)
            self._cluster.events.append(copy.deepcopy(document))
            self._cluster.changed.notify_all()
            return document

    def _ask(self, verb: str, resource: Resource) -> None:
        self._cluster.asked[verb, resource.plural] += 1
        if self._closed:
            raise Closed("closed")
        fault = self._cluster.fault or self._cluster.refused.get((verb, resource.plural))
        if fault is not None:
            raise fault
