"""Which routes a node wants, and why it passes others over."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.cluster.members import Member
from cni_hns.cluster.prefixes import overlap
from cni_hns.cluster.routes.route import Route
from cni_hns.cluster.routes.wanted import Waiting, Ways, wanted, ways
from tests.unit.cluster.nodes import VNI, mac, node

LINK = ["192.0.2.0/24", "2001:db8::/64"]


def on_overlay(*members: Member, **more: Any) -> Ways:
    return ways(members, "win-1", "overlay", VNI, **more)


def host_gw(*members: Member, **more: Any) -> Ways:
    return ways(members, "win-1", "l2bridge", 0, **{"on_link": LINK, **more})


def route(number: int) -> Route:
    return Route(f"10.244.{number}.0/24", f"192.0.2.{number}", VNI, mac(number))


def only_reason(found: Ways) -> tuple[str, str]:
    (waiting,) = found.waiting
    return waiting.name, waiting.why


def test_there_is_a_route_to_each_node_but_this_one() -> None:
    assert on_overlay(node(3), node(1), node(2)) == Ways([route(2), route(3)], [])
    assert wanted([node(1), node(2)], "win-1", "overlay", VNI) == [route(2)]


def test_of_l2bridge_a_route_leads_to_the_nodes_address_in_both_families() -> None:
    cidrs, addresses = ("10.244.2.0/24", "fd00:244:0:2::/64"), ("192.0.2.2", "2001:db8::2")
    for kind in ("", "host-gw"):
        found = host_gw(node(1, ""), node(2, kind, cidrs=cidrs, addresses=addresses))
        assert found == Ways(
            [Route("10.244.2.0/24", "192.0.2.2"), Route("fd00:244:0:2::/64", "2001:db8::2")], []
        )


def test_overlay_carries_ipv4_of_a_node_with_both() -> None:
    assert on_overlay(node(2, cidrs=("fd00:244:0:2::/64", "10.244.2.0/24"))) == Ways([route(2)], [])


def test_a_node_that_moved_is_reached_where_it_is() -> None:
    found = on_overlay(node(1), node(2, public_ip="192.0.2.77"))
    assert found.routes == [route(2)._replace(provider="192.0.2.77")]


def test_the_address_that_the_node_announces_comes_before_its_own() -> None:
    assert host_gw(node(2, "host-gw", public_ip="192.0.2.77")).routes == [
        Route("10.244.2.0/24", "192.0.2.77")
    ]


@pytest.mark.parametrize(
    ("member", "why"),
    [
        pytest.param(node(2, cidrs=()), "no podCIDR", id="no podCIDR"),
        pytest.param(node(2, ""), "backend-type yet", id="annotations that come late"),
        pytest.param(node(2, "host-gw"), "backend is host-gw", id="another backend"),
        pytest.param(node(2, vni=1), "VNI is 1", id="the VNI of Linux' default"),
        pytest.param(node(2, cidrs=("fd00:244:0:2::/64",)), "IPv4 only", id="IPv6 alone"),
        pytest.param(
            node(2, public_ip="", public_ipv6="2001:db8::2", vni_v6=VNI, mac_v6=mac(2)),
            "nothing of vxlan over IPv4",
            id="vxlan over IPv6 alone",
        ),
        pytest.param(node(2, public_ip="192.0.2.1"), "this node's own", id="an old object of this machine"),
    ],
)
def test_on_overlay_a_node_is_passed_over_and_told_why(member: Member, why: str) -> None:
    found = on_overlay(node(1), member, node(3))
    assert found.routes == [route(3)]
    name, words = only_reason(found)
    assert name == "win-2"
    assert why in words


@pytest.mark.parametrize(
    ("member", "why"),
    [
        pytest.param(node(2, "", addresses=()), "no IPv4 address", id="no address"),
        pytest.param(
            node(2, "", cidrs=("fd00:244:0:2::/64",)), "no IPv6 address", id="no address of this family"
        ),
        pytest.param(node(2, "", addresses=("198.51.100.2",)), "not on a link", id="behind a router"),
        pytest.param(node(2, "vxlan"), "needs host-gw", id="vxlan"),
        pytest.param(node(2, "alloc"), "cloud", id="routes of a cloud"),
    ],
)
def test_on_l2bridge_a_node_is_passed_over_and_told_why(member: Member, why: str) -> None:
    found = host_gw(node(1, ""), member, node(3, ""))
    assert found.routes == [Route("10.244.3.0/24", "192.0.2.3")]
    name, words = only_reason(found)
    assert name == "win-2"
    assert why in words


def test_links_that_are_not_known_are_not_asked_for() -> None:
    behind = node(2, "", addresses=("198.51.100.2",))
    assert host_gw(behind, on_link=None).routes == [Route("10.244.2.0/24", "198.51.100.2")]


class TestTwoClaims:
    """Two nodes that claim the same addresses: the older Node object keeps them, and it is told."""

    @pytest.mark.parametrize("reverse", [False, True], ids=["the older first", "the younger first"])
    @pytest.mark.parametrize("cidr", ["10.244.2.0/24", "10.244.2.128/25", "10.244.0.0/22", "10.244.2.7/32"])
    def test_the_older_keeps_them(self, cidr: str, reverse: bool) -> None:
        members = [node(2), node(5, cidrs=(cidr,))]
        found = on_overlay(*(reversed(members) if reverse else members))
        assert found.routes == [route(2)]
        name, words = only_reason(found)
        assert name == "win-5"
        assert "10.244.2.0/24 of node win-2" in words
        assert cidr in words

    def test_the_older_keeps_them_also_while_there_is_no_route_to_it(self) -> None:
        found = on_overlay(node(2, ""), node(5, cidrs=("10.244.2.0/24",)))
        assert found.routes == []
        assert [one.name for one in found.waiting] == ["win-2", "win-5"]

    def test_the_older_keeps_them_whatever_its_name(self) -> None:
        found = on_overlay(node(2, name="z"), node(5, name="a", cidrs=("10.244.2.0/24",)))
        assert found.routes == [route(2)]

    def test_a_large_prefix_takes_all_small_ones_in_it(self) -> None:
        """Also the ones behind a small one that ends before they begin."""
        large = node(2, cidrs=("10.244.0.0/16",))
        found = on_overlay(large, node(3), node(9), node(200))
        assert found.routes == [route(2)._replace(prefix="10.244.0.0/16")]
        assert {one.name for one in found.waiting} == {"win-3", "win-9", "win-200"}

    def test_a_node_does_not_compete_with_itself(self) -> None:
        found = on_overlay(node(2, cidrs=("10.244.2.0/24", "10.244.2.0/25")))
        assert [one.prefix for one in found.routes] == ["10.244.2.0/24", "10.244.2.0/25"]
        assert found.waiting == []

    def test_the_name_decides_where_the_age_does_not(self) -> None:
        twins = [
            node(2, name=name, made_at="2026-01-01T00:00:00Z", public_ip=address)
            for name, address in (("b", "192.0.2.3"), ("a", "192.0.2.2"))
        ]
        assert on_overlay(*twins).routes == [route(2)]

    def test_a_node_without_a_date_is_the_younger(self) -> None:
        found = on_overlay(node(3, made_at="", cidrs=("10.244.2.0/24",)), node(2))
        assert found.routes == [route(2)]

    def test_a_young_node_that_loses_to_two_is_told_once_for_each_prefix(self) -> None:
        found = on_overlay(node(2), node(3), node(9, cidrs=("10.244.2.0/23",)))
        assert found.routes == [route(2), route(3)]
        assert [one.name for one in found.waiting] == ["win-9"]

    def test_a_prefix_between_two_that_do_not_overlap_each_other(self) -> None:
        """All three stand in one group of neighbours; the two small ones do not exclude each other."""
        found = on_overlay(node(2), node(3), node(9, cidrs=("10.244.0.0/16",)))
        assert found.routes == [route(2), route(3)]

    @pytest.mark.parametrize("cidr", ["10.244.1.0/24", "10.244.1.64/26", "10.244.0.0/16"])
    def test_this_nodes_own_addresses_are_nobody_elses_however_old(self, cidr: str) -> None:
        ancient = node(2, cidrs=(cidr,), made_at="2001-01-01T00:00:00Z")
        found = on_overlay(node(1), ancient)
        assert found.routes == []
        assert "this node's own" in only_reason(found)[1]

    def test_also_while_its_own_node_object_is_missing(self) -> None:
        found = on_overlay(node(2, cidrs=("10.244.1.0/24",)), own_prefixes=["10.244.1.0/24"])
        assert found.routes == []
        assert found.waiting[0].name == "win-2"

    def test_what_does_not_overlap_is_no_dispute(self) -> None:
        members = [node(number) for number in range(1, 60)]
        assert on_overlay(*members) == Ways(sorted(route(number) for number in range(2, 60)), [])


def test_thousands_of_nodes_are_no_matter_of_pairs() -> None:
    """Counted, not timed: how often two prefixes are compared."""
    compared = 0

    def counting(*pair: Any) -> bool:
        nonlocal compared
        compared += 1
        return overlap(*pair)

    members = [node(0, name=f"n{at}", cidrs=(f"10.{at // 256}.{at % 256}.0/24",)) for at in range(2000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cni_hns.cluster.routes.wanted.overlap", counting)
        found = ways(members, "win-1", "overlay", VNI)
    assert len(found.routes) == len(members)
    assert compared <= 2 * len(members)


def test_reasons_are_not_repeated() -> None:
    found = host_gw(node(2, "vxlan", cidrs=("10.244.2.0/24", "10.245.2.0/24")))
    assert len(found.waiting) == len(set(found.waiting)) == 1
    assert isinstance(found.waiting[0], Waiting)
