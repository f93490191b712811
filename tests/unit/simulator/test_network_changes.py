"""Modify requests on networks."""

from __future__ import annotations

from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, address, code, subnet

ROUTE: dict[str, Any] = {
    "Type": "RemoteSubnetRoute",
    "Settings": {
        "DestinationPrefix": "10.9.4.0/24",
        "IsolationId": 4096,
        "ProviderAddress": "192.0.2.11",
        "DistributedRouterMacAddress": "00:12:34:56:78:9a",
    },
}
HOST_ROUTE: dict[str, Any] = {"Type": "HostRoute", "Settings": {}}


def _change(caller: Caller, network: str, resource: object, request: object, settings: Any) -> None:
    caller.modify(
        "Network", network, {"ResourceType": resource, "RequestType": request, "Settings": settings}
    )


def _policies(caller: Caller, network: str, *kinds: str) -> list[dict[str, Any]]:
    return [policy for policy in caller.get("Network", network)["Policies"] if policy["Type"] in kinds]


def _set(name: str, values: str, kind: str = "IPSET") -> dict[str, Any]:
    return {"Type": "SetPolicy", "Settings": {"Id": name, "Name": name, "PolicyType": kind, "Values": values}}


class TestPolicies:
    def test_added_and_removed(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        for policy in (ROUTE, HOST_ROUTE):
            _change(caller, network, "Policy", "Add", {"Policies": [policy]})
            assert _policies(caller, network, policy["Type"]) == [policy]
            _change(caller, network, "Policy", "Remove", {"Policies": [policy]})
            assert _policies(caller, network, policy["Type"]) == []

    def test_removing_what_is_not_there(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x803B0008)):
            _change(caller, caller.network("Overlay"), "Policy", "Remove", {"Policies": [HOST_ROUTE]})

    def test_a_route_twice_is_refused_unless_told_otherwise(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        network = caller.network("Overlay", Policies=[ROUTE])
        with pytest.raises(Failed, match=code(0x803B0012)):
            _change(caller, network, "Policy", "Add", {"Policies": [ROUTE]})
        simulator.set_options(remote_route_twice_hresult=0)
        _change(caller, network, "Policy", "Add", {"Policies": [ROUTE]})

    def test_a_route_belongs_to_overlay_unless_told_otherwise(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        network = caller.network("L2Bridge")
        with pytest.raises(Failed, match=code(0x803B0015)):
            _change(caller, network, "Policy", "Add", {"Policies": [ROUTE]})
        simulator.set_options(remote_route_elsewhere_hresult=0)
        _change(caller, network, "Policy", "Add", {"Policies": [ROUTE]})

    def test_update_replaces_the_kind(self, caller: Caller) -> None:
        network = caller.network("Overlay", Policies=[{"Type": "VxlanPort", "Settings": {"Port": 4789}}])
        newer = {"Type": "VxlanPort", "Settings": {"Port": 8472}}
        _change(caller, network, "Policy", "Update", {"Policies": [newer]})
        assert _policies(caller, network, "VxlanPort") == [newer]

    def test_refresh_changes_nothing_and_reset_is_not_offered(self, caller: Caller) -> None:
        network = caller.network("Overlay", Policies=[HOST_ROUTE])
        _change(caller, network, "Policy", "Refresh", {"Policies": []})
        with pytest.raises(Failed, match=code(0x803B0015)):
            _change(caller, network, "Policy", "Reset", {"Policies": []})
        assert _policies(caller, network, "HostRoute") == [HOST_ROUTE]


class TestSets:
    def test_update_replaces_the_set_and_leaves_out_one_that_is_not_there(self, caller: Caller) -> None:
        network = caller.network(Policies=[_set("a", "10.0.0.1")])
        _change(
            caller, network, "Policy", "Update", {"Policies": [_set("a", "10.0.0.2"), _set("b", "10.0.0.3")]}
        )
        assert _policies(caller, network, "SetPolicy") == [_set("a", "10.0.0.2")]

    def test_a_nested_set_names_sets_that_exist(self, caller: Caller) -> None:
        network = caller.network(Policies=[_set("a", "10.0.0.1")])
        _change(caller, network, "Policy", "Add", {"Policies": [_set("n", "a", "NESTEDIPSET")]})
        with pytest.raises(Failed, match=code(0x803B000D)):
            _change(caller, network, "Policy", "Add", {"Policies": [_set("m", "a,b", "NESTEDIPSET")]})
        with pytest.raises(Failed, match=code(0x803B000D)):
            _change(caller, network, "Policy", "Update", {"Policies": [_set("n", "b", "NESTEDIPSET")]})

    def test_a_set_that_a_nested_one_names_stays(self, caller: Caller) -> None:
        network = caller.network(Policies=[_set("a", "10.0.0.1"), _set("n", "a", "NESTEDIPSET")])
        with pytest.raises(Failed, match=code(0x803B002C)):
            _change(caller, network, "Policy", "Remove", {"Policies": [_set("a", "")]})
        _change(caller, network, "Policy", "Remove", {"Policies": [_set("n", ""), _set("a", "")]})
        assert _policies(caller, network, "SetPolicy") == []


class TestSubnets:
    def test_one_is_added_and_its_addresses_can_be_had(self, caller: Caller) -> None:
        network = caller.network()
        _change(caller, network, "Subnet", "Add", {"Subnets": [subnet("10.9.4.0/24")]})
        endpoint = caller.endpoint(network, IpConfigurations=[address("10.9.4.7")])
        assert caller.get("Endpoint", endpoint)["Routes"][0]["NextHop"] == "10.9.4.1"

    def test_one_that_overlaps_is_refused(self, caller: Caller) -> None:
        with pytest.raises(Failed, match=code(0x803B0032)):
            _change(caller, caller.network(), "Subnet", "Add", {"Subnets": [subnet("10.9.3.128/25")]})

    def test_one_is_removed_by_its_id_unless_an_endpoint_is_in_it(self, caller: Caller) -> None:
        network = caller.network()
        _change(caller, network, "Subnet", "Add", {"Subnets": [subnet("10.9.4.0/24")]})
        guid = caller.get("Network", network)["Ipams"][0]["Subnets"][1]["ID"]
        endpoint = caller.endpoint(network, IpConfigurations=[address("10.9.4.7")])
        with pytest.raises(Failed, match=code(0x803B002C)):
            _change(caller, network, "Subnet", "Remove", {"Subnets": [{"ID": guid}]})
        caller.delete("Endpoint", endpoint)
        _change(caller, network, "Subnet", "Remove", {"Subnets": [{"ID": guid.upper()}]})
        assert len(caller.get("Network", network)["Ipams"][0]["Subnets"]) == 1
        with pytest.raises(Failed, match=code(0x803B0005)):
            _change(caller, network, "Subnet", "Remove", {"Subnets": [{"ID": guid}]})

    def test_ip_subnets_come_and_go(self, caller: Caller) -> None:
        network = caller.network()
        found = caller.get("Network", network)["Ipams"][0]["Subnets"][0]
        more = {"SubnetId": found["ID"], "IpSubnets": [{"IpAddressPrefix": "10.9.3.64/26"}]}
        _change(caller, network, "IPSubnet", "Add", more)
        added = caller.get("Network", network)["Ipams"][0]["Subnets"][0]["IpSubnets"][1]
        less = {"SubnetId": found["ID"], "IpSubnets": [{"ID": added["ID"]}]}
        endpoint = caller.endpoint(network, IpConfigurations=[address("10.9.3.70")])
        with pytest.raises(Failed, match=code(0x803B002C)):
            _change(caller, network, "IPSubnet", "Remove", less)
        caller.delete("Endpoint", endpoint)
        _change(caller, network, "IPSubnet", "Remove", less)
        for missing in (less, {**more, "SubnetId": network}):
            with pytest.raises(Failed, match=code(0x803B0005)):
                _change(caller, network, "IPSubnet", "Remove", missing)

    @pytest.mark.parametrize(("kind", "version"), [("NAT", "15.4"), ("L2Bridge", "10.3")])
    @pytest.mark.parametrize("resource", ["Subnet", "IPSubnet"])
    def test_not_every_type_and_version_has_it(
        self, caller: Caller, simulator: Simulator, kind: str, version: str, resource: str
    ) -> None:
        simulator.set_options(hns_version=version)
        with pytest.raises(Failed, match=code(0x803B0015)):
            _change(caller, caller.network(kind), resource, "Add", {"Subnets": []})

    @pytest.mark.parametrize("kind", ["L2Bridge", "L2Tunnel", "Overlay"])
    def test_these_types_have_it_from_its_schema_on(
        self, caller: Caller, simulator: Simulator, kind: str
    ) -> None:
        simulator.set_options(hns_version="11.10", vsid_hresult=0)
        _change(caller, caller.network(kind), "Subnet", "Add", {"Subnets": [subnet("10.9.4.0/24")]})

    @pytest.mark.parametrize("resource", ["Subnet", "IPSubnet"])
    def test_only_add_and_remove(self, caller: Caller, resource: str) -> None:
        network = caller.network()
        guid = caller.get("Network", network)["Ipams"][0]["Subnets"][0]["ID"]
        with pytest.raises(Failed, match=code(0x803B0015)):
            _change(caller, network, resource, "Update", {"Subnets": [], "SubnetId": guid})


def test_dns_is_replaced(caller: Caller) -> None:
    network = caller.network(Dns={"ServerList": ["10.0.0.1"]})
    _change(caller, network, "DNS", "Update", {"Domain": "x.example", "ServerList": ["10.0.0.2"]})
    assert caller.get("Network", network)["Dns"] == {"Domain": "x.example", "ServerList": ["10.0.0.2"]}
    with pytest.raises(Failed, match=code(0x803B0015)):
        _change(caller, network, "DNS", "Add", {})


def test_a_switch_extension_is_turned_on(caller: Caller) -> None:
    network = caller.network()
    capture = caller.get("Network", network, 1)["Extensions"][1]
    assert capture["IsEnabled"] is False
    _change(caller, network, 1, 2, {"Id": capture["Id"], "IsEnabled": True})
    assert caller.get("Network", network, 1)["Extensions"][1]["IsEnabled"] is True
    with pytest.raises(Failed, match=code(0x803B0015)):
        _change(caller, network, 1, 0, {"Id": capture["Id"], "IsEnabled": True})


def test_what_a_network_has_not_cannot_be_changed(caller: Caller) -> None:
    with pytest.raises(Failed, match=code(0x803B0015)):
        _change(caller, caller.network(), "Endpoint", "Add", {})


def test_a_refused_change_changes_nothing(caller: Caller) -> None:
    network = caller.network("Overlay")
    with pytest.raises(Failed):
        _change(caller, network, "Policy", "Add", {"Policies": [HOST_ROUTE, ROUTE, ROUTE]})
    assert _policies(caller, network, "HostRoute", "RemoteSubnetRoute") == []
