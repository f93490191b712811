"""Whatever happens in whatever order: no two attachments have one address."""

from __future__ import annotations

import shutil
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cni_hns.deadline import Deadline
from cni_hns.ipam.allocate import AddressUnavailable, RangeExhausted
from cni_hns.ipam.held import entomb, quarantine, release
from cni_hns.ledger import Ledger, open_ledger
from cni_hns.ledger.addresses import address_text, from_blob
from tests.unit.ipam.shorthand import NOW, give, pod

PODS = st.integers(0, 7)
POOL = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]


class Node(RuleBasedStateMachine):
    """The ledger against plain containers: what is held, what is set aside, what was freed in what order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.now = NOW
        self.held: dict[int, str] = {}
        self.tombs: dict[int, tuple[str, float]] = {}
        self.quarantined: dict[str, float] = {}
        self.line: list[str] = []
        self.last: str | None = None

    @initialize()
    def opens(self) -> None:
        self.ledger: Ledger = open_ledger(f"{self.folder}/ledger.db", Deadline(60))

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()
        shutil.rmtree(self.folder)

    @rule(number=PODS)
    def add(self, number: int) -> None:
        self._end()
        expected = self._expected(number)
        try:
            (given,) = give(self.ledger, pod(number), now=self.now)
        except RangeExhausted:
            assert expected is None
            return
        assert given == expected
        self._took(number, given)

    @rule(number=PODS, address=st.sampled_from(POOL))
    def request(self, number: int, address: str) -> None:
        self._end()
        taken_by = [other for other, one in self.held.items() if one == address and other != number]
        aside = address in self.quarantined or address in [
            one for other, (one, _) in self.tombs.items() if other != number
        ]
        try:
            (given,) = give(self.ledger, pod(number), now=self.now, wanted=[address])
        except AddressUnavailable:
            assert taken_by or aside
            return
        assert not taken_by
        assert not aside
        assert given == address
        before = self.held.get(number) or self.tombs.get(number, (None, 0.0))[0]
        if before is not None and before != address:
            self.line.append(before)
        if before != address:
            self.last = address
        self.tombs.pop(number, None)
        if address in self.line:
            self.line.remove(address)
        self.held[number] = address

    @rule(number=PODS)
    def delete(self, number: int) -> None:
        self._end()
        released = [lease.address for lease in release(self.ledger, pod(number), now=self.now)]
        mine = self.held.pop(number, None) or self.tombs.pop(number, (None, 0.0))[0]
        assert released == ([] if mine is None else [mine])
        self.line += released

    @precondition(lambda self: self.held)
    @rule(data=st.data(), seconds=st.integers(1, 50))
    def set_aside(self, data: st.DataObject, seconds: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        address = self.held.pop(number)
        if seconds % 2:
            quarantine(self.ledger, pod(number), address, self.now + seconds)
            self.quarantined[address] = self.now + seconds
        else:
            entomb(self.ledger, pod(number), self.now + seconds)
            self.tombs[number] = (address, self.now + seconds)

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def the_process_ends(self) -> None:
        self.ledger.close()
        self.ledger = open_ledger(f"{self.folder}/ledger.db", Deadline(60))

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        if not hasattr(self, "ledger"):
            return
        held = {lease.container_id: lease.address for lease in self.ledger.leases()}
        assert held == {f"pod{number}": address for number, address in self.held.items()}
        everything = [
            *self.held.values(),
            *(address for address, _ in self.tombs.values()),
            *self.quarantined,
        ]
        assert len(everything) == len(set(everything))

    @invariant()
    def runs_are_what_is_leased_or_released(self) -> None:
        if not hasattr(self, "ledger"):
            return
        runs = self.ledger._rows("SELECT first, last FROM runs")
        covered = sorted(
            address for first, last in runs for address in range(from_blob(first), from_blob(last) + 1)
        )
        rows = self.ledger._rows("SELECT address FROM leases UNION ALL SELECT address FROM released")
        assert covered == sorted(from_blob(blob) for (blob,) in rows)

    def _end(self) -> None:
        """What is over goes to the end of the line, the longest over first."""
        over = [(until, address) for address, until in self.quarantined.items() if until <= self.now]
        over += [(until, address) for address, until in self.tombs.values() if until <= self.now]
        # Of two that ended together, either may be first: make the ledger's order this one's.
        self.ledger.free_ended("net", self.now, -1)
        self.quarantined = {one: until for one, until in self.quarantined.items() if until > self.now}
        self.tombs = {number: (one, until) for number, (one, until) in self.tombs.items() if until > self.now}
        order = self.ledger.longest_released("net", "10.0.0.1-10.0.0.6", 99)
        ended = {address for _, address in over}
        self.line += [text for text in map(address_text, order) if text in ended]

    def _expected(self, number: int) -> str | None:
        """host-local's turn over the addresses that were never used, then the head of the line."""
        own = self.held.get(number) or self.tombs.get(number, (None, 0.0))[0]
        if own is not None:
            return own
        used = {*self.held.values(), *self.quarantined, *self.line, *(one for one, _ in self.tombs.values())}
        start = 0 if self.last is None else POOL.index(self.last) + 1
        turn = [*POOL[start:], *POOL[:start]]
        never = [address for address in turn if address not in used]
        waiting = never or self.line
        return waiting[0] if waiting else None

    def _took(self, number: int, address: str) -> None:
        if self.held.get(number) is None and number not in self.tombs:
            self.last = address
        self.tombs.pop(number, None)
        if address in self.line:
            self.line.remove(address)
        self.held[number] = address


TestNode = Node.TestCase
TestNode.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
