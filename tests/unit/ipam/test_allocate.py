"""Which address an attachment gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cni_hns.deadline import Deadline
from cni_hns.ipam.allocate import AddressUnavailable, RangeExhausted, allocate, used_up
from cni_hns.ipam.held import Allocated, entomb, hold_given, quarantine, release
from cni_hns.ledger import Ledger, open_ledger
from tests.unit.ipam.shorthand import DUAL, NOW, SMALL, Span, give, held, pod

ALL = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]


def fill(ledger: Ledger, count: int = 5) -> list[str]:
    return [give(ledger, pod(number))[0] for number in range(count)]


class TestOrder:
    def test_goes_up_and_leaves_the_gateway_out(self, ledger: Ledger) -> None:
        assert fill(ledger) == ALL

    def test_takes_never_used_addresses_before_released_ones(self, ledger: Ledger) -> None:
        fill(ledger, 2)
        release(ledger, pod(0))
        assert [give(ledger, pod(number))[0] for number in (5, 6, 7, 8)] == [*ALL[2:], ALL[0]]

    def test_takes_the_longest_released_address_then(self, ledger: Ledger) -> None:
        fill(ledger)
        for number in (3, 1, 4):
            release(ledger, pod(number))
        assert [give(ledger, pod(number))[0] for number in (6, 7, 8)] == [ALL[3], ALL[1], ALL[4]]

    def test_starts_behind_a_requested_address_and_wraps(self, ledger: Ledger) -> None:
        give(ledger, pod("wanting"), wanted=["10.0.0.5"])
        assert [give(ledger, pod(number))[0] for number in range(4)] == [
            "10.0.0.6",
            "10.0.0.2",
            "10.0.0.3",
            "10.0.0.4",
        ]

    def test_goes_from_range_to_range_of_a_set(self, ledger: Ledger) -> None:
        ranges = [[Span("10.1.0.0/24", "10.1.0.8", "10.1.0.9"), Span("10.0.0.0/24", "10.0.0.3", "10.0.0.3")]]
        assert [give(ledger, pod(number), ranges)[0] for number in range(3)] == [
            "10.1.0.8",
            "10.1.0.9",
            "10.0.0.3",
        ]

    def test_follows_the_cursor_of_host_local_once(self, ledger: Ledger) -> None:
        ledger.keep_cursor("net", "host-local 0", int.from_bytes(b"\xff\xff\x0a\0\0\x04"))
        assert fill(ledger, 2) == ["10.0.0.5", "10.0.0.6"]

    def test_is_each_networks_own(self, ledger: Ledger) -> None:
        fill(ledger, 2)
        assert give(ledger, pod(0)._replace(network="far")) == ["10.0.0.2"]


class TestEachSet:
    def test_gives_one_address_with_its_prefix_and_gateway(self, ledger: Ledger) -> None:
        assert allocate(ledger, pod(1), DUAL) == [
            Allocated("10.0.0.2", 29, "10.0.0.1", "10.0.0.1-10.0.0.6"),
            Allocated("fd00::2", 64, "fd00::1", "fd00::1-fd00::ff"),
        ]
        (lease, _) = ledger.leases_of(pod(1))
        assert (lease.prefix, lease.gateway, lease.range_set) == (29, "10.0.0.1", "10.0.0.1-10.0.0.6")
        assert (lease.origin, lease.state, lease.until) == ("allocated", "held", None)

    def test_that_overlaps_another_gives_another_address(self, ledger: Ledger) -> None:
        assert give(ledger, pod(1), [*SMALL, *SMALL]) == ["10.0.0.2", "10.0.0.3"]
        assert give(ledger, pod(1), [*SMALL, *SMALL]) == ["10.0.0.2", "10.0.0.3"]

    def test_that_is_exhausted_takes_back_what_the_others_gave(self, ledger: Ledger) -> None:
        narrow = [Span("fd00::/64", "fd00::2", "fd00::2")]
        give(ledger, pod(1), [SMALL[0], narrow])
        with pytest.raises(RangeExhausted):
            give(ledger, pod(2), [SMALL[0], narrow])
        assert held(ledger) == {"10.0.0.2": "pod1", "fd00::2": "pod1"}
        assert give(ledger, pod(3)) == ["10.0.0.3"]

    def test_failing_undoes_its_part_of_a_larger_transaction(self, ledger: Ledger) -> None:
        with ledger.transaction():
            ledger.keep_fact("before", 1)
            with pytest.raises(AddressUnavailable):
                give(ledger, pod(1), wanted=["10.9.9.9"])
        assert ledger.fact("before") == 1
        assert held(ledger) == {}


class TestExhaustion:
    def test_says_where_all_addresses_are(self, ledger: Ledger) -> None:
        fill(ledger)
        entomb(ledger, pod(3), NOW + 600)
        quarantine(ledger, pod(4), "10.0.0.6", NOW + 600)
        with pytest.raises(RangeExhausted) as fault:
            give(ledger, pod(9))
        usage = fault.value.usage
        assert (usage.usable, usage.reserved) == (5, 3)
        assert (usage.quarantined, usage.entombed, usage.free) == (1, 1, 0)
        assert str(fault.value).startswith(
            'range set 0 of network "net" (10.0.0.1-10.0.0.6) has no free address: 5 usable, '
            "0 held by running pods, 1 set aside after HNS refused them, 1 set aside for deleted "
            "attachments, 3 reserved; "
        )

    def test_ends_when_quarantines_and_tombstones_do(self, ledger: Ledger) -> None:
        fill(ledger)
        entomb(ledger, pod(3), NOW + 600)
        quarantine(ledger, pod(4), "10.0.0.6", NOW + 700)
        assert give(ledger, pod(8), now=NOW + 600) == ["10.0.0.5"]
        assert give(ledger, pod(9), now=NOW + 700) == ["10.0.0.6"]

    def test_is_not_reached_while_more_have_ended_than_are_freed_in_passing(self, ledger: Ledger) -> None:
        others = [[Span("fd00::/64", "fd00::2", "fd00::ff")]]
        fill(ledger)
        for number in range(20):
            give(ledger, pod(f"other{number}"), others)
            entomb(ledger, pod(f"other{number}"), NOW + 1)
        entomb(ledger, pod(3), NOW + 2)
        assert give(ledger, pod(9), now=NOW + 2) == ["10.0.0.5"]

    def test_is_not_reached_while_an_older_writing_of_the_set_left_free_addresses(
        self, ledger: Ledger
    ) -> None:
        older = [[Span("10.0.0.0/29", "10.0.0.2", "10.0.0.4")]]
        for number in range(3):
            give(ledger, pod(number), older)
            release(ledger, pod(number))
        assert {give(ledger, pod(number))[0] for number in range(5)} == set(ALL)

    def test_counts_no_reserved_address_that_somebody_holds(self, ledger: Ledger) -> None:
        """A gateway that moved onto a pod's address neither was usable nor is in use."""
        fill(ledger)
        moved = [[SMALL[0][0]._replace(gateway="10.0.0.3")]]
        release(ledger, pod(4))
        assert [give(ledger, pod(8), moved), give(ledger, pod(9), moved)] == [["10.0.0.1"], ["10.0.0.6"]]
        (usage,) = used_up(ledger, "net", moved, now=NOW)
        assert (usage.usable, usage.reserved, usage.free) == (5, 5, 0)

    def test_is_foretold_without_changing_anything(self, ledger: Ledger) -> None:
        assert used_up(ledger, "net", SMALL, now=NOW) == []
        fill(ledger)
        (usage,) = used_up(ledger, "net", DUAL, now=NOW)
        assert (usage.number, usage.ranges) == (0, "10.0.0.1-10.0.0.6")
        entomb(ledger, pod(0), NOW + 1)
        assert len(used_up(ledger, "net", SMALL, now=NOW)) == 1
        assert used_up(ledger, "net", SMALL, now=NOW + 1) == []
        release(ledger, pod(1), now=NOW)
        assert used_up(ledger, "net", SMALL, now=NOW) == []
        assert len(ledger.leases("net", all=True, now=NOW)) == 4


class TestAReleasedAddress:
    def test_that_is_the_gateway_by_now_is_passed_over(self, ledger: Ledger) -> None:
        fill(ledger)
        release(ledger, pod(0))
        release(ledger, pod(1))
        moved = [[SMALL[0][0]._replace(gateway="10.0.0.2", first="10.0.0.2")]]
        ledger.relabel_released("net", 0, 2**128 - 1, "10.0.0.2-10.0.0.6")
        assert give(ledger, pod(9), moved) == ["10.0.0.3"]


class TestRequestedAddresses:
    def test_are_given_by_the_set_they_lie_in(self, ledger: Ledger) -> None:
        assert give(ledger, pod(1), DUAL, wanted=["FD00::0:20", "10.0.0.4"]) == ["10.0.0.4", "fd00::20"]

    def test_leave_the_other_sets_as_they_are(self, ledger: Ledger) -> None:
        assert give(ledger, pod(1), DUAL, wanted=["fd00::20"]) == ["10.0.0.2", "fd00::20"]

    def test_may_have_been_released(self, ledger: Ledger) -> None:
        fill(ledger, 1)
        release(ledger, pod(0))
        assert give(ledger, pod(1), wanted=["10.0.0.2"]) == ["10.0.0.2"]

    def test_may_be_ones_whose_quarantine_is_over(self, ledger: Ledger) -> None:
        ranges = [[Span("10.0.0.0/24", "10.0.0.1", "10.0.0.20")]]
        for number in range(12):
            give(ledger, pod(number), ranges)
        for number in range(12):
            entomb(ledger, pod(number), NOW - 100 + number)
        assert give(ledger, pod("a"), ranges, wanted=["10.0.0.12"]) == ["10.0.0.12"]

    def test_may_be_what_the_attachment_has(self, ledger: Ledger) -> None:
        give(ledger, pod(1), wanted=["10.0.0.4"])
        assert give(ledger, pod(1), wanted=["10.0.0.4"]) == ["10.0.0.4"]

    def test_replace_what_the_attachment_has(self, ledger: Ledger) -> None:
        give(ledger, pod(1))
        assert give(ledger, pod(1), wanted=["10.0.0.4"]) == ["10.0.0.4"]
        assert held(ledger) == {"10.0.0.4": "pod1"}

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            pytest.param(
                ["10.0.0.1"], "10.0.0.1 is the gateway of 10.0.0.0/29; ask for another", id="gateway"
            ),
            pytest.param(["10.0.0.0"], "10.0.0.0 is the network address", id="network address"),
            pytest.param(["10.0.0.7"], "10.0.0.7 is the broadcast address", id="broadcast address"),
            pytest.param(["10.0.0.3"], "10.0.0.3 is reserved on this node", id="excluded by the caller"),
            pytest.param(["10.0.0.2"], "10.0.0.2 is held by attachment eth0 of container pod0", id="held"),
            pytest.param(["10.0.0.4"], "10.0.0.4 is set aside: HNS refused it", id="quarantined"),
            pytest.param(
                ["10.0.0.5"], "10.0.0.5 is set aside: attachment eth0 of container pod3", id="entombed"
            ),
            pytest.param(["10.0.9.9"], 'is in no range set of network "net"', id="outside"),
            pytest.param(["10.0.0.6", "10.0.0.9"], "10.0.0.9 is in no range set", id="one too many"),
        ],
    )
    def test_that_cannot_be_given_are_refused_with_the_reason(
        self, ledger: Ledger, wanted: list[str], words: str
    ) -> None:
        whole = [[Span("10.0.0.0/29", "10.0.0.0", "10.0.0.7", "10.0.0.1")]]
        for number in range(4):
            give(ledger, pod(number), whole)
        release(ledger, pod(1))
        quarantine(ledger, pod(2), "10.0.0.4", NOW + 600)
        entomb(ledger, pod(3), NOW + 600)
        before = ledger.leases("net", all=True, now=NOW)
        with pytest.raises(AddressUnavailable) as fault:
            give(ledger, pod(9), whole, wanted=wanted, excluded=["10.0.0.3"])
        assert words in str(fault.value)
        assert fault.value.address == wanted[-1]
        assert ledger.leases("net", all=True, now=NOW) == before


class TestAnAttachmentThatHasAddresses:
    def test_keeps_them(self, ledger: Ledger) -> None:
        give(ledger, pod(1), DUAL)
        assert give(ledger, pod(1), DUAL) == ["10.0.0.2", "fd00::2"]
        assert give(ledger, pod(2), DUAL) == ["10.0.0.3", "fd00::3"]

    def test_gets_its_entombed_ones_back(self, ledger: Ledger) -> None:
        fill(ledger, 3)
        entomb(ledger, pod(1), NOW + 600)
        assert give(ledger, pod(1)) == ["10.0.0.3"]
        (lease,) = ledger.leases_of(pod(1))
        assert (lease.state, lease.until) == ("held", None)

    def test_loses_those_of_sets_that_are_gone(self, ledger: Ledger) -> None:
        give(ledger, pod(1), DUAL)
        assert give(ledger, pod(1), SMALL) == ["10.0.0.2"]
        assert held(ledger) == {"10.0.0.2": "pod1"}

    def test_gets_another_where_its_own_became_the_gateway(self, ledger: Ledger) -> None:
        give(ledger, pod(1))
        assert give(ledger, pod(1), [[SMALL[0][0]._replace(gateway="10.0.0.2")]]) == ["10.0.0.3"]

    def test_gets_preferred_ones_that_are_free(self, ledger: Ledger) -> None:
        fill(ledger, 2)
        assert give(ledger, pod(5), prefer=["10.0.0.3", "10.0.0.9", "10.0.0.5"]) == ["10.0.0.5"]
        assert give(ledger, pod(6), prefer=["10.0.0.3", "10.0.0.1"]) == ["10.0.0.4"]


class TestRelease:
    def test_frees_all_and_tells_what_it_freed(self, ledger: Ledger) -> None:
        give(ledger, pod(1), DUAL)
        assert [lease.address for lease in release(ledger, pod(1))] == ["10.0.0.2", "fd00::2"]
        assert held(ledger) == {}
        assert release(ledger, pod(1)) == []

    def test_frees_entombed_ones_too(self, ledger: Ledger) -> None:
        give(ledger, pod(1))
        entomb(ledger, pod(1), NOW + 600)
        release(ledger, pod(1), now=NOW)
        assert ledger.leases(all=True, now=NOW) == []

    def test_leaves_other_interfaces_and_quarantined_addresses_alone(self, ledger: Ledger) -> None:
        give(ledger, pod(1))
        give(ledger, pod(1, "eth1"))
        quarantine(ledger, pod(1), "10.0.0.2", NOW + 600)
        assert release(ledger, pod(1), now=NOW) == []
        assert [lease.address for lease in ledger.leases(all=True, now=NOW)] == ["10.0.0.2", "10.0.0.3"]


class TestQuarantine:
    def test_makes_way_for_the_next_address(self, ledger: Ledger) -> None:
        give(ledger, pod(1), DUAL)
        with ledger.transaction():
            quarantine(ledger, pod(1), "10.0.0.2", NOW + 600)
            assert give(ledger, pod(1), DUAL) == ["10.0.0.3", "fd00::2"]
        assert ledger.leases("net", all=True, now=NOW)[0].state == "quarantined"

    def test_of_an_address_that_nobody_holds_sets_it_aside(self, ledger: Ledger) -> None:
        quarantine(ledger, pod(1), "10.0.0.2", NOW + 600)
        assert give(ledger, pod(2)) == ["10.0.0.3"]

    def test_of_an_address_that_another_holds_changes_nothing(self, ledger: Ledger) -> None:
        fill(ledger, 1)
        quarantine(ledger, pod(1), "10.0.0.2", NOW + 600)
        assert held(ledger) == {"10.0.0.2": "pod0"}


class TestAddressesThatHnsChose:
    GIVEN = (Allocated("10.0.0.4", 29, "10.0.0.1", ""), Allocated("fd00::9", 64, None, ""))

    def test_are_written_down(self, ledger: Ledger) -> None:
        hold_given(ledger, pod(1), self.GIVEN)
        assert [(one.address, one.prefix, one.gateway, one.origin) for one in ledger.leases_of(pod(1))] == [
            ("10.0.0.4", 29, "10.0.0.1", "hns"),
            ("fd00::9", 64, None, "hns"),
        ]

    def test_take_the_place_of_the_former_ones_whoever_had_them(self, ledger: Ledger) -> None:
        hold_given(ledger, pod(1), self.GIVEN)
        give(ledger, pod(2))
        hold_given(ledger, pod(1), [Allocated("10.0.0.2", 29, None, "")])
        assert held(ledger) == {"10.0.0.2": "pod1"}


FULL = [[Span("10.0.0.0/16", "10.0.0.1", "10.0.1.44")]]
WIDE = [[Span("10.0.0.0/16", "10.0.0.0", "10.0.255.255", "10.0.100.0")]]
STEPS: list[tuple[str, Callable[[Ledger], object]]] = [
    ("the next address", lambda ledger: give(ledger, pod("new"), WIDE)),
    ("a requested address", lambda ledger: give(ledger, pod("new"), WIDE, wanted=["10.0.200.1"])),
    ("a released address", lambda ledger: give(ledger, pod("new"), FULL)),
    ("a release", lambda ledger: release(ledger, pod(4), now=NOW)),
    ("a tombstone", lambda ledger: entomb(ledger, pod(4), NOW)),
    ("a quarantine", lambda ledger: quarantine(ledger, pod(4), "10.0.0.5", NOW)),
    ("a warning", lambda ledger: used_up(ledger, "net", [*FULL, *WIDE], now=NOW)),
]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[name for name, _ in STEPS])
def test_the_work_does_not_grow_with_the_leases(
    tmp_path: Path, name: str, step: Callable[[Ledger], object]
) -> None:
    """Counts the instructions of SQLite's virtual machine: a search is one, whatever it searches."""
    counts = []
    for leases in (10, 2000):
        ledger = open_ledger(str(tmp_path / str(leases) / "ledger.db"), Deadline(60))
        with ledger.transaction():
            for number in range(300):
                give(ledger, pod(number), FULL)
            for number in range(0, 300, 3):
                release(ledger, pod(number))
            for number in range(leases):
                give(
                    ledger,
                    pod(f"wide{number}"),
                    WIDE,
                    wanted=[f"10.0.{8 + number // 100}.{number % 100 * 2 + 1}"],
                )
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
