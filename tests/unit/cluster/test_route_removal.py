"""When a route may go."""

from __future__ import annotations

import pytest

from cni_hns.cluster.members import Member
from cni_hns.cluster.routes.removal import NOTHING, Gone, gone, removable
from cni_hns.cluster.routes.route import Route
from tests.unit.cluster.nodes import node

HELD = [Route(f"10.244.{number}.0/24", f"192.0.2.{number}") for number in (2, 3)]
RANGES = ["10.244.0.0/16"]


def may_go(*members: Member, whole: bool = True) -> list[Route]:
    return removable(HELD, gone(members, "win-1", whole=whole), RANGES)


def test_a_route_goes_with_its_node() -> None:
    assert may_go(node(1), node(3)) == [HELD[0]]


def test_nothing_goes_while_this_very_node_is_missing_from_the_list() -> None:
    assert may_go(node(3)) == []
    assert may_go() == []


def test_nothing_goes_before_a_whole_list_was_seen() -> None:
    assert may_go(node(1), whole=False) == []
    assert removable(HELD, NOTHING, RANGES) == []


@pytest.mark.parametrize(
    "present",
    [
        pytest.param(node(2, ""), id="annotations lost"),
        pytest.param(node(2, "host-gw"), id="another backend"),
        pytest.param(node(2, vni=1), id="another VNI"),
        pytest.param(node(2, addresses=()), id="no address"),
        pytest.param(node(7, cidrs=("10.244.2.0/24",)), id="another node has the prefix"),
    ],
)
def test_a_node_that_is_there_keeps_its_route(present: Member) -> None:
    assert may_go(node(1), present, node(3)) == []


def test_a_route_goes_when_its_node_has_another_prefix_now() -> None:
    assert may_go(node(1), node(2, cidrs=("10.244.8.0/24",)), node(3)) == [HELD[0]]


def test_a_route_goes_to_a_prefix_that_is_this_nodes_own_now() -> None:
    assert may_go(node(1, cidrs=("10.244.2.0/24",)), node(3)) == [HELD[0]]


def test_a_route_outside_of_the_clusters_ranges_is_other_peoples() -> None:
    known = gone([node(1)], "win-1", whole=True)
    peers = [
        Route("10.9.0.0/24", "192.0.2.9"),
        Route("10.0.0.0/8", "192.0.2.9"),
        Route("fd00::/64", "fd00::1"),
    ]
    assert removable(peers, known, RANGES) == []
    assert removable(peers, known, []) == []
    assert removable(peers, known) == peers


def test_what_is_proven_is_said() -> None:
    known = gone([node(1), node(2)], "win-1", whole=True)
    assert known == Gone(proven=True, claimed=frozenset({"10.244.2.0/24"}))
    assert (known.has("10.244.2.0/24"), known.has("10.244.3.0/24")) == (False, True)
