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
        Alarm(rung.set, lambda: 0.01).set()
        assert rung.wait(SECONDS_AT_MOST)

    def test_that_is_cancelled_does_not_ring_and_its_thread_ends(
        self, join_threads: Callable[[], None]
    ) -> None:
        alarm = Alarm(lambda: pytest.fail("it rings"), lambda: 600)
        alarm.set()
        alarm.cancel()
        join_threads()

    def test_may_be_cancelled_without_being_set(self) -> None:
        Alarm(lambda: pytest.fail("it rings"), lambda: 600).cancel()

    def test_that_is_told_of_a_shorter_time_rings_then(self) -> None:
        rung = threading.Event()
        left_s = [600.0]
        alarm = Alarm(rung.set, lambda: left_s[0])
        alarm.set()
        left_s[0] = 0.01
        alarm.look_again()
        assert rung.wait(SECONDS_AT_MOST)

    def test_that_is_told_twice_before_it_looks_may_be_cancelled_still(
        self, join_threads: Callable[[], None]
    ) -> None:
        alarm = Alarm(lambda: pytest.fail("it rings"), lambda: 600)
        alarm.look_again()
        alarm.look_again()
        alarm.cancel()
        alarm.cancel()
        alarm.set()
        join_threads()


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
