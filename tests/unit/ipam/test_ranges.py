"""Range sets as arithmetic."""

from __future__ import annotations

import pytest

from cni_hns.ipam.ranges import range_sets_of
from cni_hns.ledger.addresses import address_key, address_text
from tests.unit.ipam.shorthand import SMALL, Span

TWO_RANGES = [[Span("10.0.0.0/24", "10.0.0.10", "10.0.0.12"), Span("10.0.5.0/24", "10.0.5.3", "10.0.5.4")]]


class TestWhatNoPodGets:
    @pytest.mark.parametrize(
        ("span", "excluded", "left_out", "size"),
        [
            pytest.param(
                Span("10.0.0.0/29", "10.0.0.0", "10.0.0.7", "10.0.0.1"),
                [],
                {"10.0.0.0", "10.0.0.1", "10.0.0.7"},
                5,
                id="network, gateway and broadcast address, though the range has them",
            ),
            pytest.param(
                Span("10.0.0.0/24", "10.0.0.4", "10.0.0.6", "10.0.0.1"),
                [],
                set(),
                3,
                id="none lies in the range",
            ),
            pytest.param(
                Span("10.0.0.0/24", "10.0.0.4", "10.0.0.6", "10.9.9.9"),
                [],
                set(),
                3,
                id="a gateway elsewhere",
            ),
            pytest.param(
                Span("10.0.0.0/24", "10.0.0.4", "10.0.0.6"),
                ["10.0.0.5", "10.0.0.5"],
                {"10.0.0.5"},
                2,
                id="reserved",
            ),
            pytest.param(
                Span("fd00::/64", "fd00::", "fd00::ffff:ffff:ffff:ffff", None),
                [],
                {"fd00::"},
                2**64 - 1,
                id="IPv6 has a network address and no broadcast address",
            ),
        ],
    )
    def test_is_left_out(self, span: Span, excluded: list[str], left_out: set[str], size: int) -> None:
        (range_set,) = range_sets_of([[span]], excluded)
        assert {address_text(address) for address in range_set.left_out_here()} == left_out
        assert range_set.size == size

    def test_includes_the_gateways_of_the_other_sets(self) -> None:
        first, _ = range_sets_of([[Span("10.0.0.0/24", "10.0.0.2", "10.0.0.9")], SMALL[0]])
        assert first.left_out[address_key("10.0.0.1")] == "the gateway of 10.0.0.0/29"


class TestATurn:
    @pytest.mark.parametrize(
        ("after", "spans"),
        [
            pytest.param(None, ["10.0.0.10-10.0.0.12", "10.0.5.3-10.0.5.4"], id="from the beginning"),
            pytest.param(
                "10.9.9.9", ["10.0.0.10-10.0.0.12", "10.0.5.3-10.0.5.4"], id="from an address elsewhere"
            ),
            pytest.param(
                "10.0.0.11",
                ["10.0.0.12-10.0.0.12", "10.0.5.3-10.0.5.4", "10.0.0.10-10.0.0.11"],
                id="from the middle",
            ),
            pytest.param(
                "10.0.5.4",
                ["10.0.5.5-10.0.5.4", "10.0.0.10-10.0.0.12", "10.0.5.3-10.0.5.4"],
                id="wraps to the start after the last address",
            ),
        ],
    )
    def test_goes_up_and_round_and_ends_where_it_began(self, after: str | None, spans: list[str]) -> None:
        (range_set,) = range_sets_of(TWO_RANGES)
        turn = range_set.turn(None if after is None else address_key(after))
        assert [f"{address_text(first)}-{address_text(last)}" for first, last in turn] == spans


def test_a_turn_takes_the_ranges_behind_before_those_in_front() -> None:
    (range_set,) = range_sets_of([[Span("10.0.0.0/24", f"10.0.0.{n}", f"10.0.0.{n}") for n in (9, 5, 7)]])
    turn = [address_text(first) for first, last in range_set.turn(address_key("10.0.0.5")) if first <= last]
    assert turn == ["10.0.0.7", "10.0.0.9", "10.0.0.5"]


def test_a_set_is_named_by_its_addresses_and_numbered() -> None:
    sets = range_sets_of([*TWO_RANGES, *SMALL])
    assert [one.label for one in sets] == ["10.0.0.10-10.0.0.12,10.0.5.3-10.0.5.4", "10.0.0.1-10.0.0.6"]
    assert [one.number for one in sets] == [0, 1]


def test_an_address_lies_in_one_range_or_none() -> None:
    (range_set,) = range_sets_of(TWO_RANGES)
    source = range_set.range_of(address_key("10.0.5.3"))
    assert source is not None
    assert (source.subnet, source.prefix, source.label) == ("10.0.5.0/24", 24, "10.0.5.3-10.0.5.4")
    assert range_set.range_of(address_key("10.0.0.13")) is None


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        range_sets_of([[Span("10.0.0.0/24", "nonsense", "10.0.0.2")]])
