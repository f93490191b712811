"""A keeper at work in a thread, on mirrors: it begins by itself, outlives what fails, and ends when told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cni_hns.cluster.api.asked import Resource
from cni_hns.cluster.api.client import Api, Listing, WatchEvent
from cni_hns.cluster.api.faults import Away, Closed
from cni_hns.cluster.api.mirror import Pauses
from cni_hns.cluster.pools.blocks import POOLS
from cni_hns.cluster.pools.keeper import Keeper
from cni_hns.cluster.pools.running import Running
from cni_hns.cluster.pools.step import Outcome
from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, LedgerFault, open_ledger
from cni_hns.ledger.blocks import Blocks
from tests.unit.cluster.pools.cluster import LIMITS, NETWORK, Cluster

_PAUSES = Pauses(0.01, 0.02)
_LONG_S = 60.0


class Collections:
    """Lists of the cluster, and watches in which nothing happens until they are closed."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._closed = threading.Event()

    def twin(self) -> Collections:
        return Collections(self._cluster)

    def close(self) -> None:
        self._closed.set()

    def list(self, resource: Resource, **_: Any) -> Listing:
        shelf = self._cluster.pools if resource == POOLS else self._cluster.blocks
        return Listing(list(shelf.objects().values()), "1")

    def watch(self, *_: Any, **__: Any) -> Iterator[WatchEvent]:
        self._closed.wait()
        raise Closed("closed")
        yield


class Told:
    """What was told, to be waited for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._outcomes: list[Outcome] = []

    def __call__(self, outcome: Outcome) -> None:
        with self._changed:
            self._outcomes.append(outcome)
            self._changed.notify_all()

    def wait_for(self, fits: Callable[[Outcome], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(fits, self._outcomes)), _LONG_S)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def open_(tmp_path: Path) -> Callable[[], Ledger]:
    return lambda: open_ledger(str(tmp_path / "state" / "ledger.db"), Deadline(_LONG_S))


def running(cluster: Cluster, told: Told, open_: Callable[[], Ledger], *pools: str) -> Running:
    cluster.node("win-1")
    keeper = Keeper(cluster, "win-1", NETWORK, pools, limits=LIMITS)
    api = cast("Api", Collections(cluster))
    return Running(api, keeper, cluster.nodes, open_, told, pauses=_PAUSES)


def test_a_block_is_claimed_without_anybody_asking(
    cluster: Cluster, told: Told, open_: Callable[[], Ledger]
) -> None:
    one = running(cluster, told, open_, "blue")
    one.start()
    told.wait_for(lambda outcome: any("is claimed" in line for line in outcome.lines))
    one.stop()
    ledger = open_()
    assert {block.prefix: "win-1" for block in Blocks(ledger).all()} == cluster.holders()
    ledger.close()


def test_an_api_that_is_away_is_told_and_tried_again(
    cluster: Cluster, told: Told, open_: Callable[[], Ledger]
) -> None:
    cluster.fault = Away("away")
    one = running(cluster, told, open_, "blue")
    one.start()
    told.wait_for(lambda outcome: isinstance(outcome.fault, Away))
    cluster.fault = None
    told.wait_for(lambda outcome: outcome.lines)
    one.stop()


def test_a_ledger_that_cannot_be_used_ends_nothing(
    cluster: Cluster, told: Told, open_: Callable[[], Ledger]
) -> None:
    faults = [LedgerFault("ledger.db", "is damaged")]

    def opened() -> Ledger:
        if faults:
            raise faults.pop()
        return open_()

    one = running(cluster, told, opened, "blue")
    one.start()
    told.wait_for(lambda outcome: [trouble.reason for trouble in outcome.troubles] == ["LedgerFault"])
    told.wait_for(lambda outcome: outcome.lines)
    one.stop()


def test_without_a_pool_it_ends_by_itself_once_the_node_has_no_block(
    cluster: Cluster, told: Told, open_: Callable[[], Ledger]
) -> None:
    before = set(threading.enumerate())
    one = running(cluster, told, open_)
    one.start()
    begun = set(threading.enumerate()) - before
    told.wait_for(lambda outcome: outcome.is_over)
    for thread in begun:
        thread.join(_LONG_S)
    assert not [thread for thread in begun if thread.is_alive()]
    one.stop()
