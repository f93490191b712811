"""Networks by type: what each needs, and what HNS makes of it."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest

from cni_hns.simulator import Simulator
from tests.unit.simulator.caller import Caller, Failed, code, network_document, subnet

WIFI = {"name": "Wi-Fi", "kind": "wifi", "address": "192.0.2.20"}
SECOND = {"name": "Second", "kind": "physical", "address": "198.51.100.2"}
VIRTUAL = {"name": "Loopback", "kind": "virtual", "address": "127.0.0.2"}


def _on(name: str) -> list[dict[str, Any]]:
    return [{"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": name}}]


class TestNat:
    def test_without_a_subnet_hns_picks_one(self, caller: Caller) -> None:
        document = caller.get("Network", caller.network("NAT", prefix=""))
        (found,) = document["Ipams"][0]["Subnets"]
        prefix = ipaddress.ip_network(found["IpAddressPrefix"])
        assert prefix.prefixlen == 20
        assert prefix.subnet_of(ipaddress.ip_network("172.16.0.0/12"))  # type: ignore[arg-type]
        assert ipaddress.ip_address(found["Routes"][0]["NextHop"]) == prefix.network_address + 1

    def test_its_type_is_left_out_of_answers(self, caller: Caller) -> None:
        network = caller.network("NAT")
        assert "Type" not in caller.get("Network", network)
        assert caller.get("Network", network, 1)["Type"] == "nat"

    def test_it_is_the_default_type(self, caller: Caller) -> None:
        network = caller.create("Network", {"Name": "net"})
        assert caller.get("Network", network, 1)["Type"] == "nat"

    def test_another_nats_prefix_is_refused(self, caller: Caller) -> None:
        caller.network("NAT", prefix="172.20.0.0/16")
        with pytest.raises(Failed, match=code(0x80070034)):
            caller.network("NAT", name="other", prefix="172.20.4.0/24")
        caller.network("NAT", name="other", prefix="172.21.4.0/24")

    def test_an_old_release_has_one_nat(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(hns_version="7.2")
        caller.network("NAT")
        with pytest.raises(Failed, match=code(0x80070034)):
            caller.network("NAT", name="other", prefix="172.21.4.0/24")


class TestType:
    @pytest.mark.parametrize(("given", "kind"), [("l2bridge", "L2Bridge"), (1, "ICS"), (2, "Transparent")])
    def test_a_name_in_any_case_or_a_published_number(self, caller: Caller, given: object, kind: str) -> None:
        document = {**network_document("L2Bridge", "net", "10.9.3.0/24"), "Type": given}
        assert caller.get("Network", caller.create("Network", document))["Type"] == kind

    @pytest.mark.parametrize("given", ["Bridge", 3, None, True])
    def test_what_is_no_type(self, caller: Caller, given: object) -> None:
        if given is None:  # null counts as missing, and a missing type is NAT
            caller.create("Network", {"Name": "net", "Type": None})
        else:
            with pytest.raises(Failed, match=code(0x803B000B)):
                caller.create("Network", {"Name": "net", "Type": given})

    @pytest.mark.parametrize(
        ("kind", "version", "taken"),
        [("Mirrored", "10.3", False), ("Mirrored", "11.10", True), ("ConstrainedICS", "11.10", False)],
    )
    def test_newer_types_need_their_schema(
        self, caller: Caller, simulator: Simulator, kind: str, version: str, taken: bool
    ) -> None:
        simulator.set_options(hns_version=version)
        if taken:
            caller.network(kind)
        else:
            with pytest.raises(Failed, match=code(0x803B000B)):
                caller.network(kind)

    def test_an_unknown_one_has_the_code_of_the_option_through_v2_alone(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        simulator.set_options(unknown_type_hresult=0x803B001B)
        with pytest.raises(Failed, match=code(0x803B001B)):
            caller.create("Network", {"Name": "net", "Type": "Bridge", "SchemaVersion": {"Major": 2}})
        with pytest.raises(Failed, match=code(0x803B000B)):
            caller.create("Network", {"Name": "net", "Type": "Bridge", "SchemaVersion": {"Major": 1}})


class TestSubnets:
    @pytest.mark.parametrize("kind", ["L2Bridge", "L2Tunnel", "Overlay"])
    def test_these_types_need_a_static_subnet(self, caller: Caller, kind: str) -> None:
        with pytest.raises(Failed, match=code(0x803B000A)):
            caller.network(kind, prefix="")
        document = network_document(kind, "net", "10.9.3.0/24")
        document["Ipams"][0]["Type"] = "DHCP"
        with pytest.raises(Failed, match=code(0x803B000A)):
            caller.create("Network", document)

    @pytest.mark.parametrize(
        "routes",
        [
            pytest.param([], id="no route"),
            pytest.param([{"NextHop": "10.9.3.1", "DestinationPrefix": "10.0.0.0/8"}], id="another route"),
            pytest.param([{"NextHop": "", "DestinationPrefix": "0.0.0.0/0"}], id="no next hop"),
        ],
    )
    def test_these_types_need_a_default_route(self, caller: Caller, routes: list[Any]) -> None:
        document = network_document("L2Bridge", "net", "10.9.3.0/24")
        document["Ipams"][0]["Subnets"][0]["Routes"] = routes
        with pytest.raises(Failed, match=code(0x803B0032)):
            caller.create("Network", document)

    @pytest.mark.parametrize(
        ("prefix", "hresult"),
        [
            pytest.param("10.9.3.1/24", 0x803B000A, id="a host inside the prefix"),
            pytest.param("10.9.3.0", 0x803B0030, id="no length"),
            pytest.param("pods", 0x803B0030, id="no prefix"),
            pytest.param("", 0x803B0032, id="nothing"),
        ],
    )
    def test_a_prefix_that_is_none_is_refused(self, caller: Caller, prefix: str, hresult: int) -> None:
        document = network_document("L2Bridge", "net", "10.9.3.0/24")
        document["Ipams"][0]["Subnets"][0]["IpAddressPrefix"] = prefix
        with pytest.raises(Failed, match=code(hresult)):
            caller.create("Network", document)

    def test_a_prefix_that_names_a_host_has_the_code_of_the_one_report(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        route = {"NextHop": "172.22.16.1", "DestinationPrefix": "0.0.0.0/0"}
        reported = {"IpAddressPrefix": "172.22.16.0/16", "Routes": [route]}
        document = {"Name": "nat", "Type": "NAT", "Ipams": [{"Subnets": [reported]}]}
        with pytest.raises(Failed, match=code(0x803B000A)) as failure:
            caller.create("Network", document)
        words = "The provided network configuration is invalid or missing parameters. "
        assert json.loads(failure.value.record)["Error"] == words
        simulator.set_options(host_bits_hresult=0x803B0030)
        with pytest.raises(Failed, match=code(0x803B0030)):
            caller.create("Network", document)
        simulator.set_options(host_bits_hresult=0)
        caller.create("Network", document)

    def test_a_gateway_outside_its_subnet_is_taken_as_some_clients_have_it_or_refused(
        self, caller: Caller, simulator: Simulator
    ) -> None:
        document = network_document("L2Bridge", "net", "10.244.3.0/24")
        document["Ipams"][0]["Subnets"][0]["Routes"][0]["NextHop"] = "10.240.0.1"
        network = caller.create("Network", document)
        caller.delete("Network", network)
        simulator.set_options(gateway_outside_hresult=0x803B0032)
        with pytest.raises(Failed, match=code(0x803B0032)):
            caller.create("Network", document)

    @pytest.mark.parametrize("inner", ["10.9.4.0/25", "fd00::/64", "10.0.0.0/8"])
    def test_an_ip_subnet_lies_in_its_subnet(self, caller: Caller, inner: str) -> None:
        document = network_document("L2Bridge", "net", "10.9.3.0/24")
        document["Ipams"][0]["Subnets"][0]["IpSubnets"] = [{"IpAddressPrefix": inner}]
        with pytest.raises(Failed, match=code(0x803B0033)):
            caller.create("Network", document)

    def test_subnets_get_ids(self, caller: Caller) -> None:
        document = caller.get("Network", caller.network())
        (found,) = document["Ipams"][0]["Subnets"]
        assert found["ID"]
        assert found["IpSubnets"][0]["IpAddressPrefix"] == "10.9.3.0/24"

    def test_the_older_name_of_the_prefix_is_read(self, caller: Caller) -> None:
        document = network_document("L2Bridge", "net", "10.9.3.0/24")
        found = document["Ipams"][0]["Subnets"][0]
        found["AddressPrefix"] = found.pop("IpAddressPrefix")
        caller.create("Network", document)

    @pytest.mark.parametrize(
        "policy", [{"Type": "VLAN", "Settings": {"IsolationId": 7}}, {"Type": "VLAN", "VLAN": 7}]
    )
    def test_a_vlan_may_be_written_in_both_shapes(self, caller: Caller, policy: dict[str, Any]) -> None:
        document = network_document("L2Bridge", "net", "10.9.3.0/24")
        document["Ipams"][0]["Subnets"][0]["Policies"] = [policy]
        found = caller.get("Network", caller.create("Network", document))["Ipams"][0]["Subnets"][0]
        assert found["Policies"] == [{"Type": "VLAN", "Settings": {"IsolationId": 7}}]


class TestDualStack:
    @pytest.mark.parametrize(
        ("kind", "version", "prefixes", "taken"),
        [
            pytest.param("L2Bridge", "11.10", ("10.9.3.0/24", "fd00::/64"), True, id="l2bridge"),
            pytest.param("L2Bridge", "11.9", ("10.9.3.0/24", "fd00::/64"), False, id="before its version"),
            pytest.param("L2Bridge", "15.4", ("fd00::/64",), False, id="IPv6 alone"),
            pytest.param("NAT", "15.4", ("10.9.3.0/24", "fd00::/64"), True, id="NAT"),
            pytest.param("Overlay", "15.4", ("10.9.3.0/24", "fd00::/64"), False, id="overlay"),
        ],
    )
    def test_where_it_can_be_had(
        self,
        caller: Caller,
        simulator: Simulator,
        kind: str,
        version: str,
        prefixes: tuple[str, ...],
        taken: bool,
    ) -> None:
        simulator.set_options(hns_version=version)
        document = network_document(kind, "net", *prefixes)
        if taken:
            caller.create("Network", document)
        else:
            with pytest.raises(Failed, match=code(0x803B0032)):
                caller.create("Network", document)


class TestAdapters:
    def test_without_a_name_hns_chooses(self, caller: Caller) -> None:
        assert caller.get("Network", caller.network(), 1)["NetworkAdapterName"] == "Ethernet"

    @pytest.mark.parametrize("kind", ["NAT", "ICS", "Internal", "Private"])
    def test_internal_types_take_none(self, caller: Caller, simulator: Simulator, kind: str) -> None:
        simulator.adapters = []
        assert "NetworkAdapterName" not in caller.get("Network", caller.network(kind), 1)

    @pytest.mark.parametrize(
        ("policies", "hresult"),
        [
            pytest.param(_on("vEthernet (Ethernet)"), 0x80070057, id="the host's virtual adapter"),
            pytest.param(_on("Loopback"), 0x80070057, id="another virtual adapter"),
            pytest.param(_on("Wi-Fi"), 0x803B0006, id="an adapter that cannot carry a switch"),
            pytest.param(_on("Missing"), 0x803B0006, id="no such adapter"),
        ],
    )
    def test_an_adapter_is_refused(
        self, caller: Caller, simulator: Simulator, policies: list[Any], hresult: int
    ) -> None:
        simulator.adapters = [*simulator.adapters, WIFI, VIRTUAL]
        with pytest.raises(Failed, match=code(hresult)):
            caller.network(Policies=policies)

    @pytest.mark.parametrize("adapters", [[], [WIFI], [VIRTUAL]])
    def test_a_node_without_a_physical_one(
        self, caller: Caller, simulator: Simulator, adapters: list[Any]
    ) -> None:
        simulator.adapters = adapters
        with pytest.raises(Failed, match=code(0x803B0006)):
            caller.network()

    @pytest.mark.parametrize(
        "policy",
        [
            {"Type": "NetAdapterName", "Settings": {"NetworkAdapterName": "SECOND"}},
            {"Type": "InterfaceConstraint", "Settings": {"InterfaceAlias": "Second"}},
            {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "198.51.100.2"}},
        ],
    )
    def test_it_can_be_chosen(self, caller: Caller, simulator: Simulator, policy: dict[str, Any]) -> None:
        simulator.adapters = [*simulator.adapters, SECOND]
        network = caller.network(Policies=[policy])
        assert caller.get("Network", network, 1)["NetworkAdapterName"] == "Second"

    def test_a_constraint_without_an_alias_chooses_none(self, caller: Caller) -> None:
        network = caller.network(
            Policies=[{"Type": "InterfaceConstraint", "Settings": {"InterfaceIndex": 3}}]
        )
        assert caller.get("Network", network, 1)["NetworkAdapterName"] == "Ethernet"

    def test_one_carries_one_kind_of_switch(self, caller: Caller) -> None:
        caller.network("L2Bridge")
        with pytest.raises(Failed, match=code(0x803B0006)):
            caller.network("Overlay", name="other", prefix="10.8.0.0/24")
        with pytest.raises(Failed, match=code(0x80070057)):
            caller.network("Overlay", name="other", prefix="10.8.0.0/24", Policies=_on("Ethernet"))
        caller.network("L2Bridge", name="other", prefix="10.8.0.0/24")

    def test_the_code_for_that_is_an_option(self, caller: Caller, simulator: Simulator) -> None:
        simulator.set_options(adapter_conflict_hresult=0x803B0006)
        caller.network("L2Bridge")
        with pytest.raises(Failed, match=code(0x803B0006)):
            caller.network("Overlay", name="other", prefix="10.8.0.0/24", Policies=_on("Ethernet"))

    @pytest.mark.parametrize(("kind", "shared"), [("Overlay", True), ("L2Bridge", False)])
    def test_by_option_only_overlay_networks_share_one(
        self, caller: Caller, simulator: Simulator, kind: str, shared: bool
    ) -> None:
        simulator.set_options(adapter_shared_by_one_kind=False)
        caller.network(kind)
        if shared:
            caller.network(kind, name="other", prefix="10.8.0.0/24")
        else:
            with pytest.raises(Failed, match=code(0x803B0006)):
                caller.network(kind, name="other", prefix="10.8.0.0/24")

    def test_a_free_one_is_chosen(self, caller: Caller, simulator: Simulator) -> None:
        simulator.adapters = [*simulator.adapters, SECOND]
        caller.network("L2Bridge")
        other = caller.network("Transparent", name="other", prefix="")
        assert caller.get("Network", other, 1)["NetworkAdapterName"] == "Second"

    def test_a_deleted_network_gives_it_back(self, caller: Caller) -> None:
        caller.delete("Network", caller.network("L2Bridge"))
        caller.network("Transparent")

    def test_transparent_needs_an_address_on_it(self, caller: Caller, simulator: Simulator) -> None:
        simulator.adapters = [{"name": "Ethernet", "kind": "physical", "address": ""}]
        with pytest.raises(Failed, match=code(0x80070490)):
            caller.network("Transparent")


class TestTransparent:
    def test_without_a_subnet_an_endpoint_has_no_address(self, caller: Caller) -> None:
        document = caller.get("Endpoint", caller.endpoint(caller.network("Transparent", prefix="")))
        assert (document["IpConfigurations"], document["Routes"]) == ([], [])

    def test_without_a_subnet_a_given_address_is_taken(self, caller: Caller) -> None:
        network = caller.network("Transparent", prefix="")
        endpoint = caller.endpoint(
            network, IpConfigurations=[{"IpAddress": "192.0.2.77", "PrefixLength": 24}]
        )
        assert caller.get("Endpoint", endpoint)["IpConfigurations"] == [
            {"IpAddress": "192.0.2.77", "PrefixLength": 24}
        ]

    def test_an_endpoint_that_asks_for_dhcp_has_no_address(self, caller: Caller) -> None:
        document = caller.get("Endpoint", caller.endpoint(caller.network("Transparent"), Flags=32))
        assert document["IpConfigurations"] == []


class TestManagementAddress:
    """It appears after the network has been created, and a while is counted in calls."""

    @staticmethod
    def _policies(caller: Caller, network: str) -> dict[str, str]:
        policies = caller.get("Network", network)["Policies"]
        return {policy["Type"]: next(iter(policy["Settings"].values())) for policy in policies}

    @pytest.mark.parametrize("kind", ["L2Bridge", "Transparent", "L2Tunnel"])
    def test_it_becomes_a_policy_later(self, caller: Caller, simulator: Simulator, kind: str) -> None:
        simulator.set_options(management_address_after_calls=6)
        network = caller.network(kind)  # two calls, the creation and a query
        assert self._policies(caller, network) == {}
        assert "ManagementIP" not in caller.get("Network", network, 1)
        assert self._policies(caller, network) == {"ProviderAddress": "192.0.2.10"}
        assert caller.get("Network", network, 1)["ManagementIP"] == "192.0.2.10"

    def test_on_overlay_the_routers_mac_comes_with_it(self, caller: Caller) -> None:
        network = caller.network("Overlay")
        found = self._policies(caller, network)
        assert set(found) == {"ProviderAddress", "DrMacAddress"}
        assert caller.get("Network", network, 1)["DrMacAddress"] == found["DrMacAddress"]

    def test_it_does_not_double_the_policy_that_chose_the_adapter(self, caller: Caller) -> None:
        policy = {"Type": "ProviderAddress", "Settings": {"ProviderAddress": "192.0.2.10"}}
        assert caller.get("Network", caller.network(Policies=[policy]))["Policies"] == [policy]

    def test_nat_has_none(self, caller: Caller) -> None:
        assert self._policies(caller, caller.network("NAT")) == {}

    @pytest.mark.parametrize(
        ("version", "found"), [("15.1", {}), ("15.0", {"ProviderAddress": "192.0.2.10"})]
    )
    def test_a_switch_without_the_hosts_port_has_none(
        self, caller: Caller, simulator: Simulator, version: str, found: dict[str, str]
    ) -> None:
        simulator.set_options(hns_version=version)
        assert self._policies(caller, caller.network(Flags=1024)) == found


class TestOverlay:
    @pytest.mark.parametrize(
        "policies",
        [
            pytest.param([], id="no VSID"),
            pytest.param([{"Type": "VSID", "Settings": {"IsolationId": 4095}}], id="a VSID that is a VLAN's"),
        ],
    )
    def test_it_needs_a_vsid_of_4096_or_more(
        self, caller: Caller, simulator: Simulator, policies: list[Any]
    ) -> None:
        document = network_document("Overlay", "net", "10.9.3.0/24")
        document["Ipams"][0]["Subnets"][0]["Policies"] = policies
        with pytest.raises(Failed, match=code(0x803B000D)):
            caller.create("Network", document)
        simulator.set_options(vsid_hresult=0)
        caller.create("Network", document)


def test_counts_of_endpoints_are_in_the_v1_view(caller: Caller) -> None:
    network = caller.network()
    made = [caller.endpoint(network) for _ in range(3)]
    caller.delete("Endpoint", made[0])
    document = caller.get("Network", network, 1)
    counts = ("CurrentEndpointCount", "TotalEndpoints", "MaxConcurrentEndpoints")
    assert [document[name] for name in counts] == [2, 3, 3]


def test_every_answer_names_the_version_that_made_the_object(caller: Caller, simulator: Simulator) -> None:
    simulator.set_options(hns_version="13.3")
    network = caller.network()
    assert caller.get("Network", network)["Version"] == 55834574851
    assert caller.get("Endpoint", caller.endpoint(network))["Version"] == 55834574851


def test_an_owner_is_given_back(caller: Caller) -> None:
    assert caller.get("Network", caller.network(Owner="somebody"))["Owner"] == "somebody"
    assert "Owner" not in caller.get("Network", caller.network(name="other", prefix="10.8.0.0/24"))


def test_a_refused_network_leaves_nothing(caller: Caller) -> None:
    with pytest.raises(Failed):
        caller.network(Policies=_on("Missing"))
    assert caller.ids("Network") == []


def test_a_gateway_is_not_needed_on_an_internal_network(caller: Caller) -> None:
    document = network_document("Internal", "net", "10.9.3.0/24")
    document["Ipams"][0]["Subnets"][0]["Routes"] = []
    endpoint = caller.endpoint(caller.create("Network", document))
    assert caller.get("Endpoint", endpoint)["Routes"] == []


def test_subnet_helper_makes_the_first_address_the_gateway() -> None:
    assert subnet("10.9.3.0/24")["Routes"][0]["NextHop"] == "10.9.3.1"
