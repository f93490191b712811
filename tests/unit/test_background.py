from __future__ import annotations

import _thread
import sys
import threading
import time

import pytest

from cni_hns.background import Alarm, finishes_within

SECONDS_AT_MOST = 30


def until_none_runs_besides(before: int) -> None:
    """Wait until there are no more threads than there were; the test's own time limit bounds it."""
    while _thread._count() > before:
        time.sleep(0.001)


class TestAnAlarm:
    def test_rings_when_the_time_is_over(self) -> None:
        rung = threading.Event()
        Alarm(rung.set).set(0.01)
        assert rung.wait(SECONDS_AT_MOST)

    def test_that_is_cancelled_does_not_ring_and_its_thread_ends(self) -> None:
        before = _thread._count()
        alarm = Alarm(lambda: pytest.fail("it rings"))
        alarm.set(600)
        alarm.cancel()
        until_none_runs_besides(before)

    def test_may_be_cancelled_without_being_set(self) -> None:
        Alarm(lambda: pytest.fail("it rings")).cancel()


class TestWorkWithinBounds:
    def test_that_is_done_in_time(self) -> None:
        done: list[int] = []
        assert finishes_within(SECONDS_AT_MOST, lambda: done.append(_thread.get_ident()))
        assert done
        assert done != [_thread.get_ident()]

    def test_that_takes_longer_is_left_to_itself(self) -> None:
        released = threading.Event()
        assert not finishes_within(0.01, lambda: released.wait(SECONDS_AT_MOST))
        released.set()

    def test_that_fails_has_ended_too_and_python_tells_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[type[BaseException]] = []
        monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
        before = _thread._count()

        def fails() -> None:
            raise ValueError

        assert finishes_within(SECONDS_AT_MOST, fails)
        until_none_runs_besides(before)
        assert told == [ValueError]
