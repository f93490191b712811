from __future__ import annotations

import _thread
import queue
import sys
import threading
from collections.abc import Callable

import pytest

from cni_hns.background import Alarm, finishes_within

pytestmark = pytest.mark.usefixtures("join_threads")

SECONDS_AT_MOST = 30


class TestAnAlarm:
    def test_rings_when_the_time_is_over(self) -> None:
        rung = threading.Event()
        Alarm(rung.set).set(0.01)
        assert rung.wait(SECONDS_AT_MOST)

    def test_that_is_cancelled_does_not_ring_and_its_thread_ends(
        self, join_threads: Callable[[], None]
    ) -> None:
        alarm = Alarm(lambda: pytest.fail("it rings"))
        alarm.set(600)
        alarm.cancel()
        join_threads()

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
        told: queue.Queue[type[BaseException]] = queue.Queue()
        monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.put(unraisable.exc_type))

        def fails() -> None:
            raise ValueError

        assert finishes_within(SECONDS_AT_MOST, fails)
        assert told.get(timeout=SECONDS_AT_MOST) is ValueError
