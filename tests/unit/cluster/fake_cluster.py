"""A Kubernetes API in this process, as the agent uses one: Nodes, pools, watches, Events; and its absence."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, cast

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.client import Api, Listing, WatchEvent
from cni_hns.cluster.api.faults import ApiFault, Closed, Conflict, Missing

__all__ = ["KILLED", "FakeCluster"]

KILLED = 137
"""How a process ends that `dies_at` this request, before it has any effect."""

Document = dict[str, Any]


class FakeCluster:
    """The objects, and their history: `nodes`, and by name `pools` and `blocks`. `fault` is what every
    request is answered with, if any.

    `refused` are faults of single requests: (verb, plural) -> fault.
    """

    def __init__(self, *nodes: Document) -> None:
        self.changed = threading.Condition()
        self.nodes: dict[str, Document] = {}
        self.pools: dict[str, Document] = {}
        self.blocks: dict[str, Document] = {}
        self.shelves = {"nodes": self.nodes, "ippools": self.pools, "ipblocks": self.blocks}
        self.histories: dict[str, list[WatchEvent]] = {plural: [] for plural in self.shelves}
        self.events: list[Document] = []
        self.fault: ApiFault | None = None
        self.refused: dict[tuple[str, str], ApiFault] = {}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.file: Path | None = None
        self.dies_at = 0
        for one in nodes:
            self.join(one)

    def kept_in(self, file: Path) -> FakeCluster:
        """The same, with what another process has written there, or writes from now on."""
        if file.exists():
            self.nodes.update(json.loads(file.read_text()))
        self.file = file
        return self

    def api(self) -> Api:
        return cast("Api", _FakeApi(self))

    def join(self, node: Document) -> None:
        """Make or replace a Node."""
        self._happen("ADDED", node)

    def pool(self, name: str, *cidrs: str, size: int) -> None:
        """Make an IPPool, or replace it."""
        spec = {"cidrs": list(cidrs), "blockSize": size}
        self._happen("ADDED", {"metadata": {"name": name}, "spec": spec}, "ippools")

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

    def _happen(self, kind: str, document: Document, plural: str = "nodes") -> None:
        with self.changed:
            shelf, history = self.shelves[plural], self.histories[plural]
            document = copy.deepcopy(document)
            document["metadata"]["resourceVersion"] = str(len(history) + 1)
            history.append(WatchEvent(kind, document))
            name = document["metadata"]["name"]
            if kind == "DELETED":
                del shelf[name]
            else:
                shelf[name] = document
            if self.file is not None:
                self.file.write_text(json.dumps(self.nodes))
            self.changed.notify_all()

    def patched(self, name: str, patch: Document, plural: str = "nodes") -> Document:
        with self.changed:
            changed = copy.deepcopy(self.shelves[plural][name])
            changed["metadata"].setdefault("annotations", {}).update(patch["metadata"]["annotations"])
            self._happen("MODIFIED", changed, plural)
            return changed

    def made(self, block: Document) -> Document:
        """An IPBlock; its uid is its name's, for none is made twice in a test that looks at it."""
        name = block["metadata"]["name"]
        if name in self.blocks:
            raise Conflict(name, 409, "AlreadyExists")
        self._happen("ADDED", {**block, "metadata": {**block["metadata"], "uid": f"uid-{name}"}}, "ipblocks")
        return self.blocks[name]

    def unmade(self, name: str, uid: str, version: str) -> None:
        about = self.blocks[name]["metadata"]
        if (uid, version) != (about["uid"], about["resourceVersion"]):
            raise Conflict(name, 409, "Conflict")
        self._happen("DELETED", self.blocks[name], "ipblocks")


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(self, resource: Resource, **_: Any) -> Listing:
        with self._cluster.changed:
            self._ask("list", resource)
            found = [copy.deepcopy(one) for one in self._cluster.shelves[resource.plural].values()]
            return Listing(found, str(len(self._cluster.histories[resource.plural])))

    def watch(self, resource: Resource, resource_version: str, **_: Any) -> Iterator[WatchEvent]:
        seen = int(resource_version)
        cluster, history = self._cluster, self._cluster.histories[resource.plural]
        self._ask("watch", resource)
        while True:
            with cluster.changed:
                while not self._closed and cluster.fault is None and len(history) <= seen:
                    cluster.changed.wait()
                if self._closed:
                    raise Closed("closed")
                if cluster.fault is not None:
                    raise cluster.fault
                events = history[seen:]
            for one in events:
                seen += 1
                yield copy.deepcopy(one)

    def patch(self, resource: Resource, name: str, patch: Document, **_: Any) -> Document:
        with self._cluster.changed:
            self._ask("patch", resource)
            if resource.plural == "events":
                return patch
            self._see(resource, name)
            return self._cluster.patched(name, patch, resource.plural)

    def get(self, resource: Resource, name: str) -> Document:
        with self._cluster.changed:
            self._ask("get", resource)
            self._see(resource, name)
            return copy.deepcopy(self._cluster.shelves[resource.plural][name])

    def delete(self, resource: Resource, name: str, *, uid: str = "", resource_version: str = "") -> None:
        with self._cluster.changed:
            self._ask("delete", resource)
            self._see(resource, name)
            self._cluster.unmade(name, uid, resource_version)

    def create(self, resource: Resource, document: Document, **_: Any) -> Document:
        with self._cluster.changed:
            self._ask("create", resource)
            if resource.plural != "events":
                return copy.deepcopy(self._cluster.made(document))
            self._cluster.events.append(copy.deepcopy(document))
            self._cluster.changed.notify_all()
            return document

    def _see(self, resource: Resource, name: str) -> None:
        if name not in self._cluster.shelves[resource.plural]:
            raise Missing(f'{resource.plural} "{name}": not found', 404, "NotFound")

    def _ask(self, verb: str, resource: Resource) -> None:
        cluster = self._cluster
        cluster.asked[verb, resource.plural] += 1
        if cluster.dies_at and cluster.asked.total() == cluster.dies_at:
            os._exit(KILLED)
        if self._closed:
            raise Closed("closed")
        fault = self._cluster.fault or self._cluster.refused.get((verb, resource.plural))
        if fault is not None:
            raise fault
