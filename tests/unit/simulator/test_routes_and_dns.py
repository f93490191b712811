"""Routes, gateway and DNS of an endpoint: what HNS fills in."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code

DEFAULT = {"NextHop": "10.9.3.1", "DestinationPrefix": "0.0.0.0/0"}
ELSEWHERE = {"NextHop": "10.9.3.9", "DestinationPrefix": "10.0.0.0/8"}


def _routes(caller: Caller, *given: dict[str, Any]) -> list[dict[str, Any]]:
    endpoint = caller.endpoint(caller.network(), Routes=list(given))
    found: list[dict[str, Any]] = caller.get("Endpoint", endpoint)["Routes"]
    return found


def test_an_endpoint_without_routes_gets_the_subnets_default_route(caller: Caller) -> None:
    assert _routes(caller) == [DEFAULT]


def test_a_default_route_of_its_own_is_kept_alone(caller: Caller) -> None:
    own = {"NextHop": "10.9.3.2", "DestinationPrefix": "0.0.0.0/0"}
    assert _routes(caller, own) == [own]


def test_a_dummy_default_route_keeps_the_real_one_out(caller: Caller) -> None:
    dummy = {"NextHop": "0.0.0.0", "DestinationPrefix": "0.0.0.0/0"}  # noqa: S104 - no socket
    assert _routes(caller, dummy) == [dummy]


def test_another_route_does_not_keep_the_default_route_out(caller: Caller) -> None:
    assert _routes(caller, ELSEWHERE) == [ELSEWHERE, DEFAULT]


def test_by_option_any_route_keeps_it_out(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(default_route_without_routes_only=True)
    assert _routes(caller, ELSEWHERE) == [ELSEWHERE]


@pytest.mark.parametrize(("version", "taken"), [("13.3", True), ("15.4", False)])
def test_an_empty_next_hop_depends_on_the_version(
    caller: Caller, simulator: Simulator, version: str, taken: bool
) -> None:
    simulator.set_options(hns_version=version)
    route = {"NextHop": "", "DestinationPrefix": "10.0.0.0/8"}
    if taken:
        assert route in _routes(caller, route)
    else:
        with pytest.raises(Failed, match=code(0x80070057)):
            _routes(caller, route)


@pytest.mark.parametrize(
    "route",
    [
        pytest.param({"NextHop": "10.9.3.1"}, id="no destination"),
        pytest.param({"NextHop": "gateway", "DestinationPrefix": "10.0.0.0/8"}, id="no address"),
        pytest.param({"NextHop": "10.9.3.1", "DestinationPrefix": "everything"}, id="no prefix"),
    ],
)
def test_a_route_that_is_none_is_refused(caller: Caller, route: dict[str, Any]) -> None:
    with pytest.raises(Failed, match=code(0x803B000C)):
        _routes(caller, route)


def test_a_metric_is_kept(caller: Caller) -> None:
    assert {**ELSEWHERE, "Metric": 7} in _routes(caller, {**ELSEWHERE, "metric": 7})


class TestDns:
    """The servers and suffix of the host's adapter are used where nothing is said."""

    def test_of_the_adapter(self, caller: Caller) -> None:
        found = caller.get("Endpoint", caller.endpoint(caller.network()))["Dns"]
        assert found == {"Domain": "node.example", "ServerList": ["192.0.2.53"]}

    def test_of_the_networks_own_adapter(self, caller: Caller, simulator: Simulator) -> None:
        second = {"name": "Second", "kind": "physical", "address": "198.51.100.2", "dns": ["198.51.100.53"]}
        simulator.adapters = [*simulator.adapters, second]
        policy = {"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "Second"}}
        endpoint = caller.endpoint(caller.network(Policies=[policy]))
        assert caller.get("Endpoint", endpoint)["Dns"] == {"ServerList": ["198.51.100.53"]}

    def test_of_the_network(self, caller: Caller) -> None:
        network = caller.network(Dns={"ServerList": ["10.96.0.10"]})
        assert caller.get("Endpoint", caller.endpoint(network))["Dns"] == {"ServerList": ["10.96.0.10"]}

    def test_of_the_endpoint(self, caller: Caller) -> None:
        given = {
            "Domain": "pod.example",
            "Search": ["a.example", "b.example"],
            "ServerList": ["10.96.0.10", "10.96.0.11"],
            "Options": ["ndots:5"],
        }
        endpoint = caller.endpoint(caller.network(Dns={"ServerList": ["192.0.2.1"]}), Dns=given)
        assert caller.get("Endpoint", endpoint)["Dns"] == given

    def test_an_empty_one_counts_as_none(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), Dns={"ServerList": [], "Domain": ""})
        assert caller.get("Endpoint", endpoint)["Dns"]["ServerList"] == ["192.0.2.53"]

    def test_the_older_name_of_the_domain_is_read(self, caller: Caller) -> None:
        endpoint = caller.endpoint(caller.network(), Dns={"Suffix": "old.example"})
        assert caller.get("Endpoint", endpoint)["Dns"] == {"Domain": "old.example"}

    def test_the_v1_view_has_one_text(self, caller: Caller) -> None:
        endpoint = caller.endpoint(
            caller.network(), Dns={"ServerList": ["10.0.0.1", "10.0.0.2"], "Domain": "x"}
        )
        document = caller.get("Endpoint", endpoint, 1)
        assert (document["DNSServerList"], document["DNSSuffix"]) == ("10.0.0.1,10.0.0.2", "x")
