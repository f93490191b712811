"""RemoteSubnetRoute policies on a simulated overlay network: what is asked of HNS, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cni_hns.binding.errors import ServiceError, Unreachable
from cni_hns.binding.service import Service
from cni_hns.cluster.routes import overlay
from cni_hns.cluster.routes.removal import Gone
from cni_hns.cluster.routes.route import Changes, Route
from cni_hns.hcn.client import Hcn, Opened
from cni_hns.log import Log
from cni_hns.simulator import Simulator
from tests.unit.cluster.nodes import VNI, mac

RANGES = ["10.244.0.0/16"]
SUBNET = {
    "IpAddressPrefix": "10.244.1.0/24",
    "Routes": [{"NextHop": "10.244.1.1", "DestinationPrefix": "0.0.0.0/0"}],
    "Policies": [{"Type": "VSID", "Settings": {"IsolationId": VNI}}],
}
NOBODY = Gone(proven=True, claimed=frozenset())
FAILURE = 0x80004005


class Node:
    """An overlay network of one node, open."""

    def __init__(self, folder: Path) -> None:
        self.simulator = Simulator(str(folder), management_address_after_calls=0)
        self.network_id = self.simulator.plant(
            "network", {"Name": "pods", "Type": "Overlay", "Ipams": [{"Subnets": [SUBNET]}]}
        )
        self._libraries = self.simulator.libraries()
        self.network: Opened = Hcn(Service(self._libraries, Log(stderr=False))).networks.open(self.network_id)
        self.simulator.reset_journal()

    def bring(self, *wanted: Route, known: Gone = NOBODY, **more: Any) -> Changes:
        return overlay.bring(self.network, wanted, known, **{"pod_ranges": RANGES, **more})

    def calls(self) -> list[str]:
        """The functions called since the last time."""
        found = [call.function.removeprefix("Hcn") for call in self.simulator.journal()]
        self.simulator.reset_journal()
        return found

    @property
    def document(self) -> dict[str, Any]:
        (found,) = self.simulator.dump()["networks"]
        return found

    @property
    def routes(self) -> list[Route]:
        return sorted(overlay.held(self.document))

    def plant(self, prefix: str, provider: str, mac_address: str = "00-15-5D-00-00-02") -> None:
        """Somebody adds a policy, in Windows' spelling."""
        settings = {
            "DestinationPrefix": prefix,
            "ProviderAddress": provider,
            "DistributedRouterMacAddress": mac_address,
            "IsolationId": VNI,
        }
        policies = {"Policies": [{"Type": "RemoteSubnetRoute", "Settings": settings}]}
        self.network.modify({"ResourceType": "Policy", "RequestType": "Add", "Settings": policies})
        self.simulator.reset_journal()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.network.close()
    assert made.simulator.leaks() == []
    made.simulator.close()


def route(number: int, **changes: Any) -> Route:
    return Route(f"10.244.{number}.0/24", f"192.0.2.{number}", VNI, mac(number))._replace(**changes)


def test_one_node_that_joins_costs_a_query_and_a_change(node: Node) -> None:
    assert node.bring(route(2)) == Changes([route(2)], [], [], [])
    assert node.calls() == ["QueryNetworkProperties", "ModifyNetwork"]
    assert node.routes == [route(2)]


def test_what_is_as_it_should_be_costs_one_query(node: Node) -> None:
    node.bring(route(2), route(3))
    node.calls()
    assert not node.bring(route(3), route(2)).any
    assert node.calls() == ["QueryNetworkProperties"]


def test_and_none_where_the_caller_has_the_document(node: Node) -> None:
    node.bring(route(2))
    document = node.network.query()
    node.calls()
    assert not node.bring(route(2), document=document).any
    assert node.calls() == []


@pytest.mark.parametrize("spelling", ["00-15-5D-00-00-02", "00:15:5d:00:00:02", "00155D000002"])
def test_an_equal_one_in_another_spelling_is_left_as_it_is(node: Node, spelling: str) -> None:
    settings = {
        "DestinationPrefix": "10.244.2.0/24",
        "ProviderAddress": "192.0.2.2",
        "DistributedRouterMacAddress": spelling,
        "IsolationId": str(VNI),
    }
    document = {"policies": [{"type": "remotesubnetroute", "settings": settings}]}
    assert not node.bring(route(2), document=document).any
    assert node.calls() == []


def test_many_at_once_cost_one_change_and_a_look_at_what_came_of_it(node: Node) -> None:
    many = [route(number) for number in range(2, 200)]
    assert node.bring(*many) == Changes(many, [], [], [])
    assert node.calls() == ["QueryNetworkProperties", "ModifyNetwork", "QueryNetworkProperties"]
    assert node.routes == sorted(many)


def test_an_hns_that_takes_one_at_a_time_gets_one_at_a_time(node: Node) -> None:
    node.simulator.inject(function="HcnModifyNetwork", hresult=FAILURE)
    assert node.bring(route(2), route(3), route(4)).added == [route(2), route(3), route(4)]
    assert (
        node.calls()
        == ["QueryNetworkProperties", "ModifyNetwork", "QueryNetworkProperties"] + ["ModifyNetwork"] * 3
    )
    assert node.routes == [route(2), route(3), route(4)]


def test_an_hns_that_takes_some_of_many_gets_the_rest(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    real = node.network.modify

    def first_alone(request: dict[str, Any]) -> None:
        policies = request["Settings"]["Policies"][:1]
        real({**request, "Settings": {"Policies": policies}})

    monkeypatch.setattr(node.network, "modify", first_alone)
    assert node.bring(route(2), route(3), route(4)).added == [route(2), route(3), route(4)]
    assert node.routes == [route(2), route(3), route(4)]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"provider": "192.0.2.77"}, id="another address"),
        pytest.param({"mac": mac(77)}, id="another router's MAC"),
        pytest.param({"vsid": VNI + 1}, id="another VNI"),
    ],
)
def test_a_node_that_changed_is_replaced(node: Node, changed: dict[str, Any]) -> None:
    node.bring(route(2), route(3))
    node.calls()
    assert node.bring(route(2, **changed), route(3)) == Changes([route(2, **changed)], [route(2)], [], [])
    assert node.calls() == ["QueryNetworkProperties", "ModifyNetwork", "ModifyNetwork"]
    assert node.routes == [route(2, **changed), route(3)]


def test_two_of_one_prefix_become_the_one_that_is_wanted(node: Node) -> None:
    node.simulator.set_options(remote_route_twice_hresult=0)
    node.plant("10.244.2.0/24", "192.0.2.2")
    node.plant("10.244.2.0/24", "192.0.2.66")
    node.bring(route(2))
    assert node.routes == [route(2)]


class TestRemoval:
    def test_a_node_that_left_loses_its_route(self, node: Node) -> None:
        node.bring(route(2), route(3))
        assert node.bring(route(3)) == Changes([], [route(2)], [], [])
        assert node.routes == [route(3)]

    def test_nothing_is_removed_where_nothing_is_proven(self, node: Node) -> None:
        node.bring(route(2), route(3))
        assert not overlay.bring(node.network, [route(3)], pod_ranges=RANGES).any
        assert not node.bring(route(3), known=Gone(proven=False, claimed=frozenset())).any
        assert node.routes == [route(2), route(3)]

    def test_a_node_that_is_there_and_says_nothing_keeps_its_route(self, node: Node) -> None:
        node.bring(route(2))
        assert not node.bring(known=Gone(proven=True, claimed=frozenset({"10.244.2.0/24"}))).any
        assert node.routes == [route(2)]

    def test_policies_outside_of_the_clusters_ranges_are_not_touched(self, node: Node) -> None:
        node.plant("10.9.0.0/24", "192.0.2.99")
        node.bring(route(2))
        assert not node.bring(route(2)).any
        assert not node.bring(route(2), pod_ranges=()).any
        assert [one.prefix for one in node.routes] == ["10.244.2.0/24", "10.9.0.0/24"]

    def test_other_policies_of_the_network_are_not_touched(self, node: Node) -> None:
        settings = {"Policies": [{"Type": "HostRoute", "Settings": {}}]}
        node.network.modify({"ResourceType": "Policy", "RequestType": "Add", "Settings": settings})
        before = [one for one in node.document["Policies"] if one["Type"] != "RemoteSubnetRoute"]
        node.bring(route(2), route(3))
        node.bring()
        assert [one for one in node.document["Policies"] if one["Type"] != "RemoteSubnetRoute"] == before
        assert node.routes == []

    def test_one_that_somebody_else_removed_first_is_gone(self, node: Node) -> None:
        node.bring(route(2))
        document = node.network.query()
        node.bring()
        assert node.bring(document=document) == Changes([], [], [], [])

    def test_a_small_one_goes_before_a_large_one_comes(self, node: Node) -> None:
        """Node masks were changed: while the small one is there, it takes the large one's packets."""
        node.bring(route(2))
        node.calls()
        large = route(2, prefix="10.244.2.0/23")
        assert node.bring(large) == Changes([large], [route(2)], [], [])
        assert node.routes == [large]


class TestFailures:
    def test_what_hns_refuses_of_one_route_stops_no_other(self, node: Node) -> None:
        node.bring(route(2), route(3))
        node.simulator.inject(function="HcnModifyNetwork", nth=1, hresult=FAILURE)
        moved = [route(2, provider="192.0.2.77"), route(3, provider="192.0.2.78")]
        changes = node.bring(*moved)
        assert changes.added == [moved[1]]
        (refusal,) = changes.refused
        assert refusal.route == route(2)
        assert "HcnModifyNetwork failed" in refusal.why
        assert node.routes == [route(2), moved[1]]
        assert node.bring(*moved).added == [moved[0]]
        assert node.routes == moved

    def test_a_route_that_was_removed_and_not_added_is_added_by_the_next_run(self, node: Node) -> None:
        node.bring(route(2))
        node.simulator.inject(function="HcnModifyNetwork", nth=2, hresult=FAILURE)
        moved = route(2, provider="192.0.2.77")
        assert [one.route for one in node.bring(moved).refused] == [moved]
        assert node.routes == []
        assert node.bring(moved) == Changes([moved], [], [], [])

    @pytest.mark.parametrize("took_effect", [False, True], ids=["not done", "done"])
    @pytest.mark.parametrize("nth", range(1, 7))
    def test_whichever_call_fails_the_next_run_ends_where_it_should(
        self, node: Node, nth: int, took_effect: bool
    ) -> None:
        node.bring(route(2), route(3), route(9))
        wanted = [route(2, mac=mac(77)), route(3), route(4), route(5)]
        node.simulator.inject(nth=nth, hresult=FAILURE, took_effect=took_effect)
        try:
            node.bring(*wanted)
        except ServiceError:
            assert nth in (1, 6)
        node.simulator.clear_faults()
        node.bring(*wanted)
        assert node.routes == wanted
        node.calls()
        assert not node.bring(*wanted).any
        assert node.calls() == ["QueryNetworkProperties"]

    def test_an_hns_that_went_away_ends_the_run(self, node: Node) -> None:
        node.simulator.inject(function="HcnModifyNetwork", hresult=0x800706BA)
        with pytest.raises(Unreachable):
            node.bring(route(2), route(3))
        assert node.calls() == ["QueryNetworkProperties", "ModifyNetwork"]


def test_policies_that_cannot_be_read_are_left_alone(node: Node) -> None:
    document = {
        "Policies": [
            None,
            {"Type": "RemoteSubnetRoute"},
            {"Type": "RemoteSubnetRoute", "Settings": {"DestinationPrefix": "x", "ProviderAddress": 7}},
        ]
    }
    assert overlay.held(document) == []
    assert overlay.held({"Policies": "none"}) == []
    assert node.bring(route(2), document=document).added == [route(2)]
