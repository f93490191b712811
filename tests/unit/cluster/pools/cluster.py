"""A cluster of pools in memory: what the API does with them, and nodes with ledgers of their own."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.faults import ApiFault, Conflict, Missing
from cni_hns.cluster.pools.blocks import BLOCKS, BlockObject
from cni_hns.cluster.pools.keeper import Keeper
from cni_hns.cluster.pools.step import Limits, Outcome, Seen
from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, open_ledger
from cni_hns.ledger.blocks import Block, Blocks
from tests.unit.ledger.shorthand import lease

NETWORK = "pods"
LIMITS = Limits(low=2, idle_s=60, orphan_s=3600, renew_s=600)


class Killed(BaseException):
    """The process ends here."""


class Shelf:
    """A collection, and the mirror of it that everybody sees: always current, unless it is `frozen`."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.whole = True
        self.fault: ApiFault | None = None
        self.frozen: dict[str, dict[str, Any]] | None = None

    def objects(self) -> dict[str, dict[str, Any]]:
        return copy.deepcopy(self.documents if self.frozen is None else self.frozen)


class Cluster:
    """`fault` is what every call ends with; `killed_at` the number of calls after which the process is gone:
    in the call, after it was done where `done` says so."""

    def __init__(self) -> None:
        self.pools, self.blocks, self.nodes = Shelf(), Shelf(), Shelf()
        self.calls: list[str] = []
        self.fault: ApiFault | None = None
        self.killed_at: int | None = None
        self.done = False
        self._numbers = itertools.count(1)

    @property
    def seen(self) -> Seen:
        return Seen(self.pools, self.blocks, self.nodes)

    def pool(self, name: str, *cidrs: str, size: int) -> None:
        spec = {"cidrs": list(cidrs), "blockSize": size}
        self.pools.documents[name] = {"metadata": {"name": name}, "spec": spec}

    def node(self, name: str, *pod_cidrs: str) -> None:
        self.nodes.documents[name] = {"metadata": {"name": name}, "spec": {"podCIDRs": list(pod_cidrs)}}

    def holders(self) -> dict[str, str]:
        """Who has which prefix."""
        found = [BlockObject.of(one) for one in self.blocks.documents.values()]
        return {str(one.prefix): one.node for one in found if one is not None}

    def get(self, resource: Resource, name: str) -> dict[str, Any]:
        self._begin("get", name)
        shelf = self.blocks if resource == BLOCKS else self.nodes
        if name not in shelf.documents:
            raise Missing(name, 404)
        return copy.deepcopy(shelf.documents[name])

    def create(self, resource: Resource, document: Mapping[str, Any]) -> dict[str, Any]:
        name = document["metadata"]["name"]
        self._begin("create", name)
        if name in self.blocks.documents:
            raise Conflict(name, 409, "AlreadyExists")
        self.blocks.documents[name] = made = copy.deepcopy(dict(document))
        made["metadata"] |= {"uid": f"u{next(self._numbers)}", "resourceVersion": f"{next(self._numbers)}"}
        self._end()
        return copy.deepcopy(made)

    def patch(self, resource: Resource, name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        self._begin("patch", name)
        there = self.blocks.documents.get(name)
        if there is None:
            raise Missing(name, 404)
        about = there["metadata"]
        if patch["metadata"].get("resourceVersion") not in (None, about["resourceVersion"]):
            raise Conflict(name, 409, "Conflict")
        about["annotations"] = {**about.get("annotations", {}), **patch["metadata"]["annotations"]}
        about["resourceVersion"] = f"{next(self._numbers)}"
        self._end()
        return copy.deepcopy(there)

    def delete(self, resource: Resource, name: str, *, uid: str = "", resource_version: str = "") -> None:
        self._begin("delete", name)
        there = self.blocks.documents.get(name)
        if there is None:
            raise Missing(name, 404)
        if (uid, resource_version) != (there["metadata"]["uid"], there["metadata"]["resourceVersion"]):
            raise Conflict(name, 409, "Conflict")
        del self.blocks.documents[name]
        self._end()

    def _begin(self, verb: str, name: str) -> None:
        self.calls.append(f"{verb} {name}")
        if self.fault is not None:
            raise self.fault
        if not self.done and len(self.calls) == self.killed_at:
            raise Killed

    def _end(self) -> None:
        if self.done and len(self.calls) == self.killed_at:
            raise Killed


class Agent:
    """One node's keeper, with a clock that goes only when it is told to."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        name: str = "win-1",
        *pools: str,
        limits: Limits = LIMITS,
    ) -> None:
        self.cluster = cluster
        self.name = name
        self.now_s = 1000.0
        self._pools: tuple[str, ...] = pools or ("blue",)
        self._limits = limits
        self._folder = folder / name
        self._stack = ExitStack()
        self.ledger: Ledger = self._opened()
        self.keeper = self._new_keeper()

    def restart(self) -> None:
        """As another process: it knows nothing but the ledger."""
        self.close()
        self.ledger = self._opened()
        self.keeper = self._new_keeper()

    def step(self, forward_s: float = 0.0) -> Outcome:
        self.now_s += forward_s
        return self.keeper.step(self.ledger, self.cluster.seen)

    @property
    def blocks(self) -> list[Block]:
        return Blocks(self.ledger).all()

    @property
    def prefixes(self) -> list[str]:
        """Of the blocks that give addresses."""
        return [one.prefix for one in self.blocks if one.state == "held"]

    def lease(self, *addresses: str) -> None:
        """Pods that have these."""
        for address in addresses:
            self.ledger.hold(lease(address, NETWORK, container_id=f"pod-{address}"))

    def close(self) -> None:
        self._stack.close()

    def _opened(self) -> Ledger:
        ledger = open_ledger(str(self._folder / "ledger.db"), Deadline(60))
        self._stack.callback(ledger.close)
        return ledger

    def _new_keeper(self) -> Keeper:
        return Keeper(
            self.cluster,
            self.name,
            NETWORK,
            self._pools,
            limits=self._limits,
            clock_s=lambda: self.now_s,
        )
