"""Leases, and the runs of unavailable addresses that are kept beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cni_hns.deadline import Deadline
from cni_hns.ledger import Ledger, LedgerFault, open_ledger
from cni_hns.ledger import leases as leases_module
from cni_hns.ledger.addresses import address_key, address_text, as_blob, from_blob
from tests.unit.ledger.shorthand import KEY, NOW, add, dead, lease, ready

FIRST = address_key("10.0.0.0")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.255", "10.0.0.255"),
        ("0.0.0.1", "0.0.0.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("FD00:0::2", "fd00::2"),
        ("::", "::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        pytest.param("::ffff:10.0.0.1", "10.0.0.1", id="an IPv4 address in IPv6 spelling is itself"),
        pytest.param("::a00:1", "::a00:1", id="an IPv6 address with an IPv4 address's number is not"),
    ],
)
def test_an_address_survives_its_key(text: str, canonical: str) -> None:
    key = address_key(text)
    assert address_text(from_blob(as_blob(key))) == canonical


@given(st.ip_addresses(), st.ip_addresses())
def test_keys_sort_as_addresses_of_one_family_do_and_never_meet(left: object, right: object) -> None:
    keys = address_key(str(left)), address_key(str(right))
    if type(left) is type(right):
        assert (keys[0] < keys[1]) == (left < right)  # type: ignore[operator]
    assert (keys[0] == keys[1]) == (address_text(keys[0]) == address_text(keys[1]))


def runs_of(ledger: Ledger, network: str = "net") -> list[tuple[int, int]]:
    rows = ledger._rows("SELECT first, last FROM runs WHERE network = ? ORDER BY first", (network,))
    return [(from_blob(first), from_blob(last)) for first, last in rows]


def runs_recomputed(ledger: Ledger, network: str = "net") -> list[tuple[int, int]]:
    rows = ledger._rows(
        "SELECT address FROM leases WHERE network = ?1 "
        "UNION ALL SELECT address FROM released WHERE network = ?1 ORDER BY address",
        (network,),
    )
    runs: list[tuple[int, int]] = []
    for (blob,) in rows:
        address = from_blob(blob)
        if runs and runs[-1][1] == address - 1:
            runs[-1] = (runs[-1][0], address)
        else:
            runs.append((address, address))
    return runs


class TestRuns:
    @pytest.mark.parametrize(
        ("taken", "runs"),
        [
            pytest.param([5], [(5, 5)], id="one address"),
            pytest.param([5, 6], [(5, 6)], id="joins the one before it"),
            pytest.param([6, 5], [(5, 6)], id="joins the one after it"),
            pytest.param([5, 7, 6], [(5, 7)], id="joins both"),
            pytest.param([5, 7], [(5, 5), (7, 7)], id="joins neither"),
        ],
    )
    def test_grow_by_what_is_held(
        self, ledger: Ledger, taken: list[int], runs: list[tuple[int, int]]
    ) -> None:
        for address in taken:
            ledger.hold(lease(FIRST + address))
        assert runs_of(ledger) == [(FIRST + first, FIRST + last) for first, last in runs]

    def test_keep_what_is_released(self, ledger: Ledger) -> None:
        ledger.hold(lease(FIRST))
        ledger.free("net", FIRST)
        assert runs_of(ledger) == [(FIRST, FIRST)]
        assert ledger.longest_released("net", "set", 9) == [FIRST]

    @pytest.mark.parametrize(
        ("address", "runs"),
        [
            pytest.param(0, [(1, 4)], id="from its beginning"),
            pytest.param(2, [(0, 1), (3, 4)], id="from its middle"),
            pytest.param(4, [(0, 3)], id="from its end"),
        ],
    )
    def test_shrink_by_what_was_released_long_ago(
        self,
        ledger: Ledger,
        monkeypatch: pytest.MonkeyPatch,
        address: int,
        runs: list[tuple[int, int]],
    ) -> None:
        monkeypatch.setattr(leases_module, "KEPT", 1)
        for held in range(5):
            ledger.hold(lease(FIRST + held))
        ledger.hold(lease("10.9.9.9"))
        ledger.free("net", FIRST + address)
        ledger.free("net", address_key("10.9.9.9"))
        far = address_key("10.9.9.9")
        assert runs_of(ledger) == [*((FIRST + first, FIRST + last) for first, last in runs), (far, far)]
        assert ledger.first_unused("net", FIRST + address, FIRST + 9) == FIRST + address

    def test_reach_the_last_address_there_is(self, ledger: Ledger) -> None:
        last = address_key("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")
        ledger.hold(lease(last))
        assert ledger.first_unused("net", last, last) is None

    def test_of_one_network_say_nothing_of_another(self, ledger: Ledger) -> None:
        ledger.hold(lease(FIRST))
        ledger.hold(lease(FIRST, network="far"))
        assert runs_of(ledger) == runs_of(ledger, "far") == [(FIRST, FIRST)]
        assert ledger.first_unused("third", FIRST, FIRST) == FIRST

    @pytest.mark.parametrize("runs", ["none", "too many"])
    def test_that_contradict_the_leases_are_damage(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, runs: str
    ) -> None:
        monkeypatch.setattr(leases_module, "KEPT", 0)
        if runs == "none":
            ledger.hold(lease(FIRST))
            ledger._run("DELETE FROM runs")
            with pytest.raises(LedgerFault, match=r"disagree about 10.0.0.0; rebuild"):
                ledger.free("net", FIRST)
        else:
            ledger._put_run("net", FIRST, FIRST)
            with pytest.raises(LedgerFault, match=r"disagree about 10.0.0.0; rebuild"):
                ledger.hold(lease(FIRST))


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["hold", "free", "set aside", "end"]), st.integers(0, 12)), max_size=60
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, kept=st.integers(0, 6))
def test_runs_always_equal_what_the_leases_say(
    operations: list[tuple[str, int]], kept: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ledger = open_ledger(str(tmp_path_factory.mktemp("ledger") / "ledger.db"), Deadline(60))
    before, leases_module.KEPT = leases_module.KEPT, kept
    try:
        for operation, offset in operations:
            address = FIRST + offset
            there = ledger.lease_at("net", address)
            if operation == "hold" and there is None:
                ledger.hold(lease(address))
            elif operation == "free":
                assert ledger.free("net", address) == (there is not None)
            elif operation == "set aside" and there is not None:
                ledger.change_lease(there._replace(state="quarantined", until=NOW + offset))
            elif operation == "end":
                ledger.free_ended("net", NOW + offset, 3)
            assert runs_of(ledger) == runs_recomputed(ledger)
            free = [
                one
                for one in range(FIRST, FIRST + 13)
                if not any(first <= one <= last for first, last in runs_of(ledger))
            ]
            assert ledger.first_unused("net", FIRST, FIRST + 12) == (free[0] if free else None)
    finally:
        leases_module.KEPT = before
        ledger.close()


class TestAnAddress:
    def test_has_one_owner_per_network(self, ledger: Ledger) -> None:
        ledger.hold(lease(FIRST))
        with pytest.raises(LedgerFault):
            ledger.hold(lease(FIRST, container_id="another"))
        assert [one.container_id for one in ledger.leases()] == ["container"]

    def test_has_one_owner_whatever_the_runs_say(self, ledger: Ledger) -> None:
        ledger.hold(lease(FIRST))
        ledger._run("DELETE FROM runs")
        with pytest.raises(LedgerFault):
            ledger.hold(lease(FIRST, container_id="another"))
        assert runs_of(ledger) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"state": "quarantined", "until": None},
            {"state": "held", "until": NOW},
            {"state": "lent", "until": None},
            {"origin": "guessed"},
        ],
        ids=str,
    )
    def test_has_only_states_that_make_sense(self, ledger: Ledger, changes: dict[str, object]) -> None:
        with pytest.raises(LedgerFault):
            ledger.hold(lease(FIRST, **changes))  # type: ignore[arg-type]
        assert runs_of(ledger) == []

    def test_that_is_not_leased_cannot_be_freed(self, ledger: Ledger) -> None:
        assert not ledger.free("net", FIRST)
        assert ledger.longest_released("net", "set", 1) == []


class TestReleasedAddresses:
    def test_wait_in_the_order_of_their_release(self, ledger: Ledger) -> None:
        for offset in (1, 2, 3):
            ledger.hold(lease(FIRST + offset))
        for offset in (2, 3, 1):
            ledger.free("net", FIRST + offset)
        assert ledger.longest_released("net", "set", 2) == [FIRST + 2, FIRST + 3]

    def test_of_another_writing_of_the_set_are_found_by_number(self, ledger: Ledger) -> None:
        for offset in (1, 2, 3):
            ledger.hold(lease(FIRST + offset, range_set="old"))
            ledger.free("net", FIRST + offset)
        assert ledger.relabel_released("net", FIRST + 2, FIRST + 9, "set") == 2
        assert ledger.relabel_released("net", FIRST + 2, FIRST + 9, "set") == 0
        assert ledger.longest_released("net", "set", 9) == [FIRST + 2, FIRST + 3]

    def test_count_as_never_used_after_many_more_releases(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases_module, "KEPT", 3)
        for offset in range(10):
            ledger.hold(lease(FIRST + offset))
        for offset in range(10):
            ledger.free("net", FIRST + offset)
        assert ledger.longest_released("net", "set", 99) == [FIRST + offset for offset in (7, 8, 9)]
        assert runs_of(ledger) == runs_recomputed(ledger) == [(FIRST + 7, FIRST + 9)]

    def test_of_all_networks_share_one_line(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases_module, "KEPT", 1)
        for network in ("near", "far"):
            ledger.hold(lease(FIRST, network=network))
            ledger.free(network, FIRST)
        assert runs_of(ledger, "near") == []
        assert runs_of(ledger, "far") == [(FIRST, FIRST)]


class TestEndedLeases:
    def test_are_freed_oldest_first_and_never_before_their_time(self, ledger: Ledger) -> None:
        for offset in range(4):
            ledger.hold(lease(FIRST + offset, state="entombed", until=NOW - offset))
        ledger.hold(lease(FIRST + 9, state="quarantined", until=NOW + 1))
        assert ledger.free_ended("net", NOW, 3) == 3
        assert ledger.longest_released("net", "set", 9) == [FIRST + 3, FIRST + 2, FIRST + 1]
        assert ledger.free_ended("net", NOW, -1) == 1
        assert [one.address for one in ledger.leases(all=True, now=NOW)] == ["10.0.0.9"]

    def test_of_another_network_stay(self, ledger: Ledger) -> None:
        ledger.hold(lease(FIRST, network="far", state="entombed", until=NOW))
        assert ledger.free_ended("net", NOW, -1) == 0


class TestListing:
    @pytest.fixture(autouse=True)
    def some(self, ledger: Ledger) -> None:
        ledger.hold(lease("fd00::1"))
        ledger.hold(lease("10.0.0.10", container_id="b"))
        ledger.hold(lease("10.0.0.9", state="quarantined", until=NOW + 1))
        ledger.hold(lease("10.0.0.8", state="entombed", until=NOW - 1))
        ledger.hold(lease("10.0.0.7", network="far"))

    def test_shows_what_is_held_by_address(self, ledger: Ledger) -> None:
        assert [one.id for one in ledger.leases()] == ["far/10.0.0.7", "net/10.0.0.10", "net/fd00::1"]
        assert [one.id for one in ledger.leases("far")] == ["far/10.0.0.7"]

    def test_shows_on_request_what_is_set_aside_and_not_over(self, ledger: Ledger) -> None:
        shown = [one.id for one in ledger.leases("net", all=True, now=NOW)]
        assert shown == ["net/10.0.0.9", "net/10.0.0.10", "net/fd00::1"]

    def test_counts_by_state(self, ledger: Ledger) -> None:
        counts = ledger.count_leases("net", FIRST, FIRST + 255, NOW)
        assert counts == {"reserved": 1, "quarantined": 1}

    def test_knows_what_an_attachment_has(self, ledger: Ledger) -> None:
        assert [one.address for one in ledger.leases_of(KEY)] == ["10.0.0.8", "fd00::1"]
        assert ledger.leases_of(KEY._replace(ifname="eth1")) == []

    def test_knows_containers_without_an_interface_name(self, ledger: Ledger) -> None:
        ledger.hold(lease("10.0.0.20", container_id="old", ifname=""))
        assert [one.address for one in ledger.leases_of(KEY._replace(container_id="old"))] == ["10.0.0.20"]


def test_a_cursor_is_kept_by_network_and_range_set(ledger: Ledger) -> None:
    ledger.keep_cursor("net", "set", FIRST)
    ledger.keep_cursor("net", "set", FIRST + 1)
    assert ledger.cursor("net", "set") == FIRST + 1
    assert ledger.cursor("net", "other") is None
    assert ledger.cursor("far", "set") is None


STEPS: list[tuple[str, Callable[[Ledger], object]]] = [
    ("first_unused", lambda ledger: ledger.first_unused("net", FIRST + 501, FIRST + 60_000)),
    ("longest_released", lambda ledger: ledger.longest_released("net", "set", 3)),
    ("lease_at", lambda ledger: ledger.lease_at("net", FIRST + 200)),
    ("leases_of", lambda ledger: ledger.leases_of(KEY._replace(container_id="c300"))),
    ("hold", lambda ledger: ledger.hold(lease(FIRST + 301))),
    ("free", lambda ledger: ledger.free("net", FIRST + 300)),
    ("free_ended", lambda ledger: ledger.free_ended("net", NOW, 8)),
    ("cursor", lambda ledger: ledger.cursor("net", "set")),
    ("attachment", lambda ledger: ledger.attachment(KEY)),
    ("stale", lambda ledger: ledger.stale("net", dead, NOW, 2)),
]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[name for name, _ in STEPS])
def test_the_work_of_a_step_does_not_grow_with_the_leases(
    tmp_path: Path, name: str, step: Callable[[Ledger], object]
) -> None:
    """Counts the instructions of SQLite's virtual machine: a search is one, whatever it searches."""
    counts = []
    for leases in (300, 3000):
        ledger = open_ledger(str(tmp_path / str(leases) / "ledger.db"), Deadline(60))
        with ledger.transaction():
            # Every second address: as many runs as leases, the worst there is.
            for number in range(leases):
                ledger.hold(lease(FIRST + 2 * number, container_id=f"c{2 * number}"))
            for number in range(0, leases, 3):
                ledger.free("net", FIRST + 2 * number)
                ready(ledger, KEY._replace(container_id=f"c{2 * number}"))
            add(ledger)
        counts.append(_instructions(ledger, step))
        ledger.close()
    assert counts[0] == counts[1]


def _instructions(ledger: Ledger, step: Callable[[Ledger], object]) -> int:
    count = 0

    def counted() -> int:
        nonlocal count
        count += 1
        return 0

    ledger._connection.set_progress_handler(counted, 1)
    step(ledger)
    ledger._connection.set_progress_handler(None, 0)
    return count
