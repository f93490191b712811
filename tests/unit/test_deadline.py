from __future__ import annotations

import pytest

from cni_hns import deadline as module
from cni_hns.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_budget_runs_out_and_never_below_zero(clock: Clock) -> None:
    deadline = Deadline(10.0)
    clock.now += 4
    assert (deadline.left_s(), deadline.elapsed_s(), deadline.expired) == (6.0, 4.0, False)
    clock.now += 6
    assert (deadline.left_s(), deadline.expired) == (0.0, True)
    clock.now += 1
    assert (deadline.left_s(), deadline.elapsed_s(), deadline.expired) == (0.0, 11.0, True)


def test_another_budget_counts_from_the_same_beginning(clock: Clock) -> None:
    deadline = Deadline(10.0)
    clock.now += 4
    deadline.restart(100.0)
    assert (deadline.timeout_s, deadline.left_s()) == (100.0, 96.0)
    deadline.restart(3.0)
    assert deadline.expired
