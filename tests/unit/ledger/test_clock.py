"""The ledger's clock: it counts boots, and nothing that is done to the clock on the wall moves it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, clock, open_ledger
from cni_hns.ledger.clock import BOOT_S


class Machine:
    """Its boot and its uptime, as the clock asks for them; `opened` is a process that opens the ledger."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.boot: str | None = "first"
        self.uptime_s = 1000.0

    def boots(self, name: str = "next", uptime_s: float = 10.0) -> None:
        self.boot, self.uptime_s = name, uptime_s

    @contextlib.contextmanager
    def opened(self) -> Iterator[Ledger]:
        name = self.boot
        boot_id = None if name is None else lambda: str(name)
        ledger = open_ledger(self.path, Deadline(20), boot_id=boot_id)
        try:
            yield ledger
        finally:
            ledger.close()

    def writes(self) -> float:
        """A process writes something; the time that it reads."""
        with self.opened() as ledger:
            ledger.keep_fact("something", 1)
            return ledger.now()


@pytest.fixture
def machine(path: str, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(path)
    monkeypatch.setattr(clock, "uptime_s", lambda: made.uptime_s)
    return made


def test_seconds_of_one_boot_are_seconds(machine: Machine) -> None:
    first = machine.writes()
    machine.uptime_s += 12.5
    assert machine.writes() - first == 12.5


def test_every_time_of_a_boot_is_behind_every_time_of_the_one_before(machine: Machine) -> None:
    machine.uptime_s = 40_000_000.0
    before = machine.writes()
    for number in range(3):
        machine.boots(f"boot {number}", uptime_s=0.0)
        after = machine.writes()
        assert after > before
        before = after


def test_the_processes_of_one_boot_agree(machine: Machine) -> None:
    machine.writes()
    machine.boots()
    assert {machine.writes() for _ in range(3)} == {2 * BOOT_S + 10}


def test_two_that_are_the_first_of_a_boot_count_it_once(machine: Machine) -> None:
    machine.writes()
    machine.boots()
    with machine.opened() as one, machine.opened() as other:
        assert one.now() == other.now() == 2 * BOOT_S + 10
        one.keep_fact("one", 1)
        other.keep_fact("other", 1)
        assert one.now() == other.now() == 2 * BOOT_S + 10
    assert machine.writes() == 2 * BOOT_S + 10


def test_reading_counts_no_boot(machine: Machine) -> None:
    machine.writes()
    for name in ("second", "third"):
        machine.boots(name)
        with machine.opened() as ledger:
            assert ledger.now() == 2 * BOOT_S + 10


def test_a_boot_whose_first_transaction_came_to_nothing_is_counted_by_the_next(machine: Machine) -> None:
    """Else the next boot would get the same number, and times of two boots would be mixed."""
    machine.writes()
    machine.boots("second", uptime_s=500.0)
    with machine.opened() as ledger:
        with pytest.raises(ZeroDivisionError), ledger.transaction():
            _ = 1 / 0
        ledger.keep_fact("something", 1)
        second = ledger.now()
    machine.boots("third", uptime_s=10.0)
    assert machine.writes() > second


def test_where_boots_have_no_names_a_smaller_uptime_tells(machine: Machine) -> None:
    machine.boot = "always"
    before = machine.writes()
    machine.uptime_s += 5
    assert machine.writes() == before + 5
    machine.uptime_s = 10.0
    assert machine.writes() == 2 * BOOT_S + 10


def test_what_clocks_round_is_no_boot(machine: Machine) -> None:
    machine.boot = "always"
    before = machine.writes()
    machine.uptime_s -= 0.5
    assert machine.writes() == before - 0.5


def test_who_does_not_know_the_boot_reads_the_last_one(machine: Machine) -> None:
    machine.writes()
    machine.boots()
    now = machine.writes()
    machine.boot = None
    assert machine.writes() == now


@pytest.mark.parametrize("jump_s", [-1e8, 0.0, 1e8])
def test_the_wall_clock_is_for_showing_only(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    wall: Callable[[], float] = lambda: 1_700_000_000.0 + jump_s  # noqa: E731 - what `time.time` is then
    before = machine.writes()
    monkeypatch.setattr(time, "time", wall)
    assert machine.writes() == before
    with machine.opened() as ledger:
        assert ledger.wall(before + 60) == pytest.approx(1_700_000_060.0 + jump_s)
