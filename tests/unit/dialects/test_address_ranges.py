"""Ranges in host-local's spelling: defaults, bounds, and what is wrong within and between sets."""

from __future__ import annotations

import pytest

from cni_hns.dialects.address_ranges import parse_range, set_faults, sets_faults
from cni_hns.dialects.plan import RangePlan


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(
            {"subnet": "10.1.0.0/24"},
            RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1"),
            id="IPv4 defaults leave out network and broadcast",
        ),
        pytest.param(
            {"subnet": "fd00::/120"},
            RangePlan("fd00::/120", "fd00::1", "fd00::ff", "fd00::1"),
            id="IPv6 has no broadcast",
        ),
        pytest.param(
            {
                "subnet": "10.1.0.0/24",
                "rangeStart": "10.1.0.10",
                "rangeEnd": "10.1.0.20",
                "gateway": "10.1.0.254",
            },
            RangePlan("10.1.0.0/24", "10.1.0.10", "10.1.0.20", "10.1.0.254"),
            id="bounds and gateway given",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "rangeStart": "", "rangeEnd": None, "gateway": ""},
            RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1"),
            id="empty and null count as absent",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.0", "rangeEnd": "10.1.0.255"},
            RangePlan("10.1.0.0/24", "10.1.0.1", "10.1.0.254", "10.1.0.1"),
            id="bounds on network and broadcast are drawn in",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/30"},
            RangePlan("10.1.0.0/30", "10.1.0.1", "10.1.0.2", "10.1.0.1"),
            id="the smallest subnet",
        ),
    ],
)
def test_a_range_gets_host_locals_defaults(entry: dict[str, object], expected: RangePlan) -> None:
    assert parse_range(entry) == (expected, [])


@pytest.mark.parametrize(
    ("entry", "faults"),
    [
        pytest.param({}, {"subnet": "missing"}, id="no subnet"),
        pytest.param({"subnet": "10.1.0.5/24"}, {"subnet": "the network is 10.1.0.0/24"}, id="host bits"),
        pytest.param({"subnet": "10.1.0.0/31"}, {"subnet": "too small"}, id="IPv4 /31"),
        pytest.param({"subnet": "fd00::/127"}, {"subnet": "too small"}, id="IPv6 /127"),
        pytest.param(
            {
                "subnet": "10.1.0.0/24",
                "rangeStart": "10.2.0.1",
                "rangeEnd": "10.0.0.1",
                "gateway": "10.3.0.1",
            },
            {
                "rangeStart": "not in the subnet",
                "rangeEnd": "not in the subnet",
                "gateway": "not in the subnet",
            },
            id="everything outside, all said at once",
        ),
        pytest.param(
            {"subnet": "nonsense", "rangeStart": "nonsense"},
            {"subnet": "CIDR", "rangeStart": "not an IP address"},
            id="nothing parses, all said at once",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "gateway": "10.1.0.0"}, {"gateway": "subnet"}, id="gateway = network"
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "gateway": "10.1.0.255"},
            {"gateway": "broadcast"},
            id="gateway = broadcast",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.9", "rangeEnd": "10.1.0.8"},
            {"rangeStart": "after rangeEnd"},
            id="start after end",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.1", "rangeEnd": "10.1.0.1"},
            {"subnet": "no address is left"},
            id="only the gateway is left",
        ),
        pytest.param(
            {"subnet": "10.1.0.0/24", "rangeStart": "fd00::1"},
            {"rangeStart": "not in the subnet"},
            id="other family",
        ),
    ],
)
def test_each_fault_of_a_range_is_named_by_its_key(entry: dict[str, object], faults: dict[str, str]) -> None:
    found, said = parse_range(entry)
    assert found is None
    assert [key for key, _ in said] == list(faults)
    for key, message in said:
        assert faults[key] in message


def _range(subnet: str, first: str, last: str) -> RangePlan:
    return RangePlan(subnet, first, last, None)


ONE = _range("10.1.0.0/24", "10.1.0.1", "10.1.0.99")
OVERLAPPING = _range("10.1.0.0/24", "10.1.0.99", "10.1.0.120")
BESIDE = _range("10.1.0.0/24", "10.1.0.100", "10.1.0.120")
SIXTH = _range("fd00::/120", "fd00::1", "fd00::ff")


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        pytest.param([ONE, BESIDE], [], id="two pieces of one subnet"),
        pytest.param([ONE, OVERLAPPING], ["overlaps"], id="one shared address"),
        pytest.param([ONE, SIXTH], ["another address family"], id="mixed families"),
        pytest.param([None, ONE, None, OVERLAPPING], ["overlaps"], id="faulty ranges are passed over"),
    ],
)
def test_ranges_of_one_set_are_of_one_family_and_apart(
    ranges: list[RangePlan | None], words: list[str]
) -> None:
    said = [message for _, message in set_faults(ranges)]
    assert len(said) == len(words)
    assert all(word in message for word, message in zip(words, said, strict=True))


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        pytest.param([[ONE], [SIXTH]], [], id="one set for each family"),
        pytest.param([[ONE], [OVERLAPPING]], ["overlaps range set 0"], id="overlapping sets"),
        pytest.param([[ONE], [BESIDE]], ["a second IPv4 address"], id="two sets of one family"),
        pytest.param([[ONE], [], [None]], [], id="empty sets say nothing"),
    ],
)
def test_sets_give_one_address_of_each_family(sets: list[list[RangePlan | None]], words: list[str]) -> None:
    said = [message for _, message in sets_faults(sets)]
    assert len(said) == len(words)
    assert all(word in message for word, message in zip(words, said, strict=True))
