"""What happens to a cluster of simulated nodes with agents: each event once, with no eye on the clock."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from tests.cluster.journal import Journal
from tests.cluster.many import Cluster, cluster
from tests.lane import Lane


@pytest.mark.parametrize("mode", ["overlay", "l2bridge"])
@pytest.mark.timeout(600)
def test_events_change_only_what_they_concern(mode: str, tmp_path: Path, lane: Lane) -> None:
    journal = Journal(math.inf)
    chance = random.Random(1)  # noqa: S311 - chance that can be repeated, no secret
    events = [
        *(Cluster.add_pods, Cluster.let_leave, Cluster.add_pods, Cluster.let_come_back),
        *(Cluster.kill_agent, Cluster.restart_hns, Cluster.lose_api, Cluster.delete_pods),
    ]
    with cluster(tmp_path, lane, 3, mode, journal) as there:
        there.await_ready()
        for event in events:
            event(there, chance)
            there.look()
        there.empty()
    assert journal.failures == []
